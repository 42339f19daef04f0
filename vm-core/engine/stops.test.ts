/** Watchpoints and events of the embedder: where the machine stops, how often it asks, that nothing else changes. */
import { describe, expect, it } from 'vitest';
import type { MachineEvent, MemoryAccess, Watchpoint } from '../machine/machine.ts';
import { slot } from '../state/layout.ts';
import type { BareMachine } from './bare-machine.ts';
import { loadProgram, PROGRAM_START, programMachine } from './guest-program.ts';

const HLT = 0xf4;

function watch(machine: BareMachine, changes: Partial<Watchpoint>): Watchpoint {
  const watchpoint: Watchpoint = {
    address: 0x9000,
    length: 2,
    space: 'linear',
    access: 'write',
    reached: () => true,
    ...changes,
  };
  machine.processor.watches.add(watchpoint);
  machine.processor.forgetShortcuts();
  return watchpoint;
}

function run(machine: BareMachine, resume = false): string {
  return machine.loop.run({ instructionsMax: 1000, resume }).reason;
}

describe('watchpoints', () => {
  it.each(['linear', 'physical'] as const)('stop after the instruction that wrote, in %s space', (space) => {
    // mov [9001h],ax; inc ax; hlt
    const machine = programMachine([0xa3, 0x01, 0x90, 0x40, HLT]);
    const seen: MemoryAccess[] = [];
    watch(machine, { space, reached: (access) => seen.push(access) > 0 });
    expect(run(machine)).toBe('watchpoint');
    expect(machine.processor.state.eip).toBe(PROGRAM_START + 3);
    expect(seen).toEqual([
      { kind: 'write', linearAddress: 0x9001, physicalAddress: 0x9001, size: 2, instruction: PROGRAM_START, cpu: 0 },
    ]);
    expect(run(machine)).toBe('halted');
    expect(machine.loop.retired).toBe(3);
  });

  it('tell reads from writes, and see both halves of a read-modify-write', () => {
    // mov ax,[9000h]; add [9000h],ax; hlt
    const program = [0xa1, 0x00, 0x90, 0x01, 0x06, 0x00, 0x90, HLT];
    const stops = (access: Watchpoint['access']) => {
      const machine = programMachine(program);
      const kinds: string[] = [];
      watch(machine, { access, reached: (met) => kinds.push(`${met.instruction - PROGRAM_START} ${met.kind}`) > 0 });
      while (run(machine) === 'watchpoint');
      return kinds;
    };
    expect(stops('read')).toEqual(['0 read', '3 read']);
    expect(stops('write')).toEqual(['3 write']);
    expect(stops('read-write')).toEqual(['0 read', '3 read', '3 write']);
  });

  it('see an element of a repeated instruction, of which many others are done at once', () => {
    // rep stosb; rep stosb from 8000h on, across the page; hlt
    const machine = programMachine([0xf3, 0xaa, 0xf3, 0xaa, HLT]);
    const { state } = machine.processor;
    state.write16(slot.ECX, 0);
    watch(machine, { address: 0x9100, length: 1 });
    run(machine);
    machine.processor.state.eip = PROGRAM_START;
    state.write8(slot.HALTED, 0);
    state.write16(slot.EDI, 0x8000);
    state.write16(slot.ECX, 0x1200);
    expect(run(machine)).toBe('watchpoint');
    expect([state.read16(slot.EDI), state.read16(slot.ECX)]).toEqual([0x9101, 0xff]);
    expect(run(machine)).toBe('halted');
    expect(state.read16(slot.EDI)).toBe(0x9200);
  });

  it('see only their bytes, and accesses that cross a page', () => {
    // mov [8FFFh],ax; mov [9002h],ax; hlt
    const machine = programMachine([0xa3, 0xff, 0x8f, 0xa3, 0x02, 0x90, HLT]);
    watch(machine, { length: 1 });
    expect(run(machine)).toBe('watchpoint');
    expect(machine.processor.state.eip).toBe(PROGRAM_START + 3);
    expect(run(machine)).toBe('halted');
  });

  it('stop a repeated string instruction in the middle', () => {
    // cld; mov cx,100; mov di,8FF0h; rep stosb; hlt
    const machine = programMachine([0xfc, 0xb9, 100, 0, 0xbf, 0xf0, 0x8f, 0xf3, 0xaa, HLT]);
    watch(machine, { length: 1 });
    expect(run(machine)).toBe('watchpoint');
    expect(machine.processor.state.read16(slot.EDI)).toBe(0x9001);
    expect(run(machine)).toBe('halted');
    expect(machine.processor.state.read16(slot.ECX)).toBe(0);
  });

  it('see what system instructions write, and the stack', () => {
    // sidt [9000h]; int 20h (handler: hlt)
    const machine = programMachine([0x0f, 0x01, 0x0e, 0x00, 0x90, 0xcd, 0x20]);
    watch(machine, { length: 1 });
    watch(machine, { address: PROGRAM_START - 6, length: 6 });
    expect(run(machine)).toBe('watchpoint');
    expect(machine.processor.state.eip).toBe(PROGRAM_START + 5);
    expect(run(machine)).toBe('watchpoint');
    expect(machine.processor.state.eip).toBe(0x620);
  });

  it('go on when they do not want to stop, and cost nothing once removed', () => {
    // l: inc word [9000h]; cmp word [9000h],50; jb l; hlt
    const machine = programMachine([0xff, 0x06, 0, 0x90, 0x83, 0x3e, 0, 0x90, 50, 0x72, 0xf5, HLT]);
    let asked = 0;
    const watchpoint = watch(machine, {
      reached: () => {
        asked++;
        return asked === 10;
      },
    });
    expect(run(machine)).toBe('watchpoint');
    machine.processor.watches.remove(watchpoint);
    expect(run(machine)).toBe('halted');
    expect(asked).toBe(10);
  });

  it('may be thousands, of any length', () => {
    const machine = programMachine([0xa3, 0x00, 0x90, HLT]);
    for (let n = 0; n < 5000; n++) watch(machine, { address: 0x10000 + n * 64, length: 48 });
    watch(machine, { address: 0, length: 0x100000, access: 'write', reached: () => false });
    expect(run(machine)).toBe('halted');
    expect(() => watch(machine, { address: 0xffffffff, length: 2 })).toThrow(/watchpoint of 2 bytes/);
  });
});

