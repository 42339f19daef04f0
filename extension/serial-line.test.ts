import { expect, it } from 'vitest';
import type { SerialRequest, SerialUpdate } from '../debug-adapter/protocol/serial.ts';
import { SerialLine, type SerialSession } from './serial-line.ts';

function fakeSession() {
  const requests: SerialRequest[] = [];
  let listener: (update: SerialUpdate) => void = () => {};
  const session = {
    alive: true,
    onSerialUpdate: (added: typeof listener) => {
      listener = added;
      return {
        dispose: () => {
          listener = () => {};
        },
      };
    },
    requestSerial: (request: SerialRequest) => void requests.push(request),
  } satisfies SerialSession;
  const say = (...bytes: number[]) =>
    listener({ type: 'output', port: 'uart-1', bytes: Uint8Array.from(bytes).buffer });
  return { session, requests, say, tell: (update: SerialUpdate) => listener(update) };
}

function start() {
  const far = fakeSession();
  const shown: (() => void)[] = [];
  let text = '';
  const line = new SerialLine({
    port: 'uart-1',
    remarks: {
      restarted: 'restarted',
      ended: (detail) => `ended: ${detail}`,
      outputLost: (count) => `${count} bytes left out`,
      inputLost: (count) => `${count} bytes not taken`,
    },
    write: (added) => {
      text += added;
    },
    afterShown: (callback) => shown.push(callback),
  });
  line.attach(far.session);
  // What is told in between, without its looks.
  const plain = () => text.replaceAll('\r\n\x1b[3m[', '[').replaceAll(']\x1b[0m\r\n', ']');
  return { ...far, line, shown, text: plain };
}

it('shows bytes as UTF-8, also where a character comes in two messages', () => {
  const { requests, say, text } = start();
  say(0x68, 0xc3);
  say(0xa9, 0x0d, 0x0a);
  expect(text()).toBe('hé\r\n');
  expect(requests).toEqual([{ type: 'open', port: 'uart-1' }]);
});

it('acknowledges output only when there was time to show it', () => {
  const { requests, say, shown } = start();
  say(1, 2, 3);
  expect(requests).toHaveLength(1);
  for (const callback of shown) callback();
  expect(requests.at(-1)).toEqual({ type: 'shown', port: 'uart-1', count: 3 });
});

it('sends what is typed as bytes, in parts of a bounded size', () => {
  const { line, requests } = start();
  line.type('é');
  expect(requests.at(-1)).toEqual({ type: 'input', port: 'uart-1', bytes: Uint8Array.of(0xc3, 0xa9) });
  line.type('x'.repeat(100_000));
  expect(requests.slice(2).map((request) => request.type === 'input' && request.bytes.length)).toEqual([
    65_536, 34_464,
  ]);
});

it('tells what got lost, the restart and the end, and is silent after that', () => {
  const { line, requests, tell, text } = start();
  tell({ type: 'output-lost', port: 'uart-1', count: 7 });
  tell({ type: 'output-lost', port: 'uart-2', count: 8 });
  tell({ type: 'input-lost', port: 'uart-1', count: 9 });
  tell({ type: 'ended', detail: 'Powered off' });
  tell({ type: 'ended', detail: 'Ended' });
  expect(line.connected).toBe(false);
  line.type('x');
  expect(requests).toHaveLength(1);
  tell({ type: 'restarted' });
  expect(line.connected).toBe(true);
  expect(text()).toBe('[7 bytes left out][9 bytes not taken][ended: Powered off][restarted]');
});

it('serves another session when its own is over', () => {
  const { line, session, say, text, requests } = start();
  const next = fakeSession();
  line.attach(next.session);
  say(0x61);
  next.say(0x62);
  expect(text()).toBe('[restarted]b');
  expect(requests.at(-1)).toEqual({ type: 'close', port: 'uart-1' });
  expect([line.connects(session), line.connects(next.session)]).toEqual([false, true]);
});
