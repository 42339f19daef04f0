/**
 * Random system states with random system code: in long mode at every level and code size, and in protected mode without
 * paging and with two kinds of it, virtual-8086 mode included. One to three actions (actions.ts), then the hand-over.
 */
import type { OperandSize } from '../../../vm-core/isa/operand.ts';
import type { Random } from '../random.ts';
import { actions, Attempt, interruptVectors } from './actions.ts';
import { bytesOf, emptyCase, type Patch, type SystemCase } from './case.ts';
import { anySelector, landing, randomDescriptors, randomInterruptGates, randomStacks } from './descriptors.ts';
import { UPPER, wideValue } from './integer-cases.ts';
import {
  CODE,
  DIRECTORY_32,
  GATES_32,
  HOME_DIRECTORY_32,
  HOME_POINTERS,
  KIND,
  PAE_POINTERS,
  PAGE_TABLE,
  PAGE_TABLE_32,
  SELECTOR,
  TASK_32,
  TASK_64,
  TASK_CAPTURE,
  TASK_DOUBLE_FAULT,
  TASK_OTHER,
  VECTORS,
  ZONE,
  GLOBAL_TABLE,
} from './layout.ts';
import { Program } from './program.ts';
import { segmentDescriptor, STACKS, TYPE } from './zone.ts';

const ACTIONS_MAX = 3;
const EXCEPTIONS = [0, 3, 6, 8, 10, 11, 12, 13, 14];

/** Where code runs: size, level, and its selectors. */
interface Place {
  readonly codeSize: OperandSize;
  readonly level: number;
  readonly cs: number;
  readonly ss: number;
  readonly base: number;
}

const place = (codeSize: OperandSize, level: number, cs: number, ss: number): Place => ({
  ...{ codeSize, level, cs, ss },
  base: codeSize === 16 ? ZONE : 0,
});

const { CODE_32, DATA, CODE_64, USER_CODE_32, USER_DATA, USER_CODE_64, CODE_16, USER_CODE_16 } = SELECTOR;

const longPlaces: readonly Place[] = [
  ...[place(64, 0, CODE_64, DATA), place(64, 0, CODE_64, 0), place(64, 3, USER_CODE_64 | 3, USER_DATA | 3)],
  ...[place(64, 3, USER_CODE_64 | 3, USER_DATA | 3), place(32, 3, USER_CODE_32 | 3, USER_DATA | 3)],
  ...[place(32, 0, CODE_32, DATA), place(16, 3, USER_CODE_16 | 3, USER_DATA | 3), place(16, 0, CODE_16, DATA)],
];

const protectedPlaces: readonly Place[] = [
  ...[place(32, 0, CODE_32, DATA), place(32, 0, CODE_32, DATA), place(16, 0, CODE_16, DATA)],
  ...[place(32, 3, USER_CODE_32 | 3, USER_DATA | 3), place(16, 3, USER_CODE_16 | 3, USER_DATA | 3)],
];

function chosenActions(random: Random, attempt: Attempt): string[] {
  const modes: readonly (string | undefined)[] = [
    ...[undefined, attempt.isLong ? 'long' : 'protected'],
    ...(attempt.codeSize === 64 ? ['64-bit'] : []),
  ];
  const choices = Object.entries(actions).filter(([, { only }]) => modes.includes(only));
  const sum = choices.reduce((total, [, { weight }]) => total + weight, 0);
  return Array.from({ length: random.between(1, ACTIONS_MAX) }, () => {
    let at = random.below(sum);
    for (const [name, { weight, act }] of choices) {
      at -= weight;
      if (at >= 0) continue;
      act(attempt);
      return name;
    }
    throw new Error('the weights do not add up');
  });
}

