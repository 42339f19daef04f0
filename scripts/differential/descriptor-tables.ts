/**
 * The descriptor tables of the guest (SDM vol. 3A §3.4.5, §3.5, §6.11): a table of what each selector names. The first
 * are for the harness; the rest are what sequences load, ask about and transfer to.
 */
import {
  DESCRIPTORS_SIZE,
  FAR_RETURN_16,
  FAR_RETURN_32,
  FAR_RETURN_POP_16,
  FAR_RETURN_POP_32,
  HAND_OVER_VECTOR,
  IMAGE_RAM,
  INTERRUPT_RETURN,
  INTERRUPT_RETURN_16,
  LOCAL_DESCRIPTORS,
  DESCRIPTORS,
  PROTECTED_STUBS,
  PROTECTED_VECTOR_LAST,
  RETURNING_VECTORS,
  STUB_SIZE,
  EMPTY_TASK_STATE,
  INNER_STACK,
  PERMISSION_MAP_PORTS,
  TASK_STATE,
  WINDOW,
} from './layout.ts';
import { u16, u32 } from './machine-code.ts';
import type { Random } from './random.ts';

export const CODE_32 = 0x08;
export const DATA_32 = 0x10;
export const CODE_16 = 0x18;
export const DATA_16 = 0x20;
export const CODE_16_HIGH = 0x28;
export const CODE_32_IMAGE = 0x30;
export const TASK = 0x38;
export const LOCAL_TABLE = 0x40;
export const CODE_32_HIGH = 0x48;

/** Bits 8–15 of a descriptor's upper half, and its granularity and size bits in places 20–23. */
const PRESENT = 0x80;
const LEVEL_3 = 0x60;
const G = 0x8;
const B = 0x4;

function segment(base: number, limit: number, access: number, flags = 0): number[] {
  const upper =
    (((base >>> 24) & 0xff) << 24) | (flags << 20) | (limit & 0xf0000) | (access << 8) | ((base >>> 16) & 0xff);
  return [...u16(limit & 0xffff), ...u16(base & 0xffff), ...u32(upper >>> 0)];
}

function gate(selector: number, offset: number, access: number, parameters = 0): number[] {
  return [...u16(offset & 0xffff), ...u16(selector), parameters, access, ...u16(offset >>> 16)];
}

/** A descriptor that sequences use. */
interface TestDescriptor {
  readonly bytes: readonly number[];
  /** What it can be used for without a fault, at level 0 or 3. */
  readonly use?: 'data' | 'stack' | 'code' | 'gate' | 'data3' | 'stack3' | 'code3' | 'gate3';
}

const FLAT = 0xfffff;

