/** What guests see of cached translations (SDM vol. 3A §4.10): what is stale until when, what survives what. */
import { describe, expect, it } from 'vitest';
import { slot } from '../state/layout.ts';
import { DIRECTORY, LARGE, P, PagedGuest, PROGRAM, TABLE, U, W } from './paged-guest.ts';

const G = 0x100;
const CR4_PSE = 0x10;
const CR4_PGE = 0x80;

const LOAD_EAX = 'a1 00 00 02 00 [mov eax, [20000h]]';
const LOAD_EBX = '8b 1d 00 00 02 00 [mov ebx, [20000h]]';
const LOAD_ECX = '8b 0d 00 00 02 00 [mov ecx, [20000h]]';
/** TABLE + 20h * 4 */
const REMAP = 'c7 05 80 30 00 00 03 00 03 00 [mov dword [3080h], 30003h]';
const RELOAD_CR3 = '0f 20 da 0f 22 da [mov edx, cr3; mov cr3, edx]';
const INVLPG = '0f 01 3d 00 00 02 00 [invlpg [20000h]]';

/** 20000h holds 1, 30000h holds 2. */
function remappingGuest(program: string, model: 'pentium3' | '486' = 'pentium3'): PagedGuest {
  const guest = new PagedGuest(program, model);
  guest.write32(0x20000, 1);
  guest.write32(0x30000, 2);
  return guest;
}

const registers = (guest: PagedGuest) => (['EAX', 'EBX', 'ECX'] as const).map((name) => guest.register(name));

describe('a changed entry', () => {
  it('is not seen before INVLPG', () => {
    const guest = remappingGuest(`${LOAD_EAX} ${REMAP} ${LOAD_EBX} ${INVLPG} ${LOAD_ECX} f4`);
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('program');
    expect(registers(guest)).toEqual([1, 1, 2]);
  });

  it('is not seen before CR3 is written', () => {
    const guest = remappingGuest(`${LOAD_EAX} ${REMAP} ${LOAD_EBX} ${RELOAD_CR3} ${LOAD_ECX} f4`);
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('program');
    expect(registers(guest)).toEqual([1, 1, 2]);
  });

  it('of a global page is not seen before INVLPG or a change of CR4.PGE', () => {
    for (const flush of [INVLPG, '0f 20 e0 34 80 0f 22 e0 34 80 0f 22 e0 [flip CR4.PGE, twice]']) {
      const guest = remappingGuest(`${LOAD_EAX} ${REMAP} ${RELOAD_CR3} ${LOAD_EBX} ${flush} ${LOAD_ECX} f4`);
      guest.map(0x20000, 0x20000 | P | W | G);
      guest.set('CR4', CR4_PGE);
      guest.enablePaging();
      expect(guest.runToHalt()).toBe('program');
      expect(registers(guest).slice(1)).toEqual([1, 2]);
    }
  });

  it('of a page that is only marked global is seen without CR4.PGE', () => {
    const guest = remappingGuest(`${LOAD_EAX} ${REMAP} ${RELOAD_CR3} ${LOAD_EBX} f4`);
    guest.map(0x20000, 0x20000 | P | W | G);
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('program');
    expect(registers(guest).slice(0, 2)).toEqual([1, 2]);
  });

  it('that gives a right is seen at once, as the tables are walked again before a fault', () => {
    const guest = new PagedGuest(`${LOAD_EAX} c7 05 80 30 00 00 03 00 02 00 [mov dword [3080h], 20003h]
      a3 00 00 02 00 [mov [20000h], eax] f4`);
    guest.map(0x20000, 0x20000 | P);
    guest.enablePaging(0x10000);
    expect(guest.runToHalt()).toBe('program');
  });
});