/** A case of long mode. */
export function longSystemCase(random: Random): SystemCase {
  const { codeSize, level, cs, ss, base } = random.pick(longPlaces);
  const upper = codeSize === 64 && random.chance(15) ? UPPER : 0n;
  const program = new Program(codeSize, upper + BigInt(CODE - base));
  const attempt = new Attempt(random, program, level, true);
  const names = chosenActions(random, attempt);
  const user = level === 3;
  const data = user ? USER_DATA | 3 : DATA;
  const stack = user ? STACKS.OUTER : STACKS.INNER;
  const vectors = [...interruptVectors, ...EXCEPTIONS].filter(() => random.chance(30));
  const limit = random.chance(85) ? 0x3ff : random.pick([0x67, 0x2b, 0x33, 0x43, 0x53]);
  const task = segmentDescriptor(TASK_64, limit, TYPE.TASK_32);
  return {
    ...emptyCase,
    text: `long, ${codeSize}-bit level ${level}: ${names.join(', ')}`,
    ...{ cs, ss, ds: data, es: data, codeSize },
    ...{ fs: codeSize === 64 ? 0 : data, gs: codeSize === 64 ? 0 : data },
    rip: program.origin,
    rsp: BigInt(stack - random.below(2) * random.below(16)),
    rflags: 2 | (random.next() & 0x8d5) | (random.chance(30) ? 0x3000 : 0) | (random.chance(6) ? 0x4000 : 0),
    general: Array.from({ length: 16 }, () => wideValue(random)),
    msrs: [...fastCalls(random), BigInt(random.next()), UPPER + BigInt(random.next()), BigInt(random.next())],
    patches: [
      { at: CODE, bytes: program.bytes },
      ...attempt.patches,
      ...randomDescriptors(random, true),
      ...randomInterruptGates(random, true, vectors),
      ...randomStacks(random, true),
      ...(random.chance(40) ? randomPages(random, PAGE_TABLE, 8) : []),
      { at: GLOBAL_TABLE + SELECTOR.TASK_64, bytes: task },
    ],
  };
}

/** STAR, LSTAR, CSTAR, FMASK and the three of SYSENTER, such as can be loaded. */
function fastCalls(random: Random): bigint[] {
  const selectors = () => BigInt(random.chance(60) ? random.pick([0x18, 0x20, 0x23, 0x08, 0x10]) : anySelector(random));
  const target = () => BigInt(landing(random)) + (random.chance(20) ? UPPER : 0n);
  return [
    (selectors() << 48n) | (selectors() << 32n) | BigInt(random.next()),
    target(),
    target(),
    BigInt((random.next() & random.next()) >>> 0),
    BigInt(random.pick([0x18, 0x08, 0, 0x1b, random.next() & 0xffff])),
    BigInt(random.pick([STACKS.INNER, STACKS.IST_1])),
    target(),
  ];
}

/** Entries of the pages that cases touch: rights, presence, reserved bits, other frames. */
function randomPages(random: Random, table: number, size: 4 | 8): Patch[] {
  const pages = [0x24, 0x25, 0x26, 0x30, 0x31, 0x33, 0x34].filter(() => random.chance(45));
  return pages.map((page) => {
    const frame = BigInt(random.pick([page, 0x25, 0x26, 0x30]) * 0x1000);
    const flags = BigInt((random.chance(88) ? 1 : 0) | (random.next() & 0x66) | (random.next() & 0x18));
    const odd = size === 8 && random.chance(15) ? random.pick([1n << 63n, 1n << 51n, 1n << 62n]) : 0n;
    return { at: table + page * size, bytes: bytesOf(frame | flags | odd, size) };
  });
}

/** Kinds of paging: CR0.PG and CR4, CR3, that of the harness's tasks, and the last table. */
const pagings = [
  { cr0: 0x11, cr4: 0, cr3: 0, home: 0, table: 0, size: 4, name: 'no paging' },
  {
    cr0: 0x8001_0011,
    cr4: 0x10,
    cr3: DIRECTORY_32,
    home: HOME_DIRECTORY_32,
    table: PAGE_TABLE_32,
    size: 4,
    name: '32-bit',
  },
  { cr0: 0x8001_0011, cr4: 0x20, cr3: PAE_POINTERS, home: HOME_POINTERS, table: PAGE_TABLE, size: 8, name: 'PAE' },
] as const;

