/** The engine as a whole: blocks, stops, faults, self-modifying code, exact counts. */
import { describe, expect, it } from 'vitest';
import type { Breakpoint } from '../machine/machine.ts';
import { slot } from '../state/layout.ts';
import { loadProgram, PROGRAM_START, programMachine } from './guest-program.ts';

const HLT = 0xf4;

function breakpointAt(address: number, reached: () => boolean = () => true): Breakpoint {
  return { address, space: 'linear', reached };
}

describe('running', () => {
  it('retires exactly as many instructions as asked, in the middle of blocks too', () => {
    // inc ax ×8; jmp back
    const machine = programMachine([...new Array(8).fill(0x40), 0xeb, 0xf6]);
    for (const count of [1, 2, 3, 5, 7, 100, 1001]) {
      const before = machine.loop.retired;
      expect(machine.loop.run({ instructionsMax: count })).toEqual({ reason: 'limit' });
      expect(machine.loop.retired - before).toBe(count);
      const total = machine.loop.retired;
      expect(machine.processor.state.read16(slot.EAX)).toBe((total - Math.floor(total / 9)) & 0xffff);
      expect(machine.processor.state.eip).toBe(PROGRAM_START + (total % 9));
    }
  });

  it('counts HLT and reports that nothing will wake the processor', () => {
    const machine = programMachine([0x90, HLT]);
    expect(machine.loop.run({ instructionsMax: 100 })).toEqual({ reason: 'halted', nextEvent: undefined });
    expect(machine.loop.retired).toBe(2);
  });

  it('reads time exactly inside a block', () => {
    const machine = programMachine([0x90, 0x90, 0xe4, 0x40, 0x90, 0xe4, 0x40, HLT]);
    const times: number[] = [];
    const ports = machine.processor.ports as { read: unknown };
    ports.read = () => {
      times.push(machine.processor.now());
      return 0;
    };
    machine.loop.run({ instructionsMax: 100 });
    expect(times).toEqual([2, 4]);
  });
});

describe('events', () => {
  it('that a device asks for in the middle of a block come at their instruction', () => {
    // out 40h,al; inc ax ×20; jmp back
    const machine = programMachine([0xe6, 0x40, ...new Array(20).fill(0x40), 0xeb, 0xe8]);
    const came: number[] = [];
    const timer = machine.events.timer('test', () => {
      came.push(machine.loop.time, machine.processor.state.eip);
    });
    const ports = machine.processor.ports as { write: unknown };
    ports.write = () => timer.arm(machine.processor.now() + 5);
    machine.loop.run({ instructionsMax: 23 });
    expect(came).toEqual([5, PROGRAM_START + 6]);
  });

  it('are taken when POPF and IRET let them in', () => {
    // mov ax,202h; push ax; popf; nop; hlt, with the flag and the interrupt at different times
    const machine = programMachine([0xb8, 0x02, 0x02, 0x50, 0x9d, 0x90, HLT]);
    const { processor } = machine;
    const taken: number[] = [];
    Object.assign(processor, {
      interruptPending: () => taken.length === 0,
      acknowledgeInterrupt: () => {
        taken.push(processor.state.eip);
        return 0x20;
      },
    });
    machine.loop.run({ instructionsMax: 100 });
    expect([taken, processor.state.eip]).toEqual([[PROGRAM_START + 5], 0x621]);
  });
});

