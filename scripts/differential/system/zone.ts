/**
 * What the zone holds before a case: descriptor and interrupt tables, task-state segments, stacks, data, the landing page,
 * page tables of every mode (SDM vol. 3A §3.5, §4.3–§4.5, §6.10–§6.14, §8.2, §8.7).
 */
import { Random } from '../random.ts';
import { bytesOf } from './case.ts';
import {
  CAPTURE_STACK,
  CODE,
  DATA,
  DATA_SIZE,
  DIRECTORY,
  DIRECTORY_32,
  GATES_32,
  GATES_64,
  GLOBAL_TABLE,
  HAND_OVER,
  HARNESS,
  HARNESS_PLACES,
  HOME_DIRECTORY,
  HOME_DIRECTORY_32,
  HOME_POINTERS,
  HOME_TABLE,
  HOME_TABLE_32,
  INNER_STACKS,
  LANDING,
  LOCAL_TABLE,
  LOCAL_TABLE_SIZE,
  OUTER_STACKS,
  PAE_POINTERS,
  PAGE_TABLE,
  PAGE_TABLE_32,
  PDPT,
  PML4,
  SELECTOR,
  TASK_16,
  TASK_32,
  TASK_64,
  TASK_CAPTURE,
  TASK_DOUBLE_FAULT,
  TASK_OTHER,
  TASK_STACK,
  UNITS,
  VECTORS,
  ZONE,
  ZONE_SIZE,
} from './layout.ts';

/** Descriptor types (SDM vol. 3A §3.4.5.1, §3.5) with P and S. */
export const TYPE = {
  DATA: 0x93,
  CODE: 0x9b,
  CONFORMING: 0x9f,
  TASK_16: 0x81,
  LOCAL_TABLE: 0x82,
  CALL_16: 0x84,
  TASK_GATE: 0x85,
  INTERRUPT_16: 0x86,
  TRAP_16: 0x87,
  TASK_32: 0x89,
  CALL: 0x8c,
  INTERRUPT: 0x8e,
  TRAP: 0x8f,
} as const;

export const DPL_3 = 0x60;
/** Bits 12 to 15 of attributes: L, D and G. */
export const [LONG, BIG, PAGES] = [0x2000, 0x4000, 0x8000] as const;

/** The stacks that the task-state segments name. */
export const STACKS = {
  LEVEL_0: INNER_STACKS + 0x400,
  LEVEL_1: INNER_STACKS + 0x600,
  LEVEL_2: INNER_STACKS + 0x800,
  IST_1: INNER_STACKS + 0xa00,
  IST_2: INNER_STACKS + 0xc00,
  INNER: INNER_STACKS + 0xe00,
  OUTER: OUTER_STACKS + 0x800,
} as const;

/** A descriptor of a segment; `attributes` has access rights in its low byte and L, D, G as bits 13 to 15. */
export function segmentDescriptor(base: number, limit: number, attributes: number): number[] {
  return [
    ...bytesOf(limit & 0xffff, 2),
    ...bytesOf(base & 0xffffff, 3),
    attributes & 0xff,
    ((attributes >>> 8) & 0xf0) | ((limit >>> 16) & 15),
    (base >>> 24) & 0xff,
  ];
}

/** A gate of 8 bytes; `middle` is its parameter count, or its IST in the wide form. */
export function gate(selector: number, offset: number, type: number, middle = 0): number[] {
  return [...bytesOf(offset & 0xffff, 2), ...bytesOf(selector, 2), middle, type, ...bytesOf(offset >>> 16, 2)];
}

/** A gate of 16 bytes. */
export function wideGate(selector: number, offset: bigint, type: number, ist = 0): number[] {
  const low = Number(BigInt.asUintN(32, offset));
  return [...gate(selector, low, type, ist), ...bytesOf(offset >> 32n, 4), 0, 0, 0, 0];
}

/** Where vector `vector` leads unless a case says otherwise. */
export const landingOf = (vector: number): number => LANDING + vector * 2;

/** Addresses that the harness tells behind its descriptors. */
export interface HarnessPlaces {
  readonly capturedByTask: number;
  readonly capturedDoubleFault: number;
  readonly captured64: number;
  readonly capturedReal: number;
}

export function harnessPlaces(harness: Uint8Array): HarnessPlaces {
  const view = new DataView(harness.buffer, harness.byteOffset);
  const at = HARNESS_PLACES - HARNESS;
  return {
    capturedByTask: view.getUint32(at, true),
    capturedDoubleFault: view.getUint32(at + 4, true),
    captured64: view.getUint32(at + 8, true),
    capturedReal: view.getUint32(at + 12, true),
  };
}