describe('a large page', () => {
  it('is forgotten as a whole by INVLPG of any address in it', () => {
    const guest = new PagedGuest(
      `a1 00 00 42 00 [mov eax, [420000h]] 8b 1d 00 00 50 00 [mov ebx, [500000h]]
       c7 05 04 20 00 00 00 00 00 00 [mov dword [2004h], 0]
       0f 01 3d 00 f0 7f 00 [invlpg [7FF000h]]  8b 0d 00 00 42 00 [mov ecx, [420000h]] f4`,
      'pentium3',
    );
    guest.write32(DIRECTORY + 4, P | W | LARGE);
    guest.write32(0x20000, 7);
    guest.write32(0x100000, 8);
    guest.set('CR4', CR4_PSE);
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('vector 14');
    expect(registers(guest)).toEqual([7, 8, 0]);
    expect(guest.register('CR2')).toBe(0x42_0000);
  });
});

/** CALL from so many bytes behind the program's start. */
function callTo(offset: number, target: number): string {
  const distance = (target - (PROGRAM + offset + 5)) >>> 0;
  const bytes = [0, 8, 16, 24].map((shift) => ((distance >>> shift) & 0xff).toString(16).padStart(2, '0'));
  return `e8 ${bytes.join(' ')}`;
}

describe('code', () => {
  it.each([
    { name: 'INVLPG', flush: INVLPG, size: 7 },
    { name: 'a write of CR3', flush: RELOAD_CR3, size: 6 },
  ])('on a page that is mapped elsewhere is the new one after $name', ({ flush, size }) => {
    const calls = [0, 5, 20, 25 + size].map((offset) => callTo(offset, 0x20000));
    const guest = new PagedGuest(`${calls[0]} ${calls[1]} ${REMAP} ${calls[2]} ${flush} ${calls[3]} f4`);
    guest.poke(0x20000, '40 c3 [inc eax; ret]');
    guest.poke(0x30000, '43 c3 [inc ebx; ret]');
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('program');
    expect(registers(guest).slice(0, 2)).toEqual([3, 1]);
  });

  it('over two pages follows the second one', () => {
    // 1FFFDh: mov eax, imm32 with its last two bytes and a ret on the next page.
    const guest = new PagedGuest(
      `${callTo(0, 0x1fffd)} 89 c3 [mov ebx, eax] ${REMAP} ${INVLPG} ${callTo(24, 0x1fffd)} f4`,
    );
    guest.poke(0x1fffd, 'b8 01 02');
    guest.poke(0x20000, '03 04 c3');
    guest.poke(0x30000, '05 06 c3');
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('program');
    expect(registers(guest).slice(0, 2)).toEqual([0x0605_0201, 0x0403_0201]);
  });

  it('written over on the second of its pages is decoded again', () => {
    const guest = new PagedGuest(
      `${callTo(0, 0x1fffd)} 89 c3 [mov ebx, eax] c6 05 00 00 02 00 09 [mov byte [20000h], 9] ${callTo(14, 0x1fffd)} f4`,
    );
    guest.poke(0x1fffd, 'b8 01 02');
    guest.poke(0x30000, '03 04 c3');
    guest.map(0x20000, 0x30000 | P | W);
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('program');
    expect(registers(guest).slice(0, 2)).toEqual([0x0409_0201, 0x0403_0201]);
  });
});

describe('what changes of privilege cost', () => {
  it('is no walk of the tables', () => {
    // User code calls vector 80h a hundred times; the handler reads a page, and so does the user.
    const guest = new PagedGuest(
      `b9 64 00 00 00 [mov ecx, 100] a1 00 00 02 00 [mov eax, [20000h]] cd 1f [int 1Fh] e2 f7 [loop] eb fe`,
    );
    guest.handler(31, '8b 1d 00 00 03 00 cf [mov ebx, [30000h]; iretd]');
    guest.map(PROGRAM, PROGRAM | P | U);
    guest.map(0x20000, 0x20000 | P | U);
    guest.enablePaging();
    guest.enterUser();
    guest.run(50);
    const { fills } = guest.machine.processor.translations.cache.counters;
    guest.run(350);
    expect(guest.register('ECX')).toBeLessThan(70);
    expect(guest.machine.processor.translations.cache.counters.fills).toBe(fills);
  });
});

