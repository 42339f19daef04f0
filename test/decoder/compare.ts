/** One byte string in our decoder and in iced-x86: length, mnemonic and operands, or refused by both. */
import {
  Decoder as IcedDecoder,
  DecoderOptions,
  EncodingKind,
  Instruction as IcedInstruction,
  Mnemonic,
  OpKind,
  Register,
} from 'iced-x86';
import { hasFeature } from '../../vm-core/isa/cpu-model.ts';
import type { DecodedInstruction } from '../../vm-core/isa/decoded-instruction.ts';
import { Decoder } from '../../vm-core/isa/decoder.ts';
import type { InstructionRow } from '../../vm-core/isa/instruction-row.ts';
import { instructionRows } from '../../vm-core/isa/instruction-table.ts';
import { type OperandCode, type OperandSize, resolveOperand, type VectorField } from '../../vm-core/isa/operand.ts';
import {
  CS,
  DS,
  ES,
  FS,
  GS,
  internal,
  longGeneralSlots,
  mmxSlots,
  SS,
  slot,
  vectorSlots,
} from '../../vm-core/state/layout.ts';

/** Where the strings lie: an address of which all bits count, if the mode has so many. */
const IP = 0x7fff_1234_5000n;
const ipOf = (mode: OperandSize) => BigInt.asUintN(mode, IP);

/** Mnemonics that rows of another name have in iced-x86. */
const SIZED = (name: string, suffixes: string) => [...suffixes].map((suffix) => name + suffix);
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  PUSHA: ['PUSHA', 'PUSHAD'],
  POPA: ['POPA', 'POPAD'],
  CBW: ['CBW', 'CWDE', 'CDQE'],
  CWD: ['CWD', 'CDQ', 'CQO'],
  MOVS: SIZED('MOVS', 'WDQ'),
  CMPS: SIZED('CMPS', 'WDQ'),
  STOS: SIZED('STOS', 'WDQ'),
  LODS: SIZED('LODS', 'WDQ'),
  SCAS: SIZED('SCAS', 'WDQ'),
  INS: SIZED('INS', 'BWD'),
  OUTS: SIZED('OUTS', 'BWD'),
  JCXZ: ['JCXZ', 'JECXZ', 'JRCXZ'],
  XLAT: ['XLATB'],
  // Opcodes that are NOPs until a feature makes hints, bounds or shadow stacks of them.
  NOP: [
    ...['NOP', 'PAUSE', 'RESERVEDNOP', 'CLDEMOTE', 'ENDBR32', 'ENDBR64', 'RDSSPD', 'RDSSPQ'],
    ...['BNDLDX', 'BNDMOV', 'BNDCL', 'BNDCU', 'BNDMK', 'BNDCN', 'BNDSTX'],
  ],
  PREFETCH: ['PREFETCHNTA', 'PREFETCHT0', 'PREFETCHT1', 'PREFETCHT2', 'PREFETCHIT0', 'PREFETCHIT1', 'RESERVEDNOP'],
  PREFETCHW: ['PREFETCH', 'PREFETCHW', 'PREFETCHWT1', 'PREFETCHRESERVED'],
  SYSEXIT: ['SYSEXIT', 'SYSEXITQ'],
  SYSRET: ['SYSRET', 'SYSRETQ'],
  CMPXCHG8B: ['CMPXCHG8B', 'CMPXCHG16B'],
  SHL: ['SHL', 'SAL'],
  PUSHF: ['PUSHF', 'PUSHFD', 'PUSHFQ'],
  POPF: ['POPF', 'POPFD', 'POPFQ'],
  IRET: ['IRET', 'IRETD', 'IRETQ'],
  RET_FAR: ['RETF'],
  RET_FAR_POP: ['RETF'],
  MOV_SREG_RM: ['MOV'],
  // F3h makes later instructions of these, where a model has them.
  BSF: ['BSF', 'TZCNT'],
  BSR: ['BSR', 'LZCNT'],
  WBINVD: ['WBINVD', 'WBNOINVD'],
  ...Object.fromEntries(
    ['FXSAVE', 'FXRSTOR', 'XSAVE', 'XSAVEOPT', 'XSAVEC', 'XSAVES', 'XRSTOR', 'XRSTORS'].map((name) => [
      name,
      [name, `${name}64`],
    ]),
  ),
  FSTP: ['FSTP', 'FSTPNCE'],
  MOVD: ['MOVD', 'MOVQ'],
  PCMPESTRI: ['PCMPESTRI', 'PCMPESTRI64'],
  PCMPESTRM: ['PCMPESTRM', 'PCMPESTRM64'],
  PEXTRD: ['PEXTRD', 'PEXTRQ'],
  PINSRD: ['PINSRD', 'PINSRQ'],
  VMOVD: ['VMOVD', 'VMOVQ'],
  VPCMPESTRI: ['VPCMPESTRI', 'VPCMPESTRI64'],
  VPCMPESTRM: ['VPCMPESTRM', 'VPCMPESTRM64'],
  FENI: ['FNENI'],
  FDISI: ['FNDISI'],
  FSETPM: ['FNSETPM'],
};

