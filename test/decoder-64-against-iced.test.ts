/**
 * The decoder against iced-x86 in 64-bit mode: byte strings have the same length, mnemonic and operands in both, or are
 * refused by both. Random strings, and every pair of prefixes before every opcode.
 */
import {
  type Instruction as IcedInstruction,
  Decoder as IcedDecoder,
  DecoderOptions,
  Mnemonic,
  OpKind,
  Register,
} from 'iced-x86';
import { describe, expect, it } from 'vitest';
import type { DecodedInstruction } from '../vm-core/isa/decoded-instruction.ts';
import { Decoder } from '../vm-core/isa/decoder.ts';
import { hasFeature } from '../vm-core/isa/cpu-model.ts';
import type { InstructionRow } from '../vm-core/isa/instruction-row.ts';
import { instructionRows } from '../vm-core/isa/instruction-table.ts';
import { type OperandCode, resolveOperand } from '../vm-core/isa/operand.ts';
import { DS, FS, GS, internal, longGeneralSlots, SS, slot } from '../vm-core/state/layout.ts';

const ROUNDS = Number(process.env['DECODER_ROUNDS'] ?? 40_000);
const IP = 0x7fff_1234_5000n;

const PREFIXES = [0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x64, 0x65, 0x40, 0x41, 0x42, 0x44, 0x48, 0x4f];

/** Mnemonics that rows of another name have in iced-x86. */
const SIZED = (name: string, suffixes: string) => [...suffixes].map((suffix) => name + suffix);
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  CBW: ['CBW', 'CWDE', 'CDQE'],
  CWD: ['CWD', 'CDQ', 'CQO'],
  MOVS: SIZED('MOVS', 'WDQ'),
  CMPS: SIZED('CMPS', 'WDQ'),
  STOS: SIZED('STOS', 'WDQ'),
  LODS: SIZED('LODS', 'WDQ'),
  SCAS: SIZED('SCAS', 'WDQ'),
  INS: SIZED('INS', 'BWD'),
  OUTS: SIZED('OUTS', 'BWD'),
  JCXZ: ['JECXZ', 'JRCXZ'],
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
  PUSHF: ['PUSHF', 'PUSHFQ'],
  POPF: ['POPF', 'POPFQ'],
  IRET: ['IRET', 'IRETD', 'IRETQ'],
  RET_FAR: ['RETF'],
  RET_FAR_POP: ['RETF'],
  MOV_SREG_RM: ['MOV'],
  // F3h makes later instructions of these, where a model has them.
  BSF: ['BSF', 'TZCNT'],
  BSR: ['BSR', 'LZCNT'],
  WBINVD: ['WBINVD', 'WBNOINVD'],
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

/** What one row of the table leaves to the cpu layer, which refuses it there: iced-x86 has it as no instruction. */
function isRefusedLater({ name }: InstructionRow, { memoryForm }: DecodedInstruction): boolean {
  return name === 'MOV_SREG_RM' && !memoryForm;
}

