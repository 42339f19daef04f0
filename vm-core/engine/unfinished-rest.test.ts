/** What is seen of an instruction that waits in its middle, and how many accesses one may make. */
import { describe, expect, it } from 'vitest';
import { ACCESSES_MAX } from '../memory/access-log.ts';
import { CROSSING, deviceOf, MAPPED, MMIO, MMIO_SIZE } from './later-guest.ts';
import { P, PagedGuest, PROGRAM, W } from './paged-guest.ts';

describe('while an instruction waits in its middle', () => {
  it('names the limit of accesses', () => {
    const guest = new PagedGuest('f4');
    const { map, processor } = guest.machine;
    const { region, asked } = deviceOf('later', 32, new Map());
    const { readLater: _, ...atOnce } = { ...region, read: () => asked.push('read') };
    map.addWindow({ device: 'later', start: MMIO, size: MMIO_SIZE, region: atOnce });
    const readTimes = (count: number) =>
      processor.unfinished.deliver(() => {
        for (let n = 0; n < count; n++) map.read(MMIO, 4);
        return count;
      });
    expect(readTimes(ACCESSES_MAX)).toBe(ACCESSES_MAX);
    expect(processor.unsupportedText).toBeUndefined();
    expect(readTimes(ACCESSES_MAX + 1)).toBeUndefined();
    expect(asked).toHaveLength(2 * ACCESSES_MAX);
    expect(processor.unsupportedText).toBe(
      'one instruction with more than 1024 accesses to devices, of which one answers later',
    );
  });

  it('leaves RAM as it was while it waits', async () => {
    const guest = new PagedGuest(`01 05 ${CROSSING} f4`);
    const { map, loop, processor } = guest.machine;
    const { region } = deviceOf('later', 8, new Map());
    map.addWindow({ device: 'later', start: MMIO, size: MMIO_SIZE, region });
    guest.map(MAPPED, MMIO | P | W);
    guest.write32(MAPPED - 4, 0x1111_1111);
    guest.set('EAX', 0x0101_0101);
    guest.enablePaging();
    processor.watches.add({
      ...{ address: MAPPED - 2, length: 2, space: 'linear', access: 'write' },
      reached: () => true,
    });
    let result = loop.run({ instructionsMax: 5 });
    for (let waits = 0; result.reason === 'waiting'; waits++) {
      expect(guest.read32(MAPPED - 4)).toBe(0x1111_1111);
      expect(waits).toBeLessThan(4);
      await result.ready;
      result = loop.run({ instructionsMax: 5 });
    }
    expect(guest.read32(MAPPED - 4)).toBe(0x1212_1111);
    // Seen once, behind the instruction.
    expect(result).toMatchObject({ reason: 'watchpoint', hits: [{ access: { linearAddress: MAPPED - 2 } }] });
    expect(guest.state.eip).toBe(PROGRAM + 6);
    expect(loop.run({ instructionsMax: 5 }).reason).toBe('halted');
  });
});
