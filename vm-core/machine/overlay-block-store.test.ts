import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlockSource, BlockStore } from './block-store.ts';
import { CHUNK_SIZE, createOverlayStore, memorySource, SECTOR_SIZE } from './overlay-block-store.ts';

const pattern = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8)) & 0xff);

/** A source whose answers the test gives by hand. */
function manualSource(size: number): {
  source: BlockSource;
  asked: { offset: number; length: number; answer: (bytes?: Uint8Array) => void; fail: (error: Error) => void }[];
} {
  const asked: ReturnType<typeof manualSource>['asked'] = [];
  const source: BlockSource = {
    name: 'manual.img',
    size,
    read: (offset, length) =>
      new Promise((resolve, reject) => {
        asked.push({
          offset,
          length,
          answer: (bytes) => resolve(bytes ?? new Uint8Array(length).fill(offset / CHUNK_SIZE + 1)),
          fail: reject,
        });
      }),
  };
  return { source, asked };
}

/** A source that answers later by itself. */
const promising = (bytes: Uint8Array): BlockSource => ({
  name: 'later.img',
  size: bytes.length,
  read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
});

async function readAll(store: BlockStore, offset: number, length: number): Promise<Uint8Array> {
  const target = new Uint8Array(length);
  for (let attempt = 0; attempt < 3; attempt++) {
    const wait = store.read(offset, target);
    if (!wait) return target;
    await wait;
  }
  throw new Error('the same read did not succeed after its promise');
}

describe('reading', () => {
  it('answers at once from memory, across chunks', () => {
    const bytes = pattern(3 * CHUNK_SIZE);
    const store = createOverlayStore(memorySource('a.img', bytes));
    const target = new Uint8Array(CHUNK_SIZE + 2);
    expect(store.read(CHUNK_SIZE - 1, target)).toBeUndefined();
    expect(target).toEqual(bytes.subarray(CHUNK_SIZE - 1, 2 * CHUNK_SIZE + 1));
  });

  it('reads zeros behind the end of an image that is no multiple of 512', () => {
    const store = createOverlayStore(memorySource('odd.img', new Uint8Array(700).fill(9)));
    expect(store.size).toBe(1024);
    const target = new Uint8Array(1024).fill(1);
    expect(store.read(0, target)).toBeUndefined();
    expect([...target.subarray(699, 702)]).toEqual([9, 0, 0]);
    expect(target[1023]).toBe(0);
  });

  it('joins requests for the same chunk', async () => {
    const { source, asked } = manualSource(CHUNK_SIZE);
    const store = createOverlayStore(source);
    const first = store.read(0, new Uint8Array(1));
    const second = store.read(512, new Uint8Array(1));
    expect(asked.length).toBe(1);
    asked[0]?.answer();
    await Promise.all([first, second]);
    expect(store.read(0, new Uint8Array(512))).toBeUndefined();
  });

  it('asks for no more than the image has, at offsets past 4 GiB', async () => {
    const size = 5 * 2 ** 30 + 100;
    const { source, asked } = manualSource(size);
    const store = createOverlayStore(source);
    const target = new Uint8Array(2);
    const wait = store.read(size - 1, target);
    expect(asked[0]).toMatchObject({ offset: Math.floor(size / CHUNK_SIZE) * CHUNK_SIZE, length: 100 });
    asked[0]?.answer(new Uint8Array(100).fill(0x5a));
    await wait;
    expect(store.read(size - 1, target)).toBeUndefined();
    expect([...target]).toEqual([0x5a, 0]);
  });

  it('evicts the least recently used chunk and stays inside its limit', () => {
    const store = createOverlayStore(memorySource('a.img', pattern(10 * CHUNK_SIZE)), {
      cacheBytesMax: 2 * CHUNK_SIZE,
    });
    for (let chunk = 0; chunk < 10; chunk++) store.read(chunk * CHUNK_SIZE, new Uint8Array(1));
    expect(store.memoryUsed).toBe(2 * CHUNK_SIZE);
  });

  it('finishes a read that is bigger than the cache, from a source that answers later', async () => {
    const bytes = pattern(5 * CHUNK_SIZE + 5);
    const store = createOverlayStore(promising(bytes), { cacheBytesMax: CHUNK_SIZE });
    expect(await readAll(store, 3, bytes.length - 3)).toEqual(bytes.subarray(3));
    expect(store.memoryUsed).toBe(CHUNK_SIZE);
  });

  it('lets go of what reads that were given up had held', async () => {
    const store = createOverlayStore(promising(pattern(40 * CHUNK_SIZE)), { cacheBytesMax: 2 * CHUNK_SIZE });
    for (let chunk = 0; chunk < 40; chunk++) await store.read(chunk * CHUNK_SIZE, new Uint8Array(1));
    expect(store.memoryUsed).toBeLessThanOrEqual(4 * CHUNK_SIZE);
  });
});

