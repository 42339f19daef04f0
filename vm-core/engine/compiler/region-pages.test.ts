/** Regions of several pages: their code is executed only while it is the code at these addresses. */
import { describe, expect, it } from 'vitest';
import { slot } from '../../state/layout.ts';
import { PagedGuest } from '../paged-guest.ts';
import { defaultEngine, type Engine } from './tiers.ts';

const RUN = 300_000;
const PIECES = [1, 70_001, 12_345, 17, 140_000, 33_333, RUN];
/** A page with `inc ebx; ret`, and one with `add esi,2; ret` in its place. */
const FUNCTION = 0xb000;
const OTHER_FUNCTION = 0xc000;
const TURNS = '88 13 00 00';

const registers = ['EAX', 'EBX', 'ECX', 'EDX', 'ESI', 'EDI', 'ESP', 'EIP'] as const;

function guestOf(engine: Engine, program: string): PagedGuest {
  const before = defaultEngine.name;
  defaultEngine.name = engine;
  try {
    const guest = new PagedGuest(program);
    guest.poke(FUNCTION, '43 c3');
    guest.poke(OTHER_FUNCTION, '83 c6 02 c3');
    guest.write32(0x9000, OTHER_FUNCTION | 3);
    guest.set('ECX', 5000);
    guest.enablePaging();
    return guest;
  } finally {
    defaultEngine.name = before;
  }
}

function stateOf(guest: PagedGuest): object {
  return { eflags: guest.state.eflags, values: registers.map((name) => guest.state.read32(slot[name])) };
}

/** Runs a program with all engines in the same pieces; gives the guest whose code was found by samples. */
function runAll(program: string): PagedGuest {
  const [interpreted, sampled, atOnce] = (['interpreter', 'compiler', 'compiler-at-once'] as const).map((engine) =>
    guestOf(engine, program),
  ) as [PagedGuest, PagedGuest, PagedGuest];
  for (const instructionsMax of PIECES) {
    expect(interpreted.machine.loop.run({ instructionsMax })).toEqual({ reason: 'limit' });
    for (const guest of [sampled, atOnce]) {
      expect(guest.machine.loop.run({ instructionsMax })).toEqual({ reason: 'limit' });
      expect(stateOf(guest)).toEqual(stateOf(interpreted));
    }
  }
  return sampled;
}

function mainRegion(guest: PagedGuest) {
  const regions = guest.machine.processor.compiler?.list() ?? [];
  return regions.reduce((most, region) => (region.instructions > most.instructions ? region : most));
}

/** call FUNCTION; dec ecx; jnz back; then `change`; mov ecx,5000 or as many; jmp back */
function callingLoop(change: string, turns: string = TURNS): string {
  const bytes = change.replace(/\[.*?\]/g, '').match(/[0-9a-f]{2}/g) ?? [];
  const back = -(0x12 + bytes.length) & 0xff;
  return `e8 fb 3f 00 00  49  75 f8  ${change}  b9 ${turns}  e9 ${back.toString(16)} ff ff ff`;
}

/** Exchanges the page of FUNCTION for the other one: mov eax,[entry]; mov edx,[9000]; mov [9000],eax; mov [entry],edx */
const EXCHANGE = 'a1 2c 30 00 00  8b 15 00 90 00 00  a3 00 90 00 00  89 15 2c 30 00 00';

describe('a region of two pages', () => {
  it('is not left for calls from one to the other', () => {
    const guest = runAll(callingLoop(''));
    const region = mainRegion(guest);
    expect(new Set(region.blocks.map(({ linearAddress }) => Number(linearAddress) >> 12))).toEqual(new Set([7, 0xb]));
    expect(region.instructions).toBeGreaterThan(RUN);
    expect(region.exits.get('page') ?? 0).toBeLessThan(5);
    expect(region.exits.get('indirect')).toBeUndefined();
  });

  it('goes on to the other page when where that is was forgotten and found again', () => {
    const guest = runAll(callingLoop('[mov eax,cr3; mov cr3,eax] 0f 20 d8  0f 22 d8'));
    const region = mainRegion(guest);
    expect(region.instructions).toBeGreaterThan(RUN / 2);
    const turns = RUN / (5000 * 5);
    expect(region.exits.get('page') ?? 0).toBeLessThan(4 * turns);
  });

  it.each([
    ['INVLPG', '0f 01 3d 00 b0 00 00'],
    ['a write of CR3', '0f 20 d8  0f 22 d8'],
  ])('executes what is mapped there after %s', (_, flush) => {
    const guest = runAll(callingLoop(`${EXCHANGE}  ${flush}`));
    expect(guest.register('EBX')).toBeGreaterThan(10_000);
    expect(guest.register('ESI')).toBeGreaterThan(20_000);
  });

  it('is lost when code on the other page is written over', () => {
    // xor byte [FUNCTION],8: inc ebx, dec ebx; after 20,000 turns, so that it is compiled before it is lost often
    const guest = runAll(callingLoop('80 35 00 b0 00 00 08', '20 4e 00 00'));
    expect(guest.machine.processor.compiler?.counters.dropped).toBeGreaterThan(0);
  });

  it('has the instruction in it that lies on both', () => {
    // At the page's end: inc ebx; add esi,2 in two bytes and one; dec ecx; jnz to it; jmp to it. The program jumps there.
    const guests = (['interpreter', 'compiler', 'compiler-at-once'] as const).map((engine) => {
      const guest = guestOf(engine, 'e9 f8 4f 00 00');
      guest.poke(0xbffd, '43  83 c6 02  49  75 f9  eb f7');
      return guest;
    });
    for (const guest of guests) {
      for (const instructionsMax of PIECES) guest.machine.loop.run({ instructionsMax });
    }
    const [interpreted, sampled, atOnce] = guests as [PagedGuest, PagedGuest, PagedGuest];
    expect(stateOf(sampled)).toEqual(stateOf(interpreted));
    expect(stateOf(atOnce)).toEqual(stateOf(interpreted));
    expect(
      mainRegion(sampled).blocks.some(({ linearAddress, length }) => length === 3 && linearAddress === 0xbffe),
    ).toBe(true);
  });
});