/** The zone's bytes, the same for every run. */
export function pristineZone(places: HarnessPlaces): Uint8Array {
  const zone = new Uint8Array(ZONE_SIZE);
  const put = (at: number, bytes: readonly number[]) => zone.set(bytes, at - ZONE);
  put(GLOBAL_TABLE, globalTable());
  put(LOCAL_TABLE, localTable());
  for (let vector = 0; vector < VECTORS; vector++) {
    const type = vector === HAND_OVER || vector === 3 || vector === 4 ? TYPE.INTERRUPT | DPL_3 : TYPE.INTERRUPT;
    put(GATES_64 + vector * 16, wideGate(SELECTOR.CODE_64, BigInt(landingOf(vector)), type, vector === 8 ? 2 : 0));
    put(GATES_32 + vector * 8, gate(SELECTOR.CODE_32, landingOf(vector), type));
  }
  put(GATES_64 + HAND_OVER * 16, wideGate(SELECTOR.CODE_64, BigInt(places.captured64), TYPE.INTERRUPT | DPL_3, 1));
  put(GATES_32 + HAND_OVER * 8, gate(SELECTOR.TASK_CAPTURE, 0, TYPE.TASK_GATE | DPL_3));
  put(GATES_32 + 8 * 8, gate(SELECTOR.TASK_DOUBLE_FAULT, 0, TYPE.TASK_GATE));
  put(TASK_64, longTask());
  put(TASK_32, protectedTask(0, 0, false));
  put(TASK_CAPTURE, protectedTask(places.capturedByTask, TASK_STACK, true));
  put(TASK_DOUBLE_FAULT, protectedTask(places.capturedDoubleFault, TASK_STACK, true));
  put(TASK_OTHER, protectedTask(landingOf(0x90), STACKS.LEVEL_2, true));
  put(TASK_16, narrowTask());
  const random = new Random(1);
  for (let at = 0; at < DATA_SIZE; at += 4) put(DATA + at, bytesOf(random.value(), 4));
  for (let at = CODE; at < CODE + 0x1000; at += 2) put(at, [0xcd, HAND_OVER]);
  // FCW, MXCSR and its mask as after FNINIT and RESET.
  put(UNITS, bytesOf(0x37f, 2));
  put(UNITS + 24, [...bytesOf(0x1f80, 4), ...bytesOf(0xffff, 4)]);
  putPageTables(put);
  return zone;
}

function globalTable(): number[] {
  const flat = (attributes: number) => segmentDescriptor(0, 0xfffff, attributes | PAGES);
  const narrow = (attributes: number) => segmentDescriptor(ZONE, 0xffff, attributes);
  const none = [0, 0, 0, 0, 0, 0, 0, 0];
  return [
    none,
    ...[flat(TYPE.CODE | BIG), flat(TYPE.DATA | BIG), flat(TYPE.CODE | LONG)],
    ...[flat(TYPE.CODE | DPL_3 | BIG), flat(TYPE.DATA | DPL_3 | BIG), flat(TYPE.CODE | DPL_3 | LONG)],
    ...[segmentDescriptor(TASK_64, 0x3ff, TYPE.TASK_32), none],
    ...[segmentDescriptor(LOCAL_TABLE, LOCAL_TABLE_SIZE - 1, TYPE.LOCAL_TABLE), none],
    segmentDescriptor(TASK_32, 0x3ff, TYPE.TASK_32),
    segmentDescriptor(TASK_CAPTURE, 0x67, TYPE.TASK_32),
    segmentDescriptor(TASK_DOUBLE_FAULT, 0x67, TYPE.TASK_32),
    ...[narrow(TYPE.CODE), narrow(TYPE.DATA), narrow(TYPE.CODE | DPL_3), narrow(TYPE.DATA | DPL_3)],
    ...[flat(TYPE.CONFORMING | BIG), flat(TYPE.CONFORMING | LONG)],
  ].flat();
}

/** The first descriptors of the GDT once more. */
function localTable(): number[] {
  return globalTable().slice(0, 0x38);
}

function longTask(): number[] {
  const wide = (value: number) => bytesOf(value, 8);
  const stacks = [STACKS.LEVEL_0, STACKS.LEVEL_1, STACKS.LEVEL_2].flatMap(wide);
  const rest = [CAPTURE_STACK, STACKS.IST_2, STACKS.IST_1, STACKS.IST_2, STACKS.IST_1, STACKS.IST_2, STACKS.IST_1];
  const map = new Array<number>(0x400 - 0x68).fill(0).map((_, n) => (n % 3 === 0 ? 0x5a : 0));
  return [0, 0, 0, 0, ...stacks, ...wide(0), ...rest.flatMap(wide), ...wide(0), 0, 0, ...bytesOf(0x68, 2), ...map];
}

