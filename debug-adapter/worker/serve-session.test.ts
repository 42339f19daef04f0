import type { DebugProtocol } from '@vscode/debugprotocol';
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../vm-core/index.ts';
import type { FromWorker, ToWorker } from '../protocol/worker.ts';
import { translateWith } from '../protocol/localized.ts';
import { serveSession } from './serve-session.ts';

/** A worker without a thread: what it posts is kept, what it defers runs when asked to. */
function makeWorker() {
  const posted: FromWorker[] = [];
  const transferred: ArrayBuffer[] = [];
  const deferred: (() => void)[] = [];
  let receive: (message: ToWorker) => void = () => {};
  let ms = 0;
  serveSession(
    {
      post: (message, transfer) => {
        posted.push(message);
        transferred.push(...transfer);
      },
      listen: (listener) => {
        receive = listener;
      },
    },
    { now: () => ms++, defer: (callback) => deferred.push(callback) },
    createMachine,
  );
  let seq = 1;
  return {
    posted,
    transferred,
    tell: (message: ToWorker) => receive(message),
    request: (command: string, given?: object) =>
      receive({
        channel: 'dap',
        message: { seq: seq++, type: 'request', command, arguments: given } as DebugProtocol.Request,
      }),
    settle: async () => {
      for (let turn = 0; turn < 100; turn++) {
        deferred.shift()?.();
        await Promise.resolve();
      }
    },
  };
}

describe('serveSession', () => {
  it('forwards the calls of the host, and their failures', async () => {
    const worker = makeWorker();
    worker.tell({ channel: 'start', hostKind: 'desktop', localTimeMs: 0 });
    worker.request('launch', { floppy: '/a.img' });
    await worker.settle();
    expect(worker.posted).toEqual([{ channel: 'host', id: 1, call: { method: 'fileSize', path: '/a.img' } }]);
    worker.tell({ channel: 'host-reply', id: 1, error: '/a.img: permission denied' });
    await worker.settle();
    expect(worker.posted[1]).toMatchObject({
      channel: 'dap',
      message: { type: 'response', success: false, message: 'floppy: /a.img: permission denied' },
    });
  });

  it('runs a guest from what the host gives, and hands frames over', async () => {
    const worker = makeWorker();
    const image = new Uint8Array(512);
    image.set([0xeb, 0xfe]);
    image.set([0x55, 0xaa], 510);
    worker.tell({ channel: 'start', hostKind: 'browser', localTimeMs: 0 });
    worker.tell({ channel: 'screen', message: { type: 'visible', visible: true } });
    worker.request('launch', { floppy: '/a.img' });
    worker.request('configurationDone');
    for (let call = 0; call < 50; call++) {
      await worker.settle();
      const asked = worker.posted.filter((message) => message.channel === 'host')[call];
      if (asked?.channel !== 'host') break;
      worker.tell({ channel: 'host-reply', id: asked.id, value: asked.call.method === 'fileSize' ? 512 : image });
    }
    await worker.settle();
    const events = worker.posted.flatMap((message) =>
      message.channel === 'dap' && message.message.type === 'event'
        ? [(message.message as DebugProtocol.Event).event]
        : [],
    );
    expect(events).toContain('initialized');
    expect(events).toContain('stopped');
    const frames = worker.posted.flatMap((message) =>
      message.channel === 'screen' && message.message.type === 'frame' ? [message.message.pixels] : [],
    );
    expect(frames.length).toBeGreaterThan(0);
    expect(worker.transferred).toEqual(frames);
  });

  it('ignores what comes before it is started, and a second start', async () => {
    const worker = makeWorker();
    worker.request('threads');
    expect(worker.posted).toEqual([]);
    worker.tell({ channel: 'start', hostKind: 'desktop', localTimeMs: 0 });
    worker.request('initialize', { adapterID: 'x' });
    worker.tell({ channel: 'start', hostKind: 'desktop', localTimeMs: 0 });
    worker.request('threads');
    expect(worker.posted).toHaveLength(2);
  });

  it('shows the texts of the session in the language that it was started with', async () => {
    const worker = makeWorker();
    const texts = { 'Triple fault': 'Dreifachfehler' };
    try {
      worker.tell({ channel: 'start', hostKind: 'desktop', localTimeMs: 0, texts });
      worker.request('initialize');
      await worker.settle();
      expect(JSON.stringify(worker.posted)).toContain('"label":"Dreifachfehler"');
      expect(JSON.stringify(worker.posted)).toContain('"label":"Double fault"');
    } finally {
      translateWith();
    }
  });
});
