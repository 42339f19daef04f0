/**
 * Random sequences of the rows that need no system, in 64-bit code and in compatibility mode, at levels 0 and 3: all
 * operand sizes and address forms, code and data in both halves of the address space, FS and GS with bases. What faults is
 * handled through a random IDT: gates with and without a stack of their own (SDM vol. 3A §6.14).
 */
import { hasFeature } from '../../../vm-core/isa/cpu-model.ts';
import type { InstructionRow } from '../../../vm-core/isa/instruction-row.ts';
import { instructionRows } from '../../../vm-core/isa/instruction-table.ts';
import { isMemoryOnly, isRegisterOrMemory, type OperandSize } from '../../../vm-core/isa/operand.ts';
import { encodeRow, operandSizes, type Placed } from '../placed-encoder.ts';
import { notCompared } from '../forms.ts';
import { type Random, randomWords } from '../random.ts';
import { bytesOf, emptyCase, type Patch, type SystemCase } from './case.ts';
import { CODE, CPU_MODEL, DATA, DATA_SIZE, GATES_64, SELECTOR } from './layout.ts';
import { Program } from './program.ts';
import { RegisterStack } from './register-stack.ts';
import { unitControl, unitOperand, unitRegisters, unitRows, unitStart } from './unit-operands.ts';
import { landingOf, STACKS, TYPE, wideGate } from './zone.ts';

const INSTRUCTIONS_MAX = 7;
const STORES_STATE = /^F?(NSTENV|NSAVE|XSAVE)|^XGETBV$/;
const [RAX, RCX, RBX, RSP, RBP, RSI, RDI] = [0, 1, 3, 4, 5, 6, 7];
/** The upper half, where PML4 entry 256 has the same memory. */
export const UPPER = 0xffff_8000_0000_0000n;

/** Rows that need a coprocessor, and those of which QEMU 7.2 has it wrong (explained.ts, forms.ts). */
const NOT_COMPARED: ReadonlySet<string> = new Set([
  ...['ESC', 'WAIT', 'BLSI', 'ADCX', 'ADOX', 'CMPXCHG8B', 'CMPXCHG16B'],
]);
const notComparedOpcodes: ReadonlySet<string> = new Set(
  notCompared.filter(({ operandSize }) => operandSize === undefined).map(({ opcode }) => opcode),
);

const integerRows: readonly InstructionRow[] = instructionRows.filter(
  ({ semantics, name, opcode, feature, operands, unit }) =>
    semantics !== undefined &&
    unit === undefined &&
    !operands.includes('Sw') &&
    !NOT_COMPARED.has(name) &&
    !notComparedOpcodes.has(opcode) &&
    hasFeature(CPU_MODEL, feature),
);

/** Rows by the size of the code that has them. */
type RowsBySize = Readonly<Record<OperandSize, readonly InstructionRow[]>>;

const bySize = (rows: readonly InstructionRow[]): RowsBySize => ({
  64: rows.filter(({ mode }) => mode !== 'i64'),
  32: rows.filter(({ mode }) => mode !== 'o64'),
  16: rows.filter(({ mode }) => mode !== 'o64'),
});

const rowsOf = bySize(integerRows);
const unitRowsOf = bySize(unitRows);
/** How many of 100 instructions are of the other units in the cases of these. */
const UNIT_PERCENT = 80;

/** What the code of a case runs as. */
export interface CodeKind {
  readonly codeSize: OperandSize;
  readonly level: 0 | 3;
  readonly cs: number;
  /** Base of the code segment. */
  readonly base: number;
}

const kindOf = (codeSize: OperandSize, level: 0 | 3, cs: number, base = 0): CodeKind => ({ codeSize, level, cs, base });

export const codeKinds: readonly CodeKind[] = [
  kindOf(64, 0, SELECTOR.CODE_64),
  kindOf(64, 3, SELECTOR.USER_CODE_64 | 3),
  kindOf(32, 0, SELECTOR.CODE_32),
  kindOf(32, 3, SELECTOR.USER_CODE_32 | 3),
  kindOf(16, 0, SELECTOR.CODE_16, 0x20000),
  kindOf(16, 3, SELECTOR.USER_CODE_16 | 3, 0x20000),
];