/** A case of protected mode. */
export function protectedSystemCase(random: Random): SystemCase {
  const paging = random.pick(pagings);
  const isVirtual = random.chance(12);
  const { codeSize, level, cs, ss, base } = isVirtual
    ? { codeSize: 16 as const, level: 3, cs: ZONE >>> 4, ss: ZONE >>> 4, base: ZONE }
    : random.pick(protectedPlaces);
  const program = new Program(codeSize, BigInt(CODE - base));
  const attempt = new Attempt(random, program, level, false);
  const names = isVirtual ? virtualActions(random, program) : chosenActions(random, attempt);
  const user = level === 3;
  const data = isVirtual ? ZONE >>> 4 : user ? USER_DATA | 3 : DATA;
  const stack = user ? STACKS.OUTER : STACKS.INNER;
  const vectors = [...interruptVectors, ...EXCEPTIONS.filter((vector) => vector !== 8)].filter(() => random.chance(30));
  const tasks = [TASK_CAPTURE, TASK_DOUBLE_FAULT].map((at) => ({ at: at + 0x1c, bytes: bytesOf(paging.home, 4) }));
  const others = [TASK_32, TASK_OTHER].map((at) => ({ at: at + 0x1c, bytes: bytesOf(paging.cr3, 4) }));
  return {
    ...emptyCase,
    text: `${paging.name}, ${isVirtual ? 'virtual-8086' : `${codeSize}-bit level ${level}`}: ${names.join(', ')}`,
    kind: level === 0 ? KIND.INNER : KIND.OUTER,
    ...{ cr0: paging.cr0, cr3: paging.cr3, cr4: paging.cr4, efer: 0 },
    idtr: { base: BigInt(GATES_32), limit: VECTORS * 8 - 1 },
    tr: SELECTOR.TASK_32,
    ...{ cs, ss, ds: data, es: data, fs: data, gs: data, codeSize },
    rip: program.origin,
    rsp: BigInt(isVirtual ? stack - ZONE : stack),
    rflags: 2 | (random.next() & 0x8d5) | (random.chance(40) ? 0x3000 : 0) | (isVirtual ? 0x20000 : 0),
    general: Array.from({ length: 8 }, () => BigInt(random.value())).concat(new Array<bigint>(8).fill(0n)),
    msrs: [...fastCalls(random).map((value) => BigInt.asUintN(32, value)), 0n, 0n, 0n],
    patches: [
      { at: CODE, bytes: program.bytes },
      ...attempt.patches,
      ...randomDescriptors(random, false),
      ...randomInterruptGates(random, false, vectors),
      ...randomStacks(random, false),
      ...(paging.table !== 0 && random.chance(40) ? randomPages(random, paging.table, paging.size) : []),
      ...[...tasks, ...others],
      // What is a task of long mode there; the image of such a one names no segments.
      { at: GLOBAL_TABLE + SELECTOR.TASK_64, bytes: segmentDescriptor(TASK_OTHER, 0x67, TYPE.TASK_32) },
      ...randomTasks(random),
    ],
  };
}

/** Flags of the task that cases switch to; faults in each stage of a switch are those of test/against-qemu/tasks.asm. */
function randomTasks(random: Random): Patch[] {
  return random.chance(15) ? [{ at: TASK_OTHER + 0x24, bytes: bytesOf(2 | (random.next() & 0x48d5), 4) }] : [];
}

/** Code of virtual-8086 mode: interrupts, flags and what is refused there. */
function virtualActions(random: Random, program: Program): string[] {
  const choices: readonly (readonly number[])[] = [
    ...[[0xcd, 0x20], [0xcd, 0x21], [0xcc], [0xce], [0xfa], [0xfb], [0x9c], [0x9d], [0x9c, 0x9d], [0x66, 0x9c]],
    ...[[0xf4], [0x0f, 0x00, 0xc8], [0x0f, 0x02, 0xc3], [0x0f, 0x20, 0xc0], [0x0f, 0x0b], [0x8e, 0xc3], [0x63, 0xc8]],
    ...[
      [0xea, 0x00, 0x78, 0x00, 0x20],
      [0x9a, 0x10, 0x78, 0x00, 0x20],
      [0x0f, 0x05],
      [0x0f, 0x34],
      [0x0f, 0x32],
    ],
  ];
  return Array.from({ length: random.between(1, ACTIONS_MAX) }, () => {
    const code = random.pick(choices);
    program.instruction(code);
    return code.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  });
}
