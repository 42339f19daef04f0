/**
 * What cases of system code do: transfers, loads of segments and tables, control and model-specific registers, exceptions.
 * Each action adds instructions to the program of a case, with operands in memory as patches. A table by name.
 */
import type { OperandSize } from '../../../vm-core/isa/operand.ts';
import type { Random } from '../random.ts';
import { bytesOf, type Patch } from './case.ts';
import { anySelector, codeSelector, isNarrow, landing, taskSelector } from './descriptors.ts';
import { DATA, GATES_32, GATES_64, GLOBAL_TABLE, SELECTOR, ZONE } from './layout.ts';
import type { Program } from './program.ts';
import { landingOf } from './zone.ts';

const [RAX, RCX, RDX, RBX, R11] = [0, 1, 2, 3, 11];
const DATA_SLOT = 0x20;

/** A case while it is made. */
export class Attempt {
  readonly random: Random;
  readonly program: Program;
  readonly level: number;
  readonly isLong: boolean;
  readonly patches: Patch[] = [];
  #slots = 0;

  constructor(random: Random, program: Program, level: number, isLong: boolean) {
    this.random = random;
    this.program = program;
    this.level = level;
    this.isLong = isLong;
  }

  get codeSize(): OperandSize {
    return this.program.codeSize;
  }

  /** Puts bytes into the data and gives their address. */
  data(bytes: readonly number[]): number {
    const at = DATA + 0x400 + this.#slots++ * DATA_SLOT;
    this.patches.push({ at, bytes });
    return at;
  }

  /** An instruction with a memory operand at an address. */
  memory(prefixes: readonly number[], opcode: readonly number[], reg: number, address: number): void {
    const place = this.codeSize === 64 ? [0x04, 0x25] : [0x05];
    const modRm = [(place[0] as number) | (reg << 3), ...place.slice(1)];
    const size = this.codeSize === 16 ? [0x67] : [];
    this.program.instruction([...size, ...prefixes, ...opcode, ...modRm, ...bytesOf(address, 4)]);
  }

  /** PUSH of an item of so many bytes. */
  push(value: number | bigint, bytes: number): void {
    const wide = BigInt.asUintN(64, BigInt(value));
    if (this.codeSize === 64 && bytes === 4) throw new Error('64-bit code pushes no double words');
    if (this.codeSize === 64 && bytes === 8 && BigInt.asIntN(32, wide) !== BigInt.asIntN(64, wide)) {
      this.program.set(RAX, wide).raw(0x50);
      return;
    }
    const short = bytes === 2;
    const prefix = short === (this.codeSize === 16) ? [] : [0x66];
    this.program.raw(...prefix, 0x68, ...bytesOf(wide, short ? 2 : 4));
  }

  /** The prefixes that give an instruction an operand size. */
  sized(size: OperandSize): number[] {
    if (size === 64) return [0x48];
    return (size === 16) === (this.codeSize === 16) ? [] : [0x66];
  }

  /** An operand size of the code. */
  anySize(): OperandSize {
    return this.random.pick(this.codeSize === 64 ? [16, 32, 64] : [16, 32]);
  }

  /** An offset that fits an operand size, on which code may land. */
  target(selector: number, size: OperandSize): number {
    return landing(this.random) - (isNarrow(selector) || size === 16 ? ZONE : 0);
  }
}

export type Action = (attempt: Attempt) => void;

const farMemory =
  (reg: 3 | 5): Action =>
  (attempt) => {
    const { random } = attempt;
    const size = attempt.anySize();
    const selector = random.chance(35) ? taskSelector(random) : codeSelector(random);
    const offset = attempt.target(selector, size);
    const at = attempt.data([...bytesOf(offset, size / 8), ...bytesOf(selector, 2)]);
    attempt.memory(attempt.sized(size), [0xff], reg, at);
  };

const farImmediate =
  (opcode: number): Action =>
  (attempt) => {
    if (attempt.codeSize === 64) {
      farMemory(opcode === 0xea ? 5 : 3)(attempt);
      return;
    }
    const { random } = attempt;
    const size = attempt.anySize();
    const selector = random.chance(35) ? taskSelector(random) : codeSelector(random);
    const offset = attempt.target(selector, size);
    attempt.program.instruction([
      ...attempt.sized(size),
      opcode,
      ...bytesOf(offset, size / 8),
      ...bytesOf(selector, 2),
    ]);
  };

