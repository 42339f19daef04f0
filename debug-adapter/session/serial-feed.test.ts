import { describe, expect, it } from 'vitest';
import { SessionClient } from '../../test/dap/support/session-client.ts';
import type { Machine } from '../../vm-core/index.ts';
import { IN_FLIGHT_MAX, type SerialUpdate } from '../protocol/serial.ts';
import type { Guest } from './guest.ts';
import { SerialFeed } from './serial-feed.ts';

/** A machine whose ports are there and do nothing. */
function fakeMachine() {
  const incoming: number[] = [];
  const machine = {
    onOutput: () => {},
    devices: new Map([['uart-1', { state: { incoming } }]]),
  } as unknown as Machine;
  return { machine, incoming, say: (bytes: Uint8Array) => machine.onOutput('uart-1', 'serial', bytes) };
}

function start() {
  const sent: SerialUpdate[] = [];
  const typed: number[] = [];
  const fake = fakeMachine();
  const feed = new SerialFeed({
    send: (update) => sent.push(update),
    input: (_port, bytes) => {
      typed.push(...bytes);
      fake.incoming.push(...bytes);
    },
  });
  feed.attach({ machine: fake.machine } as Guest);
  return { feed, sent, typed, ...fake };
}

const port = 'uart-1';
const sizes = (sent: readonly SerialUpdate[]) =>
  sent.map((update) => (update.type === 'output' ? update.bytes.byteLength : update.type));

describe('SerialFeed', () => {
  it('keeps what the guest says for the terminal that comes later', () => {
    const { feed, sent, say } = start();
    say(Uint8Array.of(0x41));
    feed.sliceDone();
    expect(sent).toEqual([]);
    feed.receive({ type: 'open', port });
    expect(sent).toEqual([{ type: 'output', port, bytes: Uint8Array.of(0x41).buffer }]);
  });

  it('sends no more than the terminal has room for, and goes on when it was shown', () => {
    const { feed, sent, say } = start();
    feed.receive({ type: 'open', port });
    say(new Uint8Array(IN_FLIGHT_MAX + 10));
    feed.sliceDone();
    feed.sliceDone();
    expect(sizes(sent)).toEqual([IN_FLIGHT_MAX]);
    feed.receive({ type: 'shown', port, count: IN_FLIGHT_MAX });
    expect(sizes(sent)).toEqual([IN_FLIGHT_MAX, 10]);
  });

  it('drops the oldest output that nobody takes and says how much', () => {
    const { feed, sent, say } = start();
    feed.receive({ type: 'open', port });
    say(new Uint8Array(400 * 1024));
    feed.sliceDone();
    expect(sent[0]).toEqual({ type: 'output-lost', port, count: 144 * 1024 });
    expect(sizes(sent)).toEqual(['output-lost', IN_FLIGHT_MAX]);
  });

  it('gives the port as much as it takes and the rest later', () => {
    const { feed, sent, typed, incoming } = start();
    feed.receive({ type: 'input', port, bytes: new Uint8Array(5000) });
    feed.sliceDone();
    expect(typed).toHaveLength(4096);
    incoming.length = 0;
    feed.sliceDone();
    expect(typed).toHaveLength(5000);
    for (let count = 0; count < 10; count += 1) feed.receive({ type: 'input', port, bytes: new Uint8Array(65_536) });
    expect(sent.every(({ type }) => type === 'input-lost')).toBe(true);
    expect(sent.length).toBeGreaterThan(0);
  });

  it('tells of another machine and of the end, and listens to the old one no more', () => {
    const { feed, sent, say } = start();
    feed.receive({ type: 'open', port });
    const next = fakeMachine();
    feed.attach({ machine: next.machine } as Guest);
    say(Uint8Array.of(1));
    next.say(Uint8Array.of(2));
    feed.setState('ended', 'Powered off');
    feed.setState('ended', 'Ended');
    expect(sent).toEqual([
      { type: 'restarted' },
      { type: 'output', port, bytes: Uint8Array.of(2).buffer },
      { type: 'ended', detail: 'Powered off' },
    ]);
  });

  it('refuses a port that is none', () => {
    const { feed } = start();
    expect(() => feed.receive({ type: 'open', port: 'lpt-1' as never })).toThrow('lpt-1');
  });
});

/** Programs 8 data bits, then sends back what comes. */
const ECHO = 'BA FB03 B0 03 EE  BA FD03 EC A801 74FB BA F803 EC EE EBF1';

it('carries bytes both ways between a terminal and a guest', async () => {
  const client = new SessionClient();
  const image = new Uint8Array(1_474_560);
  image.set([...ECHO.matchAll(/[0-9A-F]{2}/g)].map(([digits]) => Number.parseInt(digits, 16)));
  image.set([0x55, 0xaa], 510);
  client.host.files.set('/echo.img', image);
  await client.request('initialize', { adapterID: 'x86vm', clientID: 'vscode' });
  await client.request('launch', { program: '/echo.img', serial: 'terminal', stopOnEntry: false });
  await client.request('configurationDone');
  client.session.receiveSerial({ type: 'open', port });
  client.session.receiveSerial({ type: 'input', port, bytes: Uint8Array.of(0x68, 0xe9) });
  const heard = () =>
    client.serial.flatMap((update) => (update.type === 'output' ? [...new Uint8Array(update.bytes)] : []));
  for (let turn = 0; turn < 10_000 && heard().length < 2; turn += 1) {
    client.host.runOne();
    await Promise.resolve();
  }
  expect(heard()).toEqual([0x68, 0xe9]);
  expect(client.transcript.filter((line) => line.includes('event output'))).toEqual([]);
  await client.request('terminate');
  expect(client.serial.at(-1)).toMatchObject({ type: 'ended' });
});