/** 64 bits: edges, something small, addresses, anything. */
export function wideValue(random: Random): bigint {
  const low = BigInt(random.value());
  const kind = random.below(6);
  if (kind === 0) return (BigInt(random.next()) << 32n) | BigInt(random.next());
  if (kind === 1) return BigInt.asUintN(64, BigInt.asIntN(32, low));
  if (kind === 2) return (BigInt(random.value()) << 32n) | low;
  if (kind === 3) return random.pick([1n << 63n, (1n << 63n) - 1n, (1n << 64n) - 1n, 1n << 47n, 0x7fff_ffff_fff8n]);
  return kind === 4 ? BigInt(DATA + random.below(DATA_SIZE)) : low;
}

/** A sequence of instructions in one of the kinds of code. */
export function integerCase(random: Random): SystemCase {
  const kind = random.chance(70) ? random.pick(codeKinds.slice(0, 2)) : random.pick(codeKinds);
  return new IntegerCase(random, kind, false).make();
}

/** A sequence with instructions of the x87, MMX and SSE, which begins with a state of them by chance. */
export function unitCase(random: Random): SystemCase {
  const kind = random.chance(60) ? random.pick(codeKinds.slice(0, 2)) : random.pick(codeKinds);
  return new IntegerCase(random, kind, true).make();
}

class IntegerCase {
  readonly #random: Random;
  readonly #kind: CodeKind;
  readonly #program: Program;
  readonly #upper: bigint;
  readonly #bases: readonly [bigint, bigint];

  readonly #hasUnits: boolean;
  readonly #operands: Patch[] = [];
  readonly #used: number;
  readonly #stack: RegisterStack;
  readonly #hasNans: boolean;
  #isMisaligned = false;

  constructor(random: Random, kind: CodeKind, hasUnits: boolean) {
    this.#random = random;
    this.#kind = kind;
    this.#hasUnits = hasUnits;
    this.#hasNans = random.chance(15);
    this.#used = hasUnits ? random.between(3, 8) : 0;
    this.#stack = new RegisterStack(this.#used);
    const is64 = kind.codeSize === 64;
    this.#upper = is64 && random.chance(30) ? UPPER : 0n;
    this.#program = new Program(kind.codeSize, this.#upper + BigInt(CODE - kind.base));
    const base = () => (is64 && random.chance(60) ? random.pick([0x1000n, 0x2_0000n, UPPER, -0x1_0000n]) : 0n);
    this.#bases = [base(), base()];
  }