/** Rows of which each is many instructions of iced-x86. */
const NOT_COMPARED = new Set(['ESC', 'WAIT']);
/** Names that iced-x86 has for instructions of SSE, and for hints, too. */
const AMBIGUOUS = new Set(['MOVSD', 'CMPSD', 'NOP', 'RESERVEDNOP']);

function namesOf({ name }: InstructionRow): readonly string[] {
  return OTHER_NAMES[name] ?? [name.split('_')[0] as string];
}

const knownNames = new Set(
  instructionRows
    .filter(({ feature }) => hasFeature('max', feature))
    .flatMap(namesOf)
    .filter((name) => !AMBIGUOUS.has(name)),
);

/** The test registers are the 386's and the 486's: on others the cpu layer refuses them. */
const REFUSED_LATER = new Set(['MOV_FROM_TR', 'MOV_TO_TR']);

/** What one row of the table leaves to the cpu layer, which refuses it there: iced-x86 has it as no instruction. */
function isRefusedLater({ name }: InstructionRow, { memoryForm }: DecodedInstruction): boolean {
  return REFUSED_LATER.has(name) || (name === 'MOV_SREG_RM' && !memoryForm);
}

const hex = (value: number | bigint, bits = 64) => BigInt.asUintN(bits, BigInt(value)).toString(16);

/** `r9w`: a register by number and bits. */
function registerText(slotOffset: number, bits: number): string {
  const high = bits === 8 && !longGeneralSlots.includes(slotOffset);
  const number = longGeneralSlots.indexOf(high ? slotOffset - 1 : slotOffset);
  return `r${number}${high ? 'h' : ''}:${bits}`;
}

/** Where the register of an operand is; that of VEX.vvvv stands in the place of a second immediate. */
const SLOTS: Readonly<Record<'rm' | 'reg' | 'vvvv', (ours: DecodedInstruction) => number>> = {
  rm: ({ rmSlot }) => rmSlot,
  reg: ({ regSlot }) => regSlot,
  vvvv: ({ immediate2 }) => immediate2,
};

/** The same of vector registers, one of which an immediate byte may name. */
const VECTOR_PLACES: Readonly<Record<VectorField, (ours: DecodedInstruction) => number>> = {
  ...SLOTS,
  is4: ({ immediate }) => immediate,
  index: ({ indexSlot }) => indexSlot,
};

/** The index of an address: a general register, or a vector by its name. */
function indexText(indexSlot: number, isVector256: boolean): string {
  const vector = vectorSlots.indexOf(indexSlot);
  return vector < 0 ? String(longGeneralSlots.indexOf(indexSlot)) : `${isVector256 ? 'YMM' : 'XMM'}${vector}`;
}

