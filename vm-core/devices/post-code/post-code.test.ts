import { expect, it } from 'vitest';
import { createTestBench, readPort, writePort } from '../test-bench.ts';
import { createPostCode } from './post-code.ts';

it('latches the code, tells the host, and forgets it at reset', () => {
  const { context, outputs } = createTestBench();
  const latch = createPostCode(context);
  writePort(latch, 'code', 0, 0x31, 0xaa);
  expect([readPort(latch, 'code'), outputs]).toEqual([0xaa, ['post-code:31', 'post-code:AA']]);
  latch.reset();
  expect(readPort(latch, 'code')).toBe(0);
});
