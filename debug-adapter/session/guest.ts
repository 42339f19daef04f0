/**
 * The machine of a session together with its symbols, as one of its processors sees it: linear memory, decoded
 * instructions, the stack pointer, and what expressions read and write. Everything here is free of side effects on the
 * guest except the writes.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Address, Machine, Vcpu } from '../../vm-core/index.ts';
import { chosenFacts, type CpuModelFacts, findRegister, offsetInPage, pageStart, plus } from '../../vm-core/index.ts';
import {
  type DecodedInstruction,
  decodeInstruction,
  INSTRUCTION_LENGTH_MAX,
} from '../disassembly/decode-instruction.ts';
import type { ExpressionContext } from '../expressions/compile.ts';
import { formatFar, formatHex } from '../expressions/format.ts';
import type { SymbolTable } from '../symbols/symbol-table.ts';
import { CodeLocations } from './code-locations.ts';
import { segmentBaseOf } from './descriptors.ts';
import type { KeptSource } from './kept-sources.ts';
import { writeRegister } from './write-register.ts';

const PAGE_SIZE = 0x1000;
const LINEAR_END = 2 ** 32;
/** Where the lower half of the canonical addresses ends, by the levels of page tables that long mode has. */
const WIDE_ENDS: Readonly<Record<number, number>> = { 4: 2 ** 47, 5: 2 ** 56 };
const STACK_POINTER_OFFSET = findRegister('RSP')?.offset ?? 0;
/** Descriptor attribute D/B of a stack segment: ESP instead of SP. */
const ATTRIBUTE_BIG = 1 << 10;

/** A processor other than the first, and what all have in common. */
interface SeenBy {
  readonly vcpu: Vcpu;
  readonly cpus: Guest[];
  readonly codeLocations: CodeLocations;
}

export class Guest {
  readonly machine: Machine;
  readonly vcpu: Vcpu;
  /** The same machine as each of its processors sees it, by their index; this one is among them. */
  readonly cpus: readonly Guest[];
  readonly symbols: SymbolTable;
  /** What expressions of this guest work on. */
  readonly expressions: ExpressionContext;

  /** What the guest is made of, as far as the session knows. */
  readonly modules: readonly DebugProtocol.Module[];
  /** Places in code that values were said to lead to; the same for all processors. */
  readonly codeLocations: CodeLocations;
  /** Sources that only their listings have, by path. */
  readonly keptSources: ReadonlyMap<string, KeptSource>;

  constructor(
    machine: Machine,
    symbols: SymbolTable,
    modules: readonly DebugProtocol.Module[] = [],
    keptSources: ReadonlyMap<string, KeptSource> = new Map(),
    seenBy?: SeenBy,
  ) {
    this.machine = machine;
    this.modules = modules;
    this.keptSources = keptSources;
    this.symbols = symbols;
    const { vcpu, cpus, codeLocations } = seenBy ?? {
      vcpu: machine.cpus[0],
      cpus: [],
      codeLocations: new CodeLocations(),
    };
    this.vcpu = vcpu;
    this.codeLocations = codeLocations;
    this.cpus = cpus;
    this.expressions = makeExpressionContext(this);
    if (seenBy) return;
    cpus.push(this);
    for (const other of machine.cpus.slice(1)) {
      cpus.push(new Guest(machine, symbols, modules, keptSources, { vcpu: other, cpus, codeLocations }));
    }
  }

  /** True if there are processors to tell apart. */
  get hasSeveralCpus(): boolean {
    return this.cpus.length > 1;
  }