/** Those of code are marked as accessed: QEMU does not mark them, and LAR would show it. */
const testDescriptors: readonly TestDescriptor[] = [
  { use: 'stack', bytes: segment(WINDOW, 0xffff, PRESENT | 0x13) },
  { use: 'stack', bytes: segment(WINDOW, 0xffff, PRESENT | 0x13, B) },
  { use: 'stack', bytes: segment(0, FLAT, PRESENT | 0x12, G | B) },
  { use: 'stack', bytes: segment(WINDOW, 0x7bff, PRESENT | 0x17) },
  { use: 'stack', bytes: segment(WINDOW, 0x7bff, PRESENT | 0x16, B) },
  { use: 'stack', bytes: segment(WINDOW + 0x7c00, 0x7ff, PRESENT | 0x12) },
  { use: 'data', bytes: segment(WINDOW, 0xffff, PRESENT | 0x10) },
  { use: 'data', bytes: segment(WINDOW, 0xffff, PRESENT | 0x14) },
  { use: 'data', bytes: segment(WINDOW - 0x1000, 0x10, PRESENT | 0x12, G | B) },
  { use: 'data', bytes: segment(WINDOW, 0xffff, PRESENT | 0x1a) },
  { use: 'data', bytes: segment(WINDOW, 0xffff, PRESENT | 0x1e) },
  { use: 'data', bytes: segment(WINDOW, 0xffff, PRESENT | LEVEL_3 | 0x12) },
  { use: 'data', bytes: segment(WINDOW, 0xffff, PRESENT | LEVEL_3 | 0x1e) },
  { use: 'code', bytes: segment(0, FLAT, PRESENT | 0x1b, G | B) },
  { use: 'code', bytes: segment(0, FLAT, PRESENT | 0x1d, G | B) },
  { use: 'code', bytes: segment(IMAGE_RAM, 0x1ffff, PRESENT | 0x1f, B) },
  { use: 'code', bytes: segment(IMAGE_RAM, 0xffff, PRESENT | 0x19) },
  { use: 'code', bytes: segment(IMAGE_RAM + 0x10000, 0xffff, PRESENT | 0x1d) },
  { bytes: segment(WINDOW, 0xffff, PRESENT | 0x18) },
  { bytes: segment(WINDOW, 0xffff, 0x12) },
  { bytes: segment(WINDOW, 0xffff, 0x1a) },
  { bytes: segment(IMAGE_RAM, 0xffff, PRESENT | LEVEL_3 | 0x1a) },
  { bytes: segment(EMPTY_TASK_STATE, 0x67, PRESENT | 0x0b) },
  { bytes: segment(EMPTY_TASK_STATE, 0x2b, PRESENT | 0x01) },
  { bytes: segment(EMPTY_TASK_STATE, 0x2b, PRESENT | 0x03) },
  { bytes: segment(EMPTY_TASK_STATE, 0x67, 0x09) },
  { bytes: segment(EMPTY_TASK_STATE, 0x67, PRESENT | 0x09) },
  { bytes: segment(LOCAL_DESCRIPTORS, 0x3f, PRESENT | 0x02) },
  { bytes: segment(LOCAL_DESCRIPTORS, 0x3f, 0x02) },
  { use: 'gate', bytes: gate(CODE_32, IMAGE_RAM + FAR_RETURN_32, PRESENT | 0x0c) },
  { use: 'gate', bytes: gate(CODE_32_IMAGE, FAR_RETURN_16, PRESENT | 0x04) },
  { bytes: gate(CODE_32, IMAGE_RAM + FAR_RETURN_32, 0x0c) },
  { bytes: gate(TASK, 0, 0x05) },
  { bytes: gate(CODE_32, 0, PRESENT | 0x06) },
  { bytes: gate(CODE_32, 0, PRESENT | 0x0f) },
  ...[0x00, 0x08, 0x0a, 0x0d].map((type) => ({ bytes: gate(CODE_32, 0, PRESENT | type) })),
  { use: 'code3', bytes: segment(0, FLAT, PRESENT | LEVEL_3 | 0x1b, G | B) },
  { use: 'code3', bytes: segment(IMAGE_RAM, 0xffff, PRESENT | LEVEL_3 | 0x1b) },
  { use: 'code3', bytes: segment(IMAGE_RAM + 0x10000, 0xffff, PRESENT | LEVEL_3 | 0x1b) },
  { use: 'code3', bytes: segment(IMAGE_RAM, 0xffff, PRESENT | LEVEL_3 | 0x1b, B) },
  { use: 'code3', bytes: segment(IMAGE_RAM + 0x10000, 0xffff, PRESENT | LEVEL_3 | 0x1b, B) },
  { use: 'stack3', bytes: segment(0, FLAT, PRESENT | LEVEL_3 | 0x13, G | B) },
  { use: 'stack3', bytes: segment(WINDOW, 0xffff, PRESENT | LEVEL_3 | 0x13) },
  { use: 'stack3', bytes: segment(WINDOW, 0xffff, PRESENT | LEVEL_3 | 0x13, B) },
  { use: 'stack3', bytes: segment(WINDOW, 0x7bff, PRESENT | LEVEL_3 | 0x17) },
  { use: 'data3', bytes: segment(WINDOW, 0xffff, PRESENT | LEVEL_3 | 0x11) },
  { use: 'gate3', bytes: gate(CODE_32, IMAGE_RAM + FAR_RETURN_32, PRESENT | LEVEL_3 | 0x0c) },
  { use: 'gate3', bytes: gate(CODE_32_IMAGE, FAR_RETURN_16, PRESENT | LEVEL_3 | 0x04) },
  { use: 'gate3', bytes: gate(CODE_32, IMAGE_RAM + FAR_RETURN_POP_32, PRESENT | LEVEL_3 | 0x0c, 2) },
  { use: 'gate3', bytes: gate(CODE_32_IMAGE, FAR_RETURN_POP_16, PRESENT | LEVEL_3 | 0x04, 2) },
];