/** Frames for RETF and IRET, with the outer stack behind what they always take. */
const farReturn =
  (isInterrupt: boolean): Action =>
  (attempt) => {
    const { random, codeSize } = attempt;
    const size: OperandSize = codeSize === 64 ? random.pick([16, 64, 64]) : attempt.anySize();
    const bytes = size / 8;
    const selector = codeSelector(random);
    const stack = random.chance(60)
      ? random.pick([SELECTOR.USER_DATA | 3, SELECTOR.USER_DATA | 3, SELECTOR.DATA, 0, 3])
      : anySelector(random);
    attempt.push(stack, bytes);
    attempt.push(random.pick([0x24800, 0x24810, 0x4800]), bytes);
    const flags = 2 | (random.next() & 0x8d5) | (random.chance(20) ? random.next() & 0x7000 : 0);
    if (isInterrupt) attempt.push(flags, bytes);
    attempt.push(selector, bytes);
    attempt.push(attempt.target(selector, size), bytes);
    const drop = !isInterrupt && random.chance(20);
    const opcode = isInterrupt ? [0xcf] : drop ? [0xca, 0, 0] : [0xcb];
    attempt.program.instruction([...attempt.sized(size), ...opcode]);
  };

const interrupt: Action = ({ random, program }) => {
  const vector = random.chance(70) ? random.pick(interruptVectors) : random.below(0x30);
  program.instruction([0xcd, vector]);
};

/** Vectors of which cases have gates of their own. */
export const interruptVectors: readonly number[] = [0x20, 0x21, 0x22, 0x23, 3, 4, 0x30];

const bytes =
  (...choices: readonly (readonly number[])[]): Action =>
  ({ random, program }) => {
    program.instruction(random.pick(choices));
  };

/** Loads RAX, RCX and RDX first, which SYSEXIT, SYSRET, WRMSR take. */
const withRegisters =
  (
    values: (attempt: Attempt) => readonly (readonly [number, bigint | number])[],
    choose: (attempt: Attempt) => number[],
  ): Action =>
  (attempt) => {
    for (const [register, value] of values(attempt)) attempt.program.set(register, value);
    attempt.program.instruction(choose(attempt));
  };

const wideAddress = (random: Random): bigint =>
  random.chance(70)
    ? BigInt(landing(random))
    : random.pick([
        0x8000_0000_0000n,
        0xffff_8000_0000_0000n + BigInt(landingOf(0xb0)),
        0x7fff_ffff_f000n,
        0xffff_7fff_ffff_ffffn,
      ]);

const sysexit = withRegisters(
  ({ random }) => [
    [RCX, 0x24800],
    [RDX, landing(random)],
  ],
  ({ random, codeSize }) => [...(codeSize === 64 && random.chance(60) ? [0x48] : []), 0x0f, 0x35],
);

/** Of R11 QEMU takes VM and RF too, and not VIF and VIP. */
const sysret = withRegisters(
  ({ random }) => [
    [RCX, landing(random)],
    [R11, random.next() & 0x24_7fd5],
  ],
  ({ random, codeSize }) => [...(codeSize === 64 && random.chance(60) ? [0x48] : []), 0x0f, 0x07],
);

/** MSRs that both machines have, and values that may be wrong for them. */
const MSR_NUMBERS = [
  ...[0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0x174, 0x175, 0x176, 0xc0000100, 0xc0000101, 0xc0000102],
];

const readMsr = withRegisters(
  ({ random }) => [[RCX, random.pick(MSR_NUMBERS)]],
  () => [0x0f, 0x32],
);

const writeMsr: Action = (attempt) => {
  const { random, program } = attempt;
  const number = random.pick(MSR_NUMBERS);
  const value = number === 0xc0000081 ? (BigInt(random.next()) << 32n) | BigInt(random.next()) : wideAddress(random);
  const kept = number === 0xc0000084 ? value & 0xffffffffn : number === 0x174 ? value & 0xffffn : value;
  program
    .set(RCX, number)
    .set(RAX, kept & 0xffffffffn)
    .set(RDX, kept >> 32n);
  program.instruction([0x0f, 0x30]);
};

