/** The parts of a vCPU's area lie side by side, and every ring where its size wants it. */
import { expect, test } from 'vitest';
import * as layout from './layout.ts';

const { translations } = layout;

const areas = [
  { name: 'ring of branches', start: layout.BRANCH_RING, size: layout.BRANCH_RING_SIZE, isRing: true },
  { name: 'pages of code', start: layout.CODE_PAGES, size: layout.CODE_PAGES_ENTRIES * layout.CODE_PAGES_ENTRY_SIZE },
  { name: 'ring of the trace', start: layout.TRACE_RING, size: layout.TRACE_RING_SIZE, isRing: true },
  { name: 'translations', start: translations.GENERATION, size: translations.END - translations.GENERATION },
  { name: 'numbers of loads', start: layout.READ_NUMBERS, size: layout.ADDRESS_SPACES * 2 },
  { name: 'numbers of stores', start: layout.WRITE_NUMBERS, size: layout.ADDRESS_SPACES * 2 },
  { name: 'maps of watched bytes', start: layout.WATCH_MAPS, size: layout.WATCH_MAPS_MAX * layout.CODE_MAP_SIZE + 8 },
  { name: 'targets of jumps', start: layout.JUMP_TARGETS, size: layout.JUMP_TARGETS_SIZE },
  { name: 'ring of calls', start: layout.CALL_SHADOW, size: layout.CALL_SHADOW_SIZE, isRing: true },
  { name: 'jump cache', start: layout.JUMP_CACHE, size: layout.JUMP_CACHE_ENTRIES * layout.JUMP_CACHE_ENTRY_SIZE },
  { name: 'buffer of loads', start: layout.TLB_READ, size: layout.TLB_ENTRIES * layout.TLB_ENTRY_SIZE },
  { name: 'buffer of stores', start: layout.TLB_WRITE, size: layout.TLB_ENTRIES * layout.TLB_ENTRY_SIZE },
];

test('no two parts of a vCPU area overlap, and none reaches the next area', () => {
  const sorted = areas.toSorted((one, other) => one.start - other.start);
  for (const [n, { name, start, size }] of sorted.entries()) {
    const next = sorted[n + 1]?.start ?? layout.cpuBase(1) - layout.cpuBase(0);
    expect(start + size, name).toBeLessThanOrEqual(next);
  }
});

test('rings are aligned to their sizes for every vCPU', () => {
  for (const { name, start, size, isRing } of areas) {
    if (isRing) for (const cpu of [0, 1, 15]) expect((layout.cpuBase(cpu) + start) % size, name).toBe(0);
  }
});
