import { expect, it } from 'vitest';
import { createTestBench, readPort } from '../test-bench.ts';
import { createDebugExit } from './debug-exit.ts';

it.each([
  { size: 1, value: 0x31 },
  { size: 2, value: 0x1234 },
  { size: 4, value: 0xdead_beef },
] as const)('ends the run with a value of $size bytes', ({ size, value }) => {
  const { context, requests } = createTestBench();
  const exit = createDebugExit(context);
  expect(readPort(exit, 'value')).toBe(0);
  exit.ports['value']?.write(0, size, value);
  expect(requests).toEqual([{ kind: 'exit', value }]);
});
