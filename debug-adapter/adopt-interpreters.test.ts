/** Interpreters from the bundle are those that the sources make, by whatever there is to inflate them with. */
import { deflateSync } from 'node:zlib';
import { beforeEach, expect, it, vi } from 'vitest';

const own = (await import('../vm-core/index.ts')).interpreterBytes(32);
/** A module that is none of the sources' tells itself from theirs. */
const other = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const prepared = { 32: deflateSync(other).toString('base64') };

beforeEach(() => void vi.resetModules());

async function fresh() {
  const { interpreterBytes } = await import('../vm-core/index.ts');
  const { adoptPreparedInterpreters } = await import('./adopt-interpreters.ts');
  return { adoptPreparedInterpreters, taken: () => interpreterBytes(32) };
}

it('are inflated by Node when they are needed', async () => {
  const { adoptPreparedInterpreters, taken } = await fresh();
  adoptPreparedInterpreters(prepared);
  expect([...taken()]).toEqual([...other]);
});

it('are inflated by a browser ahead of that', async () => {
  const { adoptPreparedInterpreters, taken } = await fresh();
  const ends: Promise<ArrayBuffer>[] = [];
  class WatchedResponse extends Response {
    override arrayBuffer(): Promise<ArrayBuffer> {
      const end = super.arrayBuffer();
      ends.push(end);
      return end;
    }
  }
  adoptPreparedInterpreters(prepared, { atob, Response: WatchedResponse, DecompressionStream } as never);
  expect(ends).toHaveLength(1);
  await ends[0];
  expect([...taken()]).toEqual([...other]);
});

it('are made here where the browser has not come to it, or nothing can', async () => {
  for (const around of [{ atob, Response, DecompressionStream }, { atob }, {}]) {
    vi.resetModules();
    const { adoptPreparedInterpreters, taken } = await fresh();
    adoptPreparedInterpreters(prepared, around as never);
    expect(Buffer.compare(taken(), own)).toBe(0);
  }
});

it('are not there in the sources', async () => {
  const { adoptPreparedInterpreters, taken } = await fresh();
  adoptPreparedInterpreters();
  expect(Buffer.compare(taken(), own)).toBe(0);
});
