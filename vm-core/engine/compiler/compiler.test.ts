/** When code is compiled, entered, and thrown away. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Decoder } from '../../isa/decoder.ts';
import type { Breakpoint } from '../../machine/machine.ts';
import { internal, slot } from '../../state/layout.ts';
import type { BareMachine } from '../bare-machine.ts';
import { loadProgram, PROGRAM_START, programMachine } from '../guest-program.ts';
import { interpreter } from '../interpreter.ts';
import type { Compiler } from './compiler.ts';
import { defaultEngine, type Engine } from './tiers.ts';

const HOT = 400_000;
/** inc ax ×8; jmp back */
const LOOP = [...new Array<number>(8).fill(0x40), 0xeb, 0xf6];
/** inc word [9000]; mov bp,[9000] */
const COUNT = [0xff, 0x06, 0x00, 0x90, 0x8b, 0x2e, 0x00, 0x90];
/** enter 0,0 stores BP below SP: by a handler that regions call. */
const ENTER = [0xc8, 0, 0, 0];
/** mov ax,imm; add dx,ax */
const ADD = [0xb8, 0, 0, 0x01, 0xc2];

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
function hotMachine(program: readonly number[] = LOOP): BareMachine {
  const machine = programMachine(program);
  machine.loop.run({ instructionsMax: HOT });
  expect(compilerOf(machine).counters.kept).toBeGreaterThan(0);
  return machine;
}

/** What an interpreter makes. */
function interpreted(make: () => BareMachine): BareMachine {
  defaultEngine.name = 'interpreter';
  try {
    return make();
  } finally {
    defaultEngine.name = 'compiler';
  }
}

function resultOf({ processor: { state }, loop }: BareMachine): object {
  const registers = [slot.EAX, slot.EDX, slot.EBX, slot.EBP, slot.ESP].map((at) => state.read16(at));
  return { registers, eip: state.eip, retired: loop.retired };
}

describe('hot code', () => {
  it('is compiled, and counted to the instruction', () => {
    const machine = hotMachine();
    machine.loop.run({ instructionsMax: 12_345 });
    expect(machine.loop.retired).toBe(HOT + 12_345);
    expect(machine.processor.state.eip).toBe(PROGRAM_START + ((HOT + 12_345) % 9));
    expect(machine.processor.state.read16(slot.EAX)).toBe(Math.ceil(((HOT + 12_345) * 8) / 9) & 0xffff);
  });

  it('stays interpreted where V8 does not take what was made of it', () => {
    const refusing = vi.spyOn(WebAssembly, 'Module').mockImplementation(function refuse() {
      throw new WebAssembly.CompileError('not valid');
    });
    try {
      const machine = programMachine(LOOP);
      machine.loop.run({ instructionsMax: HOT });
      const { refused, kept } = compilerOf(machine).counters;
      expect([refusing.mock.calls.length, refused, kept]).toEqual([1, 1, 0]);
      expect(resultOf(machine)).toEqual(
        resultOf(
          interpreted(() => {
            const other = programMachine(LOOP);
            other.loop.run({ instructionsMax: HOT });
            return other;
          }),
        ),
      );
    } finally {
      refusing.mockRestore();
    }
  });

  it('tells how much of the guest it has executed', () => {
    const machine = hotMachine();
    const compiled = () => Number(machine.processor.state.read64(internal.COMPILED));
    const before = compiled();
    machine.loop.run({ instructionsMax: 5000 });
    expect(before).toBeGreaterThan(HOT / 2);
    expect(before).toBeLessThan(HOT);
    expect(compiled() - before).toBeGreaterThan(4900);
    expect(compiled() - before).toBeLessThanOrEqual(5000);
  });

  it('is sampled less and less once nothing new is found', () => {
    const machine = hotMachine();
    const { counters } = compilerOf(machine);
    const { samples } = counters;
    machine.loop.run({ instructionsMax: 10 * HOT });
    expect(counters.samples - samples).toBeLessThan(40);
  });

  it('is not compiled by an interpreter', () => {
    expect(interpreted(() => programMachine(LOOP)).processor.compiler).toBeUndefined();
  });

  it('is compiled with the instructions of other units in it, whose handlers are known', () => {
    const fld1 = [0xd9, 0xe8];
    const { handlerOf, formAt } = interpreter(32);
    expect(formAt(handlerOf(new Decoder('486').decode((at) => fld1[at] ?? 0, 32)))?.row.unit).toBe('x87');
    // fld1; fstp st0; inc ax; jmp back
    const machine = hotMachine([...fld1, 0xdd, 0xd8, 0x40, 0xeb, 0xf9]);
    expect(compilerOf(machine).counters.refused).toBe(0);
    expect(machine.processor.state.read16(slot.EAX)).toBe(((HOT + 1) >> 2) & 0xffff);
  });
});

