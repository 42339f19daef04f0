import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { enableCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FromWorker } from '../../debug-adapter/protocol/worker.ts';
import { startThread } from './thread.ts';

/** Answers `start` with an event; fails, ends itself or hangs when a screen message tells it to. */
const SCRIPT = `
const { parentPort } = require('node:worker_threads');
parentPort.on('message', ({ channel, message }) => {
  if (channel === 'start') parentPort.postMessage({ channel: 'screen', message: { type: 'status' } });
  if (message?.type === 'reset') throw new Error('broken machine');
  if (message?.type === 'keys') process.exit(3);
  if (message?.type === 'visible') for (;;);
});`;

const START = { channel: 'start', hostKind: 'desktop', localTimeMs: 0 } as const;

describe('a worker thread', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'x86vm-thread-'));
    await writeFile(join(folder, 'worker.cjs'), SCRIPT);
  });
  afterAll(() => rm(folder, { recursive: true }));

  function start(codeFolder?: string) {
    const link = startThread(join(folder, 'worker.cjs'), codeFolder);
    let received: (message: FromWorker) => void = () => undefined;
    let ended: (reason: string) => void = () => undefined;
    const message = new Promise<FromWorker>((resolve) => {
      received = resolve;
    });
    const death = new Promise<string>((resolve) => {
      ended = resolve;
    });
    link.listen(received, ended);
    return { link, message, death };
  }

  it('passes messages both ways and can be ended while it hangs', async () => {
    const { link, message, death } = start();
    link.post(START);
    expect(await message).toMatchObject({ channel: 'screen' });
    link.post({ channel: 'screen', message: { type: 'visible', visible: true } });
    link.terminate();
    // By the time another one has come to life and died, this one's end would have been told.
    const other = start();
    other.link.post({ channel: 'screen', message: { type: 'keys', scanCodes: [] } });
    await other.death;
    expect(await Promise.race([death, Promise.resolve('nothing')])).toBe('nothing');
  });

  it.skipIf(enableCompileCache === undefined)('leaves its compiled code to the next one', async () => {
    const codeFolder = join(folder, 'code');
    const counts: number[] = [];
    for (let turn = 0; turn < 2; turn++) {
      const { link, message, death } = start(codeFolder);
      link.post(START);
      await message;
      link.post({ channel: 'screen', message: { type: 'keys', scanCodes: [] } });
      await death;
      const files = await readdir(codeFolder, { recursive: true, withFileTypes: true });
      counts.push(files.filter((file) => file.isFile()).length);
    }
    expect(counts[0]).toBeGreaterThan(0);
    // The second one found what it needs.
    expect(counts[1]).toBe(counts[0]);
  });

  it('runs where no code can be kept', async () => {
    const { link, message } = start(join(folder, 'worker.cjs'));
    link.post(START);
    expect(await message).toMatchObject({ channel: 'screen' });
    link.terminate();
  });

  it('tells why it died', async () => {
    const { link, death } = start();
    link.post({ channel: 'screen', message: { type: 'reset' } });
    expect(await death).toMatch(/^Error: broken machine\n/);
  });

  it('tells that it left', async () => {
    const { link, death } = start();
    link.post({ channel: 'screen', message: { type: 'keys', scanCodes: [] } });
    expect(await death).toBe('the thread ended with status 3');
  });

  it('tells that there is no script', async () => {
    const link = startThread(join(folder, 'none.cjs'));
    const death = new Promise<string>((resolve) => link.listen(() => undefined, resolve));
    expect(await death).toContain('none.cjs');
  });
});
