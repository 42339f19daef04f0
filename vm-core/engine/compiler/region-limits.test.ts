/** What is kept of regions at most: others make room, and nobody can tell. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PagedGuest, PROGRAM } from '../paged-guest.ts';
import { slot } from '../../state/layout.ts';
import { regionLimits } from './compiled-regions.ts';
import { defaultEngine, type Engine } from './tiers.ts';

const PIECES = 300;
const PIECE_SIZE = 16;
const PIECES_AT = 0x10000;
const TURNS = 4;

const before = { ...regionLimits, engine: defaultEngine.name };
beforeEach(() => {
  Object.assign(regionLimits, { regions: before.regions, bytes: before.bytes });
});
afterEach(() => {
  Object.assign(regionLimits, { regions: before.regions, bytes: before.bytes });
  defaultEngine.name = before.engine;
});

/** Pieces that go on in the next one by a computed jump, each of which is a region: add edx,n; add eax,16; jmp eax. */
function guestOf(engine: Engine): PagedGuest {
  defaultEngine.name = engine;
  const guest = new PagedGuest('b8 00 00 01 00 ff e0 [mov eax,PIECES_AT; jmp eax]');
  guest.enablePaging();
  for (let n = 0; n < PIECES; n++)
    guest.poke(PIECES_AT + n * PIECE_SIZE, `83 c2 ${(n & 0x7f).toString(16).padStart(2, '0')} 83 c0 10 ff e0`);
  guest.poke(PIECES_AT + PIECES * PIECE_SIZE, 'f4');
  return guest;
}

/** Runs the pieces so many times, and gives the most that was kept. */
function run(guest: PagedGuest): { readonly kept: number; readonly bytes: number } {
  let [kept, bytes] = [0, 0];
  for (let turn = 0; turn < TURNS; turn++) {
    guest.state.eip = PROGRAM;
    for (let reason = 'limit'; reason === 'limit'; ) {
      ({ reason } = guest.machine.loop.run({ instructionsMax: 60 }));
      const { counters } = guest.machine.processor.compiler ?? {};
      kept = Math.max(kept, counters?.kept ?? 0);
      bytes = Math.max(bytes, counters?.bytes ?? 0);
    }
    guest.state.write8(slot.HALTED, 0);
  }
  return { kept, bytes };
}

describe('what is kept of regions', () => {
  const interpreted = () => {
    const guest = guestOf('interpreter');
    run(guest);
    return guest.register('EDX');
  };

  it('are so many, and others make room', () => {
    regionLimits.regions = 64;
    const guest = guestOf('compiler-at-once');
    const { kept } = run(guest);
    const { counters } = guest.machine.processor.compiler ?? {};
    expect(kept).toBeGreaterThan(48);
    expect(kept).toBeLessThanOrEqual(64);
    expect(counters?.evicted).toBeGreaterThan(PIECES - 64);
    expect(guest.state.read32(slot.EDX)).toBe(interpreted());
  });

  it('are so many bytes of WebAssembly', () => {
    const all = run(guestOf('compiler-at-once'));
    expect(all.kept).toBeGreaterThan(PIECES / 2);
    regionLimits.bytes = Math.floor(all.bytes / 4);
    const guest = guestOf('compiler-at-once');
    const { kept, bytes } = run(guest);
    expect(bytes).toBeLessThan(regionLimits.bytes + all.bytes / all.kept);
    expect(kept).toBeGreaterThan(all.kept / 8);
    expect(guest.machine.processor.compiler?.counters.evicted).toBeGreaterThan(0);
    expect(guest.register('EDX')).toBe(interpreted());
  });
});