describe('errors', () => {
  it('rejects with the error of the source and asks again next time', async () => {
    const { source, asked } = manualSource(CHUNK_SIZE);
    const store = createOverlayStore(source);
    const wait = store.read(0, new Uint8Array(1));
    asked[0]?.fail(new Error('manual.img is gone'));
    await expect(wait).rejects.toThrow('manual.img is gone');
    const again = store.read(0, new Uint8Array(1));
    expect(asked.length).toBe(2);
    asked[1]?.answer();
    await again;
    expect(store.read(0, new Uint8Array(1))).toBeUndefined();
  });

  it('turns a source that throws or answers short into a rejection', async () => {
    const throwing: BlockSource = {
      name: 't.img',
      size: 512,
      read: () => {
        throw new Error('no permission');
      },
    };
    await expect(createOverlayStore(throwing).read(0, new Uint8Array(1))).rejects.toThrow('no permission');
    const short: BlockSource = { name: 's.img', size: 512, read: () => new Uint8Array(3) };
    await expect(createOverlayStore(short).read(0, new Uint8Array(1))).rejects.toThrow('got 3 of 512');
    const shortLater: BlockSource = { name: 's.img', size: 512, read: async () => new Uint8Array(3) };
    await expect(createOverlayStore(shortLater).read(0, new Uint8Array(1))).rejects.toThrow('got 3 of 512');
  });

  it('asserts that callers stay inside the image', () => {
    const store = createOverlayStore(memorySource('a.img', new Uint8Array(512)));
    expect(() => store.read(1, new Uint8Array(512))).toThrow('not inside');
    expect(() => store.write(-1, new Uint8Array(1))).toThrow('not inside');
  });
});

describe('writing', () => {
  it('keeps sectors in the overlay and leaves the source alone', () => {
    const bytes = pattern(4096);
    const store = createOverlayStore(memorySource('a.img', bytes));
    expect(store.write(SECTOR_SIZE, new Uint8Array(SECTOR_SIZE).fill(0xee))).toBeUndefined();
    const target = new Uint8Array(1024);
    store.read(256, target);
    expect([target[255], target[256], target[767], target[768]]).toEqual([bytes[511], 0xee, 0xee, bytes[1024]]);
    expect(bytes).toEqual(pattern(4096));
  });

  it('writes parts of sectors over what a waiting source holds', async () => {
    const store = createOverlayStore(promising(pattern(2048)));
    const wait = store.write(510, Uint8Array.of(1, 2, 3, 4));
    expect(wait).toBeInstanceOf(Promise);
    await wait;
    expect(store.write(510, Uint8Array.of(1, 2, 3, 4))).toBeUndefined();
    const expected = pattern(2048);
    expected.set([1, 2, 3, 4], 510);
    expect(await readAll(store, 0, 2048)).toEqual(expected);
  });

  it('rejects what passes the limit, whole, and names it', async () => {
    const store = createOverlayStore(memorySource('a.img', pattern(CHUNK_SIZE)), { overlayBytesMax: 1024 });
    expect(store.write(0, new Uint8Array(1024))).toBeUndefined();
    await expect(store.write(512, new Uint8Array(1024))).rejects.toThrow('a.img: the guest has written more than');
    const target = new Uint8Array(512);
    store.read(1024, target);
    expect(target).toEqual(pattern(CHUNK_SIZE).subarray(1024, 1536));
    expect(store.write(512, new Uint8Array(512).fill(3))).toBeUndefined();
  });

  it('reads what a plain array would hold after any writes', async () => {
    const length = 3 * CHUNK_SIZE;
    const operation = fc.record({
      offset: fc.nat(length - 1),
      count: fc.nat(3000),
      value: fc.nat(255),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async (operations) => {
        const model = pattern(length);
        const store = createOverlayStore(promising(pattern(length)), { cacheBytesMax: CHUNK_SIZE });
        for (const { offset, count, value } of operations) {
          const bytes = new Uint8Array(Math.min(count, length - offset)).fill(value);
          model.set(bytes, offset);
          const wait = store.write(offset, bytes);
          if (wait) {
            await wait;
            expect(store.write(offset, bytes)).toBeUndefined();
          }
        }
        expect(await readAll(store, 0, length)).toEqual(model);
      }),
      { numRuns: 40 },
    );
  });
});
