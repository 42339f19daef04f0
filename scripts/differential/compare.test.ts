import { expect, it } from 'vitest';
import { compareResults } from './compare.ts';
import { type ResultField, resultFields } from './harness.ts';
import { NO_VECTOR } from './layout.ts';
import { readResults, type Result } from './results.ts';

function result(changes: Partial<Record<ResultField, number>> = {}, memory: readonly [number, number][] = []): Result {
  const zeros = Object.fromEntries(resultFields.map((field) => [field, 0])) as Record<ResultField, number>;
  return { registers: { ...zeros, ...changes }, memory: new Map(memory) };
}

function compare(
  first: Result,
  second: Result,
  undefinedFlags = 0,
  ignored: readonly [number, number][] = [],
): string[] {
  const sequence = { undefinedFlags, undefinedMemory: new Map(ignored) };
  return compareResults(sequence, first, second, ['A', 'B'], () => 0x11);
}

it('tells registers, endings and memory that differ', () => {
  const first = result({ eax: 0xfffffffe, vector: NO_VECTOR }, [[0x30000, 5]]);
  const second = result({ eax: 2, vector: 6 }, [[0x30004, 7]]);
  expect(compare(first, second)).toEqual([
    'ending: A ran to its end, B vector 6',
    'eax: A FFFFFFFEh, B 2h',
    '[30000h]: A 5h, B unchanged',
    '[30004h]: A unchanged, B 7h',
  ]);
});

it('leaves out undefined flags and undefined bits of memory', () => {
  const first = result({ eflags: 0x11 }, [[0x30000, 0x1234]]);
  const second = result({ eflags: 0x01 }, [[0x30000, 0x1134]]);
  expect(compare(first, second, 0x10, [[0x30000, 0x300]])).toEqual([]);
  expect(compare(first, second, 0x10)).toEqual(['[30000h]: A 1234h, B 1134h']);
  expect(compare(first, second, 0, [[0x30000, 0x300]])).toEqual(['eflags: A 11h, B 1h']);
});

it('leaves out what DR6 says of breakpoints that are off, and nothing else of it', () => {
  expect(compare(result({ dr6: 0xffff4ff8 }), result({ dr6: 0xffff4ff0 }))).toEqual([]);
  expect(compare(result({ dr6: 0xffff4ff8 }), result({ dr6: 0xffff0ff0 }))).toEqual(['dr6: A FFFF4FF0h, B FFFF0FF0h']);
});

it('takes memory that was written with what it held for unchanged', () => {
  expect(compare(result({}, [[0x30000, 0x11]]), result())).toEqual([]);
});

it('reads no more results than there are, and none that breaks off', () => {
  const words = [
    ...resultFields.map((_, n) => n + 1),
    0x30000,
    0xabcd,
    0xffffffff,
    ...resultFields.map(() => 9),
    0x30008,
  ];
  const memory = new Uint8Array(new Uint32Array([...words, ...new Array<number>(64).fill(0)]).buffer);
  const results = readResults(memory, 10);
  expect(results.length).toBe(1);
  expect(results[0]?.registers.eax).toBe(2);
  expect([...(results[0]?.memory ?? [])]).toEqual([[0x30000, 0xabcd]]);
});
