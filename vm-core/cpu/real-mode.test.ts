import { describe, expect, it } from 'vitest';
import { createEventQueue } from '../devices/event-queue.ts';
import { createBareMachine } from '../engine/bare-machine.ts';
import { EventLoop } from '../engine/event-loop.ts';
import { Processor } from '../engine/processor.ts';
import type { RunResult } from '../machine/machine.ts';
import { createMemory, RAM_BASE } from '../memory/layout.ts';
import { PhysicalMap } from '../memory/physical-map.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { IF, TF } from '../state/lazy-flags.ts';
import { CS, DS, ES, SS, segmentSlots, slot } from '../state/layout.ts';
import { VECTOR_DB, VECTOR_DE, VECTOR_DF, VECTOR_GP, VECTOR_SS, VECTOR_UD } from './cpu.ts';
import { resetCpu } from './reset.ts';
import { setRealModeSegment } from './segments.ts';

const MEMORY_SIZE = 2 << 20;
const PROGRAM = 0x7c00;
/** Vector n enters at 0080:n, linear 800h + n, where IRET stands. */
const HANDLERS = 0x80;
const IRET = 0xcf;

/** A guest: its program at 0000:7C00, stack at 0000:7000, every interrupt handled by an IRET of its own. */
class Guest {
  readonly processor: Processor;
  readonly state: CpuState;
  readonly loop: EventLoop;
  readonly view: DataView;
  pending: number[] = [];
  portReads = 0;
  /** A handler that is entered ends a step; an instruction that faults does not count as executed. */
  stopAtHandlers = true;

  constructor(program: string) {
    const memory = createMemory(MEMORY_SIZE);
    const map = new PhysicalMap(memory, MEMORY_SIZE);
    this.view = new DataView(memory.buffer, RAM_BASE, MEMORY_SIZE);
    this.processor = new Processor(memory, map, {
      ports: { read: () => this.portReads++ & 0xff, write: () => {} },
      acknowledgeInterrupt: () => this.pending.shift() ?? 0xff,
      startTime: () => this.loop.time,
    });
    this.state = this.processor.state;
    this.loop = new EventLoop(this.processor, {
      events: createEventQueue(),
      interruptPending: () => this.pending.length > 0,
      takeRequest: () => undefined,
      firmwareHook: () => undefined,
    });
    this.processor.code.isHooked = (linear, physical) => this.loop.hasBreakpoint(linear, physical);
    this.prepare(program);
  }

  private prepare(program: string): void {
    const { state, view } = this;
    resetCpu(state);
    for (const index of [CS, DS, ES, SS] as const) setRealModeSegment(state, index, 0);
    state.eip = PROGRAM;
    state.write32(slot.EDX, 0);
    state.write32(slot.ESP, 0x7000);
    for (let vector = 0; vector < 256; vector++) {
      view.setUint16(vector * 4, vector, true);
      view.setUint16(vector * 4 + 2, HANDLERS, true);
      view.setUint8(HANDLERS * 16 + vector, IRET);
      this.loop.addBreakpoint({ address: HANDLERS * 16 + vector, space: 'linear', reached: () => this.stopAtHandlers });
    }
    this.poke(PROGRAM, program);
    this.processor.refresh();
  }

  /** Writes bytes in hexadecimal; what stands in brackets is a remark. */
  poke(address: number, text: string): void {
    const digits = text.replace(/\[[^\]]*\]/g, '').match(/[0-9a-f]{2}/gi) ?? [];
    digits.forEach((byte, index) => {
      this.view.setUint8(address + index, Number.parseInt(byte, 16));
    });
  }

  step(count = 1): RunResult {
    return this.loop.run({ instructionsMax: count, resume: true });
  }

  get cs(): number {
    return this.state.read16(segmentSlots[CS] as number);
  }

  /** CS:EIP as text; a handler shows as its vector. */
  get place(): string {
    const { eip } = this.state;
    return this.cs === HANDLERS ? `vector ${eip}` : eip.toString(16);
  }

  /** The words on top of the stack. */
  stack(count: number): number[] {
    const top = this.state.read32(slot.ESP);
    return Array.from({ length: count }, (_, index) => this.view.getUint16(top + index * 2, true));
  }
}

/** Runs instructions one by one and tells where each ended. */
function trail(guest: Guest, steps: number): string[] {
  return Array.from({ length: steps }, () => {
    guest.step();
    return guest.place;
  });
}

