/** The record of executed code. */
import { describe, expect, it } from 'vitest';
import { changedState, readState } from '../state/state-access.ts';
import { PROGRAM_START, programMachine } from './guest-program.ts';
import { TRACE_ENTRIES } from './trace-entry.ts';

/** inc ax; jz +2; jmp back; ud2 */
const LOOP = [0x40, 0x74, 0x02, 0xeb, 0xfb, 0x0f, 0x0b];

const code = (offset: number, count: number) => ({
  kind: 'code',
  address: PROGRAM_START + offset,
  selector: 0,
  count,
  codeSize: 16,
});

describe('the record of executed code', () => {
  it('is empty until it is asked for', () => {
    const machine = programMachine(LOOP);
    machine.loop.run({ instructionsMax: 10 });
    expect(machine.processor.trace.entries()).toEqual([]);
    machine.processor.trace.isOn = true;
    expect(machine.processor.trace.entries()).toEqual([]);
    machine.loop.run({ instructionsMax: 2 });
    machine.processor.trace.isOn = false;
    expect(machine.processor.trace.entries()).toEqual([]);
  });

  it('holds what has retired, block by block, and the faults in between', () => {
    const machine = programMachine([0x48, ...LOOP]);
    machine.processor.trace.isOn = true;
    machine.loop.run({ instructionsMax: 20 });
    const handler = { kind: 'code', address: 0x606, selector: 0, count: 1, codeSize: 16 };
    const fault = { kind: 'interrupt', source: 'exception', vector: 6, address: PROGRAM_START + 6, selector: 0 };
    // dec ax makes it FFFFh; the loop brings it back to 0 at once.
    expect(machine.processor.trace.entries()).toEqual([code(0, 3), fault, handler]);
  });

  it('counts to where a run ends in the middle of a block', () => {
    const machine = programMachine(LOOP);
    machine.processor.trace.isOn = true;
    for (const instructionsMax of [1, 2, 3]) machine.loop.run({ instructionsMax });
    expect(machine.processor.trace.entries()).toEqual([code(0, 1), code(1, 2), code(0, 3)]);
  });

  it('keeps the newest, and leaves no trace in the guest', () => {
    const [on, off] = [true, false].map((isOn) => {
      const machine = programMachine(LOOP);
      machine.processor.trace.isOn = isOn;
      machine.loop.run({ instructionsMax: 100_000 });
      return machine;
    });
    if (!on || !off) throw new Error('two machines were made');
    expect(on.processor.trace.entries()).toHaveLength(TRACE_ENTRIES);
    expect(on.processor.trace.entries().at(-1)).toEqual(code(0, 1));
    expect(changedState(readState(on.processor.state), readState(off.processor.state))).toEqual([]);
    expect(on.loop.retired).toBe(off.loop.retired);
  });
});
