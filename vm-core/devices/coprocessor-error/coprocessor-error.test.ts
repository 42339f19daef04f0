import { expect, it } from 'vitest';
import { createTestBench, writePort } from '../test-bench.ts';
import { createCoprocessorError } from './coprocessor-error.ts';

it('latches an error into the interrupt line until port F0h is written, which lets the processor go on', () => {
  const { context, edges, lines } = createTestBench();
  const device = createCoprocessorError(context);
  device.reset();
  writePort(device, 'control', 0, 0);
  expect(edges).toEqual([]);
  device.inputs?.['ferr']?.(true);
  device.inputs?.['ferr']?.(false);
  expect(lines.get('irq')).toBe(true);
  writePort(device, 'control', 1, 0);
  expect(lines.get('irq')).toBe(true);
  writePort(device, 'control', 0, 0);
  expect(edges).toEqual(['+irq', '-irq', '+ignne', '-ignne']);
});
