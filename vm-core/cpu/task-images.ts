/** Task-state segments of 16 and 32 bits as they lie in memory: what a task switch saves and loads (SDM vol. 3A §7.2.1, §7.6). */
import { CS, DS, ES, FS, GS, generalSlots, type SegmentIndex, SS } from '../state/layout.ts';
import type { Cpu } from './cpu.ts';

/** Where things lie, as distances from the segment's base. */
export interface TaskLayout {
  /** Bytes of a general register, of EIP and of EFLAGS. */
  readonly size: 2 | 4;
  readonly limitMin: number;
  /** The same of a segment that a task is only saved in. */
  readonly savedLimitMin: number;
  readonly instructionPointer: number;
  readonly flags: number;
  readonly general: number;
  readonly segments: number;
  /** The segments in their order. */
  readonly segmentOrder: readonly SegmentIndex[];
  readonly localTable: number;
  /** CR3 and the debug trap flag; a 16-bit segment has neither. */
  readonly pageTables: number | undefined;
  readonly trap: number | undefined;
}

const LAYOUT_16: TaskLayout = {
  ...{
    size: 2,
    limitMin: 0x2b,
    savedLimitMin: 0x29,
    instructionPointer: 0x0e,
    flags: 0x10,
    general: 0x12,
    segments: 0x22,
  },
  ...{ segmentOrder: [ES, CS, SS, DS], localTable: 0x2a, pageTables: undefined, trap: undefined },
};

const LAYOUT_32: TaskLayout = {
  ...{
    size: 4,
    limitMin: 0x67,
    savedLimitMin: 0x5d,
    instructionPointer: 0x20,
    flags: 0x24,
    general: 0x28,
    segments: 0x48,
  },
  ...{ segmentOrder: [ES, CS, SS, DS, FS, GS], localTable: 0x60, pageTables: 0x1c, trap: 0x64 },
};

export function taskLayout(isWide: boolean): TaskLayout {
  return isWide ? LAYOUT_32 : LAYOUT_16;
}

/** What a task switch loads, read before anything has changed. */
export interface TaskImage {
  readonly layout: TaskLayout;
  readonly instructionPointer: number;
  readonly flags: number;
  readonly general: readonly number[];
  /** Selectors by segment number; those that the layout has not are null. */
  readonly selectors: readonly number[];
  readonly localTable: number;
  readonly pageTables: number | undefined;
  readonly trap: boolean;
}

export function readTaskImage(cpu: Cpu, base: number, layout: TaskLayout): TaskImage {
  const { size } = layout;
  const read = (offset: number, bytes: 2 | 4) => cpu.memory.readLinear((base + offset) >>> 0, bytes);
  const selectors = new Array<number>(6).fill(0);
  layout.segmentOrder.forEach((index, n) => {
    selectors[index] = read(layout.segments + n * size, 2);
  });
  return {
    layout,
    instructionPointer: read(layout.instructionPointer, size),
    flags: read(layout.flags, size),
    general: generalSlots.map((_, n) => read(layout.general + n * size, size)),
    selectors,
    localTable: read(layout.localTable, 2),
    pageTables: layout.pageTables === undefined ? undefined : read(layout.pageTables, 4),
    trap: layout.trap !== undefined && (read(layout.trap, 2) & 1) !== 0,
  };
}

/** Makes sure that the part of a segment that a switch saves can be written; throws the fault of an access otherwise. */
export function requireWritableImage(cpu: Cpu, base: number, layout: TaskLayout): void {
  const last = layout.segments + layout.segmentOrder.length * layout.size - 1;
  for (const offset of [layout.instructionPointer, last]) {
    const at = (base + offset) >>> 0;
    cpu.memory.writeLinear(at, 1, cpu.memory.readLinear(at, 1));
  }
}

/** Saves the state of the task that is left; `flags` are EFLAGS as it will find them again. */
export function writeTaskImage(cpu: Cpu, base: number, layout: TaskLayout, flags: number): void {
  const { state } = cpu;
  const { size } = layout;
  const write = (offset: number, bytes: 2 | 4, value: number) =>
    cpu.memory.writeLinear((base + offset) >>> 0, bytes, bytes === 2 ? value & 0xffff : value >>> 0);
  write(layout.instructionPointer, size, state.eip);
  write(layout.flags, size, flags);
  generalSlots.forEach((slot, n) => {
    write(layout.general + n * size, size, state.read32(slot));
  });
  layout.segmentOrder.forEach((index, n) => {
    write(layout.segments + n * size, 2, state.segment(index).selector);
  });
}