/** A selector in a register or in memory; FS and GS also by POP. */
const loadSegment: Action = (attempt) => {
  const { random, program, isLong, codeSize } = attempt;
  const selector = anySelector(random);
  // DS stays usable for what follows where its limits count.
  const segment = random.pick(isLong && codeSize === 64 ? [0, 3, 4, 5] : [0, 4, 5]);
  if (segment >= 4 && random.chance(30)) {
    attempt.push(selector, codeSize === 64 ? 8 : codeSize / 8);
    program.instruction([0x0f, segment === 4 ? 0xa1 : 0xa9]);
    return;
  }
  if (random.chance(50)) {
    program.set(RBX, selector).instruction([0x8e, 0xc0 | (segment << 3) | RBX]);
    return;
  }
  attempt.memory([], [0x8e], segment, attempt.data(bytesOf(selector, 2)));
};

/** A null selector with an RPL is #GP; QEMU 7.2 loads it. */
const loadStack: Action = ({ random, program, level }) => {
  const own = level === 0 ? SELECTOR.DATA : SELECTOR.USER_DATA | 3;
  const selector = random.chance(60) ? anySelector(random) : random.pick([0, own]);
  program.set(RBX, (selector & 0xfffc) === 0 ? 0 : selector).instruction([0x8e, 0xc0 | (2 << 3) | RBX]);
};

const loadPointer: Action = (attempt) => {
  const { random } = attempt;
  const size = random.pick([16, 32] as const);
  const opcode = random.pick(
    attempt.codeSize === 64
      ? [
          [0x0f, 0xb4],
          [0x0f, 0xb5],
        ]
      : [[0xc4], [0x0f, 0xb4], [0x0f, 0xb5]],
  );
  const at = attempt.data([...bytesOf(random.next(), size / 8), ...bytesOf(anySelector(random), 2)]);
  attempt.memory(attempt.sized(size), opcode, RBX, at);
};

/** LAR, LSL, VERR, VERW, ARPL, SLDT, STR, SMSW. */
const aboutSelector: Action = (attempt) => {
  const { random, program, codeSize } = attempt;
  program.set(RBX, anySelector(random)).set(RCX, 0x1234_5678);
  const size = attempt.sized(attempt.anySize());
  const choices = [
    [...size, 0x0f, 0x02, 0xcb],
    [...size, 0x0f, 0x03, 0xcb],
    [0x0f, 0x00, 0xe3],
    [0x0f, 0x00, 0xeb],
    ...(codeSize === 64 ? [] : [[0x63, 0xcb]]),
    [...size, 0x0f, 0x00, 0xc1],
    [...size, 0x0f, 0x00, 0xc9],
  ];
  program.instruction(random.pick(choices));
};

const loadTask: Action = ({ random, program, isLong }) => {
  const isTask = random.chance(50);
  const selector = random.chance(25) ? random.pick([SELECTOR.LOCAL, SELECTOR.TASK_64, 0, 4]) : anySelector(random);
  // A null selector for LTR: QEMU 7.2 loads it. In protected mode the task has to be one that can be left again.
  const taskAt = isLong ? SELECTOR.TASK_64 : SELECTOR.FREE;
  const chosen = isTask && ((selector & 0xfffc) === 0 || !isLong) ? taskAt : selector;
  program.set(RBX, chosen).instruction([0x0f, 0x00, (isTask ? 0xd8 : 0xd0) | RBX]);
};

/** CR0 and CR4 with some bits changed; CR3 with what it has. */
const controlRegister: Action = ({ random, program, codeSize }) => {
  const number = random.pick([0, 0, 3, 4]);
  const flip = (choices: readonly number[]) => random.pick(choices);
  program.raw(0x0f, 0x20, 0xc0 | (number << 3));
  const toggles = { 0: [1, 2, 3, 5, 16, 18, 29, 30, 31], 3: [3, 4], 4: [0, 1, 2, 3, 4, 5, 6, 7, 11, 21] } as const;
  const bit = flip(toggles[number as 0 | 3 | 4]);
  // BTC EAX or RAX, bit.
  program.raw(...(codeSize === 64 ? [0x48] : codeSize === 16 ? [0x66] : []), 0x0f, 0xba, 0xf8, bit);
  program.defineFlags();
  program.instruction([0x0f, 0x22, 0xc0 | (number << 3)]);
};

const debugRegister: Action = ({ random, program }) => {
  const number = random.pick([0, 1, 2, 3, 6, 7]);
  program.set(RAX, number === 7 ? 0x400 : number === 6 ? 0xffff_0ff0 : random.next());
  program.instruction([0x0f, 0x23, 0xc0 | (number << 3)]);
  program.raw(0x0f, 0x21, 0xc0 | (number << 3));
};