describe('interrupts', () => {
  it('INT and IRET come back with the flags', () => {
    const guest = new Guest('f9 fb [stc; sti] cd 21 90 [int 21h; nop]');
    expect(trail(guest, 5)).toEqual(['7c01', '7c02', 'vector 33', '7c04', '7c05']);
    expect(guest.state.eflags & (IF | 1)).toBe(IF | 1);
    expect(guest.state.read32(slot.ESP)).toBe(0x7000);
  });

  it('are held off for one instruction after STI', () => {
    const guest = new Guest('fb 90 90 [sti; nop; nop]');
    guest.pending = [0x20];
    expect(trail(guest, 2)).toEqual(['7c01', 'vector 32']);
    expect(guest.stack(1)).toEqual([0x7c02]);
  });

  it('are held off for one instruction after MOV SS and POP SS, so that SP can follow', () => {
    const guest = new Guest('8e d0 [mov ss, ax] bc 00 60 [mov sp, 6000h] 16 17 [push ss; pop ss] 90 90 [nop; nop]');
    guest.state.eflags = IF;
    guest.step();
    guest.pending = [0x20];
    expect(trail(guest, 1)).toEqual(['vector 32']);
    expect(guest.stack(1)).toEqual([0x7c05]);
    expect(trail(guest, 2)).toEqual(['7c05', '7c06']);
    guest.step();
    guest.pending = [0x21];
    expect(trail(guest, 1)).toEqual(['vector 33']);
    expect(guest.stack(1)).toEqual([0x7c08]);
  });

  it('are not held off by an STI that changes nothing', () => {
    const guest = new Guest('fb fb 90 [sti; sti; nop]');
    expect(trail(guest, 1)).toEqual(['7c01']);
    guest.pending = [0x20];
    expect(trail(guest, 1)).toEqual(['vector 32']);
    expect(guest.stack(1)).toEqual([0x7c02]);
  });

  it('end HLT, which returns behind itself', () => {
    const guest = new Guest('fb f4 90 [sti; hlt; nop]');
    expect(guest.step(10)).toMatchObject({ reason: 'halted' });
    expect(guest.place).toBe('7c02');
    guest.pending = [0x08];
    guest.step(0);
    expect([guest.place, guest.stack(1)]).toEqual(['vector 8', [0x7c02]]);
  });

  it('do not end HLT while IF is clear', () => {
    const guest = new Guest('f4 [hlt]');
    guest.pending = [0x08];
    expect(guest.step(10)).toMatchObject({ reason: 'halted' });
  });

  it('come in between the iterations of REP INSB, which then continues', () => {
    const guest = new Guest('f3 6c f4 [rep insb; hlt]');
    guest.state.write32(slot.ECX, 1000);
    guest.state.write32(slot.EDI, 0x1000);
    guest.state.eflags = IF;
    guest.step();
    guest.pending = [0x20];
    expect(guest.state.read16(slot.ECX)).toBeGreaterThan(0);
    guest.step();
    expect([guest.place, guest.stack(1)]).toEqual(['vector 32', [PROGRAM]]);
    expect(guest.step(1000)).toMatchObject({ reason: 'halted' });
    expect([guest.state.read16(slot.ECX), guest.state.read16(slot.EDI), guest.portReads]).toEqual([0, 0x13e8, 1000]);
    expect(guest.view.getUint8(0x13e7)).toBe(999 & 0xff);
  });

  it('go through a table that LIDT has moved', () => {
    const guest = new Guest('0f 01 1e 00 05 [lidt [500h]] cd 10 [int 10h]');
    guest.poke(0x500, 'ff 03 00 00 10 00 [limit 3FFh, base 100000h]');
    guest.poke(0x100040, '34 12 00 20 [2000:1234]');
    guest.step(2);
    expect([guest.cs, guest.state.eip]).toEqual([0x2000, 0x1234]);
  });
});