function memoryText(ours: DecodedInstruction, isVector256 = false): string {
  const { addressSize, baseSlot, indexSlot, scale, displacement, immediate, isAbsolute, length } = ours;
  const base = baseSlot === internal.ZERO ? '-' : baseSlot === slot.EIP ? 'ip' : longGeneralSlots.indexOf(baseSlot);
  const index = indexSlot === internal.ZERO ? '-' : `${indexText(indexSlot, isVector256)}*${1 << scale}`;
  const whole = isAbsolute ? (BigInt(immediate >>> 0) << 32n) | BigInt(displacement >>> 0) : BigInt(displacement);
  const distance = baseSlot === slot.EIP ? whole + ipOf(64) + BigInt(length) : whole;
  return `[${ours.segment} ${base} ${index} ${hex(distance, addressSize)}]`;
}

function operandText(row: InstructionRow, code: OperandCode, ours: DecodedInstruction, mode: OperandSize): string {
  if (code === 'Jb' || code === 'Jz') {
    return hex(ipOf(mode) + BigInt(ours.length) + BigInt(ours.immediate), ours.operandSize);
  }
  if (code === 'Ap') return `${hex(ours.immediate2, 16)}:${hex(ours.immediate, ours.operandSize)}`;
  if (code === 'Sw' || code === 'Cd' || code === 'Dd' || code === 'Td') return `number ${ours.reg}`;
  const operand = resolveOperand(code, ours.operandSize, ours.memoryForm);
  switch (operand.kind) {
    case 'memory':
      return memoryText(ours);
    case 'register':
      return registerText(SLOTS[operand.field](ours), operand.bits);
    case 'fixed':
      return registerText(operand.slot, operand.bits);
    case 'constant':
      return hex(operand.value);
    case 'immediate': {
      if (operand.whole) return hex((BigInt(ours.immediate >>> 0) << 32n) | BigInt(ours.displacement >>> 0));
      const second = code === 'Ib' && row.operands[0] === 'Iw';
      return hex(second ? ours.immediate2 : ours.immediate | 0, row.semantics ? operand.bits : 16);
    }
    case 'vectorMemory':
      return memoryText(ours);
    case 'vector':
      if (operand.field === 'index') return memoryText(ours, operand.bits === 256);
      return `${operand.bits === 256 ? 'YMM' : 'XMM'}${vectorSlots.indexOf(VECTOR_PLACES[operand.field](ours))}`;
    case 'mmx':
      return `MM${mmxSlots.indexOf(VECTOR_PLACES[operand.field](ours))}`;
    case 'stack':
      return `ST${ours.rmSlot}`;
  }
}

const NAMED = new Map<string, string>();
for (const [name, value] of Object.entries(Register)) {
  if (typeof value !== 'number') continue;
  const legacy = ['AX', 'CX', 'DX', 'BX', 'SP', 'BP', 'SI', 'DI'];
  const bytes = ['AL', 'CL', 'DL', 'BL', 'SPL', 'BPL', 'SIL', 'DIL'];
  const high = ['AH', 'CH', 'DH', 'BH'];
  const match = /^R(\d+)([LWD]?)$/.exec(name);
  if (legacy.includes(name)) NAMED.set(name, `r${legacy.indexOf(name)}:16`);
  else if (/^[ER]/.test(name) && legacy.includes(name.slice(1)))
    NAMED.set(name, `r${legacy.indexOf(name.slice(1))}:${name.startsWith('E') ? 32 : 64}`);
  else if (bytes.includes(name)) NAMED.set(name, `r${bytes.indexOf(name)}:8`);
  else if (high.includes(name)) NAMED.set(name, `r${high.indexOf(name)}h:8`);
  else if (match) NAMED.set(name, `r${match[1]}:${{ L: 8, W: 16, D: 32 }[match[2] as string] ?? 64}`);
  else if (/^([CDT]R)\d+$/.test(name)) NAMED.set(name, `number ${name.slice(2)}`);
  else if (/^[ECSDFG]S$/.test(name)) NAMED.set(name, `number ${['ES', 'CS', 'SS', 'DS', 'FS', 'GS'].indexOf(name)}`);
}

