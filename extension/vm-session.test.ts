import type { DebugProtocol } from '@vscode/debugprotocol';
import { describe, expect, it } from 'vitest';
import type { Host } from '../debug-adapter/host.ts';
import type { DevicesUpdate } from '../debug-adapter/protocol/devices.ts';
import type { MemoryUpdate } from '../debug-adapter/protocol/memory.ts';
import type { ScreenUpdate } from '../debug-adapter/protocol/screen.ts';
import type { SerialUpdate } from '../debug-adapter/protocol/serial.ts';
import type { FromWorker, ToWorker } from '../debug-adapter/protocol/worker.ts';
import { VmSession } from './vm-session.ts';
import type { WorkerLink } from './worker-link.ts';

class FakeLink implements WorkerLink {
  readonly posted: ToWorker[] = [];
  receive: (message: FromWorker) => void = () => undefined;
  died: (reason: string) => void = () => undefined;
  terminated = 0;

  post(message: ToWorker): void {
    this.posted.push(message);
  }

  listen(receive: (message: FromWorker) => void, died: (reason: string) => void): void {
    this.receive = receive;
    this.died = died;
  }

  terminate(): void {
    this.terminated += 1;
  }
}

const host: Host = {
  kind: 'desktop',
  fileSize: (path) => (path === '/there' ? Promise.resolve(3) : Promise.reject(new Error(`no file ${path}`))),
  readFile: () => Promise.resolve(new Uint8Array([1, 2, 3])),
  assemble: (source) => Promise.resolve({ image: `${source}.img`, messages: [] }),
  now: () => 0,
  localTimeMs: () => 0,
  defer: (callback) => callback(),
};

function start() {
  const link = new FakeLink();
  const session = new VmSession(link, host);
  const sent: DebugProtocol.ProtocolMessage[] = [];
  const screen: ScreenUpdate[] = [];
  session.onDidSendMessage((message) => sent.push(message as DebugProtocol.ProtocolMessage));
  session.onScreenUpdate((update) => screen.push(update));
  return { link, session, sent, screen };
}

