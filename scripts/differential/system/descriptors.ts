/**
 * Random descriptors, gates and task-state segments (SDM vol. 3A §3.4.5, §3.5, §5.8.3, §6.11, §6.14.1, §8.2): every type and
 * every combination of bits. Segments that can be written have no limits in the way, as QEMU checks none (explained.ts).
 */
import type { Random } from '../random.ts';
import { bytesOf, type Patch } from './case.ts';
import {
  GATES_32,
  GATES_64,
  GLOBAL_TABLE,
  GLOBAL_TABLE_SIZE,
  HAND_OVER,
  LOCAL_TABLE,
  LOCAL_TABLE_SIZE,
  SELECTOR,
  TASK_16,
  TASK_32,
  TASK_64,
  TASK_OTHER,
  ZONE,
} from './layout.ts';
import { BIG, gate, LONG, landingOf, PAGES, segmentDescriptor, STACKS, TYPE } from './zone.ts';

const CODE_SELECTORS = [
  ...[SELECTOR.CODE_32, SELECTOR.CODE_64, SELECTOR.CODE_16, SELECTOR.CONFORMING_32, SELECTOR.CONFORMING_64],
  ...[SELECTOR.USER_CODE_32 | 3, SELECTOR.USER_CODE_64 | 3],
];
const [PRESENT, EXPAND_DOWN, WRITABLE, CODE_SEGMENT] = [0x80, 4, 2, 8];
/** Of a selector: it is of the LDT. */
const LOCAL = 4;

/** A selector of the GDT or the LDT, a little beyond their ends too. */
export function anySelector(random: Random): number {
  if (random.chance(8)) return (random.below(LOCAL_TABLE_SIZE / 8 + 2) << 3) | 4 | random.below(4);
  const index = random.below(GLOBAL_TABLE_SIZE / 8 + 2);
  return (index << 3) | (random.chance(40) ? random.below(4) : 0);
}

/** A selector of code, mostly one of those that every case has. */
export function codeSelector(random: Random): number {
  if (random.chance(30)) return anySelector(random);
  const selector = random.pick(CODE_SELECTORS);
  return random.chance(15) ? selector ^ random.below(4) : selector;
}

/** Whether offsets of a code segment end at 64 KiB; QEMU does not look at the limit. */
export const isNarrow = (selector: number): boolean =>
  [SELECTOR.CODE_16, SELECTOR.USER_CODE_16].some((one) => one === (selector & 0xfffc));

/** Where a transfer may land: in the second half of the code page. */
export const landing = (random: Random): number => landingOf(0xa0 + random.below(0x100));

const presence = (random: Random) => (random.chance(92) ? PRESENT : 0);
const level = (random: Random) => random.pick([0, 0, 1, 2, 3, 3]) << 5;

function codeOrData(random: Random): number[] {
  const type = random.below(16);
  const rights = presence(random) | level(random) | 0x10 | type;
  if ((type & CODE_SEGMENT) !== 0) {
    const size = random.pick([LONG, LONG, BIG, BIG, 0, LONG | BIG]);
    return segmentDescriptor(size === 0 ? ZONE : 0, 0xfffff, rights | size | PAGES);
  }
  const isBig = random.chance(70);
  const attributes = rights | (isBig ? BIG : 0) | (random.chance(50) ? PAGES : 0);
  const reserved = random.chance(10) ? LONG : 0;
  if ((type & WRITABLE) === 0) return segmentDescriptor(random.next(), random.next() & 0xfffff, attributes | reserved);
  const base = isBig ? random.pick([0, ZONE]) : ZONE;
  return segmentDescriptor(
    base,
    (type & EXPAND_DOWN) !== 0 ? 0 : 0xfffff,
    attributes & ~(type & EXPAND_DOWN ? PAGES : 0),
  );
}

function systemDescriptor(random: Random, isLong: boolean): number[] {
  const rights = presence(random) | level(random);
  const type = random.pick([1, 2, 3, 4, 4, 5, 6, 7, 9, 9, 11, 12, 12, 12, 14, 15, random.below(16)]);
  if ((type & 7) === 1 || (type & 7) === 3) {
    const wide = type >= 8;
    const alias = random.chance(30) ? TASK_32 : TASK_OTHER;
    const base = isLong ? TASK_64 : wide ? alias : TASK_16;
    const limit = random.chance(75)
      ? wide
        ? random.pick([0x67, 0x3ff])
        : 0x2b
      : random.pick([0x66, 0x2a, 0x23, 0x5b, 4]);
    return segmentDescriptor(base, limit, rights | type);
  }
  if (type === 2) return segmentDescriptor(LOCAL_TABLE, random.pick([LOCAL_TABLE_SIZE - 1, 0x37, 0xf]), rights | type);
  const target = type === 5 ? taskSelector(random) : codeSelector(random);
  const offset = landing(random);
  return gate(
    target,
    (type & 8) === 0 || isNarrow(target) ? offset - ZONE : offset,
    rights | type,
    random.chance(70) ? 0 : random.below(32),
  );
}