const FIRST_TEST_SELECTOR = 0x50;
const selectorsFor = (use: TestDescriptor['use']): number[] =>
  testDescriptors.flatMap((descriptor, n) => (descriptor.use === use ? [FIRST_TEST_SELECTOR + n * 8] : []));

/** Selectors that can be loaded into SS, or into the other data segments, at level 0. */
export const stackSelectors: readonly number[] = [DATA_32, DATA_16, ...selectorsFor('stack')];
export const dataSelectors: readonly number[] = [...stackSelectors, CODE_32, ...selectorsFor('data')];
/** Selectors of code that sequences may run in; the first ones are those that they start in. */
export const startCodeSelectors: readonly number[] = [CODE_32, CODE_16, CODE_16_HIGH, CODE_32_IMAGE, CODE_32_HIGH];
export const codeSelectors: readonly number[] = [...startCodeSelectors, ...selectorsFor('code')];
/** Call gates to a handler that returns at once. */
export const callGateSelectors: readonly number[] = selectorsFor('gate');

/** The same for level 3. */
export const outerStackSelectors: readonly number[] = selectorsFor('stack3');
/** Those that begin at the window, which 16-bit offsets reach. */
export const outerWindowStackSelectors: readonly number[] = outerStackSelectors.slice(1, 3);
export const outerDataSelectors: readonly number[] = [...outerStackSelectors, ...selectorsFor('data3')];
export const outerCodeSelectors: readonly number[] = selectorsFor('code3');
export const outerCallGateSelectors: readonly number[] = selectorsFor('gate3');

/** How many descriptors an image makes up by chance, behind the ones of the list. */
const RANDOM_DESCRIPTORS = 16;
export const SELECTOR_END: number = FIRST_TEST_SELECTOR + (testDescriptors.length + RANDOM_DESCRIPTORS) * 8;

/** Any type and rights; where it is a segment, its base and limit keep accesses near the window. */
function randomDescriptor(random: Random): number[] {
  const isSystem = random.chance(30);
  const access = (random.next() & 0xef) | (isSystem ? 0 : 0x10) | (random.chance(80) ? PRESENT : 0);
  if (isSystem) return gate(CODE_32, IMAGE_RAM + FAR_RETURN_32, access & ~PRESENT);
  const isCode = (access & 0x08) !== 0;
  return segment(
    WINDOW - (random.below(3) << 12),
    random.next() & 0xfffff,
    isCode ? access & ~0x04 : access,
    random.below(16),
  );
}

