import { describe, expect, it } from 'vitest';
import { CS, DS, slot } from '../state/layout.ts';
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

  it('stops with a message when the guest turns paging on', () => {
    const guest = withDescriptors(
      new Guest(`${ENTER_PROTECTED} 66 0d 00 00 00 80 0f 22 c0 [or eax, 80000000h; mov cr0, eax]`),
    );
    expect(guest.step(20)).toEqual({ reason: 'unsupported', what: 'paging (CR0.PG set)' });
    expect(guest.place).toBe('7c13');
  });
});