/** A 32-bit task in flat code of level 0. CR3 is a case's to fill in. */
function protectedTask(eip: number, esp: number, isEnd: boolean): number[] {
  const levels = [STACKS.LEVEL_0, STACKS.LEVEL_1, STACKS.LEVEL_2].flatMap((stack, level) => [
    ...bytesOf(stack, 4),
    ...bytesOf(level === 0 ? SELECTOR.DATA : 0, 4),
  ]);
  const general = [0, 0, 0, 0, esp, 0, 0, 0].flatMap((value) => bytesOf(value, 4));
  const { DATA: data, CODE_32 } = SELECTOR;
  const segments = [data, CODE_32, data, data, data, data].flatMap((selector) => bytesOf(selector, 4));
  const head = [0, 0, 0, 0, ...levels, ...bytesOf(0, 4), ...bytesOf(eip, 4), ...bytesOf(2, 4), ...general, ...segments];
  const tail = [...bytesOf(0, 4), 0, 0, ...bytesOf(isEnd ? 0x68 : 0x88, 2)];
  if (isEnd) return [...head, ...tail];
  // Half of the interrupts are redirected in virtual-8086 mode, not the one that hands over.
  const redirection = new Array<number>(0x20).fill(0x55);
  redirection[HAND_OVER >> 3] = 0x75;
  return [...head, ...tail, ...redirection, ...new Array<number>(0x400 - 0x88).fill(0x5a)];
}

function narrowTask(): number[] {
  const stacks = [STACKS.LEVEL_0, STACKS.LEVEL_1, STACKS.LEVEL_2].flatMap((stack, level) => [
    ...bytesOf(stack - ZONE, 2),
    ...bytesOf(level === 0 ? SELECTOR.DATA_16 : 0, 2),
  ]);
  const general = [0, 0, 0, 0, STACKS.LEVEL_1 - ZONE, 0, 0, 0].flatMap((value) => bytesOf(value, 2));
  const { DATA_16, CODE_16 } = SELECTOR;
  const segments = [DATA_16, CODE_16, DATA_16, DATA_16].flatMap((selector) => bytesOf(selector, 2));
  const begin = bytesOf(landingOf(0x91) - ZONE, 2);
  return [0, 0, ...stacks, ...begin, 2, 0, ...general, ...segments, 0, 0];
}

/** Accessed, dirty, writable, present; and open to level 3. */
const [KERNEL, USER] = [0x63, 0x67] as const;

/** Level 3 may use its stacks, data and the code page. */
const flagsOfPage = (page: number) => (page >= OUTER_STACKS && page < PML4 ? USER : KERNEL);

/** The first 2 MiB (4 MiB in 32-bit paging) to themselves; in long mode from two more places. */
function putPageTables(put: (at: number, bytes: readonly number[]) => void): void {
  for (const entry of [0, 256, 511]) put(PML4 + entry * 8, bytesOf(PDPT + USER, 8));
  put(PDPT, bytesOf(DIRECTORY + USER, 8));
  put(PAE_POINTERS, bytesOf(DIRECTORY + 1, 8));
  put(DIRECTORY, bytesOf(PAGE_TABLE + USER, 8));
  put(DIRECTORY_32, bytesOf(PAGE_TABLE_32 + USER, 4));
  for (let n = 0; n < 512; n++) put(PAGE_TABLE + n * 8, bytesOf(n * 0x1000 + flagsOfPage(n * 0x1000), 8));
  for (let n = 0; n < 1024; n++) put(PAGE_TABLE_32 + n * 4, bytesOf(n * 0x1000 + flagsOfPage(n * 0x1000), 4));
}

/** The harness's own tables, which the tasks that take over run on: from `HOME_DIRECTORY_32` on. */
export function homeTables(): Uint8Array {
  const view = new DataView(new ArrayBuffer(5 * 0x1000));
  view.setUint32(0, HOME_TABLE_32 + KERNEL, true);
  view.setUint32(HOME_POINTERS - HOME_DIRECTORY_32, HOME_DIRECTORY + 1, true);
  view.setUint32(HOME_DIRECTORY - HOME_DIRECTORY_32, HOME_TABLE + KERNEL, true);
  for (let n = 0; n < 1024; n++) {
    view.setUint32(HOME_TABLE_32 - HOME_DIRECTORY_32 + n * 4, n * 0x1000 + KERNEL, true);
    if (n < 512) view.setUint32(HOME_TABLE - HOME_DIRECTORY_32 + n * 8, n * 0x1000 + KERNEL, true);
  }
  return new Uint8Array(view.buffer);
}