function random(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
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

function memoryText(ours: DecodedInstruction): string {
  const { addressSize, baseSlot, indexSlot, scale, displacement, immediate, isAbsolute, length } = ours;
  const base = baseSlot === internal.ZERO ? '-' : baseSlot === slot.EIP ? 'ip' : longGeneralSlots.indexOf(baseSlot);
  const index = indexSlot === internal.ZERO ? '-' : `${longGeneralSlots.indexOf(indexSlot)}*${1 << scale}`;
  const whole = isAbsolute ? (BigInt(immediate >>> 0) << 32n) | BigInt(displacement >>> 0) : BigInt(displacement);
  const distance = baseSlot === slot.EIP ? whole + IP + BigInt(length) : whole;
  return `[${ours.segment} ${base} ${index} ${hex(distance, addressSize)}]`;
}

function operandText(row: InstructionRow, code: OperandCode, ours: DecodedInstruction): string | undefined {
  if (code === 'Jb' || code === 'Jz') return hex(IP + BigInt(ours.length) + BigInt(ours.immediate));
  if (code === 'Sw' || code === 'Cd' || code === 'Dd') return `number ${ours.reg}`;
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
    default:
      return undefined;
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
  else if (/^([CD]R)\d+$/.test(name)) NAMED.set(name, `number ${name.slice(2)}`);
  else if (/^[ECSDFG]S$/.test(name)) NAMED.set(name, `number ${['ES', 'CS', 'SS', 'DS', 'FS', 'GS'].indexOf(name)}`);
}

const registerName = (register: Register) => NAMED.get(Register[register] as string) ?? Register[register] ?? '';

/** iced-x86 reports a prefix of a segment that 64-bit mode ignores; what counts is the base then. */
function segmentOf(theirs: IcedInstruction): number {
  if (theirs.memorySegment === Register.FS) return FS;
  if (theirs.memorySegment === Register.GS) return GS;
  const onStack = [Register.RSP, Register.RBP, Register.ESP, Register.EBP].includes(theirs.memoryBase);
  return onStack ? SS : DS;
}

function icedMemory(theirs: IcedInstruction): string {
  const segment = segmentOf(theirs);
  const name = (register: Register) =>
    register === Register.None
      ? '-'
      : /IP$/.test(Register[register] as string)
        ? 'ip'
        : registerName(register).slice(1).split(':')[0];
  const scale = theirs.memoryIndex === Register.None ? '' : `*${theirs.memoryIndexScale}`;
  const bits = /:32$|EIP/.test(`${registerName(theirs.memoryBase)} ${registerName(theirs.memoryIndex)}`) ? 32 : 64;
  const distance = hex(theirs.memoryDisplacement, bits);
  return `[${segment} ${name(theirs.memoryBase)} ${name(theirs.memoryIndex)}${scale} ${distance}]`;
}

function icedOperand(theirs: IcedInstruction, index: number, bits: number): string {
  switch (theirs.opKind(index)) {
    case OpKind.Register:
      return registerName(theirs.opRegister(index));
    case OpKind.Memory:
      return icedMemory(theirs);
    case OpKind.NearBranch16:
    case OpKind.NearBranch32:
    case OpKind.NearBranch64:
      return hex(theirs.nearBranchTarget);
    default:
      return hex(theirs.immediate(index), bits);
  }
}

/** Of system operations the registers' sizes are their own business, and so is the segment of what is not accessed. */
function normalized(text: string, row: InstructionRow): string {
  const isUnaccessed = row.name === 'LEA' || row.name === 'NOP';
  const plain = row.semantics ? text : text.replace(/:(16|32|64)$/, '');
  return isUnaccessed ? plain.replace(/^\[\d/, '[') : plain;
}

function compareOperands(row: InstructionRow, ours: DecodedInstruction, theirs: IcedInstruction): string | undefined {
  if (theirs.opCount !== row.operands.length || !row.operands.length) return undefined;
  // MOV Sreg and its like have a selector of 16 bits in a register of any size.
  const loose = row.operands.includes('Sw');
  for (const [index, code] of row.operands.entries()) {
    const mine = operandText(row, code, ours);
    if (mine === undefined) continue;
    const operand = resolveOperand(code, ours.operandSize, ours.memoryForm);
    const iced = icedOperand(
      theirs,
      index,
      row.semantics && operand.kind !== 'constant' && 'bits' in operand ? operand.bits : 16,
    );
    const strip = (text: string) => normalized(loose ? text.replace(/:\d+$/, '') : text, row);
    if (strip(mine) !== strip(iced)) return `operand ${index}: ours ${mine}, iced ${iced}`;
  }
  return undefined;
}

interface Comparison {
  readonly compared: number;
  readonly differences: readonly string[];
}

function compare(strings: Iterable<Uint8Array>): Comparison {
  const decoder = new Decoder('max');
  const differences = new Map<string, string>();
  let compared = 0;
  for (const bytes of strings) {
    const ours = decoder.decode((at) => bytes[at] ?? 0, 64);
    const iced = new IcedDecoder(64, bytes, DecoderOptions.None);
    iced.ip = IP;
    const theirs = iced.decode();
    const text = Buffer.from(bytes).toString('hex');
    const row = instructionRows[ours.rowIndex];
    const mnemonic = (Mnemonic[theirs.mnemonic] ?? '').toUpperCase();
    if (row && !NOT_COMPARED.has(row.name)) {
      compared++;
      const isOther = !namesOf(row).includes(mnemonic);
      const difference = theirs.isInvalid
        ? !isRefusedLater(row, ours) && 'iced refuses it'
        : theirs.length !== ours.length
          ? `ours ${ours.length} bytes, iced ${theirs.length}`
          : isOther
            ? `iced has ${mnemonic}`
            : compareOperands(row, ours, theirs);
      if (difference) differences.set(`${row.opcode} ${row.name} ${difference.slice(0, 12)}`, `${text}: ${difference}`);
    } else if (!row && !theirs.isInvalid && knownNames.has(mnemonic)) {
      differences.set(`${mnemonic} ${text.slice(0, 4)}`, `${text}: ours refuses ${mnemonic}`);
    }
    theirs.free();
    iced.free();
  }
  return { compared, differences: [...differences].map(([key, value]) => `${key}: ${value}`) };
}

function* randomStrings(next: () => number): Iterable<Uint8Array> {
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = Uint8Array.from({ length: 16 }, () => next() & 0xff);
    const isEscaped = round % 3 === 0;
    if (isEscaped) bytes[0] = 0x0f;
    if (isEscaped && round % 2 === 0) bytes.set([0x48 | (next() & 7), 0x0f], 0);
    yield bytes;
  }
}

/** No prefix, one, and each pair, before each opcode. */
function* prefixedStrings(next: () => number): Iterable<Uint8Array> {
  const none: readonly number[][] = [[]];
  const pairs = [...none, ...PREFIXES.map((x) => [x]), ...PREFIXES.flatMap((x) => PREFIXES.map((y) => [x, y]))];
  for (const prefixes of pairs) {
    for (let opcode = 0; opcode < 512; opcode++) {
      const code = opcode < 256 ? [opcode] : [0x0f, opcode - 256];
      const bytes = [...prefixes, ...code, next() & 0xff];
      while (bytes.length < 18) bytes.push(next() & 0xff);
      yield Uint8Array.from(bytes);
    }
  }
}

describe('64-bit mode', () => {
  it(`agrees with iced-x86 on ${ROUNDS} random byte strings`, () => {
    const { compared, differences } = compare(randomStrings(random(0x64)));
    expect(differences.slice(0, 40)).toEqual([]);
    expect(compared).toBeGreaterThan(ROUNDS / 4);
  });

  it('agrees with iced-x86 on every pair of prefixes before every opcode', { timeout: 60_000 }, () => {
    const { compared, differences } = compare(prefixedStrings(random(0x4864)));
    expect(differences.slice(0, 40)).toEqual([]);
    expect(compared).toBeGreaterThan(50_000);
  });
});