const registerName = (register: Register) => NAMED.get(Register[register] as string) ?? Register[register] ?? '';

const SEGMENT_NUMBERS = new Map<Register, number>([
  [Register.ES, ES],
  [Register.CS, CS],
  [Register.SS, SS],
  [Register.DS, DS],
  [Register.FS, FS],
  [Register.GS, GS],
]);
const STACK_BASES: ReadonlySet<Register> = new Set([
  Register.RSP,
  Register.RBP,
  Register.ESP,
  Register.EBP,
  Register.BP,
]);

/** iced-x86 reports a prefix of a segment that 64-bit mode ignores; what counts is the base then. */
function segmentOf(theirs: IcedInstruction, mode: OperandSize): number {
  const named = SEGMENT_NUMBERS.get(theirs.memorySegment) as number;
  if (mode !== 64 || named >= FS) return named;
  return STACK_BASES.has(theirs.memoryBase) ? SS : DS;
}

function icedMemory(theirs: IcedInstruction, mode: OperandSize, addressSize: number): string {
  const segment = segmentOf(theirs, mode);
  const name = (register: Register) =>
    register === Register.None
      ? '-'
      : /IP$/.test(Register[register] as string)
        ? 'ip'
        : registerName(register).replace(/^r/, '').split(':')[0];
  const scale = theirs.memoryIndex === Register.None ? '' : `*${theirs.memoryIndexScale}`;
  const distance = hex(theirs.memoryDisplacement, addressSize);
  return `[${segment} ${name(theirs.memoryBase)} ${name(theirs.memoryIndex)}${scale} ${distance}]`;
}

function icedOperand(
  theirs: IcedInstruction,
  index: number,
  bits: number,
  ours: DecodedInstruction,
  mode: OperandSize,
): string {
  switch (theirs.opKind(index)) {
    case OpKind.Register:
      return registerName(theirs.opRegister(index));
    case OpKind.Memory:
      return icedMemory(theirs, mode, ours.addressSize);
    case OpKind.NearBranch16:
    case OpKind.NearBranch32:
    case OpKind.NearBranch64:
      return hex(theirs.nearBranchTarget);
    case OpKind.FarBranch16:
      return `${hex(theirs.farBranchSelector)}:${hex(theirs.farBranch16)}`;
    case OpKind.FarBranch32:
      return `${hex(theirs.farBranchSelector)}:${hex(theirs.farBranch32)}`;
    default:
      return hex(theirs.immediate(index), bits);
  }
}

/**
 * Of system operations the registers' sizes are their own business, and so is the segment of what is not accessed. A NOP
 * reads no register: what iced-x86 has for RDSSPD has 32 bits with 66h, too.
 */