describe('events', () => {
  function stopsOf(program: readonly number[], wants: (event: MachineEvent) => boolean): string[] {
    const machine = programMachine(program);
    loadProgram(machine, [0xcf], 0x620);
    machine.processor.reports.onEvent = wants;
    const stops: string[] = [];
    for (let n = 0; n < 20; n++) {
      const result = machine.loop.run({ instructionsMax: 1000, resume: n > 0 });
      if (result.reason !== 'event') break;
      const { kind, cpu: _, ...rest } = result.event;
      stops.push(`${machine.processor.state.eip - PROGRAM_START}: ${kind} ${Object.values(rest).join()}`);
    }
    return stops;
  }

  it('stop after port accesses', () => {
    // in al,60h; out 61h,al; in al,60h; hlt
    const program = [0xe4, 0x60, 0xe6, 0x61, 0xe4, 0x60, HLT];
    const stops = stopsOf(program, (event) => event.kind === 'port' && event.port === 0x60);
    expect(stops).toEqual(['2: port 96,1,255,false', '6: port 96,1,255,false']);
  });

  it('stop before INT n and let it through on resume', () => {
    // int 20h; int 20h; hlt
    const stops = stopsOf([0xcd, 0x20, 0xcd, 0x20, HLT], (event) => event.kind === 'interrupt');
    expect(stops).toEqual(['0: interrupt 32,software', '2: interrupt 32,software']);
  });

  it('stop in the handler of an exception', () => {
    const stops = stopsOf([0x90, 0x0f, 0x0b], (event) => event.kind === 'interrupt');
    expect(stops).toEqual([`${0x606 - PROGRAM_START}: interrupt 6,exception`]);
  });

  it('stop after a change of mode and at HLT', () => {
    // mov eax,cr0; or al,1; mov cr0,eax; and al,feh; mov cr0,eax; hlt
    const program = [0x0f, 0x20, 0xc0, 0x0c, 1, 0x0f, 0x22, 0xc0, 0x24, 0xfe, 0x0f, 0x22, 0xc0, HLT];
    const stops = stopsOf(program, (event) => event.kind === 'mode' || event.kind === 'halt');
    expect(stops).toEqual(['8: mode real,protected', '13: mode protected,real', '14: halt false']);
  });
});
