/** Guests that use paging, on the engine (SDM vol. 3A chapter 4). */
import { describe, expect, it } from 'vitest';
import { A, D, DIRECTORY, LARGE, P, PagedGuest, PROGRAM, TABLE, U, W } from './paged-guest.ts';

const CR0_WP = 0x10000;

describe('turning paging on', () => {
  it('maps what the guest says, at once', () => {
    const guest = new PagedGuest(`
      b8 00 20 00 00 0f 22 d8 [mov eax, 2000h; mov cr3, eax]
      0f 20 c0 0d 00 00 00 80 0f 22 c0 [mov eax, cr0; or eax, 80000000h; mov cr0, eax]
      a1 34 52 01 c0 [mov eax, [C0015234h]]  a3 00 50 01 00 [mov [15000h], eax]  f4`);
    guest.write32(DIRECTORY + 0x300 * 4, TABLE | P | W);
    guest.map(0x15000, 0x25000 | P | W);
    guest.write32(0x25234, 0x1234_5678);
    expect(guest.runToHalt()).toBe('program');
    expect(guest.read32(0x25000)).toBe(0x1234_5678);
    expect(guest.read32(0x15000)).toBe(0);
    expect(guest.entry(0x15000) & 0xfff).toBe(P | W | A | D);
    expect(guest.read32(DIRECTORY + 0x300 * 4) & 0xfff).toBe(P | W | A);
  });

  it('knows 4 MiB pages where the processor has them', () => {
    const program = 'a1 00 00 40 00 [mov eax, [400000h]] f4';
    const guest = new PagedGuest(program, 'pentium');
    guest.write32(DIRECTORY + 4, P | LARGE);
    guest.write32(0, 0xabcd);
    guest.set('CR4', 0x10);
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('program');
    expect(guest.register('EAX')).toBe(0xabcd);
    // A 486 takes the same entry for that of a page table.
    const older = new PagedGuest(program);
    older.write32(DIRECTORY + 4, P | LARGE);
    older.enablePaging();
    expect(older.runToHalt()).toBe('vector 14');
  });
});

