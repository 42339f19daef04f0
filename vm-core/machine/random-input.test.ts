/** Random bits of the guest: the same for the same configuration and input, others for other input. */
import { describe, expect, it } from 'vitest';
import { CS, slot } from '../state/layout.ts';
import { createMachine } from './create-machine.ts';
import type { InputRecord } from './machine.ts';

const START = 0x600;
/** rdrand eax; hlt */
const CODE = [0x66, 0x0f, 0xc7, 0xf0, 0xf4];

function draw(startTimeMs: number, replay: readonly InputRecord[] = [], bytes?: readonly number[]) {
  const machine = createMachine({
    ...{ machineType: 'isa-1', cpuModel: 'x86-64-v3', memorySize: 0x100000, firmware: 'builtin', exitDevice: false },
    startTimeMs,
  });
  if (replay.length > 0) machine.replay(replay);
  if (bytes) machine.input('processor', 'random', Uint8Array.from(bytes));
  machine.memory.write(START, Uint8Array.from(CODE));
  const { state } = machine.cpus[0];
  state.setSegment(CS, { ...state.segment(CS), selector: 0, base: 0 });
  state.eip = START;
  machine.run({ instructionsMax: 1 });
  return { value: state.read32(slot.EAX), log: machine.inputLog };
}

describe('RDRAND', () => {
  it('follows from the time at power-on and from what was put in', () => {
    expect(draw(1).value).toBe(draw(1).value);
    expect(draw(1).value).not.toBe(draw(2).value);
    expect(draw(1, [], [1, 2, 3]).value).not.toBe(draw(1).value);
  });

  it('is the same when the input is replayed', () => {
    const { value, log } = draw(1, [], [9, 8, 7]);
    expect(log.map(({ device, channel }) => [device, channel])).toEqual([['processor', 'random']]);
    expect(draw(1, log).value).toBe(value);
  });
});
