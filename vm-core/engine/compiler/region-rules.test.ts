/** What is counted of regions, and what the compiler makes of it: code is found and made anew where that helps, and not for ever. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CR4_OSFXSR, CR4_OSXSAVE } from '../../state/control-bits.ts';
import { DS, internal, slot, vectorSlots } from '../../state/layout.ts';
import { PagedGuest, PROGRAM } from '../paged-guest.ts';
import type { Compiler } from './compiler.ts';
import { defaultEngine, type Engine } from './tiers.ts';

const HOT = 400_000;
const DATA = 0x9000;
/** mov eax,[DATA]; inc ecx; jmp back */
const LOAD = 'a1 00 90 00 00  41  eb f8';
const LENGTH = 3;
/** Beyond RAM, where reads give ones. */
const DEVICE = 0x40_0000;

let before: Engine;
beforeAll(() => {
  before = defaultEngine.name;
  defaultEngine.name = 'compiler';
});
afterAll(() => {
  defaultEngine.name = before;
});

function compilerOf({ machine }: PagedGuest): Compiler {
  const { compiler } = machine.processor;
  if (!compiler) throw new Error('the machine has no compiler');
  return compiler;
}

function run({ machine }: PagedGuest, instructionsMax = HOT): void {
  expect(machine.loop.run({ instructionsMax })).toEqual({ reason: 'limit' });
}

describe('what is counted of a region', () => {
  it('are entries, instructions, and exits by their reasons', () => {
    const guest = new PagedGuest(LOAD);
    guest.enablePaging();
    run(guest);
    const [region] = compilerOf(guest).list();
    expect(region).toMatchObject({ linearAddress: PROGRAM, codeSize: 32, guestBytes: 8 });
    expect(region?.blocks).toEqual([
      { linearAddress: PROGRAM, physicalAddress: PROGRAM, length: 8, instructions: LENGTH },
    ]);
    expect(region?.instructions).toBeGreaterThan(HOT / 2);
    expect(region?.instructions).toBeLessThan(HOT);
    expect(region?.exits.get('budget')).toBe(region?.entries);
    expect(region?.code().map(({ text }) => text.trim())).toContain('i32.load offset=0');
    expect(region?.codeBytes).toBeGreaterThan(100);
  });

  it('is what an access has met for which it was left', () => {
    const guest = new PagedGuest(LOAD);
    guest.enablePaging();
    run(guest);
    guest.machine.processor.translations.flushAll();
    run(guest);
    guest.map(DATA, 0);
    guest.machine.processor.translations.flushAll();
    expect(guest.machine.loop.run({ instructionsMax: HOT })).toMatchObject({ reason: 'halted' });
    const [region] = compilerOf(guest).list();
    expect(region?.exits.get('load')).toBe(2);
    expect(Object.fromEntries(region?.accesses ?? [])).toEqual({ miss: 1, fault: 1 });
  });
});

