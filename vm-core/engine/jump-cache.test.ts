/** The jump cache: blocks whose places are the same lie side by side, and what is forgotten is forgotten in both places. */
import { afterEach, expect, test, vi } from 'vitest';
import { CpuState } from '../state/cpu-state.ts';
import { cpuBase, createMemory } from '../memory/layout.ts';
import { CodeFetch } from './code-fetch.ts';
import { defaultEngine } from './compiler/tiers.ts';
import { JumpCache, jumpPlaceOf } from './jump-cache.ts';
import { PagedGuest, PROGRAM } from './paged-guest.ts';

const MODE = 6;
const ANYWHERE = 0x1_0000;
/** Three addresses of one place, and one whose place is beside theirs. */
const SAME = [0x7010, 0xb013, 0xf012] as const;
const NEIGHBOUR = 0x7011;

afterEach(() => {
  vi.restoreAllMocks();
});

function makeCache() {
  const state = new CpuState(createMemory(0x100000), cpuBase(0));
  const cache = new JumpCache(state);
  const blockOf = (linear: number) => state.base + 0x20000 + linear;
  const enter = (linear: number) => cache.enter(linear, linear, MODE, blockOf(linear));
  const has = (linear: number) => cache.known(linear, MODE, ANYWHERE) === blockOf(linear);
  const held = () => {
    const blocks: number[] = [];
    cache.visit((block) => blocks.push(block - state.base - 0x20000));
    return blocks.toSorted((one, other) => one - other);
  };
  return { cache, enter, has, held };
}

test('the places of the addresses are what the other tests take them to be', () => {
  expect(new Set(SAME.map(jumpPlaceOf)).size).toBe(1);
  expect(jumpPlaceOf(NEIGHBOUR) ^ jumpPlaceOf(SAME[0])).toBe(16);
});

test('the block that was there before is kept beside, and one that was beside is given up', () => {
  const { enter, has, held } = makeCache();
  for (const linear of SAME) enter(linear);
  expect(held()).toEqual([SAME[1], SAME[2]]);
  expect(has(SAME[2])).toBe(true);
});

test('what lies beside does not put out the block whose place it is', () => {
  const { enter, held } = makeCache();
  enter(SAME[0]);
  enter(SAME[1]);
  enter(NEIGHBOUR);
  expect(held()).toEqual([NEIGHBOUR, SAME[1]]);
});

test('a page is forgotten in both places', () => {
  const { cache, enter, held } = makeCache();
  enter(SAME[0]);
  enter(SAME[1]);
  cache.forgetPage(SAME[0]);
  expect(held()).toEqual([SAME[1]]);
  cache.forgetPage(SAME[1]);
  expect(held()).toEqual([]);
});

/** mov ecx,32h / jmp 7010h; at 7010h: jmp B013h; at B013h: dec ecx / jnz 7010h / hlt */
test.skipIf(defaultEngine.name.startsWith('compiler-'))(
  'blocks with the same place take turns without TypeScript',
  () => {
    const guest = new PagedGuest('b9 32 00 00 00 eb 09 [nothing] 00 00 00 00 00 00 00 00 00 e9 fe 3f 00 00', 'pentium');
    guest.poke(SAME[1], '49 0f 85 f6 bf ff ff f4');
    guest.state.eip = PROGRAM;
    const lookups = vi.spyOn(CodeFetch.prototype, 'blockAt');
    expect(guest.runToHalt()).toBe('program');
    expect(lookups.mock.calls.length).toBeLessThan(10);
  },
);