describe('code that is written over by a handler that a region calls', () => {
  it('is not compiled where that happens often', () => {
    // mov bx,3; mov bp,300; dec bp; jnz back; jmp behind the granule
    const outer = [0xbb, 3, 0, 0xbd, 0x2c, 0x01, 0x4d, 0x75, 0xfd, 0xeb, 0x15];
    const gap = new Array<number>(0x20 - outer.length).fill(0x90);
    // mov sp,behind the immediate; dec bx; jnz to COUNT; jmp to the beginning
    const inner = [...COUNT, 0xbc, 0x32, 0x7c, ...ENTER, ...ADD, 0x4b, 0x75, 0xe9, 0xe9, 0xc6, 0xff];
    const run = (): BareMachine => {
      const machine = programMachine([...outer, ...gap, ...inner]);
      machine.loop.run({ instructionsMax: HOT });
      return machine;
    };
    const machine = run();
    expect(resultOf(machine)).toEqual(resultOf(interpreted(run)));
    expect(compilerOf(machine).counters).toMatchObject({ compiled: 1, dropped: 0 });
  });

  it('is left at once where it is put right in its place', () => {
    // COUNT; mov sp,si; ENTER; mov ax,imm; add dx,ax; jmp back
    const loop = [...COUNT, 0x8b, 0xe6, ...ENTER, ...ADD, 0xeb, 0xeb];
    const [immediateEnd, elsewhere] = [PROGRAM_START + 17, 0x9800];
    // In the same granule: mov al,imm; ret. Elsewhere: mov cx,10; call that; inc byte [its immediate]; loop to the call; hlt.
    const [neighbor, writer] = [PROGRAM_START + 0x18, PROGRAM_START + 0x80];
    const call = [0xe8, neighbor - (writer + 6), 0xff].map((byte) => byte & 0xff);
    const writing = [0xb9, 10, 0, ...call, 0xfe, 0x06, (neighbor + 1) & 0xff, neighbor >> 8, 0xe2, 0xf7, 0xf4];
    const run = (): BareMachine => {
      const machine = programMachine(loop);
      const { state } = machine.processor;
      loadProgram(machine, [0xb0, 0, 0xc3], neighbor);
      loadProgram(machine, writing, writer);
      state.write16(slot.ESI, elsewhere);
      machine.loop.run({ instructionsMax: HOT });
      state.eip = writer;
      expect(machine.loop.run({ instructionsMax: HOT })).toEqual({ reason: 'halted' });
      state.write8(slot.HALTED, 0);
      state.eip = PROGRAM_START;
      state.write16(slot.ESI, immediateEnd);
      const { compiler } = machine.processor;
      if (compiler) expect(compiler.counters).toMatchObject({ kept: 1, dropped: 0 });
      machine.loop.run({ instructionsMax: 9000 });
      return machine;
    };
    const machine = run();
    expect(resultOf(machine)).toEqual(resultOf(interpreted(run)));
    expect(compilerOf(machine).counters).toMatchObject({ kept: 0, dropped: 1 });
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

  it.each([
    { program: LOOP, isNew: false, what: 'stays where nothing is called' },
    // call to the RET; jmp back
    { program: [0xe8, 2, 0, 0xeb, 0xfb, 0xc3], isNew: true, what: 'is made anew for calls' },
  ])('$what when these are recorded', ({ program, isNew }) => {
    const machine = hotMachine(program);
    const { counters } = compilerOf(machine);
    const { compiled } = counters;
    machine.processor.callShadow.isOn = true;
    machine.loop.run({ instructionsMax: 10 * HOT });
    expect(counters.compiled > compiled).toBe(isNew);
  });

  it('is left alone while executed code is recorded, so that the record has all of it', () => {
    const machine = hotMachine();
    machine.processor.trace.isOn = true;
    machine.loop.run({ instructionsMax: 9 * 5 });
    const counts = machine.processor.trace.entries().map((entry) => (entry.kind === 'code' ? entry.count : 0));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(9 * 5);
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
