import { describe, expect, it } from 'vitest';
import { encodeMessage, MessageDecoder } from './dap-framing.ts';

const messages = [
  { seq: 1, type: 'request', command: 'initialize' },
  { seq: 2, type: 'request', command: 'evaluate', arguments: { expression: '"ä\r\n\r\n🙂"' } },
];
const stream = Buffer.concat(messages.map(encodeMessage));

describe('MessageDecoder', () => {
  it.each([1, 2, 3, 7, 64, 10_000])('takes a stream in portions of %i bytes', (size) => {
    const decoder = new MessageDecoder();
    const received: unknown[] = [];
    for (let at = 0; at < stream.length; at += size) received.push(...decoder.decode(stream.subarray(at, at + size)));
    expect(received).toEqual(messages);
  });

  it('counts bytes, not characters', () => {
    expect(encodeMessage({ seq: 1, type: 'ä' }).toString()).toBe('Content-Length: 21\r\n\r\n{"seq":1,"type":"ä"}');
  });

  it('takes other headers and any case', () => {
    const text = 'content-length: 2\r\nContent-Type: application/json\r\n\r\n{}';
    expect(new MessageDecoder().decode(Buffer.from(text))).toEqual([{}]);
  });

  it.each([
    ['GET / HTTP/1.1\r\n\r\n', 'has no usable Content-Length'],
    ['Content-Length: 99999999999\r\n\r\n', 'has no usable Content-Length'],
    ['x'.repeat(5000), 'the header does not end'],
    ['Content-Length: 4\r\n\r\nnull', 'a message is a JSON object'],
    ['Content-Length: 1\r\n\r\n{', 'JSON'],
  ])('refuses %j', (text, message) => {
    expect(() => new MessageDecoder().decode(Buffer.from(text))).toThrow(message);
  });
});