function normalized(text: string, row: InstructionRow): string {
  const isUnaccessed = row.name === 'LEA' || row.name === 'NOP';
  const plain = row.semantics && row.name !== 'NOP' ? text : text.replace(/:(16|32|64)$/, '');
  return isUnaccessed ? plain.replace(/^\[\d/, '[') : plain;
}

function compareOperands(
  row: InstructionRow,
  ours: DecodedInstruction,
  theirs: IcedInstruction,
  mode: OperandSize,
): string | undefined {
  if (theirs.opCount !== row.operands.length || !row.operands.length) return undefined;
  // MOV Sreg and its like have a selector of 16 bits in a register of any size.
  const loose = row.operands.includes('Sw');
  for (const [index, code] of row.operands.entries()) {
    const mine = operandText(row, code, ours, mode);
    const operand = resolveOperand(code, ours.operandSize, ours.memoryForm);
    const iced = icedOperand(
      theirs,
      index,
      row.semantics && operand.kind !== 'constant' && 'bits' in operand ? operand.bits : 16,
      ours,
      mode,
    );
    const strip = (text: string) => normalized(loose ? text.replace(/:\d+$/, '') : text, row);
    if (strip(mine) !== strip(iced)) return `operand ${index}: ours ${mine}, iced ${iced}`;
  }
  return undefined;
}

/** What a sweep came to. */
export interface Comparison {
  /** Strings that are an instruction here and were compared in all. */
  readonly compared: number;
  readonly differences: readonly string[];
}

const ENCODINGS: ReadonlySet<EncodingKind> = new Set([EncodingKind.Legacy, EncodingKind.VEX]);

/** Strings go to iced-x86 in groups of so many bytes each; the rest of a group is zero. */
const STRIDE = 32;
const GROUP = 4096;

/** Compares byte strings of at most 20 bytes in one mode. */
export function compare(mode: OperandSize, strings: Iterable<readonly number[] | Uint8Array>): Comparison {
  const sweep = new Sweep(mode);
  for (const bytes of strings) sweep.add(bytes);
  return sweep.end();
}

class Sweep {
  readonly #mode: OperandSize;
  readonly #group = new Uint8Array(STRIDE * GROUP);
  readonly #decoder = new Decoder('max');
  readonly #theirs = new IcedInstruction();
  readonly #differences = new Map<string, string>();
  #count = 0;
  #compared = 0;

  constructor(mode: OperandSize) {
    this.#mode = mode;
  }

  add(bytes: readonly number[] | Uint8Array): void {
    const at = this.#count * STRIDE;
    this.#group.fill(0, at, at + STRIDE);
    this.#group.set(bytes, at);
    this.#count++;
    if (this.#count === GROUP) this.#compareGroup();
  }

  end(): Comparison {
    this.#compareGroup();
    this.#theirs.free();
    return { compared: this.#compared, differences: [...this.#differences].map(([key, value]) => `${key}: ${value}`) };
  }

  #compareGroup(): void {
    const iced = new IcedDecoder(this.#mode, this.#group, DecoderOptions.None);
    for (let n = 0; n < this.#count; n++) {
      iced.position = n * STRIDE;
      iced.ip = ipOf(this.#mode);
      iced.decodeOut(this.#theirs);
      this.#compareOne(n * STRIDE);
    }
    iced.free();
    this.#count = 0;
  }

  #compareOne(start: number): void {
    const theirs = this.#theirs;
    const ours = this.#decoder.decode((at) => this.#group[start + at] as number, this.#mode);
    const row = instructionRows[ours.rowIndex];
    const mnemonic = theirs.isInvalid ? '' : (MNEMONICS[theirs.mnemonic] as string);
    const say = (key: string, difference: string) => {
      const text = Buffer.from(this.#group.subarray(start, start + 16)).toString('hex');
      this.#differences.set(`${key} ${difference.slice(0, 12)}`, `${text}: ${difference}`);
    };
    if (row && !NOT_COMPARED.has(row.name)) {
      this.#compared++;
      const difference = differenceOf(row, ours, theirs, mnemonic, this.#mode);
      if (difference) say(`${row.opcode} ${row.name}`, difference);
    } else if (!row && knownNames.has(mnemonic) && ENCODINGS.has(theirs.encoding)) {
      say(mnemonic, `ours refuses ${mnemonic}`);
    }
  }
}

const MNEMONICS = Object.fromEntries(
  Object.entries(Mnemonic).flatMap(([name, value]) => (typeof value === 'number' ? [[value, name.toUpperCase()]] : [])),
) as Readonly<Record<number, string>>;

function differenceOf(
  row: InstructionRow,
  ours: DecodedInstruction,
  theirs: IcedInstruction,
  mnemonic: string,
  mode: OperandSize,
): string | undefined {
  if (theirs.isInvalid) return isRefusedLater(row, ours) ? undefined : 'iced refuses it';
  if (theirs.length !== ours.length) return `ours ${ours.length} bytes, iced ${theirs.length}`;
  if (!namesOf(row).includes(mnemonic)) return `iced has ${mnemonic}`;
  return compareOperands(row, ours, theirs, mode);
}