describe('exceptions', () => {
  it('of the fault class push the address of the instruction', () => {
    const guest = new Guest('31 c9 [xor cx, cx] 2e f7 f1 [cs div cx]');
    expect(trail(guest, 2)).toEqual(['7c02', `vector ${VECTOR_DE}`]);
    expect(guest.stack(2)).toEqual([0x7c02, 0]);
  });

  it('INTO and BOUND raise theirs', () => {
    const into = new Guest('b0 7f 04 01 ce [mov al, 127; add al, 1; into]');
    expect(trail(into, 3).at(-1)).toBe('vector 4');
    expect(into.stack(1)).toEqual([0x7c05]);
    const bound = new Guest('62 06 00 05 [bound ax, [500h]]');
    bound.state.write32(slot.EAX, 1);
    expect(trail(bound, 1)).toEqual(['vector 5']);
    expect(bound.stack(1)).toEqual([PROGRAM]);
  });

  it.each([
    ['0F FF', '0f ff'],
    ['LOCK NOP', 'f0 90'],
    ['MOV CS, AX', '8e c8'],
    ['SLDT in real mode', '0f 00 c0'],
    ['LEA with a register', '8d c0'],
    ['LES with a register', 'c4 c0'],
  ])('%s is an invalid opcode', (_name, bytes) => {
    const guest = new Guest(bytes);
    expect(trail(guest, 1)).toEqual([`vector ${VECTOR_UD}`]);
    expect(guest.stack(1)).toEqual([PROGRAM]);
  });

  it.each([
    ['a word across the end of a segment', 'a1 ff ff', VECTOR_GP],
    ['the same through BP', '8b 46 00', VECTOR_SS],
    ['a 32-bit address beyond 64 KiB', '67 a1 00 00 01 00', VECTOR_GP],
    ['a jump beyond the limit', '66 e9 00 00 01 00', VECTOR_GP],
  ])('%s is a segment fault', (_name, bytes, vector) => {
    const guest = new Guest(bytes);
    guest.state.write32(slot.EBP, 0xffff);
    expect(trail(guest, 1)).toEqual([`vector ${vector}`]);
    expect(guest.stack(1)).toEqual([PROGRAM]);
  });

  it('a push without room shuts the processor down, as the handler finds no room either', () => {
    const guest = new Guest('50 [push ax]');
    guest.state.write32(slot.ESP, 1);
    const result = guest.step();
    expect(result).toMatchObject({ reason: 'triple-fault' });
    if (result.reason !== 'triple-fault') return;
    expect(result.chain.map(({ vector }) => vector)).toEqual([VECTOR_SS, VECTOR_SS, VECTOR_DF]);
    expect(result.chain[0]).toMatchObject({ cs: 0, eip: PROGRAM, linearAddress: PROGRAM, kind: 'exception' });
    expect([guest.state.eip, guest.state.read32(slot.ESP)]).toEqual([PROGRAM, 1]);
  });

  it('an empty interrupt table and INT3 reset old machines: shutdown at the instruction', () => {
    const guest = new Guest('0f 01 1e 00 05 cc [lidt [500h]; int3]');
    guest.poke(0x500, '00 00 00 00 00 00');
    expect(guest.step(2)).toMatchObject({ reason: 'triple-fault', chain: [{ vector: VECTOR_DF }] });
    expect(guest.state.eip).toBe(0x7c05);
  });
});

describe('single step', () => {
  it('traps after each instruction, but not after the one that sets TF', () => {
    const guest = new Guest('9d 90 90 [popf; nop; nop]');
    guest.view.setUint16(0x7000, TF, true);
    expect(trail(guest, 2)).toEqual(['7c01', `vector ${VECTOR_DB}`]);
    expect(guest.stack(3)).toEqual([0x7c02, 0, TF | 2]);
    expect(guest.state.read32(slot.DR6)).toBe(0xffff_4ff0);
    expect(guest.state.eflags & TF).toBe(0);
    expect(trail(guest, 2)).toEqual(['7c02', `vector ${VECTOR_DB}`]);
    expect(guest.stack(1)).toEqual([0x7c03]);
  });

  it('passes over INT n, and goes on behind it', () => {
    const guest = new Guest('cd 21 90 [int 21h; nop]');
    guest.state.eflags = TF;
    expect(trail(guest, 3)).toEqual(['vector 33', '7c02', `vector ${VECTOR_DB}`]);
    expect(guest.stack(1)).toEqual([0x7c03]);
  });

  it('traps after the instruction that follows MOV SS', () => {
    const guest = new Guest('8e d0 89 e4 90 [mov ss, ax; mov sp, sp; nop]');
    guest.state.eflags = TF;
    expect(trail(guest, 2)).toEqual(['7c02', `vector ${VECTOR_DB}`]);
    expect(guest.stack(1)).toEqual([0x7c04]);
  });

  it('traps after STI', () => {
    const guest = new Guest('fb 90 [sti; nop]');
    guest.state.eflags = TF;
    expect(trail(guest, 1)).toEqual([`vector ${VECTOR_DB}`]);
    expect(guest.stack(1)).toEqual([0x7c01]);
  });

  it('traps after each iteration of a repeated instruction', () => {
    const guest = new Guest('f3 aa 90 [rep stosb; nop]');
    guest.state.write32(slot.ECX, 2);
    guest.state.eflags = TF;
    expect(trail(guest, 3)).toEqual([`vector ${VECTOR_DB}`, '7c00', `vector ${VECTOR_DB}`]);
    expect([guest.stack(1), guest.state.read16(slot.ECX)]).toEqual([[0x7c02], 0]);
  });
});