/** A selector of a task, or of anything in the GDT. */
export function taskSelector(random: Random): number {
  return random.chance(50) ? anySelector(random) & ~LOCAL : SELECTOR.FREE + 8 * random.below(4);
}

/** The descriptors from `SELECTOR.FREE` on, and some of the LDT. The first four are tasks in protected mode. */
export function randomDescriptors(random: Random, isLong: boolean): Patch[] {
  const bytes: number[] = [];
  const size = GLOBAL_TABLE_SIZE - SELECTOR.FREE;
  if (!isLong) {
    bytes.push(...segmentDescriptor(TASK_OTHER, 0x67, TYPE.TASK_32 | level(random)));
    bytes.push(...segmentDescriptor(TASK_16, 0x2b, TYPE.TASK_16 | level(random)));
    for (let n = 0; n < 2; n++) bytes.push(...gate(SELECTOR.FREE + 8 * n, 0, TYPE.TASK_GATE | level(random)));
  }
  while (bytes.length < size) {
    const isSystem = random.chance(45);
    const one = isSystem ? systemDescriptor(random, isLong) : codeOrData(random);
    bytes.push(...one);
    // The upper half of a system descriptor of long mode; where it is that of a gate, its type has to be zero.
    const isGate = ((one[5] as number) & 0x1f) === 12;
    if (isSystem && isLong) bytes.push(0, 0, 0, 0, 0, isGate && random.chance(8) ? random.below(32) : 0, 0, 0);
  }
  const local = Array.from({ length: 4 }, () => codeOrData(random)).flat();
  return [
    { at: GLOBAL_TABLE + SELECTOR.FREE, bytes: bytes.slice(0, size) },
    { at: LOCAL_TABLE + 0x60, bytes: local },
  ];
}

/** Gates of some vectors: of any type, to anywhere. */
export function randomInterruptGates(random: Random, isLong: boolean, vectors: readonly number[]): Patch[] {
  return vectors.map((vector) => {
    const rights = presence(random) | (random.chance(70) ? 0x60 : level(random));
    const types = isLong ? [14, 14, 14, 15, random.below(32)] : [14, 14, 15, 6, 7, 5, random.below(32)];
    const type = random.pick(types);
    const selector = type === 5 ? taskSelector(random) : codeSelector(random);
    const offset = landingOf(vector) - ((!isLong && (type & 8) === 0) || isNarrow(selector) ? ZONE : 0);
    const middle = isLong ? (random.chance(60) ? 0 : random.pick([0, 2, 3, 4, 5, 6, 7])) : 0;
    const bytes = gate(selector, offset, rights | type, middle);
    if (vector === HAND_OVER) throw new Error('the gate that hands over stays');
    return { at: isLong ? GATES_64 + vector * 16 : GATES_32 + vector * 8, bytes };
  });
}

/** Stack pointers of the task: where stacks are, misaligned, where nothing is, and not canonical. */
export function randomStacks(random: Random, isLong: boolean): Patch[] {
  const good = () => random.pick([STACKS.LEVEL_0, STACKS.LEVEL_1, STACKS.LEVEL_2, STACKS.IST_1, STACKS.IST_2]);
  const wide = () => {
    if (random.chance(70)) return BigInt(good() + random.below(2) * random.below(16));
    return random.pick([0x8000_0000_0000n, 0x8000_0000_0010n, 0x20_0000n, 0x7fff_ffff_fff8n, -8n, 0n, BigInt(good())]);
  };
  if (isLong) {
    const offsets = [4, 12, 20, 44, 52, 60, 68, 76];
    return offsets
      .filter(() => random.chance(40))
      .map((offset) => ({ at: TASK_64 + offset, bytes: bytesOf(wide(), 8) }));
  }
  const selectorOf = (n: number) => (random.chance(50) ? anySelector(random) : (SELECTOR.DATA & ~3) | n);
  return [TASK_32, TASK_OTHER].flatMap((task) =>
    [0, 1, 2].flatMap((n) =>
      random.chance(35) ? [{ at: task + 4 + n * 8, bytes: [...bytesOf(good(), 4), ...bytesOf(selectorOf(n), 2)] }] : [],
    ),
  );
}
