/** When code is compiled, entered, and thrown away. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Breakpoint } from '../../machine/machine.ts';
import { slot } from '../../state/layout.ts';
import type { BareMachine } from '../bare-machine.ts';
import { loadProgram, PROGRAM_START, programMachine } from '../guest-program.ts';
import type { Compiler } from './compiler.ts';
import { defaultEngine, type Engine } from './tiers.ts';

const HOT = 400_000;
/** inc ax ×8; jmp back */
const LOOP = [...new Array<number>(8).fill(0x40), 0xeb, 0xf6];

let before: Engine;
beforeAll(() => {
  before = defaultEngine.name;
  defaultEngine.name = 'compiler';
});
afterAll(() => {
  defaultEngine.name = before;
});

function compilerOf(machine: BareMachine): Compiler {
  const { compiler } = machine.processor;
  if (!compiler) throw new Error('the machine has no compiler');
  return compiler;
}

function breakpointAt(address: number): Breakpoint {
  return { address, space: 'linear', reached: () => true };
}

/** A machine whose loop is compiled. */
function hotMachine(): BareMachine {
  const machine = programMachine(LOOP);
  machine.loop.run({ instructionsMax: HOT });
  expect(compilerOf(machine).counters.kept).toBeGreaterThan(0);
  return machine;
}

describe('hot code', () => {
  it('is compiled, and counted to the instruction', () => {
    const machine = hotMachine();
    machine.loop.run({ instructionsMax: 12_345 });
    expect(machine.loop.retired).toBe(HOT + 12_345);
    expect(machine.processor.state.eip).toBe(PROGRAM_START + ((HOT + 12_345) % 9));
    expect(machine.processor.state.read16(slot.EAX)).toBe(Math.ceil(((HOT + 12_345) * 8) / 9) & 0xffff);
  });

  it('is sampled less and less once nothing new is found', () => {
    const machine = hotMachine();
    const { counters } = compilerOf(machine);
    const { samples } = counters;
    machine.loop.run({ instructionsMax: 10 * HOT });
    expect(counters.samples - samples).toBeLessThan(40);
  });

  it('is not compiled by an interpreter', () => {
    defaultEngine.name = 'interpreter';
    const machine = programMachine(LOOP);
    defaultEngine.name = 'compiler';
    expect(machine.processor.compiler).toBeUndefined();
  });
});

describe('compiled code', () => {
  it('stops at a breakpoint that is set in it, and goes on when that is gone', () => {
    const machine = hotMachine();
    const breakpoint = breakpointAt(PROGRAM_START + 3);
    machine.loop.addBreakpoint(breakpoint);
    expect(machine.loop.run({ instructionsMax: HOT })).toEqual({ reason: 'breakpoint', breakpoints: [breakpoint] });
    expect(machine.processor.state.eip).toBe(PROGRAM_START + 3);
    machine.loop.removeBreakpoint(breakpoint);
    const { counters } = compilerOf(machine);
    const { compiled } = counters;
    expect(machine.loop.run({ instructionsMax: HOT })).toEqual({ reason: 'limit' });
    expect(counters.compiled).toBeGreaterThan(compiled);
  });

  it('stays where a breakpoint is set elsewhere on its page', () => {
    const machine = hotMachine();
    const { counters } = compilerOf(machine);
    const { kept, dropped } = counters;
    machine.loop.addBreakpoint(breakpointAt(PROGRAM_START + 0x100));
    machine.loop.run({ instructionsMax: HOT });
    expect(counters).toMatchObject({ kept, dropped });
  });

  it('is dropped when the guest or a device writes to it', () => {
    const machine = hotMachine();
    const { counters } = compilerOf(machine);
    // inc ax becomes dec ax
    loadProgram(machine, new Array<number>(8).fill(0x48));
    machine.processor.busWritten(PROGRAM_START, 8);
    expect(counters.kept).toBe(0);
    expect(counters.dropped).toBeGreaterThan(0);
    const ax = machine.processor.state.read16(slot.EAX);
    machine.loop.run({ instructionsMax: 9 * 10_000 });
    expect(machine.processor.state.read16(slot.EAX)).toBe((ax - 8 * 10_000) & 0xffff);
  });

  it('is made anew for a record of calls', () => {
    const machine = hotMachine();
    const { counters } = compilerOf(machine);
    const { compiled } = counters;
    machine.processor.callShadow.isOn = true;
    machine.loop.run({ instructionsMax: 10 * HOT });
    expect(counters.compiled).toBeGreaterThan(compiled);
  });

  it('is left alone while executed code is recorded, so that the record has all of it', () => {
    const machine = hotMachine();
    machine.processor.trace.isOn = true;
    machine.loop.run({ instructionsMax: 9 * 5 });
    const executed = machine.processor.trace.entries();
    expect(executed.length).toBeGreaterThanOrEqual(5);
  });

  it('is forgotten with all other code', () => {
    const machine = hotMachine();
    machine.processor.code.flush();
    expect(compilerOf(machine).counters).toMatchObject({ kept: 0, bytes: 0 });
    machine.loop.run({ instructionsMax: HOT });
    expect(machine.loop.retired).toBe(2 * HOT);
    expect(compilerOf(machine).counters.kept).toBeGreaterThan(0);
  });
});