/** The contents of the descriptor zone: the GDT, and at `LOCAL_DESCRIPTORS` the LDT. */
export function descriptorTables(random: Random): number[] {
  const harness = [
    ...segment(0, 0, 0),
    ...segment(0, FLAT, PRESENT | 0x1b, G | B),
    ...segment(0, FLAT, PRESENT | 0x13, G | B),
    ...segment(IMAGE_RAM, 0xffff, PRESENT | 0x1b),
    ...segment(0, 0xffff, PRESENT | 0x13),
    ...segment(IMAGE_RAM + 0x10000, 0xffff, PRESENT | 0x1b),
    ...segment(IMAGE_RAM, 0x1ffff, PRESENT | 0x1b, B),
    ...segment(IMAGE_RAM + TASK_STATE, TASK_STATE_SIZE - 1, PRESENT | 0x09),
    ...segment(LOCAL_DESCRIPTORS, 0x3f, PRESENT | 0x02),
    ...segment(IMAGE_RAM + 0x10000, 0xffff, PRESENT | 0x1b, B),
  ];
  const global = [
    ...harness,
    ...testDescriptors.flatMap(({ bytes }) => bytes),
    ...Array.from({ length: RANDOM_DESCRIPTORS }, () => randomDescriptor(random)).flat(),
  ];
  const local = [
    ...segment(WINDOW, 0xffff, PRESENT | 0x12),
    ...segment(WINDOW, 0xffff, PRESENT | 0x12, B),
    ...segment(0, FLAT, PRESENT | 0x1a, G | B),
    ...segment(WINDOW, 0xffff, 0x12),
    ...Array.from({ length: 4 }, () => randomDescriptor(random)).flat(),
  ];
  const out = new Array<number>(DESCRIPTORS_SIZE).fill(0);
  out.splice(0, global.length, ...global);
  out.splice(LOCAL_DESCRIPTORS - DESCRIPTORS, local.length, ...local);
  return out;
}

/** Fields of a 32-bit task-state segment, and where its I/O permission map begins. */
const TASK_ESP0 = 4;
const TASK_SS0 = 8;
const TASK_MAP_BASE = 102;
const PERMISSION_MAP = 104;
const TASK_STATE_SIZE = PERMISSION_MAP + PERMISSION_MAP_PORTS / 8 + 1;

/** The task-state segment: a stack for level 0, and any ports allowed. */
export function taskState(random: Random): number[] {
  const out = new Array<number>(PERMISSION_MAP).fill(0);
  out.splice(TASK_ESP0, 4, ...u32(INNER_STACK));
  out.splice(TASK_SS0, 2, ...u16(DATA_32));
  out.splice(TASK_MAP_BASE, 2, ...u16(PERMISSION_MAP));
  return [...out, ...random.bytes(PERMISSION_MAP_PORTS / 8), 0xff];
}

/** Gates with something wrong, for INT n: absent, of no gate type, to nothing, to
 * an absent segment, to data, beyond the table, to code of an outer level. */
const faultyGates: readonly (readonly number[])[] = [
  gate(CODE_32, 0, 0x0e),
  gate(CODE_32, 0, PRESENT | 0x0c),
  gate(0, 0, PRESENT | 0x0e),
  gate(FIRST_TEST_SELECTOR + 20 * 8, 0, PRESENT | 0x0e),
  gate(DATA_32, 0, PRESENT | 0x0f),
  gate(SELECTOR_END + 8, 0, PRESENT | 0x0e),
  gate(FIRST_TEST_SELECTOR + 12 * 8, 0, PRESENT | 0x0e),
  gate(FIRST_TEST_SELECTOR + 21 * 8, 0, PRESENT | 0x0f),
];

/** The IDT: interrupt and trap gates in turn to the stubs, 16-bit gates for the last returning vectors. */
export function protectedGates(handOver: number): number[] {
  return Array.from({ length: PROTECTED_VECTOR_LAST + 1 }, (_, vector) => {
    const trap = vector & 1;
    if (vector === HAND_OVER_VECTOR) return gate(CODE_32, IMAGE_RAM + handOver, PRESENT | LEVEL_3 | 0x0e);
    if (vector > RETURNING_VECTORS.last) return faultyGates[vector - RETURNING_VECTORS.last - 1] as readonly number[];
    if (vector > RETURNING_VECTORS.last32)
      return gate(CODE_32_IMAGE, INTERRUPT_RETURN_16, PRESENT | LEVEL_3 | 0x06 | trap);
    if (vector >= RETURNING_VECTORS.first)
      return gate(CODE_32, IMAGE_RAM + INTERRUPT_RETURN, PRESENT | LEVEL_3 | 0x0e | trap);
    return gate(CODE_32, IMAGE_RAM + PROTECTED_STUBS + vector * STUB_SIZE, PRESENT | 0x0e | trap);
  }).flat();
}
