/** Small real-mode programs for tests: bytes at 0000:7C00 in a bare machine, flat segments of 64 KiB, stack below. */
import type { CpuModel } from '../isa/cpu-model.ts';
import { segmentNames } from '../state/register-table.ts';
import { slot } from '../state/layout.ts';
import { type BareMachine, createBareMachine } from './bare-machine.ts';

export const PROGRAM_START = 0x7c00;

/** A machine at the first byte of the program. All interrupt vectors lead to HLTs at 0000:0600 + vector. */
export function programMachine(
  bytes: readonly number[],
  memorySize = 0x200000,
  model: CpuModel = '386',
  codeCacheSize?: number,
): BareMachine {
  const machine = createBareMachine(memorySize, undefined, model, codeCacheSize);
  const { state } = machine.processor;
  segmentNames.forEach((name, index) => {
    state.setSegment(index, { selector: 0, base: 0, limit: 0xffff, attributes: name === 'CS' ? 0x9b : 0x93 });
  });
  for (let vector = 0; vector < 256; vector++) {
    machine.map.write(vector * 4, 4, 0x600 + vector);
    machine.map.write(0x600 + vector, 1, 0xf4);
  }
  loadProgram(machine, bytes);
  state.eip = PROGRAM_START;
  state.write32(slot.ESP, PROGRAM_START);
  return machine;
}

export function loadProgram(machine: BareMachine, bytes: readonly number[], at: number = PROGRAM_START): void {
  bytes.forEach((value, n) => {
    machine.map.write(at + n, 1, value);
  });
}
