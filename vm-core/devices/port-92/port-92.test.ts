import { expect, it } from 'vitest';
import { createTestBench, readPort, writePort } from '../test-bench.ts';
import { createPort92 } from './port-92.ts';

it('drives A20 with bit 1, keeps its other bits, and resets with bit 0', () => {
  const { context, lines, requests } = createTestBench();
  const port = createPort92(context);
  port.reset();
  expect([lines.get('a20'), readPort(port, 'control')]).toEqual([false, 0]);
  writePort(port, 'control', 0, 0x02);
  expect([lines.get('a20'), readPort(port, 'control'), requests]).toEqual([true, 0x02, []]);
  writePort(port, 'control', 0, 0xff);
  expect([readPort(port, 'control'), requests]).toEqual([0xca, [{ kind: 'reset' }]]);
  port.reset();
  expect([lines.get('a20'), readPort(port, 'control')]).toEqual([false, 0]);
});
