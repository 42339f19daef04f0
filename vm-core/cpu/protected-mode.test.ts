import { describe, expect, it } from 'vitest';
import type { CpuModel } from '../isa/cpu-model.ts';
import { CS, DS, ES, SS, slot } from '../state/layout.ts';
import { VECTOR_DF, VECTOR_GP, VECTOR_UD } from './cpu.ts';
import { Guest } from './guest-bench.ts';

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
});

const USER_CODE = 0x2b;
const USER_DATA = 0x33;
const TASK = 0x38;
const KERNEL_STACK = 0x6000;

/**
 * A guest in flat 32-bit protected mode: handlers of vectors 0Dh and 80h (for everybody) at 7D00h and 7E00h, a task whose
 * stack for level 0 ends at 6000h, and `program` at 7C00h.
 */
function flatGuest(program: string, model?: CpuModel): Guest {
  const guest = withDescriptors(new Guest(program, model));
  const { state } = guest;
  guest.poke(0x628, 'ff ff 00 00 00 fa cf 00  ff ff 00 00 00 f2 cf 00  67 00 00 09 00 89 00 00');
  guest.poke(0x904, '00 60 00 00 08 00');
  guest.poke(0x1000 + VECTOR_GP * 8, '00 7d 10 00 00 8e 00 00');
  guest.poke(0x1000 + 0x80 * 8, '00 7e 10 00 00 ee 00 00');
  state.write32(slot.GDTR_BASE, 0x600);
  state.write16(slot.GDTR_LIMIT, 0x3f);
  state.write32(slot.IDTR_BASE, 0x1000);
  state.write16(slot.IDTR_LIMIT, 0x7ff);
  state.write32(slot.CR0, 1);
  const flat = { base: 0, limit: 0xffff_ffff };
  state.setSegment(CS, { selector: 0x10, attributes: 0xc9b, ...flat });
  for (const index of [ES, SS, DS]) state.setSegment(index, { selector: 8, attributes: 0xc93, ...flat });
  state.setSegmentAt(slot.TR, { selector: TASK, base: 0x900, limit: 0x67, attributes: 0x8b });
  guest.processor.refresh();
  return guest;
}

const doubleWords = (guest: Guest, address: number, count: number) =>
  Array.from({ length: count }, (_, index) => guest.view.getUint32(address + index * 4, true));

/** Runs until the handler at `address` is entered. */
function runTo(guest: Guest, address: number): void {
  guest.loop.addBreakpoint({ address, space: 'linear', reached: () => true });
  expect(guest.step(100)).toMatchObject({ reason: 'breakpoint' });
  expect(guest.state.eip).toBe(address);
}

describe('privilege levels', () => {
  const toUser = `6a 33 68 00 50 00 00 [push 33h; push 5000h]  6a 02 6a 2b [push 2; push 2Bh]
    68 80 7c 00 00 cf [push 7C80h; iretd]`;

  it('IRETD leads outward, INT through a gate inward and IRETD back again', () => {
    const guest = flatGuest(toUser);
    guest.poke(0x7c80, 'cd 80 b8 01 00 00 00 [int 80h; mov eax, 1] f4 [hlt]');
    guest.poke(0x7e00, 'b9 55 00 00 00 cf [mov ecx, 55h; iretd]');
    runTo(guest, 0x7e00);
    expect(guest.state.read8(slot.CPL)).toBe(0);
    expect(guest.state.read32(slot.ESP)).toBe(KERNEL_STACK - 20);
    expect(doubleWords(guest, KERNEL_STACK - 20, 5)).toEqual([0x7c82, USER_CODE, 2, 0x5000, USER_DATA]);
    runTo(guest, 0x7d00);
    expect([guest.state.read32(slot.EAX), guest.state.read32(slot.ECX)]).toEqual([1, 0x55]);
    expect(doubleWords(guest, KERNEL_STACK - 24, 3)).toEqual([0, 0x7c87, USER_CODE]);
  });

  it.each([
    ['CLI', 'fa'],
    ['HLT', 'f4'],
    ['IN', 'e4 60'],
    ['MOV from CR0', '0f 20 c0'],
    ['INT 0Dh, whose gate is for level 0', 'cd 0d'],
    ['a write through the null selector', '8e da c6 02 01'],
  ])('%s at level 3 is a general-protection fault', (_name, bytes) => {
    const guest = flatGuest(toUser);
    guest.poke(0x7c80, bytes);
    runTo(guest, 0x7d00);
    expect(guest.state.read8(slot.CPL)).toBe(0);
  });
});

