import { expect, it } from 'vitest';
import type { MachineConfig } from '../../vm-core/index.ts';
import { MemoryMoment } from './memory-feed-moment.ts';

/** Memory of 2 MiB in which every page from 1 MiB on holds its number; nothing is mapped at 3000h…4FFFh. */
const memory = {
  ramSize: 0x200000,
  read(physicalAddress: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    for (let index = 0; index < length; index++) {
      const address = physicalAddress + index;
      if (address >= 0x3000 && address < 0x5000) return bytes.slice(0, index);
      bytes[index] = address >= 0x100000 ? address >> 12 : 0;
    }
    return bytes;
  },
  readInteger: () => undefined,
  write: () => 0,
};

const config = { memorySize: 0x200000 } as MachineConfig;

it('keeps what lies above 4 GiB, too', () => {
  const kept = new MemoryMoment({ memory, retired: 7, config: { ...config, memoryLowSize: 0x100000 } });
  expect(kept.page(0x1_0000_1000)).toHaveLength(4096);
  expect(kept.page(0x1_0010_0000)).toBeUndefined();
  expect(kept.page(0x100000)).toBeUndefined();
});

it('keeps every page that is mapped', () => {
  const kept = new MemoryMoment({ memory, retired: 7, config });
  expect(kept.moment).toEqual({ retired: 7, complete: true });
  expect(kept.page(0x2fff)).toHaveLength(4096);
  expect(kept.page(0x3000)).toBeUndefined();
  expect(kept.page(0x5000)).toHaveLength(4096);
  expect(kept.page(0x101234)?.[0]).toBe(1);
  expect(kept.page(0x200000)).toBeUndefined();
});

it('says when it could not keep everything', () => {
  const kept = new MemoryMoment({ memory, retired: 0, config }, 3 * 4096);
  expect(kept.moment.complete).toBe(false);
  expect(kept.page(0x103000)?.[0]).toBe(3);
  expect(kept.page(0x104000)).toBeUndefined();
});