/** POPF with TF: a single step at the next instruction but one. */
const singleStep: Action = (attempt) => {
  const { random, program, codeSize } = attempt;
  const size = codeSize === 64 ? 8 : codeSize / 8;
  attempt.push(2 | (random.next() & 0x8d5) | 0x100, size);
  program.raw(0x9d);
  if (random.chance(50)) program.raw(0x90);
};

const tableRegister: Action = (attempt) => {
  const { random, codeSize } = attempt;
  const isStore = random.chance(40);
  const reg = random.below(2) | (isStore ? 0 : 2);
  const isInterrupts = (reg & 1) === 1;
  const [base, limits] = isInterrupts
    ? ([attempt.isLong ? GATES_64 : GATES_32, [0xcdf, 0xcff, 0xfff]] as const)
    : ([GLOBAL_TABLE, [0x1ff, 0x1f7, 0x9f, 0x3ff]] as const);
  const at = attempt.data([...bytesOf(random.pick(limits), 2), ...bytesOf(base, 8)]);
  attempt.memory(codeSize === 64 ? [] : attempt.sized(32), [0x0f, 0x01], reg, at);
};

/** UD2, division by zero, an address without memory, a breakpoint, bounds. */
const exception: Action = (attempt) => {
  const { random, program } = attempt;
  switch (random.below(4)) {
    case 0:
      program.instruction([0x0f, 0x0b]);
      return;
    case 1:
      program.set(RCX, 0).instruction([0xf7, 0xf1]);
      return;
    case 2:
      program.instruction([0xcc]);
      return;
    default:
      attempt.memory([], [random.pick([0x8b, 0x89])], RAX, 0x20_0000 + random.below(0x1000));
  }
};

/** Reads and writes of pages of which the tables are random. */
const access: Action = (attempt) => {
  const { random } = attempt;
  const page = random.pick([0x24, 0x25, 0x26, 0x30, 0x31, 0x33, 0x34]);
  // Not into the code, where QEMU executes what changes itself twice, nor over the end of what is restored.
  const offset = page !== 0x26 && page !== 0x34 && random.chance(15) ? 0xffd + random.below(3) : random.below(0xff0);
  attempt.memory([], random.pick([[0x8b], [0x89], [0x01], [0x39]]), RBX, page * 0x1000 + offset);
};

/** How often an action is chosen. */
interface Weighted {
  readonly weight: number;
  readonly act: Action;
  /** In long mode, in its 64-bit code, or in protected mode only. */
  readonly only?: 'long' | '64-bit' | 'protected';
}

/** All actions, by the name that reports give them. */
export const actions: Readonly<Record<string, Weighted>> = {
  'JMP far': { weight: 5, act: farMemory(5) },
  'CALL far': { weight: 8, act: farMemory(3) },
  'JMP ptr': { weight: 4, act: farImmediate(0xea) },
  'CALL ptr': { weight: 6, act: farImmediate(0x9a) },
  RETF: { weight: 7, act: farReturn(false) },
  IRET: { weight: 9, act: farReturn(true) },
  INT: { weight: 14, act: interrupt },
  SYSCALL: { weight: 4, act: bytes([0x0f, 0x05]), only: '64-bit' },
  SYSRET: { weight: 4, act: sysret, only: '64-bit' },
  SYSENTER: { weight: 3, act: bytes([0x0f, 0x34]) },
  SYSEXIT: { weight: 3, act: sysexit },
  SWAPGS: { weight: 2, act: bytes([0x0f, 0x01, 0xf8]), only: 'long' },
  RDMSR: { weight: 2, act: readMsr },
  WRMSR: { weight: 4, act: writeMsr, only: 'long' },
  'load segment': { weight: 8, act: loadSegment },
  'load SS': { weight: 4, act: loadStack },
  'load pointer': { weight: 4, act: loadPointer },
  'LAR LSL': { weight: 10, act: aboutSelector },
  'LLDT LTR': { weight: 6, act: loadTask },
  'MOV CR': { weight: 6, act: controlRegister },
  'MOV DR': { weight: 2, act: debugRegister },
  TF: { weight: 4, act: singleStep },
  'LGDT LIDT': { weight: 3, act: tableRegister },
  exception: { weight: 8, act: exception },
  access: { weight: 10, act: access },
  'CLI STI': { weight: 2, act: bytes([0xfa], [0xfb, 0xfa]) },
};
