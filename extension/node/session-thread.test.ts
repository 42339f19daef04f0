/** A whole session in a thread that dies while its guest runs, and the next one, as the desktop's extension host has them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../debug-adapter/command-line/node-host.ts';
import type { ScreenUpdate } from '../../debug-adapter/protocol/screen.ts';
import { VmSession } from '../vm-session.ts';
import { startThread } from './thread.ts';

const WORKER = new URL('../../debug-adapter/worker/main.ts', import.meta.url).href;
/** The session's own entry, and a way to end its thread at any time. */
const SCRIPT = `
import { parentPort } from 'node:worker_threads';
import ${JSON.stringify(WORKER)};
parentPort.on('message', ({ channel, message }) => {
  if (channel === 'screen' && message.type === 'reset') process.exit(7);
});`;

describe('a session in a thread', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'x86vm-session-'));
    await writeFile(join(folder, 'worker.mjs'), SCRIPT);
    const image = new Uint8Array(1_474_560);
    image.set([0xeb, 0xfe]);
    image.set([0x55, 0xaa], 510);
    await writeFile(join(folder, 'loop.img'), image);
  });

  afterAll(() => rm(folder, { recursive: true }));

  /** A session whose guest runs in a loop. */
  async function running() {
    const session = new VmSession(startThread(join(folder, 'worker.mjs')), createNodeHost());
    const sent: DebugProtocol.ProtocolMessage[] = [];
    const screen: ScreenUpdate[] = [];
    let look = (): void => undefined;
    session.onScreenUpdate((update) => screen.push(update));
    session.onDidSendMessage((message) => {
      sent.push(message as DebugProtocol.ProtocolMessage);
      look();
    });
    /** Waits for a message of which this is a part. */
    const message = (part: object): Promise<void> =>
      new Promise((resolve) => {
        look = () => {
          if (sent.some((one) => Object.entries(part).every(([key, value]) => Reflect.get(one, key) === value)))
            resolve();
        };
        look();
      });
    let seq = 1;
    const request = (command: string, given: object): void =>
      session.handleMessage({ seq: seq++, type: 'request', command, arguments: given } as DebugProtocol.Request);
    request('initialize', { adapterID: 'x86vm' });
    request('launch', { program: join(folder, 'loop.img'), stopOnEntry: false });
    request('configurationDone', {});
    await message({ command: 'configurationDone', success: true });
    return { session, sent, screen, message, request };
  }

  it('that ends while the guest runs is told of, its requests are answered, and the next session works', async () => {
    const { session, sent, screen, message, request } = await running();
    let told = '';
    session.onDied = (text) => {
      told = text;
    };
    session.requestScreen({ type: 'reset' });
    await message({ event: 'terminated' });
    expect(told).toBe('The x86 VM stopped working: the thread ended with status 7');
    expect(screen.at(-1)).toEqual({ type: 'status', state: 'ended', detail: told });
    request('pause', { threadId: 1 });
    expect(sent.at(-1)).toMatchObject({ command: 'pause', success: false, message: told });
    request('disconnect', {});
    expect(sent.at(-1)).toMatchObject({ command: 'disconnect', success: true });

    const next = await running();
    next.request('pause', { threadId: 1 });
    await next.message({ event: 'stopped' });
    next.session.dispose();
  });
});