describe('hot code', () => {
  it('that stores beside code does so in its region once that was left for it', () => {
    // mov [beside],eax; inc ecx; jmp back
    const beside = (PROGRAM + 0x80).toString(16).padStart(8, '0').match(/../g)?.reverse().join(' ');
    const guest = new PagedGuest(`a3 ${beside}  41  eb f8`);
    run(guest);
    run(guest);
    const { counters } = compilerOf(guest);
    expect([counters.compiled, counters.kept]).toEqual([2, 1]);
    const [region] = compilerOf(guest).list();
    expect(region?.exits.get('store')).toBeUndefined();
    expect(region?.instructions).toBeGreaterThan(HOT / 2);
    expect(guest.register('ECX')).toBe(Math.floor((2 * HOT + 1) / LENGTH));
  });

  it('is found however often the machine comes back to its embedder', () => {
    const guest = new PagedGuest(LOAD);
    for (let n = 0; n < 2000; n++) run(guest, 100);
    expect(compilerOf(guest).counters.kept).toBe(1);
    expect(guest.register('ECX')).toBe(Math.floor((2000 * 100 + 1) / LENGTH));
  });

  it('stays in its region where it reads the time and turns interrupts on and off', () => {
    // cli; rdtsc; add ebx,eax; push 246h; popfd; cli; sti; jmp back
    const guest = new PagedGuest('fa  0f 31  01 c3  68 46 02 00 00  9d  fa  fb  eb f1', 'pentium3');
    run(guest);
    const [region] = compilerOf(guest).list();
    expect(region?.exits.get('budget')).toBe(region?.entries);
    expect(region?.entries).toBeLessThan(HOT / 1000);
    const last = Math.floor((HOT - 2) / 8) * 8 + 1;
    const counted = Array.from({ length: (last - 1) / 8 + 1 }, (_, n) => 8 * n + 1);
    expect(guest.register('EBX')).toBe(counted.reduce((sum, time) => sum + time, 0) >>> 0);
  });

  it('is not what samples find that are taken of a region', () => {
    const guest = new PagedGuest(LOAD);
    run(guest, 100);
    const { code, state } = guest.machine.processor;
    const block = code.keptAt(PROGRAM, PROGRAM, 32);
    if (!block) throw new Error('nothing is decoded at the program');
    const compiler = compilerOf(guest);
    const facts = state.read32(internal.SEGMENT_FACTS) | 0;
    const compiledAfter = (samples: number, isBehindRegion: boolean): number => {
      const candidate = { block, eip: BigInt(PROGRAM), facts, physicalAt: () => undefined };
      for (let n = 0; n < samples; n++) compiler.sampled(candidate, isBehindRegion);
      return compiler.counters.compiled;
    };
    expect([compiledAfter(50, true), compiledAfter(10, false)]).toEqual([0, 1]);
  });

  it('stays in its region while it loops in a block that ends with a return', () => {
    // inc ecx; jno back; ret
    const guest = new PagedGuest('41  71 fd  c3');
    run(guest);
    const [region] = compilerOf(guest).list();
    expect(region?.exits.get('budget')).toBe(region?.entries);
    expect(region?.entries).toBeLessThan(HOT / 1000);
  });

  it('has an instruction done by its handler where it always meets a device', () => {
    const guest = new PagedGuest(LOAD);
    guest.map(DATA, DEVICE | 3);
    guest.enablePaging();
    run(guest);
    expect(guest.register('EAX')).toBe(0xffff_ffff);
    expect(guest.register('ECX')).toBe(Math.floor((HOT + 1) / LENGTH));
    const { counters } = compilerOf(guest);
    expect(counters).toMatchObject({ specialised: 1, kept: 1 });
    run(guest);
    const [region] = compilerOf(guest).list();
    expect(region?.exits.get('load')).toBeUndefined();
    expect(region?.instructions).toBeGreaterThan(HOT);
    expect(counters).toMatchObject({ specialised: 1, kept: 1 });
  });

  it('is made for what segments have in common that come and go', () => {
    const guest = new PagedGuest(LOAD);
    const { state } = guest;
    const { counters } = compilerOf(guest);
    for (let n = 0; n < 40; n++) {
      const base = n % 2 === 0 ? 0 : 0x100;
      state.setSegment(DS, { selector: 0x10, base, limit: 0xffff_ffff, attributes: 0xc93 });
      state.write32(slot.EAX, 0);
      guest.write32(DATA + base, 0x1234 + base);
      run(guest, 100_000);
      expect(guest.register('EAX')).toBe(0x1234 + base);
    }
    expect(counters.compiled).toBe(2);
    const [region] = compilerOf(guest).list();
    expect(region?.exits.get('foreign-facts')).toBeUndefined();
    expect(region?.instructions).toBeGreaterThan(3_000_000);
  });

  it('is not compiled again and again for a stack that is large and small in turn', () => {
    // push eax; pop ebx; inc ecx; jmp back
    const guest = new PagedGuest('50  5b  41  eb fb');
    const { state } = guest;
    for (let n = 0; n < 100; n++) {
      state.setSegment(2, { selector: 0x10, base: 0, limit: 0xffff_ffff, attributes: n % 2 === 0 ? 0xc93 : 0x893 });
      run(guest, 60_000);
    }
    expect(guest.register('ECX')).toBe(Math.floor((100 * 60_000 + 1) / 4));
    expect(compilerOf(guest).counters.compiled).toBeLessThan(20);
  });

  it('knows where its computed jumps and calls lead, and goes there without leaving its region', () => {
    // inc ecx; mov eax,ecx; and eax,7; jmp [DATA+4*eax], which leads to eight of
    const start = '41  89 c8  83 e0 07  ff 24 85 00 90 00 00';
    const places: number[] = [];
    const parts = [start];
    const place = () => PROGRAM + parts.join(' ').split(/ +/).length;
    for (let n = 0; n < 8; n++) {
      places.push(place());
      // add ebx,n, or call [DATA+32]
      parts.push(n < 5 ? `83 c3 0${n}` : 'ff 15 20 90 00 00');
      const back = PROGRAM - place() - 5;
      // jmp to the beginning
      parts.push(
        `e9 ${[0, 8, 16, 24].map((shift) => ((back >>> shift) & 0xff).toString(16).padStart(2, '0')).join(' ')}`,
      );
    }
    places.push(place());
    // sub ebx,7; ret
    parts.push('83 eb 07  c3');
    const guests = (['interpreter', 'compiler'] as const).map((name) => {
      defaultEngine.name = name;
      const guest = new PagedGuest(parts.join(' '));
      defaultEngine.name = 'compiler';
      for (const [n, address] of places.entries()) guest.write32(DATA + 4 * n, address);
      return guest;
    });
    const compiled = guests[1] as PagedGuest;
    const lost = () =>
      compilerOf(compiled)
        .list()
        .map(({ exits }) => exits.get('indirect') ?? 0);
    for (const guest of guests) run(guest);
    const before = lost().reduce((a, b) => a + b);
    for (const guest of guests) run(guest);
    expect(lost().reduce((a, b) => a + b) - before).toBeLessThan(HOT / 1000);
    const [expected, found] = guests.map((guest) =>
      (['EAX', 'EBX', 'ECX', 'EIP'] as const).map((name) => guest.register(name)),
    );
    expect(found).toEqual(expected);
  });

  it('is written over by a store of 32 bytes as by any other', () => {
    // vmovdqu ymm0,[DATA]; vmovdqu [PROGRAM+40h],ymm0; call there; jmp back
    const program = 'c5 fe 6f 05 00 90 00 00  c5 fe 7f 05 40 70 00 00  e8 2b 00 00 00  eb e9';
    const values = (['interpreter', 'compiler-at-once'] as const).map((name) => {
      defaultEngine.name = name;
      const guest = new PagedGuest(program, 'max');
      defaultEngine.name = 'compiler';
      const { state } = guest;
      state.write32(slot.CR4, CR4_OSFXSR | CR4_OSXSAVE);
      state.write32(slot.XCR0, 7);
      // inc edx; ret, later inc ebx; ret
      for (const code of ['42 c3', '43 c3']) {
        guest.poke(DATA, code);
        guest.poke(PROGRAM + 0x40, '42 c3');
        guest.machine.processor.refresh();
        run(guest, 26);
      }
      return [guest.register('EDX'), guest.register('EBX')];
    });
    expect(values[1]).toEqual(values[0]);
    expect(values[0]?.[1]).toBeGreaterThan(2);
  });

  it.each([
    {
      what: 'takes what FXSAVE saves from its locals, and what FXRSTOR restores into them',
      // paddd xmm1,xmm2; fxsave [DATA]; paddd xmm1,xmm2; fxrstor [DATA]; paddd xmm3,xmm1; jmp back
      program: '66 0f fe ca  0f ae 05 00 90 00 00  66 0f fe ca  0f ae 0d 00 90 00 00  66 0f fe d9  eb e4',
    },
    {
      what: 'is written over by FXSAVE as by any other store',
      // movdqu xmm0,[DATA]; fxsave [PROGRAM+100h], which puts xmm0 at 1A0h; call there; jmp back
      program: 'f3 0f 6f 05 00 90 00 00  0f ae 05 00 71 00 00  e8 8c 01 00 00  eb ea',
    },
  ])('$what', ({ program }) => {
    const ends = (['interpreter', 'compiler-at-once'] as const).map((name) => {
      defaultEngine.name = name;
      const guest = new PagedGuest(program, 'max');
      defaultEngine.name = 'compiler';
      const { state } = guest;
      state.write32(slot.CR4, CR4_OSFXSR);
      state.write32(vectorSlots[2] as number, 1);
      // inc edx; ret, later inc ebx; ret
      for (const code of ['42 c3', '43 c3']) {
        guest.poke(DATA, code);
        guest.poke(PROGRAM + 0x1a0, '42 c3');
        guest.machine.processor.refresh();
        run(guest, 62);
      }
      const vectors = [1, 3].map((n) => state.read32(vectorSlots[n] as number));
      return [...vectors, guest.register('EDX'), guest.register('EBX'), guest.read32(DATA + 0xb0)];
    });
    expect(ends[1]).toEqual(ends[0]);
    expect(ends[0]?.filter((value) => value > 2).length).toBeGreaterThan(1);
  });

  it('is one region with a loop that has two entries', () => {
    // xor eax,1; mov ecx,6; test al,1; jnz second; first: inc ebx; second: dec ecx; jz back; test cl,1; jnz first; jmp second
    const program = '83 f0 01  b9 06 00 00 00  a8 01  75 01  43  49  74 f0  f6 c1 01  75 f7  eb f6';
    const guests = (['interpreter', 'compiler', 'compiler-at-once'] as const).map((name) => {
      defaultEngine.name = name;
      const guest = new PagedGuest(program);
      defaultEngine.name = 'compiler';
      for (const pieces of [HOT, 12_345, 77]) run(guest, pieces);
      return guest;
    });
    const values = guests.map((guest) => (['EAX', 'EBX', 'ECX', 'EIP'] as const).map((name) => guest.register(name)));
    expect(values[1]).toEqual(values[0]);
    expect(values[2]).toEqual(values[0]);
    const regions = compilerOf(guests[1] as PagedGuest).list();
    const main = regions.reduce((most, region) => (region.instructions > most.instructions ? region : most));
    expect(main.instructions).toBeGreaterThan(HOT / 2);
    expect(main.exits.get('outside') ?? 0).toBeLessThan(10);
  });
});