describe('faults', () => {
  it('delivers #DE with the address of the division', () => {
    // xor bx,bx; inc cx; div bx
    const machine = programMachine([0x31, 0xdb, 0x41, 0xf7, 0xf3]);
    machine.loop.run({ instructionsMax: 100 });
    const { state } = machine.processor;
    expect(state.eip).toBe(0x601);
    expect(machine.map.read(PROGRAM_START - 6, 2)).toBe(PROGRAM_START + 3);
    expect(state.read16(slot.ECX)).toBe(1);
    expect(machine.loop.retired).toBe(3);
  });

  it('shows a fault before its delivery when asked to', () => {
    const machine = programMachine([0x0f, 0x0b]);
    machine.loop.stopOnExceptions = new Set([6]);
    const result = machine.loop.run({ instructionsMax: 10 });
    expect(result).toMatchObject({ reason: 'exception', event: { vector: 6, eip: PROGRAM_START } });
    expect(machine.processor.state.eip).toBe(PROGRAM_START);
    machine.loop.run({ instructionsMax: 10 });
    expect(machine.processor.state.eip).toBe(0x607);
  });

  it('drops a shown fault when the embedder moves EIP', () => {
    const machine = programMachine([0x0f, 0x0b, 0x90, HLT]);
    machine.loop.stopOnExceptions = new Set([6]);
    machine.loop.run({ instructionsMax: 10 });
    machine.processor.state.eip = PROGRAM_START + 2;
    expect(machine.loop.run({ instructionsMax: 10 }).reason).toBe('halted');
    expect(machine.processor.state.eip).toBe(PROGRAM_START + 4);
  });

  it('raises #GP for an access beyond the segment and leaves registers alone', () => {
    // mov si,ffffh; mov ax,[si]
    const machine = programMachine([0xbe, 0xff, 0xff, 0x8b, 0x04]);
    machine.processor.state.write16(slot.EAX, 0x1234);
    machine.loop.run({ instructionsMax: 10 });
    expect(machine.processor.state.eip).toBe(0x60e);
    expect(machine.processor.state.read16(slot.EAX)).toBe(0x1234);
  });

  it('raises #GP when execution runs past the limit of the code segment', () => {
    const machine = programMachine([]);
    loadProgram(machine, [0x90, 0x90, 0x90], 0xfffd);
    machine.processor.state.eip = 0xfffd;
    machine.loop.run({ instructionsMax: 10 });
    expect(machine.processor.state.eip).toBe(0x60e);
    expect(machine.map.read(PROGRAM_START - 6, 2)).toBe(0);
    expect(machine.loop.retired).toBe(4);
  });

  it('ends in a triple fault when the interrupt table is gone', () => {
    const machine = programMachine([0x0f, 0x0b]);
    machine.processor.state.write16(slot.IDTR_LIMIT, 0);
    const result = machine.loop.run({ instructionsMax: 10 });
    expect(result.reason).toBe('triple-fault');
    if (result.reason === 'triple-fault') expect(result.chain.map(({ vector }) => vector)).toEqual([6, 8]);
  });
});

describe('decoded code', () => {
  it('sees a store to the next instruction of its own block', () => {
    // mov byte [7C05h], 48h (dec ax over inc ax); inc ax; hlt
    const machine = programMachine([0xc6, 0x06, 0x05, 0x7c, 0x48, 0x40, HLT]);
    machine.loop.run({ instructionsMax: 10 });
    expect(machine.processor.state.read16(slot.EAX)).toBe(0xffff);
  });

  it('sees code change between two passes of a loop', () => {
    // mov cx,3; l: inc ax; xor byte [l],8 (40h <-> 48h); loop l; hlt
    const machine = programMachine([0xb9, 3, 0, 0x40, 0x80, 0x36, 0x03, 0x7c, 0x08, 0xe2, 0xf8, HLT]);
    machine.loop.run({ instructionsMax: 100 });
    expect(machine.processor.state.read16(slot.EAX)).toBe(1);
    expect(machine.loop.retired).toBe(1 + 9 + 1);
  });

  it('stores beside code without losing it', () => {
    // mov cx,100; l: mov [7D00h],cx; loop l; hlt: one page, no block lost
    const machine = programMachine([0xb9, 100, 0, 0x89, 0x0e, 0x00, 0x7d, 0xe2, 0xfa, HLT]);
    machine.loop.run({ instructionsMax: 1000 });
    expect(machine.map.read(0x7d00, 2)).toBe(1);
    expect(machine.loop.retired).toBe(202);
  });

  it('runs an instruction that crosses pages and loses it when its second page is written', () => {
    // mov ax,1111h at 8FFEh, then mov byte [9000h],22h … hlt; twice through
    const machine = programMachine([0xe9, 0xfb, 0x13]);
    loadProgram(
      machine,
      [0xb8, 0x11, 0x11, 0x02, 0xd8, 0xc6, 0x06, 0x00, 0x90, 0x22, 0x43, 0x83, 0xfb, 0x40, 0x72, 0xee, HLT],
      0x8ffe,
    );
    machine.loop.run({ instructionsMax: 1000 });
    expect(machine.processor.state.read16(slot.EAX)).toBe(0x2211);
  });

  it('follows a write of the debugger', () => {
    const machine = programMachine([0x40, 0xeb, 0xfd]);
    machine.loop.run({ instructionsMax: 4 });
    machine.map.write(PROGRAM_START, 1, 0x48);
    machine.processor.codeWritten(PROGRAM_START, 1);
    machine.loop.run({ instructionsMax: 4 });
    expect(machine.processor.state.read16(slot.EAX)).toBe(0);
  });
});

