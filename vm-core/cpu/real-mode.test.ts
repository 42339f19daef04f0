import { describe, expect, it } from 'vitest';
import { createBareMachine } from '../engine/bare-machine.ts';
import { IF, TF } from '../state/lazy-flags.ts';
import { slot } from '../state/layout.ts';
import { VECTOR_DB, VECTOR_DE, VECTOR_DF, VECTOR_GP, VECTOR_SS, VECTOR_UD } from './cpu.ts';
import { Guest, HANDLERS, PROGRAM, trail } from './guest-bench.ts';

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

  it('a handler that faults at its first instruction does not keep the run from returning', () => {
    const guest = new Guest('0f ff');
    guest.stopAtHandlers = false;
    guest.poke(HANDLERS * 16 + VECTOR_UD, '0f ff');
    expect(guest.step(10)).toEqual({ reason: 'limit' });
    expect([guest.loop.retired, guest.place]).toEqual([0, `vector ${VECTOR_UD}`]);
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

describe('the bare machine', () => {
  it('starts at the reset vector', () => {
    const { processor } = createBareMachine(2 << 20);
    expect([processor.linearEip, processor.codeSize]).toEqual([0xffff_fff0, 16]);
  });
});