const request = (seq: number, command: string) => ({ type: 'request', seq, command }) as DebugProtocol.Request;
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('VmSession', () => {
  it('starts the worker, then forwards both ways as they come', () => {
    const { link, session, sent } = start();
    session.handleMessage(request(1, 'initialize'));
    expect(link.posted.map((message) => message.channel)).toEqual(['start', 'dap']);
    const event = { type: 'event', seq: 7, event: 'stopped' } as DebugProtocol.Event;
    link.receive({ channel: 'dap', message: event });
    expect(sent).toEqual([event]);
  });

  it('answers host calls with the value or the text of the error', async () => {
    const { link } = start();
    link.receive({ channel: 'host', id: 1, call: { method: 'fileSize', path: '/there' } });
    link.receive({ channel: 'host', id: 2, call: { method: 'fileSize', path: '/gone' } });
    link.receive({ channel: 'host', id: 3, call: { method: 'assemble', source: 'a.asm' } });
    link.receive({ channel: 'host', id: 4, call: { method: 'readFile', path: '/there', offset: 0, length: 3 } });
    await settled();
    const replies = link.posted.filter((message) => message.channel === 'host-reply');
    expect(replies.sort((a, b) => a.id - b.id)).toEqual([
      { channel: 'host-reply', id: 1, value: 3 },
      { channel: 'host-reply', id: 2, error: 'no file /gone' },
      { channel: 'host-reply', id: 3, value: { image: 'a.asm.img', messages: [] } },
      { channel: 'host-reply', id: 4, value: new Uint8Array([1, 2, 3]) },
    ]);
  });

  it('passes the screen on and tells it when the session is over', () => {
    const { link, session, screen } = start();
    session.requestScreen({ type: 'keys', scanCodes: [0x1e, 0x9e] });
    expect(link.posted.at(-1)).toEqual({ channel: 'screen', message: { type: 'keys', scanCodes: [0x1e, 0x9e] } });
    link.receive({ channel: 'screen', message: { type: 'status', state: 'running', detail: '' } });
    session.dispose();
    session.requestScreen({ type: 'reset' });
    expect(screen.map((update) => update.type === 'status' && update.state)).toEqual(['running', 'ended']);
    expect(link.posted).toHaveLength(2);
    expect(link.terminated).toBe(1);
  });

  it('passes serial ports on and tells terminals when the session is over', () => {
    const { link, session } = start();
    const told: SerialUpdate[] = [];
    session.onSerialUpdate((update) => told.push(update));
    session.requestSerial({ type: 'open', port: 'uart-1' });
    expect(link.posted.at(-1)).toEqual({ channel: 'serial', message: { type: 'open', port: 'uart-1' } });
    link.receive({ channel: 'serial', message: { type: 'restarted' } });
    session.dispose();
    session.requestSerial({ type: 'close', port: 'uart-1' });
    expect(told).toEqual([{ type: 'restarted' }, { type: 'ended', detail: 'Ended' }]);
    expect(link.posted).toHaveLength(2);
  });

  it('passes memory on to the view that it is for, until the session is over', () => {
    const { link, session } = start();
    const told: [number, MemoryUpdate['type']][] = [];
    for (const view of [1, 2]) session.onMemoryUpdate(view, (update) => told.push([view, update.type]));
    session.requestMemory(2, { type: 'keep' });
    expect(link.posted.at(-1)).toEqual({ channel: 'memory', view: 2, message: { type: 'keep' } });
    link.receive({ channel: 'memory', view: 2, message: { type: 'searching', done: 0.5 } });
    link.receive({ channel: 'memory', view: 3, message: { type: 'searching', done: 0.5 } });
    session.onMemoryUpdate(1, () => undefined).dispose();
    session.dispose();
    session.requestMemory(2, { type: 'keep' });
    expect(told).toEqual([
      [2, 'searching'],
      [2, 'status'],
    ]);
    expect(link.posted).toHaveLength(2);
  });

  it('passes devices on', () => {
    const { link, session } = start();
    const told: DevicesUpdate[] = [];
    const subscription = session.onDevicesUpdate((update) => told.push(update));
    session.requestDevices({ type: 'visible', visible: true });
    expect(link.posted.at(-1)).toEqual({ channel: 'devices', message: { type: 'visible', visible: true } });
    link.receive({ channel: 'devices', message: { type: 'values', values: [] } });
    subscription.dispose();
    link.receive({ channel: 'devices', message: { type: 'values', values: [] } });
    expect(told).toEqual([{ type: 'values', values: [] }]);
  });

  it('answers every open request and ends when the worker dies', () => {
    const { link, session, sent, screen } = start();
    session.handleMessage(request(1, 'initialize'));
    link.receive({
      channel: 'dap',
      message: {
        type: 'response',
        seq: 1,
        request_seq: 1,
        command: 'initialize',
        success: true,
      } as DebugProtocol.Response,
    });
    session.handleMessage(request(2, 'launch'));
    session.handleMessage(request(3, 'threads'));
    const told: string[] = [];
    session.onDied = (text) => told.push(text);
    link.died('RangeError: {memory}\n  at run.ts');
    link.died('the thread ended with status 1');
    expect(sent.slice(1)).toMatchObject([
      {
        request_seq: 2,
        command: 'launch',
        success: false,
        body: { error: { format: 'The x86 VM stopped working: RangeError: memory' } },
      },
      {
        request_seq: 3,
        command: 'threads',
        success: false,
        message: 'The x86 VM stopped working: RangeError: {memory}',
      },
      { type: 'event', event: 'output', body: { category: 'stderr', output: expect.stringContaining('at run.ts') } },
      { type: 'event', event: 'terminated' },
    ]);
    expect(told).toEqual(['The x86 VM stopped working: RangeError: {memory}']);
    expect(session.alive).toBe(false);
    expect(screen).toHaveLength(1);
  });

  it('lets the editor disconnect from a worker that died and refuses the rest', () => {
    const { link, session, sent } = start();
    link.died('gone');
    sent.length = 0;
    session.handleMessage(request(4, 'continue'));
    session.handleMessage(request(5, 'disconnect'));
    expect(sent).toMatchObject([
      { request_seq: 4, success: false },
      { request_seq: 5, success: true },
    ]);
  });

  it('drops replies of the host that come after the end', async () => {
    const { link, session } = start();
    link.receive({ channel: 'host', id: 1, call: { method: 'fileSize', path: '/there' } });
    session.dispose();
    await settled();
    expect(link.posted.map((message) => message.channel)).toEqual(['start']);
  });
});
