/** Breakpoints whose filter generated code tries before it asks. */
import { describe, expect, it } from 'vitest';
import type { Breakpoint, BreakpointFilter } from '../machine/machine.ts';
import { slot } from '../state/layout.ts';
import { findRegister, type Register } from '../state/register-table.ts';
import type { BareMachine } from './bare-machine.ts';
import { PROGRAM_START, programMachine } from './guest-program.ts';

const EAX = findRegister('EAX') as Register;
/** l: inc ax; jmp l */
const LOOP = [0x40, 0xeb, 0xfd];

function filter(comparison: BreakpointFilter['comparison'], value: number, low = 0, width = 32): BreakpointFilter {
  return { register: EAX, low, width, comparison, value };
}

/** The values of EAX with which a breakpoint in the loop is asked, of those from 0 to 9 with something added. */
function asked(condition: BreakpointFilter, added = 0): readonly number[] {
  const machine = programMachine(LOOP);
  const { state } = machine.processor;
  state.write32(slot.EAX, added);
  const seen: number[] = [];
  const reached = (): boolean => {
    seen.push(state.read32(slot.EAX));
    return false;
  };
  machine.loop.addBreakpoint({ address: PROGRAM_START, space: 'linear', reached, filter: condition });
  machine.loop.run({ instructionsMax: 20 });
  return seen;
}

describe('a filter', () => {
  it.each([
    ['==', [5]],
    ['!=', [0, 1, 2, 3, 4, 6, 7, 8, 9]],
    ['<', [0, 1, 2, 3, 4]],
    ['<=', [0, 1, 2, 3, 4, 5]],
    ['>', [6, 7, 8, 9]],
    ['>=', [5, 6, 7, 8, 9]],
  ] as const)('lets ask where the register is %s the number', (comparison, expected) => {
    expect(asked(filter(comparison, 5))).toEqual(expected);
  });

  it('compares parts of registers, and without a sign', () => {
    expect(asked(filter('==', 0xab, 8, 8), 0x7aafc)).toEqual([0x7ab00, 0x7ab01, 0x7ab02, 0x7ab03, 0x7ab04, 0x7ab05]);
    expect(asked(filter('<', 5), 0x80000000)).toEqual([]);
    expect(asked(filter('>', 0x80000007), 0x80000000)).toEqual([0x80000008, 0x80000009]);
  });
});

describe('a breakpoint with a filter', () => {
  it('stops, lets the instruction pass on resume, and stops at the next arrival', () => {
    const machine = programMachine(LOOP);
    const { state } = machine.processor;
    const breakpoint: Breakpoint = {
      address: PROGRAM_START,
      space: 'linear',
      reached: () => state.read16(slot.EAX) >= 3,
      filter: filter('>=', 3),
    };
    machine.loop.addBreakpoint(breakpoint);
    const stops = [false, true, true].map((resume) => {
      expect(machine.loop.run({ instructionsMax: 1000, resume }).reason).toBe('breakpoint');
      return state.read16(slot.EAX);
    });
    expect(stops).toEqual([3, 4, 5]);
  });

  it('does not keep others at its place from being asked', () => {
    const machine = programMachine(LOOP);
    let arrivals = 0;
    const count = (): boolean => {
      arrivals++;
      return false;
    };
    machine.loop.addBreakpoint(whenSeven(machine));
    machine.loop.addBreakpoint({ address: PROGRAM_START, space: 'physical', reached: count });
    machine.loop.run({ instructionsMax: 10 });
    expect(arrivals).toBe(5);
  });

  it('is no obstacle to the debug registers of the guest', () => {
    const machine = programMachine(LOOP);
    const { state } = machine.processor;
    machine.loop.addBreakpoint(whenSeven(machine));
    machine.loop.run({ instructionsMax: 4 });
    state.write32(slot.DR0, PROGRAM_START);
    state.write32(slot.DR7, 1);
    machine.processor.refresh();
    machine.loop.run({ instructionsMax: 100 });
    expect([state.read16(slot.EAX), state.eip]).toEqual([2, 0x602]);
  });
});

function whenSeven({ processor }: BareMachine): Breakpoint {
  const reached = (): boolean => processor.state.read32(slot.EAX) === 7;
  return { address: PROGRAM_START, space: 'linear', reached, filter: filter('==', 7) };
}