describe('breakpoints', () => {
  it('stop before the instruction, in the middle of a known block, and let it pass on resume', () => {
    const machine = programMachine([0x40, 0x40, 0x40, 0xeb, 0xfb]);
    machine.loop.run({ instructionsMax: 40 });
    const breakpoint = breakpointAt(PROGRAM_START + 1);
    machine.loop.addBreakpoint(breakpoint);
    const result = machine.loop.run({ instructionsMax: 100 });
    expect(result).toMatchObject({ reason: 'breakpoint' });
    expect(machine.processor.state.eip).toBe(PROGRAM_START + 1);
    expect(machine.loop.run({ instructionsMax: 100 }).reason).toBe('breakpoint');
    const before = machine.loop.retired;
    expect(machine.loop.run({ instructionsMax: 100, resume: true }).reason).toBe('breakpoint');
    expect(machine.loop.retired - before).toBe(4);
    machine.loop.removeBreakpoint(breakpoint);
    expect(machine.loop.run({ instructionsMax: 100, resume: true }).reason).toBe('limit');
  });

  it.each(['linear', 'physical'] as const)('change only the code around them, in %s memory', (space) => {
    // inc ax ×3; jmp over 100 bytes; inc bx; jmp back
    const machine = programMachine([0x40, 0x40, 0x40, 0xeb, 100, ...new Array(100).fill(0x90), 0x43, 0xeb, 0x94]);
    machine.loop.run({ instructionsMax: 40 });
    const decoded: number[] = [];
    machine.processor.code.isHooked = (linear, physical) => {
      decoded.push(Number(linear));
      return machine.loop.hasBreakpoint(linear, physical);
    };
    const breakpoint: Breakpoint = { address: PROGRAM_START + 1, space, reached: () => true };
    machine.loop.addBreakpoint(breakpoint);
    expect(machine.loop.run({ instructionsMax: 40 }).reason).toBe('breakpoint');
    machine.loop.removeBreakpoint(breakpoint);
    expect(machine.loop.run({ instructionsMax: 40, resume: true }).reason).toBe('limit');
    expect([decoded.length > 0, Math.max(...decoded) <= PROGRAM_START + 5]).toEqual([true, true]);
  });

  it('are asked each time and cost nothing in guest time', () => {
    const machine = programMachine([0x40, 0xeb, 0xfd]);
    let asked = 0;
    machine.loop.addBreakpoint(breakpointAt(PROGRAM_START, () => ++asked > 1000));
    expect(machine.loop.run({ instructionsMax: 1e6 }).reason).toBe('breakpoint');
    expect(machine.loop.retired).toBe(2000);
  });

  it('are asked once for each arrival, whatever the question does to the machine', () => {
    // inc ax; jmp back
    const machine = programMachine([0x40, 0xeb, 0xfd]);
    const arrivals: number[] = [];
    const reached = (): boolean => {
      arrivals.push(machine.loop.retired);
      // Decoded code is dropped, now by a write to it and now by a change of breakpoints.
      if (arrivals.length % 3 === 0) machine.processor.codeWritten(PROGRAM_START, 1);
      if (arrivals.length % 4 === 0) machine.loop.addBreakpoint(breakpointAt(0x9000));
      return false;
    };
    machine.loop.addBreakpoint(breakpointAt(PROGRAM_START, reached));
    machine.loop.run({ instructionsMax: 40 });
    expect(arrivals).toEqual(Array.from({ length: 20 }, (_, index) => index * 2));
    expect(machine.loop.retired).toBe(40);
    expect(machine.loop.time).toBe(40);
  });

  it('go on where a question has moved EIP', () => {
    // inc ax; jmp back; inc bx; jmp there
    const machine = programMachine([0x40, 0xeb, 0xfd, 0x43, 0xeb, 0xfd]);
    const reached = (): boolean => {
      machine.processor.state.eip = PROGRAM_START + 3;
      return false;
    };
    machine.loop.addBreakpoint(breakpointAt(PROGRAM_START, reached));
    machine.loop.run({ instructionsMax: 20 });
    expect(machine.processor.state.read16(slot.EAX)).toBe(0);
    expect(machine.processor.state.read16(slot.EBX)).toBe(10);
  });

  it('can stop the machine from a callback without being a stop of their own', () => {
    const machine = programMachine([0x40, 0xeb, 0xfd]);
    machine.loop.addBreakpoint(
      breakpointAt(PROGRAM_START, () => {
        machine.loop.stop();
        return false;
      }),
    );
    expect(machine.loop.run({ instructionsMax: 1e6 })).toEqual({ reason: 'stopped' });
  });
});