  /**
   * Bytes from an address to the end of its half of the address space: none in the hole between canonical addresses. In
   * compatibility mode the memory beyond 4 GiB is that of the operating system, which a user may want to see.
   */
  #room(linearAddress: Address): number {
    const end = WIDE_ENDS[this.vcpu.paging.rules.levels];
    if (end === undefined) return linearAddress < 0 ? 0 : Math.max(0, LINEAR_END - Number(linearAddress));
    if (linearAddress < 0) return linearAddress < -end ? 0 : Number(-linearAddress);
    return linearAddress < end ? Number(BigInt(end) - BigInt(linearAddress)) : 0;
  }

  /** Copies linear memory; the result is short where nothing is mapped or the address space ends. */
  readLinear(linearAddress: Address, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(Math.min(length, this.#room(linearAddress)));
    let done = 0;
    while (done < bytes.length) {
      const chunk = this.#chunk(plus(linearAddress, done), bytes.length - done);
      if (!chunk) break;
      const read = this.machine.memory.read(chunk.physicalAddress, chunk.length);
      bytes.set(read, done);
      done += read.length;
      if (read.length < chunk.length) break;
    }
    return bytes.subarray(0, done);
  }

  /** Writes linear memory; returns how many bytes found memory. */
  writeLinear(linearAddress: Address, bytes: Uint8Array): number {
    const length = Math.min(bytes.length, this.#room(linearAddress));
    let done = 0;
    while (done < length) {
      const chunk = this.#chunk(plus(linearAddress, done), length - done);
      if (!chunk) break;
      const written = this.machine.memory.write(chunk.physicalAddress, bytes.subarray(done, done + chunk.length));
      done += written;
      if (written < chunk.length) break;
    }
    return done;
  }

  /** The part of a run of linear addresses that lies in the first one's page, and where that is. */
  #chunk(linearAddress: Address, length: number): { physicalAddress: number; length: number } | undefined {
    const physicalAddress = this.translate(linearAddress);
    if (physicalAddress === undefined) return undefined;
    return { physicalAddress, length: Math.min(length, PAGE_SIZE - offsetInPage(linearAddress)) };
  }

  /** Physical address of a linear one; undefined where nothing is mapped. */
  translate(linearAddress: Address): number | undefined {
    if (this.#room(linearAddress) === 0) return undefined;
    const page = this.vcpu.translate(pageStart(linearAddress));
    return page === undefined ? undefined : page + offsetInPage(linearAddress);
  }

  /** Lets the machine record calls, and executed code if the machine before it did. */
  startRecords(before: Guest | undefined): void {
    this.machine.recordsCalls = true;
    this.machine.recordsTrace = before?.machine.recordsTrace === true;
    this.machine.recordsBranches = before?.machine.recordsBranches === true;
  }

  /** True in 64-bit mode: addresses are signed numbers, and most segments mean nothing. */
  get is64Bit(): boolean {
    return this.vcpu.codeSize === 64;
  }

  /** Bits of an address as the mode has them. */
  get addressWidth(): 32 | 64 {
    return this.is64Bit ? 64 : 32;
  }

  /** A sum of addresses wraps at 4 GiB outside of 64-bit mode. */
  wrapLinear(sum: number): number {
    // Conditions come here; most addresses are the same in every mode.
    return (sum >= 0 && sum < LINEAR_END) || this.is64Bit ? sum : sum >>> 0;
  }

  /** A little-endian integer, unsigned up to four bytes, signed with eight; undefined where nothing is mapped. */
  readInteger(linearAddress: number, size: 1 | 2 | 4 | 8): number | undefined {
    const at = this.wrapLinear(linearAddress);
    if (size !== 8 && at >= 0 && at < LINEAR_END && (at & (PAGE_SIZE - 1)) + size <= PAGE_SIZE) {
      const physicalAddress = this.vcpu.translate(at);
      return physicalAddress === undefined ? undefined : this.machine.memory.readInteger(physicalAddress, size);
    }
    const value = this.readBits(at, size);
    return value === undefined ? undefined : Number(size === 8 ? BigInt.asIntN(64, value) : value);
  }

  /** A little-endian integer, unsigned; undefined where nothing is mapped. */
  readBits(linearAddress: Address, size: number): bigint | undefined {
    const inPage = offsetInPage(linearAddress);
    if (size === 8 && inPage + size <= PAGE_SIZE) {
      const at = this.translate(linearAddress);
      const low = at === undefined ? undefined : this.machine.memory.readInteger(at, 4);
      const high = at === undefined ? undefined : this.machine.memory.readInteger(at + 4, 4);
      return low === undefined || high === undefined ? undefined : (BigInt(high) << 32n) | BigInt(low);
    }
    const bytes = this.readLinear(linearAddress, size);
    return bytes.length < size ? undefined : bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  }

  /** Writes the lower bytes of a value; false where not all found memory. */
  writeBits(linearAddress: Address, size: number, value: number | bigint): boolean {
    const bytes = Uint8Array.from({ length: size }, (_, n) => Number((BigInt(value) >> BigInt(n * 8)) & 0xffn));
    return this.writeLinear(linearAddress, bytes) === size;
  }

  /** Where a segment begins for the mode: those of 64-bit mode at 0, but for FS and GS. */
  segmentBase(name: string): Address {
    if (this.is64Bit && name !== 'FS' && name !== 'GS') return 0;
    const register = findRegister(`${name}.base`);
    return register ? this.vcpu.state.readExact(register.offset) : 0;
  }

  get codeBase(): number {
    return this.is64Bit ? 0 : this.register('CS.base');
  }

  /** An address of the current code segment's offset `offset`, with the wrap of 16-bit code. */
  codeAddress(offset: number): number {
    return this.wrapLinear(this.codeBase + this.codeOffset(offset));
  }

  codeOffset(offset: number): number {
    return this.vcpu.codeSize === 16 ? offset & 0xffff : this.wrapLinear(offset);
  }

  /** The processor is one of AMD, which decodes some instructions of 64-bit mode otherwise. */
  get isAmd(): boolean {
    return this.model.vendor === 'AuthenticAMD';
  }

  /** What is known of the processors, as they are configured. */
  get model(): CpuModelFacts {
    return chosenFacts(this.machine.config);
  }

  /** Decodes at a linear address as the current code segment would; undefined where nothing is mapped. */
  decode(linearAddress: number): DecodedInstruction | undefined {
    const bytes = this.readLinear(linearAddress, INSTRUCTION_LENGTH_MAX);
    if (bytes.length === 0) return undefined;
    const offset = this.codeOffset(linearAddress - this.codeBase);
    return decodeInstruction(bytes, 0, this.vcpu.codeSize, offset, this.isAmd);
  }

  /** Width of stack offsets in bits. */
  get stackSize(): 16 | 32 | 64 {
    if (this.is64Bit) return 64;
    return (this.register('SS.attributes') & ATTRIBUTE_BIG) !== 0 ? 32 : 16;
  }

  /** RSP, ESP or SP, whichever the stack uses. */
  get stackPointer(): number {
    if (this.is64Bit) return this.vcpu.state.readAddress(STACK_POINTER_OFFSET);
    const esp = this.register('ESP');
    return this.stackSize === 16 ? esp & 0xffff : esp;
  }

  /** Linear address of an offset in the stack segment. */
  stackAddress(offset: number): number {
    if (this.is64Bit) return offset;
    const wrapped = this.stackSize === 16 ? offset & 0xffff : offset;
    return (this.register('SS.base') + wrapped) >>> 0;
  }

  /** An unsigned register of the table; an unknown name is our mistake. */
  register(name: string): number {
    const register = findRegister(name);
    if (!register) throw new Error(`no register ${name} in the table`);
    return Number(this.vcpu.state.readRegister(register));
  }

  /** `0000:7C00` of a linear address in the current code segment; plain linear where the segment does not reach it. */
  describeAddress(linearAddress: number): string {
    const offset = this.wrapLinear(linearAddress - this.codeBase);
    if (this.vcpu.codeSize === 16 && offset > 0xffff) return formatHex(linearAddress, 32);
    return formatFar(this.register('CS'), offset, this.vcpu.codeSize);
  }

  /** `label`, `label+0x10`, or undefined when no label is near. */
  describeSymbol(linearAddress: number): string | undefined {
    const nearest = this.symbols.nearestLabel(linearAddress);
    if (!nearest || nearest.offset > SYMBOL_OFFSET_MAX) return undefined;
    return nearest.offset === 0 ? nearest.name : `${nearest.name}+0x${nearest.offset.toString(16)}`;
  }
}

/** Farther from a label than this, an address is not said to belong to it. */
const SYMBOL_OFFSET_MAX = 0xffff;

function makeExpressionContext(guest: Guest): ExpressionContext {
  const { symbols, vcpu } = guest;
  let wideLabels: boolean | undefined;
  return {
    state: vcpu.state,
    cpu: vcpu.index,
    isLong: guest.model.features.has('LM'),
    is64Bit: () => guest.is64Bit,
    writeRegister: (part, value) => writeRegister(guest, part, value),
    readMemory: (at, size) => {
      if (typeof at === 'number' && at >= 0 && at < LINEAR_END) return guest.readInteger(at, size);
      const value = guest.readBits(at, size);
      return value === undefined ? undefined : Number(value);
    },
    readQword: (at) => guest.readBits(at, 8),
    writeMemory: (at, size, value) => guest.writeBits(at, size, value),
    get hasWideLabels() {
      wideLabels ??= [...symbols.labels()].some(({ address }) => address < 0 || address >= LINEAR_END);
      return wideLabels;
    },
    label: (name) => labelAddress(guest, name),
    segmentBase: (selector) => segmentBaseOf(guest, selector),
    translate: (linearAddress) => guest.translate(linearAddress),
  };

  /** A name that begins with a dot is local to the label that the next instruction is under, as in NASM. */
  function labelAddress({ vcpu: { linearEip } }: Guest, name: string): number | undefined {
    if (!name.startsWith('.')) return symbols.label(name);
    const parent = symbols.nearestLabel(linearEip)?.name.split('.')[0];
    return parent === undefined ? undefined : symbols.label(parent + name);
  }
}