  make(): SystemCase {
    const random = this.#random;
    const { level, cs } = this.#kind;
    const count = random.between(1, INSTRUCTIONS_MAX);
    const names: string[] = [];
    // What QEMU stores or tells of the state otherwise is not read again.
    for (let n = 0; n < count && !this.#program.isFull && !STORES_STATE.test(names.at(-1) ?? ''); n++) {
      names.push(this.#instruction());
    }
    const outer = level === 3;
    const data = outer ? SELECTOR.USER_DATA | 3 : SELECTOR.DATA;
    const stack = outer ? STACKS.OUTER : STACKS.INNER;
    const rsp = BigInt(stack) + (random.chance(30) ? this.#upper : 0n);
    const msrs = [...emptyCase.msrs];
    msrs[7] = this.#bases[0];
    msrs[8] = this.#bases[1];
    return {
      ...emptyCase,
      ...(this.#hasUnits ? unitControl(random) : {}),
      text: `${this.#kind.codeSize}-bit level ${level}: ${names.join(', ')}`,
      ...{ cs, ss: data, ds: data, es: data },
      fs: this.#kind.codeSize === 64 ? 0 : data,
      gs: this.#kind.codeSize === 64 ? 0 : data,
      rip: this.#program.origin,
      rsp: rsp - BigInt(random.below(8)),
      rflags: 2 | (random.next() & 0x8d5) | (random.chance(15) ? 0x400 : 0) | (random.chance(20) ? 0x3000 : 0),
      general: Array.from({ length: 16 }, () => wideValue(random)),
      msrs,
      codeSize: this.#kind.codeSize,
      isMisaligned: this.#isMisaligned,
      hasNans: this.#hasNans,
      patches: [
        { at: CODE, bytes: this.#program.bytes },
        ...randomGates(random),
        ...(this.#hasUnits ? [unitStart(random, this.#used, this.#hasNans)] : []),
        ...this.#operands,
      ],
      undefinedFlags: this.#program.undefinedEver,
    };
  }

  /** Adds an instruction with the values that it needs in registers; gives its name. */
  #instruction(): string {
    const random = this.#random;
    const { codeSize } = this.#kind;
    const isUnit = this.#hasUnits && random.chance(UNIT_PERCENT);
    const row = random.pick((isUnit ? unitRowsOf : rowsOf)[codeSize]);
    const sizes = operandSizes(row, codeSize).filter((one) => mayHave(row, one, codeSize));
    if (sizes.length === 0) return this.#instruction();
    const size = random.pick(sizes);
    const isPrefetch = /^0F 18/.test(row.opcode);
    const choice = row.operands.some(isRegisterOrMemory);
    const memory = isPrefetch || row.operands.some(isMemoryOnly) || (choice && random.chance(60));
    const program = this.#program;
    this.#prepare(row);
    const { segmentPrefix, middle } = this.#place(row, memory && !row.repeat, isUnit && memory);
    const next = () => random.next();
    // Once to see what it needs before it, then at the place where it comes to lie.
    const seed = random.next();
    const around = { codeSize, middle, ...(segmentPrefix === undefined ? {} : { segmentPrefix }) };
    const replay = () => randomWords(seed);
    const first = encodeRow(row, size, memory, { ...around, code: program.at }, replay());
    if (
      (isUnit && isStackPointer(row, memory, first)) ||
      isMisplaced(row, first.code) ||
      (isUnit && !(takesMmx(row, first.code) && this.#stack.accepts(row, first.code)))
    )
      return this.#instruction();
    for (const [register, value] of first.registers) program.set(register, value);
    if (row.lockable && memory && random.chance(15)) return this.#locked(row, first.code);
    if (isIndirect(row)) return this.#indirect(row, first.code, memory, middle);
    if (row.name === 'RET') this.#pushNext(first.code.length, next);
    if (program.needsDefinedFlags(first.code)) program.defineFlags();
    program.instruction(encodeRow(row, size, memory, { ...around, code: program.at }, replay()).code);
    return row.name;
  }

  /** Index registers, frame pointers and counts that make an instruction harmless, most of the time. */
  #prepare({ repeat, name }: InstructionRow): void {
    const random = this.#random;
    if (random.chance(8)) return;
    const data = () => this.#upper + BigInt(DATA + 0x100 + random.below(DATA_SIZE - 0x200));
    for (const [register, value] of unitRegisters(name, random, data)) this.#program.set(register, value);
    if (repeat) this.#program.set(RSI, data()).set(RDI, data()).set(RCX, random.below(6));
    if (name === 'XLAT') this.#program.set(RBX, data());
    if (name === 'LEAVE') this.#program.set(RBP, data());
    if (/^LOOP|JCXZ/.test(name) && random.chance(50)) this.#program.set(RCX, random.below(2));
    if (/^I?DIV$/.test(name) && random.chance(60)) this.#program.set(2, 0);
  }

  /** Where the operand in memory is to lie, now and then where nothing is or at the edge of the canonical addresses. */
  #place(
    row: InstructionRow,
    mayHaveSegment: boolean,
    isUnit: boolean,
  ): { segmentPrefix: number | undefined; middle: bigint } {
    const random = this.#random;
    const { name } = row;
    const is64 = this.#kind.codeSize === 64;
    const linear = BigInt(isUnit ? this.#unitPlace(row) : DATA + 0x100 + random.below(DATA_SIZE - 0x200));
    if (is64 && random.chance(4) && !/^CL(FLUSH|WB)/.test(name)) {
      const odd = random.pick([0x7fff_ffff_fffcn, 0x8000_0000_0000n, -0x8000_0000_0002n, 0x1_0000_0000n, -2n]);
      this.#isMisaligned ||= isUnit;
      return { segmentPrefix: undefined, middle: odd };
    }
    const half = is64 && random.chance(30) ? UPPER : 0n;
    if (!mayHaveSegment || !random.chance(20)) return { segmentPrefix: undefined, middle: half + linear };
    const which = random.below(2);
    const base = is64 ? (this.#bases[which] as bigint) : 0n;
    return { segmentPrefix: 0x64 + which, middle: BigInt.asIntN(64, half + linear - base) };
  }

  /** An aligned place most of the time, with an operand there that suits the row. */
  #unitPlace(row: InstructionRow): number {
    const random = this.#random;
    const any = DATA + 0x100 + random.below(DATA_SIZE - 0x700);
    const at = random.chance(96) ? any & -64 : any;
    this.#isMisaligned ||= at !== (any & -64);
    this.#operands.push(...unitOperand(row, at, random, this.#hasNans));
    return at;
  }

  #locked(row: InstructionRow, code: readonly number[]): string {
    // RIP-relative operands would count from a place that has moved: the data is wide enough for that.
    this.#program.instruction([0xf0, ...code]);
    return `LOCK ${row.name}`;
  }

  /** A near transfer to the next instruction: its target is put into the register or the memory that it names. */
  #indirect(row: InstructionRow, code: readonly number[], memory: boolean, middle: bigint): string {
    const program = this.#program;
    if (memory || program.codeSize !== 64) return this.#instruction();
    const rex = code.length > 2 ? (code[code.length - 3] as number) : 0;
    const register = ((code.at(-1) as number) & 7) | ((rex & 0xf0) === 0x40 ? (rex & 1) << 3 : 0);
    if (register === RSP || middle === 0n) return this.#instruction();
    if (program.needsDefinedFlags(code)) program.defineFlags();
    // LEA register, [RIP + length of the transfer].
    program.raw(0x48 | ((register >> 3) << 2), 0x8d, 0x05 | ((register & 7) << 3), ...bytesOf(code.length, 4));
    program.instruction(code);
    return row.name;
  }

  /** PUSH of the address behind a near return that follows. */
  #pushNext(length: number, next: () => number): void {
    const program = this.#program;
    if (program.codeSize !== 64 || next() % 10 === 0) return;
    // LEA RAX, [RIP + what follows]; PUSH RAX.
    program.raw(0x48, 0x8d, 0x05, ...bytesOf(1 + length, 4), 0x50 + RAX);
  }
}

/** Without an operand-size prefix where that would make another instruction of it. */
const mayHave = ({ name, opcode }: InstructionRow, size: OperandSize, codeSize: OperandSize): boolean => {
  if (name === 'BSWAP' && size === 16) return false;
  // Near transfers that cut EIP, or take it from anywhere.
  if (codeSize !== 64 && (name === 'RET' || (size !== codeSize && /^(J|LOOP|CALL)/.test(name)))) return false;
  return !(codeSize === 16 && (name === 'CRC32' || name === 'MOVBE' || opcode.startsWith('VEX')));
};

/** SHLD and SHRD with an immediate, of an operand relative to RIP: QEMU 7.2 has it one byte before (explained.ts). */
const isMisplaced = ({ opcode }: InstructionRow, code: readonly number[]): boolean =>
  (opcode === '0F A4' || opcode === '0F AC') && ((code.at(-6) ?? 0) & 0xc7) === 0x05;

/** Whether a small number would get into the stack pointer, so that the next push hits the harness. */
const isStackPointer = ({ operands: [first] }: InstructionRow, memory: boolean, { reg, rm }: Placed): boolean =>
  first !== undefined && ((/^G/.test(first) && reg === RSP) || (/^[ER]/.test(first) && !memory && rm === RSP));

/** Whether bits of a REX prefix that mean nothing for registers of MMX are clear: QEMU 7.2 looks at them (explained.ts). */
function takesMmx({ operands, unit }: InstructionRow, code: readonly number[]): boolean {
  if (unit === undefined || !operands.some((operand) => /^[PQN]/.test(operand))) return true;
  const opcodeAt = code.indexOf(0x0f);
  const rex = opcodeAt > 0 ? (code[opcodeAt - 1] as number) : 0;
  return (rex & 0xf0) !== 0x40 || (rex & 5) === 0;
}

const isIndirect = ({ opcode }: InstructionRow) => /^FF \/[24]$/.test(opcode);

/** Interrupt gates of the exceptions that sequences raise: on which stack, now and then as none that can be entered. */
function randomGates(random: Random): Patch[] {
  const patches: Patch[] = [];
  for (const vector of [0, 3, 6, 11, 12, 13, 14, 17]) {
    if (!random.chance(25)) continue;
    const half = random.chance(20) ? UPPER : 0n;
    const type = random.chance(90) ? TYPE.INTERRUPT : random.pick([TYPE.TRAP, TYPE.INTERRUPT & 0x7f, TYPE.CALL]);
    const target = half + BigInt(landingOf(vector));
    patches.push({
      at: GATES_64 + vector * 16,
      bytes: wideGate(SELECTOR.CODE_64, target, type, random.pick([0, 2, 3, 4])),
    });
  }
  return patches;
}