describe('alignment checks', () => {
  const AM = 1 << 18;
  const AC = 1 << 18;
  const LOAD_DATA = '66 b8 33 00 8e d8 [mov ax, 33h; mov ds, ax]';
  const SET_AC = '68 02 00 04 00 9d [push 40002h; popfd]';
  const LOAD = '8b 05 01 80 00 00 [mov eax, [8001h]]';

  /** A program at level 3 on a 486, whose #AC goes to 7F00h and whose INT 80h is its end. */
  function user(code: string, cr0 = AM): Guest {
    const guest = flatGuest(
      '6a 33 68 00 50 00 00 6a 02 6a 2b 68 80 7c 00 00 cf [iretd to 2Bh:7C80h, stack 33h:5000h]',
      '486',
    );
    guest.state.write32(slot.CR0, 1 | cr0);
    guest.state.onDerivedChange(slot.CR0);
    guest.poke(0x1000 + 17 * 8, '00 7f 10 00 00 8e 00 00');
    guest.poke(0x7c80, `${LOAD_DATA} ${code} cd 80 [int 80h]`);
    guest.processor.refresh();
    return guest;
  }

  it.each([
    ['a load', LOAD],
    ['a load after one that was aligned', `8b 05 00 80 00 00 [mov eax, [8000h]] ${LOAD}`],
    ['a store', 'a3 02 80 00 00 [mov [8002h], eax]'],
    ['a word', '66 a1 01 80 00 00 [mov ax, [8001h]]'],
    ['an addition to memory', '01 05 03 80 00 00 [add [8003h], eax]'],
    ['a push', '4c 50 [dec esp; push eax]'],
    ['flags pushed', '4c 9c [dec esp; pushfd]'],
    ['a string', 'be 02 80 00 00 bf 00 81 00 00 a5 [mov esi, 8002h; mov edi, 8100h; movsd]'],
    ['over a page', '8b 05 fe 8f 00 00 [mov eax, [8FFEh]]'],
  ])('fault: %s', (_name, code) => {
    const guest = user(`${SET_AC} ${code}`);
    runTo(guest, 0x7f00);
    const [error, , cs, flags] = doubleWords(guest, KERNEL_STACK - 24, 4);
    expect([error, cs, (flags as number) & AC, guest.state.read8(slot.CPL)]).toEqual([0, USER_CODE, AC, 0]);
  });

  it.each([
    ['aligned accesses', `${SET_AC} 8b 05 04 80 00 00 66 a1 02 80 00 00 a0 01 80 00 00 50 58`],
    ['accesses without EFLAGS.AC', LOAD],
    ['accesses after it was cleared', `${SET_AC} 6a 02 9d [push 2; popfd] ${LOAD}`],
  ])('pass over %s', (_name, code) => {
    runTo(user(code), 0x7e00);
  });

  it('pass over everything without CR0.AM', () => {
    runTo(user(`${SET_AC} ${LOAD}`, 0), 0x7e00);
  });

  it('are not for level 0, nor for what the processor itself reads', () => {
    // The handler of INT 80h runs with AC set; its stack is odd.
    const guest = user(SET_AC);
    guest.poke(0x904, '01 60 00 00 08 00');
    guest.poke(0x7e00, `${LOAD} 89 c1 0f 0b [mov ecx, eax; ud2]`);
    guest.poke(0x8001, '78 56 34 12');
    guest.poke(0x1000 + 6 * 8, '00 7d 10 00 00 8e 00 00');
    runTo(guest, 0x7d00);
    expect([guest.state.read32(slot.ECX), guest.state.eflags & AC]).toEqual([0x1234_5678, AC]);
  });
});

describe('virtual-8086 mode', () => {
  it('runs 16-bit code with real-mode addresses, and its interrupts are the monitor’s', () => {
    const guest = flatGuest(`6a 00 6a 00 6a 00 6a 00 [push gs, fs, ds, es = 0]  68 00 07 00 00 [push ss = 700h]
      68 00 01 00 00 [push esp = 100h]  68 02 00 02 00 [push eflags = VM]  68 00 03 00 00 [push cs = 300h]
      68 10 00 00 00 cf [push eip = 10h; iretd]`);
    guest.poke(
      0x3010,
      'b8 00 20 8e d8 [mov ax, 2000h; mov ds, ax] c6 06 34 00 5a [mov byte [34h], 5Ah] 50 [push ax] cd 21',
    );
    runTo(guest, 0x7d00);
    expect(guest.view.getUint8(0x20034)).toBe(0x5a);
    expect(guest.view.getUint16(0x70fe, true)).toBe(0x2000);
    const frame = doubleWords(guest, KERNEL_STACK - 40, 10);
    expect(frame).toEqual([0, 0x1b, 0x300, 0x3_0002, 0xfe, 0x700, 0, 0x2000, 0, 0]);
    expect(guest.processor.codeSize).toBe(32);
  });
});
