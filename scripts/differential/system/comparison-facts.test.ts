import { expect, it } from 'vitest';
import { emptyCase, type SystemCase } from './case.ts';
import {
  descriptorAttributes,
  flipsRefusedBit,
  hasBusyNarrowTask,
  isFrame,
  isNarrowTask,
  isOwnSegmentAgain,
  readsAndWrites,
} from './comparison-facts.ts';
import {
  CODE,
  ENDING,
  GLOBAL_TABLE,
  OUTER_STACKS,
  PAGE_TABLE,
  type ResultField,
  resultFields,
  SELECTOR,
  TASK_CAPTURE,
  TASK_OTHER,
} from './layout.ts';
import type { SystemResult } from './results.ts';

const withCode = (text: string, ...bytes: readonly number[]): SystemCase => ({
  ...emptyCase,
  text,
  patches: [{ at: CODE, bytes }],
});

it('tells instructions that read and write memory from those that do one of it', () => {
  expect(readsAndWrites(withCode('', 0x01, 0x1c, 0x25, 0, 0x40, 2, 0))).toBe(true);
  expect(readsAndWrites(withCode('', 0x39, 0x1c, 0x25, 0, 0x40, 2, 0))).toBe(false);
  expect(readsAndWrites(withCode('', 0x89, 0x1c, 0x25, 0, 0x40, 2, 0))).toBe(false);
});

it('finds flips of bits that MOV to a control register may refuse', () => {
  const flip = (bit: number) => [0x0f, 0x20, 0xc0, 0x48, 0x0f, 0xba, 0xf8, bit, 0x0f, 0x22, 0xc0];
  expect(flipsRefusedBit(withCode('MOV CR', ...flip(29)))).toBe(true);
  expect(flipsRefusedBit(withCode('MOV CR', ...flip(30)))).toBe(false);
  expect(flipsRefusedBit(withCode('access', ...flip(29)))).toBe(false);
});

it('reads attributes from the table as a case finds it', () => {
  const before = (address: number) => (address === GLOBAL_TABLE + 0xa4 ? 0x0020_8302 : 0);
  expect(descriptorAttributes(0xa3, before)).toBe(0x2083);
  expect(isNarrowTask(0xa3, before)).toBe(true);
  expect(isNarrowTask(0xab, before)).toBe(false);
});

it('knows frames where the page of the outer stack leads', () => {
  const registers = Object.fromEntries(resultFields.map((field) => [field, 0n])) as Record<ResultField, bigint>;
  const result: SystemResult = { registers, memory: new Map() };
  const before = (address: number) => (address === PAGE_TABLE + (OUTER_STACKS >>> 12) * 8 ? 0x26067 : 0);
  const comparison = { test: emptyCase, ours: result, qemu: result, before };
  expect([OUTER_STACKS, 0x267c0, 0x257c0].map((address) => isFrame(address, comparison))).toEqual([true, true, false]);
});

it('sees that a task was switched to its own segment by another descriptor', () => {
  const registers = Object.fromEntries(resultFields.map((field) => [field, 0n])) as Record<ResultField, bigint>;
  registers.ending = BigInt(ENDING.TASK);
  // Two descriptors of one segment, and the other task's own.
  const words: Readonly<Record<number, number>> = {
    [GLOBAL_TABLE + 0xa0]: ((TASK_OTHER & 0xffff) << 16) | 0x67,
    [GLOBAL_TABLE + 0xa4]: 0x8902,
    [GLOBAL_TABLE + 0xb0]: ((TASK_OTHER & 0xffff) << 16) | 0x67,
    [GLOBAL_TABLE + 0xb4]: 0x8902,
  };
  const before = (address: number) => (words[address] ?? 0) >>> 0;
  const seen = (link: number, tr: number) => {
    const memory = new Map([
      [TASK_CAPTURE, 0xb0],
      [TASK_OTHER, link],
    ]);
    const result: SystemResult = { registers, memory };
    return isOwnSegmentAgain({ test: { ...emptyCase, tr }, ours: result, qemu: result, before });
  };
  expect([seen(0xa0, SELECTOR.TASK_32), seen(0, 0xa0), seen(0xb0, 0xb0)]).toEqual([true, true, true]);
  expect([seen(0, SELECTOR.TASK_32), seen(SELECTOR.TASK_32, 0xb0)]).toEqual([false, false]);
  const unknown: SystemResult = { registers, memory: new Map() };
  expect(isOwnSegmentAgain({ test: emptyCase, ours: unknown, qemu: unknown, before })).toBe(false);
});

it('sees a task of 16 bits that LTR has made busy', () => {
  const registers = Object.fromEntries(resultFields.map((field) => [field, 0n])) as Record<ResultField, bigint>;
  const before = (address: number) => (address === GLOBAL_TABLE + 0xa4 ? 0xe102 : 0x8902);
  const isSeen = (at: number, high: number) =>
    hasBusyNarrowTask({ registers, memory: new Map([[GLOBAL_TABLE + at, high]]) }, before);
  expect([isSeen(0xa4, 0xe302), isSeen(0xa4, 0xe002), isSeen(0xac, 0x8b02)]).toEqual([true, false, false]);
});
