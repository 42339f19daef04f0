/**
 * What has to be aligned: CMPXCHG16B always (SDM vol. 2A), everything at level 3 while CR0.AM and EFLAGS.AC ask for it (SDM vol.
 * 3A §6.15 table 6-7); and where LOCK may stand (vol. 2A LOCK). The programs need nasm.
 */
import { describe, expect, it } from 'vitest';
import { assemble, hasNasm } from '../../test/support/boot-sectors.ts';
import { LongGuest, PROGRAM } from './long-guest.ts';

const DATA = 0x40000;

function guestOf(source: string): LongGuest {
  return new LongGuest(assemble(`bits 64\norg ${PROGRAM}\n${source}\nhlt`), 'max');
}

describe.skipIf(!hasNasm)('CMPXCHG16B', () => {
  it.each([
    { base: 0, offset: DATA, end: 'program' },
    { base: 0, offset: DATA + 8, end: 'vector 13' },
    { base: 8, offset: DATA, end: 'vector 13' },
    { base: 8, offset: DATA + 8, end: 'program' },
    { base: 0xf, offset: DATA + 1, end: 'program' },
  ])('is #GP(0) by its linear address: base $base, offset $offset', ({ base, offset, end }) => {
    const guest = guestOf(`mov edi, ${offset}\nlock cmpxchg16b [fs:rdi]`);
    guest.set('FS.base', BigInt(base));
    guest.machine.processor.refresh();
    expect(guest.runToHalt()).toBe(end);
    if (end !== 'program') expect(guest.stack(2)).toEqual([0n, BigInt(PROGRAM + 5)]);
  });
});

const AC = 1n << 18n;

/** At level 3 with EFLAGS.AC; HLT there is #GP, which is the good end. */
function endAtLevel3(source: string, control0: bigint, flags: bigint, prepare: (guest: LongGuest) => void = () => {}) {
  const guest = guestOf(source);
  guest.set('CR0', guest.get('CR0') | control0);
  guest.enterUser();
  guest.set('RFLAGS', 2n | flags);
  guest.set('RSP', BigInt(DATA + 0x800));
  prepare(guest);
  guest.machine.processor.refresh();
  const end = guest.runToHalt();
  const [first, second] = guest.stack(2);
  return end === 'vector 13' ? 'program' : `${end} ${first} ${Number(second) - PROGRAM}`;
}

const AM = 1n << 18n;

describe.skipIf(!hasNasm)('alignment checks', () => {
  const at = (distance: number) => `mov rdi, ${DATA + distance}\nmov rsi, rdi\n`;
  /** Behind the two moves of `at`. */
  const PLACE = 8;

  it.each([
    { form: 'mov ax, [rdi]', size: 2 },
    { form: 'mov eax, [rdi]', size: 4 },
    { form: 'mov rax, [rdi]', size: 8 },
    { form: 'mov [rdi], rax', size: 8 },
    { form: 'add dword [rdi], 1', size: 4 },
    { form: 'lock xadd [rdi], rax', size: 8 },
    { form: 'xchg [rdi], ax', size: 2 },
    { form: 'bts dword [rdi], 1', size: 4 },
    { form: 'cmpxchg8b [rdi]', size: 8 },
    { form: 'movsq', size: 8 },
    { form: 'lodsw', size: 2 },
    { form: 'scasd', size: 4 },
    { form: 'push qword [rdi]', size: 8 },
    { form: 'pop qword [rdi]', size: 8 },
    { form: 'jmp [rdi]', size: 8 },
    { form: 'movbe eax, [rdi]', size: 4 },
    { form: 'crc32 eax, word [rdi]', size: 2 },
  ])('$form wants $size bytes aligned', ({ form, size }) => {
    for (const distance of [1, 2, 4, 8]) {
      const end = endAtLevel3(at(distance) + form, AM, AC);
      const isAligned = distance % size === 0;
      if (isAligned) expect([distance, end.startsWith('vector 17')]).toEqual([distance, false]);
      else expect([distance, end]).toEqual([distance, expect.stringMatching(/^vector 17 0 /)]);
    }
  });

  it('are of stacks, too', () => {
    const unaligned = (guest: LongGuest) => guest.set('RSP', BigInt(DATA + 0x804));
    for (const form of ['push rax', 'pop rax', 'call $ + 5', 'ret', 'pushfq', 'popfq', 'enter 8, 0']) {
      expect([form, endAtLevel3(form, AM, AC, unaligned)]).toEqual([form, 'vector 17 0 0']);
    }
    expect(endAtLevel3('push ax', AM, AC, unaligned)).toBe('program');
  });

  it('are made with CR0.AM and EFLAGS.AC together, at level 3', () => {
    const source = `${at(1)}mov eax, [rdi]`;
    expect([endAtLevel3(source, 0n, AC), endAtLevel3(source, AM, 0n), endAtLevel3(source, AM, AC)]).toEqual([
      'program',
      'program',
      `vector 17 0 ${PLACE}`,
    ]);
    const kernel = guestOf(source);
    kernel.set('CR0', kernel.get('CR0') | AM);
    kernel.set('RFLAGS', 2n | AC);
    expect(kernel.runToHalt()).toBe('program');
  });

  it('give way to page faults and general protection', () => {
    expect(endAtLevel3('mov rdi, 800000000001h\nmov eax, [rdi]', AM, AC)).toBe('program');
    const end = endAtLevel3('mov edi, 700001h\nmov eax, [rdi]', AM, AC);
    expect(end).toMatch(/^vector 1[47] /);
  });
});

describe.skipIf(!hasNasm)('LOCK in 64-bit mode', () => {
  const legal = [
    'add [rdi], eax',
    'not qword [rdi]',
    'btc [rdi], rax',
    'cmpxchg [rdi], r8',
    'xadd [rdi], al',
    'inc r8',
  ].map((form) => ({ form, legal: form !== 'inc r8' }));
  const illegal = [
    ...['mov [rdi], eax', 'cmp [rdi], eax', 'test [rdi], eax', 'bt [rdi], eax', 'add eax, [rdi]', 'xadd eax, ebx'],
    ...['nop', 'push rax', 'shl dword [rdi], 1', 'movsb', 'mul dword [rdi]', 'jmp $ + 3', 'syscall', 'cpuid'],
  ].map((form) => ({ form, legal: false }));

  it.each([...legal, ...illegal])('before $form: legal is $legal', ({ form, legal: isLegal }) => {
    const guest = guestOf(`mov edi, ${DATA}\ndb 0f0h\n${form}`);
    expect(guest.runToHalt()).toBe(isLegal ? 'program' : 'vector 6');
    if (!isLegal) expect(guest.stack(1)).toEqual([BigInt(PROGRAM + 5)]);
  });
});