describe('page faults', () => {
  it('carry address, error code and place, and the instruction is repeated', () => {
    const guest = new PagedGuest(`c7 05 78 56 02 00 2a 00 00 00 [mov dword [25678h], 42] 41 [inc ecx] f4`);
    guest.map(0x25000, 0);
    // pop ebx; mov edx, cr2; mov dword [TABLE + 25h * 4], 35003h; iretd
    guest.handler(14, '5b 0f 20 d2 c7 05 94 30 00 00 03 50 03 00 cf');
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('program');
    expect([guest.register('EBX'), guest.register('EDX'), guest.register('ECX')]).toEqual([2, 0x25678, 1]);
    expect(guest.read32(0x35678)).toBe(42);
    expect(guest.entry(0x25000) & 0xfff).toBe(P | W | A | D);
  });

  it('of INS come before its port is read, so that nothing is lost', () => {
    const given = [0x11, 0x22, 0x33, 0x44];
    const reads: number[] = [];
    const read = (port: number) => {
      reads.push(port);
      return given.shift() ?? 0;
    };
    // mov edi, 25FFEh; mov ecx, 4; mov edx, 1F0h; cld; rep insb
    const program = 'bf fe 5f 02 00 b9 04 00 00 00 ba f0 01 00 00 fc f3 6c f4';
    const guest = new PagedGuest(program, '486', { read, write: () => {} });
    guest.map(0x26000, 0);
    // pop ebx; mov esi, ecx; mov dword [TABLE + 26h * 4], 35003h; iretd
    guest.handler(14, '5b 89 ce c7 05 98 30 00 00 03 50 03 00 cf');
    guest.enablePaging();
    expect(guest.run(6).reason).toBe('limit');
    expect(guest.register('CR2')).toBe(0x26000);
    expect(reads.length).toBe(2);
    expect(guest.runToHalt()).toBe('program');
    expect([guest.register('ESI'), guest.register('ECX'), guest.register('EBX')]).toEqual([2, 0, 2]);
    expect([guest.read32(0x25ffc) >>> 16, guest.read32(0x35000) & 0xffff]).toEqual([0x2211, 0x4433]);
  });

  it.each([
    { what: 'a read of a page that is not there', code: 'a1 00 00 02 00', entry: 0, error: 4 },
    { what: 'a write to it', code: 'a3 00 00 02 00', entry: 0, error: 6 },
    { what: 'a read of a supervisor page', code: 'a1 00 00 02 00', entry: P | W, error: 5 },
    { what: 'a write to a page that is read-only', code: 'a3 00 00 02 00', entry: P | U, error: 7 },
    { what: 'an addition to it', code: '01 05 00 00 02 00', entry: P | U, error: 7 },
    { what: 'a fetch from it', code: 'e9 fb 8f 01 00', entry: 0, error: 4 },
  ])('of user code: $what', ({ code, entry, error }) => {
    const guest = new PagedGuest(`${code} f4`);
    guest.map(PROGRAM, PROGRAM | P | U);
    guest.map(0x20000, entry && 0x20000 | entry);
    guest.enablePaging();
    guest.enterUser();
    expect(guest.runToHalt()).toBe('vector 14');
    expect(guest.frame()).toEqual([error, code.startsWith('e9') ? 0x20000 : PROGRAM]);
    expect(guest.register('CR2')).toBe(0x20000);
    expect(guest.entry(0x20000) & (A | D)).toBe(0);
  });

  it('of the supervisor at read-only pages come with CR0.WP only', () => {
    for (const [bits, end] of [
      [0, 'program'],
      [CR0_WP, 'vector 14'],
    ] as const) {
      const guest = new PagedGuest('a3 00 00 02 00 f4');
      guest.map(0x20000, 0x20000 | P);
      guest.enablePaging(bits);
      expect(guest.runToHalt()).toBe(end);
    }
  });
});

describe('accesses that cross a page', () => {
  it('fault on the second page before anything is written', () => {
    const guest = new PagedGuest('a3 fe ff 01 00 f4 [mov [1FFFEh], eax]');
    guest.set('EAX', 0x1122_3344);
    guest.map(0x20000, 0);
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('vector 14');
    expect([guest.register('CR2'), guest.read32(0x1fffc)]).toEqual([0x20000, 0]);
  });

  it('go to the two pages', () => {
    const guest = new PagedGuest('a3 fe ff 01 00 8b 1d fd ff 01 00 f4 [mov [1FFFEh], eax; mov ebx, [1FFFDh]]');
    guest.set('EAX', 0x1122_3344);
    guest.map(0x20000, 0x30000 | P | W);
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('program');
    expect([guest.read32(0x1fffc) >>> 16, guest.read32(0x30000)]).toEqual([0x3344, 0x1122]);
    expect(guest.register('EBX')).toBe(0x2233_4400);
  });

  it('of instructions are fetched from both, and fault on the second', () => {
    // mov eax, 12345678h two bytes before the end of a page; the other three bytes are elsewhere.
    const guest = new PagedGuest('e9 f9 8f 01 00 [jmp 1FFFEh]');
    guest.poke(0x1fffe, 'b8 78');
    guest.poke(0x30000, '56 34 12 f4');
    guest.map(0x20000, 0);
    guest.enablePaging();
    expect(guest.runToHalt()).toBe('vector 14');
    expect([guest.register('CR2'), ...guest.frame()]).toEqual([0x20000, 0, 0x1fffe]);
    guest.map(0x20000, 0x30000 | P | W);
    guest.state.eip = 0x1fffe;
    expect(guest.runToHalt()).toBe('program');
    expect(guest.register('EAX')).toBe(0x1234_5678);
  });
});