describe('debug registers', () => {
  it('an instruction breakpoint is a fault before the instruction; RF in the image of IRETD lets it pass once', () => {
    const guest = new Guest(`
      66 b8 1b 7c 00 00 [mov eax, 7C1Bh]  0f 23 c0 [mov dr0, eax]
      66 b8 01 00 00 00 [mov eax, 1]      0f 23 f8 [mov dr7, eax]
      90 90 90 90 90 90 90 90 90 [nop]    41 42 [7C1B: inc cx; inc dx]  eb fc [jmp 7C1B]`);
    guest.poke(HANDLERS * 16 + VECTOR_DB, '66 cf [iretd]');
    guest.step(13);
    expect(guest.place).toBe('7c1b');
    guest.step();
    expect([guest.place, guest.stack(1), guest.state.read16(slot.ECX)]).toEqual(['vector 1', [0x7c1b], 0]);
    expect(guest.state.read32(slot.DR6)).toBe(0xffff_0ff1);
    // The handler of a debugger that uses a 32-bit frame.
    const sp = guest.state.read32(slot.ESP) + 6 - 12;
    guest.view.setUint32(sp, 0x7c1b, true);
    guest.view.setUint32(sp + 4, 0, true);
    guest.view.setUint32(sp + 8, 0x10002, true);
    guest.state.write32(slot.ESP, sp);
    expect(trail(guest, 4)).toEqual(['7c1b', '7c1c', '7c1d', '7c1b']);
    guest.step();
    expect([guest.place, guest.state.read16(slot.ECX)]).toEqual(['vector 1', 1]);
  });

  it('a data breakpoint is a trap after the instruction', () => {
    const guest = new Guest(`
      66 b8 00 05 00 00 [mov eax, 500h]   0f 23 c0 [mov dr0, eax]
      66 b8 01 00 0d 00 [mov eax, 0D0001h: write, 4 bytes]  0f 23 f8 [mov dr7, eax]
      a1 00 05 [mov ax, [500h]]  a2 03 05 [mov [503h], al]  90 [nop]`);
    expect(trail(guest, 6).slice(-2)).toEqual(['7c15', 'vector 1']);
    expect(guest.stack(1)).toEqual([0x7c18]);
    expect(guest.state.read32(slot.DR6)).toBe(0xffff_0ff1);
  });

  it('GD guards the debug registers against everybody but the handler', () => {
    const guest = new Guest('66 b8 00 20 00 00 0f 23 f8 [mov eax, 2000h; mov dr7, eax] 0f 21 f8 [mov eax, dr7]');
    expect(trail(guest, 3)).toEqual(['7c06', '7c09', 'vector 1']);
    expect(guest.stack(1)).toEqual([0x7c09]);
    expect([guest.state.read32(slot.DR6), guest.state.read32(slot.DR7)]).toEqual([0xffff_2ff0, 0x400]);
  });
});

/** A GDT at 0600h (null, flat data 08h, 32-bit code 10h, 16-bit code 18h, 16-bit data 20h) and its register at 0500h. */
function withDescriptors(guest: Guest): Guest {
  guest.poke(0x500, '27 00 00 06 00 00');
  guest.poke(
    0x608,
    'ff ff 00 00 00 92 cf 00  ff ff 00 00 00 9a cf 00  ff ff 00 00 00 9a 00 00  ff ff 00 00 00 92 00 00',
  );
  return guest;
}

const ENTER_PROTECTED = '0f 01 16 00 05 [lgdt [500h]] 0f 20 c0 0c 01 0f 22 c0 [mov eax, cr0; or al, 1; mov cr0, eax]';
const LEAVE_PROTECTED = '0f 20 c0 24 fe 0f 22 c0 [mov eax, cr0; and al, 0FEh; mov cr0, eax]';

