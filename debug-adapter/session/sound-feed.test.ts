import { describe, expect, it } from 'vitest';
import { fixture, SessionClient } from '../../test/dap/support/session-client.ts';
import type { ScreenUpdate } from '../protocol/screen.ts';

type Sound = Extract<ScreenUpdate, { readonly type: 'sound' }>;

/** A floppy with a boot sector. */
function floppy(code: readonly number[]): Uint8Array {
  const image = new Uint8Array(1_474_560);
  image.set(code);
  image.set([0x55, 0xaa], 510);
  return image;
}

const out = (port: number, value: number): readonly number[] => [0xb0, value, 0xe6, port];
/** Counter 2 in mode 3, 1,193 cycles, gate and speaker on: a tone of 1,000 Hz. */
const TONE = [...out(0x43, 0xb6), ...out(0x42, 1193 & 0xff), ...out(0x42, 1193 >> 8), ...out(0x61, 3)];
const FOR_EVER = [0xeb, 0xfe];
/** Turns the speaker's bit over and over: in al, 61h; xor al, 2; out 61h, al; jmp. */
const RATTLE = [0xe4, 0x61, 0x34, 0x02, 0xe6, 0x61, 0xeb, 0xf8];
/** Turns it on, waits, and off again. */
const BLIP = [...TONE, 0xb9, 0, 0, 0xe2, 0xfe, ...out(0x61, 0), ...FOR_EVER];

async function start(code: readonly number[]) {
  const client = new SessionClient();
  client.host.files.set('/guest/sound.img', floppy(code));
  await client.launch({ program: '/guest/sound.img', listing: undefined, memory: '2M' });
  await client.stop();
  const listen = (on: boolean): void => client.session.receiveScreen({ type: 'listen', on });
  const sounds = (): Sound[] => client.screen.filter((update): update is Sound => update.type === 'sound');
  const changes = () => sounds().flatMap((sound) => sound.changes);
  const runFor = async (slices: number): Promise<void> => {
    await client.request('continue', { threadId: 1 });
    for (let slice = 0; slice < slices; slice++) client.host.runOne();
  };
  return { client, listen, sounds, changes, runFor };
}

describe('the speaker of the screen view', () => {
  it('hears a tone once, at its pitch, and that the machine is held', async () => {
    const { client, listen, sounds, changes, runFor } = await start([...TONE, ...FOR_EVER]);
    listen(true);
    await runFor(10);
    const tones = changes().filter(({ high, low }) => high > 0 && low > 0);
    expect(tones).toHaveLength(1);
    expect(1 / ((tones[0]?.high ?? 0) + (tones[0]?.low ?? 0))).toBeCloseTo(1000, -1);
    expect(sounds().at(-1)?.playing).toBe(true);
    await client.run('pause');
    expect(sounds().at(-1)).toEqual({ type: 'sound', playing: false, changes: [] });
  });

  it('hears a tone that began before it listened, and that goes on after a stop', async () => {
    const { client, listen, sounds, runFor } = await start([...TONE, ...FOR_EVER]);
    await runFor(10);
    expect(sounds()).toEqual([]);
    listen(true);
    expect(sounds()).toEqual([
      { type: 'sound', playing: true, changes: [expect.objectContaining({ next: expect.any(Number) })] },
    ]);
    await client.run('pause');
    await client.request('continue', { threadId: 1 });
    expect(sounds().at(-1)).toMatchObject({ playing: true, changes: [{ high: expect.closeTo(0.0005, 5) }] });
    listen(false);
    const heard = sounds().length;
    await runFor(5).catch(() => undefined);
    expect(sounds()).toHaveLength(heard);
  });

  it('hears when a tone ends, in the time of the clock on the wall', async () => {
    const { client, listen, changes, runFor } = await start(BLIP);
    listen(true);
    await runFor(20);
    const [began, ended] = [changes().find(({ high }) => high > 0), changes().at(-1)];
    expect(ended).toMatchObject({ level: 0, high: 0 });
    expect(ended?.at).toBeGreaterThan(began?.at ?? 0);
    expect((ended?.at ?? 0) * 1000).toBeLessThanOrEqual(client.host.now());
  });

  it('gets a bounded number of messages and changes from a guest that moves the speaker all the time', async () => {
    const { client, listen, sounds, changes, runFor } = await start(RATTLE);
    listen(true);
    const before = client.host.now();
    await runFor(40);
    const tookMs = client.host.now() - before;
    expect(sounds().length).toBeLessThanOrEqual(tookMs / 10 + 2);
    expect(changes().length).toBeGreaterThan(10);
    expect(Math.max(...sounds().map((sound) => sound.changes.length))).toBeLessThanOrEqual(1024);
  });

  it('is silent in a session that was started anew', async () => {
    const { client, listen, sounds, runFor } = await start([...TONE, ...FOR_EVER]);
    listen(true);
    await runFor(5);
    await client.request('restart');
    expect(sounds().slice(-2)).toEqual([
      { type: 'sound', playing: false, changes: [] },
      { type: 'sound', playing: true, changes: [] },
    ]);
  });

  it('has the fixture to compare with, which makes no sound', async () => {
    const { sounds, listen, runFor } = await start([...fixture('guest.img').subarray(0, 500)]);
    listen(true);
    await runFor(5);
    expect(
      sounds()
        .flatMap(({ changes }) => changes)
        .filter(({ high }) => high > 0),
    ).toEqual([]);
  });
});