describe('demand paging', () => {
  it('faults once for each page', () => {
    // mov edi, 100000h; again: mov [edi], edi; add edi, 1000h; cmp edi, 180000h; jb again
    const guest = new PagedGuest('bf 00 00 10 00 89 3f 81 c7 00 10 00 00 81 ff 00 00 18 00 72 f0 f4');
    for (let at = 0x100000; at < 0x180000; at += 0x1000) guest.map(at, 0);
    // add esp, 4; inc ebp; mov eax, cr2; mov edx, eax; shr edx, 12; or al, 3; mov [TABLE + edx * 4], eax; iretd
    guest.handler(14, '83 c4 04 45 0f 20 d0 89 c2 c1 ea 0c 0c 03 89 04 95 00 30 00 00 cf');
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('program');
    expect(guest.register('EBP')).toBe(128);
    expect(guest.read32(0x17f000)).toBe(0x17f000);
    expect(guest.state.read32(slot.EDI)).toBe(0x180000);
  });
});

it('tables in RAM that A20 hides are read where the gate leads', () => {
  const guest = new PagedGuest(`${LOAD_EAX} f4`);
  guest.write32(0x20000, 0x55);
  guest.write32(DIRECTORY, (TABLE + 0x100000) | P | W);
  guest.machine.map.a20Mask = ~0x100000;
  guest.enablePaging();
  expect(guest.runToHalt()).toBe('program');
  expect(guest.register('EAX')).toBe(0x55);
});

it('a debugger that comes to watch leaves stale translations as they are', () => {
  const guest = remappingGuest(`${LOAD_EAX} ${REMAP} ${LOAD_EBX} ${INVLPG} ${LOAD_ECX} f4`);
  guest.enablePaging();
  guest.run(2);
  guest.machine.processor.watches.add({
    ...{ address: 0x20000, length: 4, space: 'linear', access: 'read-write', reached: () => false },
  });
  guest.machine.processor.invalidateCode();
  guest.machine.processor.forgetShortcuts();
  expect(guest.runToHalt()).toBe('program');
  expect(registers(guest)).toEqual([1, 1, 2]);
});

describe('a page that was reached without asking', () => {
  const STORE = 'a3 00 00 02 00 [mov [20000h], eax]';
  const CR4_SMAP = 1 << 21;

  it('is asked for again when CR0.WP is set', () => {
    const guest = new PagedGuest(
      `${STORE} ${STORE} 0f 20 c0 0d 00 00 01 00 0f 22 c0 [mov eax, cr0; or eax, 10000h; mov cr0, eax] ${STORE} f4`,
    );
    guest.map(0x20000, 0x20000 | P);
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('vector 14');
    expect(guest.frame()).toEqual([3, PROGRAM + 21]);
  });

  it.each([
    { name: 'CLAC', opens: '0f 01 cb [stac]', closes: '0f 01 ca [clac]', at: 16 },
    { name: 'POPF', opens: '68 02 00 04 00 9d [push 40002h; popfd]', closes: '6a 02 9d [push 2; popfd]', at: 19 },
  ])('is closed by SMAP when $name clears EFLAGS.AC', ({ opens, closes, at }) => {
    const guest = new PagedGuest(`${opens} ${STORE} ${STORE} ${closes} ${STORE} f4`, 'max');
    guest.map(0x20000, 0x20000 | P | W | U);
    guest.set('CR4', CR4_SMAP);
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('vector 14');
    expect(guest.frame()).toEqual([3, PROGRAM + at]);
    expect(guest.read32(0x20000)).toBe(0);
  });

  it('is not executed any more when CR4.SMEP is set', () => {
    const guest = new PagedGuest(
      'e8 fb 8f 01 00 [call 20000h] 0f 20 e0 0d 00 00 10 00 0f 22 e0 e8 eb 8f 01 00 f4',
      'max',
    );
    guest.poke(0x20000, 'c3');
    guest.map(0x20000, 0x20000 | P | W | U);
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('vector 14');
    expect(guest.frame()).toEqual([0x11, 0x20000]);
  });
});
