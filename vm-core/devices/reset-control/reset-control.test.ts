import { expect, it } from 'vitest';
import { createTestBench, readPort, writePort } from '../test-bench.ts';
import { createResetControl } from './reset-control.ts';

it('resets when bit 2 becomes 1, whatever bit 1 says, and keeps both', () => {
  const { context, requests } = createTestBench();
  const device = createResetControl(context);
  device.reset();
  writePort(device, 'control', 0, 0x02);
  expect([requests.length, readPort(device, 'control')]).toEqual([0, 2]);
  writePort(device, 'control', 0, 0xff);
  expect([requests, readPort(device, 'control')]).toEqual([[{ kind: 'reset' }], 6]);
  writePort(device, 'control', 0, 0x06);
  expect(requests).toHaveLength(1);
  writePort(device, 'control', 0, 0x00);
  writePort(device, 'control', 0, 0x04);
  expect(requests).toHaveLength(2);
  device.reset();
  expect(readPort(device, 'control')).toBe(0);
});