describe('protected mode and back', () => {
  it('leaves a 4 GiB limit in DS: big real mode, which survives loads of DS', () => {
    const guest = withDescriptors(
      new Guest(`${ENTER_PROTECTED} bb 08 00 8e db [mov bx, 8; mov ds, bx] ${LEAVE_PROTECTED}
        31 db 8e db [xor bx, bx; mov ds, bx]  67 c6 05 34 12 10 00 5a [mov byte [101234h], 5Ah]  f4 [hlt]`),
    );
    expect(guest.step(20)).toMatchObject({ reason: 'halted' });
    expect(guest.view.getUint8(0x101234)).toBe(0x5a);
    expect(guest.state.segment(DS)).toEqual({ selector: 0, base: 0, limit: 0xffff_ffff, attributes: 0xc93 });
  });

  it('runs 32-bit code behind a far jump, and 16-bit code behind the way back', () => {
    const guest = withDescriptors(new Guest(`${ENTER_PROTECTED} 66 ea 00 7d 00 00 10 00 [jmp dword 10h:7D00h]`));
    guest.poke(0x7d00, 'bb 78 56 34 12 [mov ebx, 12345678h]  ea 00 7e 00 00 18 00 [jmp 18h:7E00h]');
    guest.poke(0x7e00, `${LEAVE_PROTECTED} ea 0e 7e 00 00 [jmp 0:7E0Eh]  90 b9 34 12 [7E0E: mov cx, 1234h] f4 [hlt]`);
    expect(guest.step(30)).toMatchObject({ reason: 'halted' });
    expect(guest.state.read32(slot.EBX)).toBe(0x1234_5678);
    expect(guest.state.read32(slot.ECX)).toBe(0x1234);
    expect(guest.state.segment(CS)).toEqual({ selector: 0, base: 0, limit: 0xffff, attributes: 0x9b });
    expect(guest.processor.codeSize).toBe(16);
  });

  it('keeps code 16-bit until CS is loaded, though CR0.PE is set', () => {
    const guest = withDescriptors(new Guest(`${ENTER_PROTECTED} b8 11 22 [mov ax, 2211h] f4`));
    expect(guest.step(20)).toMatchObject({ reason: 'halted' });
    expect(guest.state.read16(slot.EAX)).toBe(0x2211);
  });

  it('delivers a fault through the IDT with its error code', () => {
    const guest = withDescriptors(
      new Guest(`0f 01 1e 10 05 [lidt [510h]] ${ENTER_PROTECTED} b8 ff 00 8e d8 [mov ax, 0FFh; mov ds, ax]`),
    );
    guest.poke(0x510, '6f 00 00 10 00 00 [limit 6Fh, base 1000h]');
    guest.poke(0x1000 + VECTOR_GP * 8, '00 7e 10 00 00 8e 00 00 [interrupt gate 10h:7E00h]');
    guest.loop.addBreakpoint({ address: 0x7e00, space: 'linear', reached: () => true });
    expect(guest.step(10)).toMatchObject({ reason: 'breakpoint' });
    expect([guest.cs, guest.state.eip]).toEqual([0x10, 0x7e00]);
    const top = guest.state.read32(slot.ESP);
    expect([0, 4, 8].map((offset) => guest.view.getUint32(top + offset, true))).toEqual([0xfc, 0x7c15, 0]);
    expect(guest.view.getUint32(top + 12, true) & 0x10000).toBe(0x10000);
  });

  it('without an IDT shuts down with the chain of events', () => {
    const guest = withDescriptors(new Guest(`0f 01 1e 10 05 [lidt [510h]] ${ENTER_PROTECTED} 0f 0b [ud2]`));
    const result = guest.step(6);
    expect(
      result.reason === 'triple-fault' && result.chain.map(({ vector, errorCode }) => [vector, errorCode]),
    ).toEqual([
      [VECTOR_UD, undefined],
      [VECTOR_GP, VECTOR_UD * 8 + 3],
      [VECTOR_GP, VECTOR_GP * 8 + 3],
      [VECTOR_DF, 0],
    ]);
  });

  it('stops with a message when the guest turns paging on', () => {
    const guest = withDescriptors(
      new Guest(`${ENTER_PROTECTED} 66 0d 00 00 00 80 0f 22 c0 [or eax, 80000000h; mov cr0, eax]`),
    );
    expect(guest.step(20)).toEqual({ reason: 'unsupported', what: 'paging (CR0.PG set)' });
    expect(guest.place).toBe('7c13');
  });
});

describe('the bare machine', () => {
  it('starts at the reset vector', () => {
    const { processor } = createBareMachine(MEMORY_SIZE);
    expect([processor.linearEip, processor.codeSize]).toEqual([0xffff_fff0, 16]);
  });
});
