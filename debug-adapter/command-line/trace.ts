/**
 * The instruction trace: a line for every instruction with its address, bytes and text, and the registers it changed.
 * The machine runs one instruction at a time for it.
 *
 *     0000:7C05  31C0              xor ax, ax                        EAX=00000000 EFLAGS=00000046
 *
 * Where there are several processors, `CPU 1` and so on stands before it.
 */
import { closeSync, writeSync } from 'node:fs';
import {
  findRegister,
  type Machine,
  type Register,
  type RunLimit,
  type RunResult,
  type Vcpu,
  registers,
  modelFacts,
} from '../../vm-core/index.ts';
import { decodeInstruction, INSTRUCTION_LENGTH_MAX } from '../disassembly/decode-instruction.ts';
import { openOutputFile } from './output-files.ts';

const BUFFERED_SIZE_MAX = 1 << 16;
const BYTES_COLUMN = 18;
const TEXT_COLUMN = 34;

/** What changes with every instruction, and what is shown by other means, is left out. */
const OMITTED: ReadonlySet<string> = new Set(['EIP', 'RIP']);
const CODE_SEGMENT = findRegister('CS');
const traced: readonly Register[] = registers.filter(({ name }) => !OMITTED.has(name));
/** Bytes of the state that are compared at once: most instructions change few. */
const PIECE = 64;
const STATE_END = Math.max(...traced.map(({ offset, size, longSize }) => offset + (longSize ?? size)));
/** Indices in `traced` by the piece of the state in which a register lies. */
const piecesOf: readonly (readonly number[])[] = Array.from({ length: Math.ceil(STATE_END / PIECE) }, (_, piece) =>
  traced.flatMap(({ offset, size, longSize }, index) => {
    const last = offset + (longSize ?? size) - 1;
    return Math.floor(offset / PIECE) <= piece && Math.floor(last / PIECE) >= piece ? [index] : [];
  }),
);
/** Flags are not in the state as they are shown. */
const FLAGS = traced.findIndex(({ name }) => name === 'EFLAGS');
/** Registers that are lower halves of others: 64-bit code is shown the whole ones, any other code these. */
const halves: ReadonlySet<string | undefined> = new Set(registers.map(({ wholeOf }) => wholeOf));

export class Trace {
  private readonly machine: Machine;
  private readonly file: number;
  /** Values of registers by the index of the processor, and the bytes of the state that they are of. */
  private readonly before: readonly { readonly values: bigint[]; readonly bytes: Buffer }[];
  private buffered = '';

  /** Opens the file; throws an Error that names it if that fails. */
  constructor(machine: Machine, path: string) {
    this.machine = machine;
    this.file = openOutputFile('trace', path);
    this.before = machine.cpus.map(({ state }) => ({
      values: traced.map((register) => state.readRegister(register)),
      bytes: Buffer.from(bytesOf(state)),
    }));
  }

  /** Like the machine's `run`, with a line written for every instruction that was retired. */
  run(limit: RunLimit): RunResult {
    const { cpus } = this.machine;
    let result: RunResult = { reason: 'limit', cpu: 0 };
    for (let count = 0; count < limit.instructionsMax; count += 1) {
      // A run without an instruction comes to the processor whose turn it is, and delivers what is pending there.
      if (cpus.length > 1) result = this.machine.run({ ...limit, instructionsMax: 0 });
      if (result.reason !== 'limit') return result;
      const vcpu = cpus[result.cpu] ?? cpus[0];
      const { retired } = vcpu;
      const text = this.describeInstruction(vcpu);
      result = this.machine.run({ ...limit, instructionsMax: 1 });
      if (vcpu.retired !== retired) this.write(`${text}${this.describeChanges(vcpu)}`);
      if (result.reason !== 'limit') return result;
    }
    return result;
  }

  close(): void {
    this.flush();
    closeSync(this.file);
  }

  private describeInstruction(vcpu: Vcpu): string {
    const { state, codeSize, linearEip, index } = vcpu;
    const isAmd = modelFacts(this.machine.config.cpuModel).vendor === 'AuthenticAMD';
    const bytes = this.readLinear(vcpu, linearEip, INSTRUCTION_LENGTH_MAX);
    const selector = hexadecimal(CODE_SEGMENT === undefined ? 0 : Number(state.readRegister(CODE_SEGMENT)), 4);
    const whose = this.machine.cpus.length === 1 ? '' : `CPU ${index}  `;
    const place = `${whose}${selector}:${hexadecimal(state.eip, codeSize / 4)}`;
    if (bytes.length === 0) return `${place}  (no memory)`;
    const { length, text } = decodeInstruction(bytes, 0, codeSize, state.eip, isAmd);
    const shown = Array.from(bytes.subarray(0, length), (byte) => hexadecimal(byte, 2)).join('');
    return `${place}  ${shown.padEnd(BYTES_COLUMN - 1)} ${text.padEnd(TEXT_COLUMN - 1)}`;
  }

  /** Page by page, as neighbouring pages need not be neighbours in memory. */
  private readLinear(vcpu: Vcpu, linearAddress: number, length: number): Uint8Array {
    const bytes: number[] = [];
    while (bytes.length < length) {
      const at = linearAddress + bytes.length;
      const physicalAddress = vcpu.translate(vcpu.codeSize === 64 ? at : at >>> 0);
      if (physicalAddress === undefined) break;
      const inPage = 0x1000 - (physicalAddress & 0xfff);
      const read = this.machine.memory.read(physicalAddress, Math.min(inPage, length - bytes.length));
      if (read.length === 0) break;
      bytes.push(...read);
    }
    return Uint8Array.from(bytes);
  }

  private describeChanges({ state, codeSize, index: cpu }: Vcpu): string {
    const { values, bytes } = this.before[cpu] as Trace['before'][number];
    const now = bytesOf(state);
    const candidates = [FLAGS];
    piecesOf.forEach((indices, piece) => {
      const [from, to] = [piece * PIECE, (piece + 1) * PIECE];
      if (now.compare(bytes, from, to, from, to) === 0) return;
      now.copy(bytes, from, from, to);
      candidates.push(...indices);
    });
    let changes = '';
    for (const index of candidates.sort((a, b) => a - b)) {
      const register = traced[index] as Register;
      const value = state.readRegister(register);
      if (value === values[index]) continue;
      values[index] = value;
      if (codeSize === 64 ? halves.has(register.name) : register.isLong) continue;
      changes += ` ${register.name}=${value
        .toString(16)
        .toUpperCase()
        .padStart(register.size * 2, '0')}`;
    }
    return changes;
  }

  private write(line: string): void {
    this.buffered += `${line.trimEnd()}\n`;
    if (this.buffered.length > BUFFERED_SIZE_MAX) this.flush();
  }

  private flush(): void {
    writeSync(this.file, this.buffered);
    this.buffered = '';
  }
}

/** The bytes of a processor's state as they are now: memory may have moved since the last time. */
function bytesOf({ view, base }: Vcpu['state']): Buffer {
  return Buffer.from(view.buffer as ArrayBuffer, base, piecesOf.length * PIECE);
}

/** Addresses of the upper half of 64-bit mode are negative numbers. */
function hexadecimal(value: number, digits: number): string {
  return (value < 0 ? BigInt.asUintN(64, BigInt(value)) : value).toString(16).toUpperCase().padStart(digits, '0');
}