describe('debug facilities of the processor', () => {
  it('traps after each instruction while TF is set', () => {
    // pushf; or word [7BFEh],100h; popf; inc ax; inc ax
    const machine = programMachine([0x9c, 0x81, 0x0e, 0xfe, 0x7b, 0x00, 0x01, 0x9d, 0x40, 0x40]);
    machine.loop.run({ instructionsMax: 100 });
    const { state } = machine.processor;
    expect(state.eip).toBe(0x602);
    expect(state.read16(slot.EAX)).toBe(1);
    expect(state.read32(slot.DR6) & 0x4000).toBe(0x4000);
    expect(machine.map.read(PROGRAM_START - 6, 2)).toBe(PROGRAM_START + 9);
  });

  it('raises #DB before the instruction of an execution breakpoint and after the access of a data breakpoint', () => {
    const machine = programMachine([0x40, 0xa3, 0x00, 0x90, 0x40, HLT]);
    const { state } = machine.processor;
    state.write32(slot.DR0, 0x9000);
    state.write32(slot.DR7, 0x00010001);
    machine.processor.refresh();
    machine.loop.run({ instructionsMax: 100 });
    expect(state.eip).toBe(0x602);
    expect(machine.map.read(PROGRAM_START - 6, 2)).toBe(PROGRAM_START + 4);
    expect(state.read32(slot.DR6) & 0xf).toBe(1);

    const second = programMachine([0x40, 0x40, HLT]);
    second.processor.state.write32(slot.DR0, PROGRAM_START + 1);
    second.processor.state.write32(slot.DR7, 1);
    second.processor.refresh();
    second.loop.run({ instructionsMax: 100 });
    expect(second.processor.state.eip).toBe(0x602);
    expect(second.map.read(PROGRAM_START - 6, 2)).toBe(PROGRAM_START + 1);
    expect(second.processor.state.read16(slot.EAX)).toBe(1);
  });
});

describe('repeated string instructions', () => {
  it('copy across the turn limit and leave exact registers', () => {
    // cld; mov cx,5000; mov si,1000h; mov di,3000h; rep movsb; hlt
    const machine = programMachine([0xfc, 0xb9, 0x88, 0x13, 0xbe, 0, 0x10, 0xbf, 0, 0x30, 0xf3, 0xa4, HLT]);
    for (let n = 0; n < 5000; n++) machine.map.write(0x1000 + n, 1, n & 0xff);
    machine.loop.run({ instructionsMax: 100 });
    const { state } = machine.processor;
    expect(state.read16(slot.ECX)).toBe(0);
    expect(state.read16(slot.ESI)).toBe(0x1000 + 5000);
    expect(machine.map.read(0x3000 + 4999, 1)).toBe(4999 & 0xff);
    expect(state.eip).toBe(PROGRAM_START + 13);
  });

  it('stop in the middle at a fault with the registers of the finished iterations', () => {
    // cld; mov cx,10; mov di,fffch; rep stosw: the third word is beyond the limit
    const machine = programMachine([0xfc, 0xb9, 10, 0, 0xbf, 0xfc, 0xff, 0xf3, 0xab]);
    machine.processor.state.setSegment(0, { selector: 0, base: 0, limit: 0xfffd, attributes: 0x93 });
    machine.loop.run({ instructionsMax: 100 });
    const { state } = machine.processor;
    expect(state.eip).toBe(0x60e);
    expect(state.read16(slot.ECX)).toBe(9);
    expect(state.read16(slot.EDI)).toBe(0xfffe);
  });
});

describe('big real mode', () => {
  it('reaches beyond 64 KiB through a cached limit and keeps it over segment loads', () => {
    // mov eax,[esi] (a32 o32); mov ds,bx; mov edx,[esi]
    const machine = programMachine([0x67, 0x66, 0x8b, 0x06, 0x8e, 0xdb, 0x67, 0x66, 0x8b, 0x16, HLT]);
    const { state } = machine.processor;
    state.setSegment(3, { selector: 0, base: 0, limit: 0xffffffff, attributes: 0x893 });
    state.write32(slot.ESI, 0x123456);
    machine.map.write(0x123456, 4, 0xcafebabe);
    machine.map.a20Mask = 0xffffffff;
    machine.loop.run({ instructionsMax: 100 });
    expect(state.read32(slot.EAX)).toBe(0xcafebabe);
    expect(state.read32(slot.EDX)).toBe(0xcafebabe);
  });
});
