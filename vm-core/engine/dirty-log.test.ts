/** The dirty log under guests: who is noted, and that nothing of translations is lost when it begins. */
import { describe, expect, it } from 'vitest';
import { DIRECTORY, LARGE, P, PagedGuest, PROGRAM, W } from './paged-guest.ts';

/** Writes to 420000h and 500000h (20000h and 100000h through a page of 4 MiB), reads 430000h, again and again. */
const WRITER = `c7 05 00 00 42 00 01 00 00 00 [mov dword [420000h], 1]
  c7 05 00 00 50 00 02 00 00 00 [mov dword [500000h], 2]
  a1 00 00 43 00 [mov eax, [430000h]] 41 [inc ecx] eb e4 [jmp back]`;
const ROUND = 5;

function writer(): PagedGuest {
  const guest = new PagedGuest(WRITER, 'pentium3');
  guest.write32(DIRECTORY + 4, P | W | LARGE);
  guest.set('CR4', 0x10);
  guest.enablePaging();
  guest.run(ROUND * 4);
  return guest;
}

describe('the dirty log', () => {
  it('holds what was written since it began, and no more', () => {
    const guest = writer();
    const { dirty } = guest.machine.map;
    const pages = () => dirty.dirtyPages(0, 0x200000, 100);
    expect(pages()).toContain(0x20000);
    dirty.begin();
    expect(pages()).toEqual([]);
    guest.run(ROUND);
    expect(pages()).toEqual([0x20000, 0x100000]);
    guest.run(ROUND * 100);
    expect(pages()).toEqual([0x20000, 0x100000]);
    dirty.begin();
    dirty.begin();
    guest.run(ROUND);
    expect(pages()).toEqual([0x20000, 0x100000]);
  });

  it('begins without losing translations, of large pages least of all', () => {
    const guest = writer();
    const { cache } = guest.machine.processor.translations;
    const { fills } = cache.counters;
    const cached = cache.list();
    for (let n = 0; n < 2000; n++) {
      guest.machine.map.dirty.begin();
      guest.run(ROUND);
    }
    expect(cache.counters.fills).toBe(fills);
    expect(cache.list()).toEqual(cached);
    expect(guest.machine.map.dirty.dirtyPages(0, 0x200000, 100)).toEqual([0x20000, 0x100000]);
  });

  it('costs no store and no load that leaves generated code', () => {
    const guest = writer();
    const { map, processor } = guest.machine;
    map.writeRam = () => expect.unreachable('a store by TypeScript');
    processor.translations.translate = () => expect.unreachable('a translation by TypeScript');
    map.dirty.begin();
    guest.run(ROUND * 100);
    expect(map.dirty.dirtyPages(0, 0x200000, 100)).toEqual([0x20000, 0x100000]);
  });

  it('keeps what was stored to where something is decoded then', () => {
    const guest = writer();
    guest.poke(
      PROGRAM,
      'c7 05 00 00 43 00 41 f4 00 00 [mov dword [430000h], inc ecx; hlt] b8 00 00 43 00 ff e0 [jmp eax]',
    );
    guest.state.eip = PROGRAM;
    guest.machine.processor.code.flush();
    const { dirty } = guest.machine.map;
    const pages = () => dirty.dirtyPages(0x30000, 0x31000, 1);
    dirty.begin();
    guest.run(1);
    expect(pages()).toEqual([0x30000]);
    expect(guest.runToHalt()).not.toContain('vector');
    expect(pages()).toEqual([0x30000]);
    dirty.begin();
    expect(pages()).toEqual([]);
  });

  it('notes accessed and dirty flags that the processor sets', () => {
    const guest = writer();
    guest.machine.map.dirty.begin();
    guest.write32(DIRECTORY + 4, P | W | LARGE);
    guest.set('CR3', DIRECTORY);
    guest.run(ROUND);
    expect(guest.machine.map.dirty.dirtyPages(DIRECTORY, DIRECTORY + 0x1000, 1)).toEqual([DIRECTORY]);
  });

  it('answers by range and by number of pages', () => {
    const { map } = writer().machine;
    map.dirty.begin();
    for (let page = 0x40000; page < 0x80000; page += 0x2000) map.write(page + 8, 4, 1);
    map.copyIn(0x90ffe, Uint8Array.of(1, 2, 3));
    map.writeBytes(0xa0ffe, Uint8Array.of(1, 2, 3));
    expect(map.dirty.dirtyPages(0x40000, 0x60000, 100)).toHaveLength(16);
    expect(map.dirty.dirtyPages(0x42001, 0x80000, 3)).toEqual([0x42000, 0x44000, 0x46000]);
    expect(map.dirty.dirtyPages(0x90000, 0xb0000, 100)).toEqual([0x90000, 0x91000, 0xa0000, 0xa1000]);
  });
});
