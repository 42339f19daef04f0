/** Code that is compiled in a thread of its own: it comes later, or never, and nothing else is different. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { slot } from '../../state/layout.ts';
import type { BareMachine } from '../bare-machine.ts';
import { loadProgram, PROGRAM_START, programMachine } from '../guest-program.ts';
import type { Compiler } from './compiler.ts';
import { LateThread } from './late-thread.ts';
import { defaultEngine, type Engine } from './tiers.ts';

const HOT = 400_000;
/** inc ax ×8; jmp back */
const LOOP = [...new Array<number>(8).fill(0x40), 0xeb, 0xf6];
/** fninit, and a loop: fld1; fadd st0,st0; fstp st0; inc ax; jmp back. Regions call a function for the sum. */
const NUMBERS = [0xdb, 0xe3, 0xd9, 0xe8, 0xdc, 0xc0, 0xdd, 0xd8, 0x40, 0xeb, 0xf7];

let before: Engine;
let late: LateThread;
beforeEach(() => {
  before = defaultEngine.name;
  late = new LateThread();
  Object.assign(defaultEngine, { name: 'compiler', thread: late.thread });
});
afterEach(() => {
  Object.assign(defaultEngine, { name: before, thread: undefined });
});

function compilerOf(machine: BareMachine): Compiler {
  const { compiler } = machine.processor;
  if (!compiler) throw new Error('the machine has no compiler');
  return compiler;
}

/** A machine whose loop is hot and has been ordered. */
function hotMachine(program: readonly number[] = LOOP): BareMachine {
  const machine = programMachine(program, undefined, '486');
  machine.loop.run({ instructionsMax: HOT });
  expect([late.waiting, compilerOf(machine).counters.compiled]).toEqual([1, 0]);
  return machine;
}

/** Runs on, and says how many instructions of that regions have done. */
function share(machine: BareMachine): number {
  const [region] = compilerOf(machine).list();
  const of = () => compilerOf(machine).list()[0]?.instructions ?? 0;
  const instructions = region?.instructions ?? 0;
  machine.loop.run({ instructionsMax: 9000 });
  return of() - instructions;
}

describe('code that another thread compiles', () => {
  it('is interpreted until it is there', () => {
    const machine = hotMachine();
    expect(share(machine)).toBe(0);
    late.deliver(1);
    expect(share(machine)).toBeGreaterThan(8000);
    expect(machine.loop.retired).toBe(HOT + 18_000);
    expect(machine.processor.state.read16(slot.EAX)).toBe(Math.ceil(((HOT + 18_000) * 8) / 9) & 0xffff);
  });

  it('is ordered once', () => {
    const machine = hotMachine();
    machine.loop.run({ instructionsMax: 3 * HOT });
    expect(late.waiting).toBe(1);
    late.deliver(1);
    expect(compilerOf(machine).counters).toMatchObject({ compiled: 1, kept: 1, modules: 1 });
  });

  it('calls functions that the other thread has made', () => {
    const machine = hotMachine(NUMBERS);
    late.deliver(1);
    expect(share(machine)).toBeGreaterThan(8000);
    expect(machine.processor.state.read16(slot.EAX)).toBe(Math.floor((HOT + 9000) / 5) & 0xffff);
  });

  it('is forgotten if its code has changed', () => {
    const machine = hotMachine();
    loadProgram(machine, [0x48], PROGRAM_START + 3);
    machine.processor.code.written(PROGRAM_START + 3, 1, 0);
    late.deliver(1);
    expect(compilerOf(machine).counters).toMatchObject({ compiled: 0, kept: 0, modules: 0, bytes: 0 });
    machine.loop.run({ instructionsMax: HOT });
    late.deliver(1);
    expect(compilerOf(machine).counters.kept).toBe(1);
  });

  it('is forgotten if all code is', () => {
    const machine = hotMachine();
    machine.processor.code.flush();
    late.deliver(1);
    expect(compilerOf(machine).counters).toMatchObject({ compiled: 0, kept: 0, modules: 0, bytes: 0 });
    machine.loop.run({ instructionsMax: HOT });
    late.deliver(1);
    expect(compilerOf(machine).counters.kept).toBe(1);
  });

  it('is not entered where a breakpoint was set meanwhile', () => {
    const machine = hotMachine();
    machine.loop.addBreakpoint({ address: PROGRAM_START + 2, space: 'linear', reached: () => true });
    late.deliver(1);
    expect(machine.loop.run({ instructionsMax: HOT }).reason).toBe('breakpoint');
    expect(machine.processor.state.eip).toBe(PROGRAM_START + 2);
  });

  it('is compiled here if the thread ends', () => {
    const machine = hotMachine();
    late.thread.ended();
    expect(compilerOf(machine).counters.kept).toBe(1);
    expect(share(machine)).toBeGreaterThan(8000);
    late.deliver(1);
    expect(compilerOf(machine).counters.compiled).toBe(1);
  });

  it('is compiled here while much is waiting there', () => {
    // mov cx,45000; inc ax; inc ax; dec cx; jnz back; so six times, one after the other.
    const loops = Array.from({ length: 6 }, () => [0xb9, 0xc8, 0xaf, 0x40, 0x40, 0x49, 0x75, 0xfb]).flat();
    const machine = programMachine([...loops, 0xeb, 0xfe - loops.length]);
    machine.loop.run({ instructionsMax: 20 * HOT });
    expect(late.waiting).toBe(4);
    expect(compilerOf(machine).counters.compiled).toBeGreaterThan(0);
  });
});
