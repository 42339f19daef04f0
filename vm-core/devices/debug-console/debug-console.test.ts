import { expect, it } from 'vitest';
import { createTestBench, readPort, writePort } from '../test-bench.ts';
import { createDebugConsole } from './debug-console.ts';

it('sends what is written and reads as E9h', () => {
  const { context, outputs } = createTestBench();
  const console = createDebugConsole(context);
  writePort(console, 'data', 0, 0x4f, 0x4b);
  expect([readPort(console, 'data'), outputs]).toEqual([0xe9, ['debugcon:4F', 'debugcon:4B']]);
});
