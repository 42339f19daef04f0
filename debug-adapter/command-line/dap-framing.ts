/** Messages of the Debug Adapter Protocol on a byte stream: `Content-Length: N`, an empty line, N bytes of JSON. */
import type { DebugProtocol } from '@vscode/debugprotocol';

const SEPARATOR = Buffer.from('\r\n\r\n', 'latin1');
const HEADER_SIZE_MAX = 4096;
/** No message of this adapter's clients comes near it. */
const MESSAGE_SIZE_MAX = 64 * 1024 * 1024;

export function encodeMessage(message: DebugProtocol.ProtocolMessage): Buffer {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`, 'latin1'), body]);
}

/** Takes bytes in any portions and gives messages. Throws an Error when the stream is not of this protocol. */
export class MessageDecoder {
  private pending: Buffer = Buffer.alloc(0);

  decode(bytes: Uint8Array): DebugProtocol.ProtocolMessage[] {
    this.pending = Buffer.concat([this.pending, bytes]);
    const messages: DebugProtocol.ProtocolMessage[] = [];
    for (;;) {
      const headerSize = this.pending.indexOf(SEPARATOR);
      if (headerSize < 0) {
        if (this.pending.length > HEADER_SIZE_MAX)
          throw new Error('no Debug Adapter Protocol: the header does not end');
        return messages;
      }
      const bodyStart = headerSize + SEPARATOR.length;
      const bodyEnd = bodyStart + contentLength(this.pending.toString('latin1', 0, headerSize));
      if (this.pending.length < bodyEnd) return messages;
      messages.push(parseMessage(this.pending.toString('utf8', bodyStart, bodyEnd)));
      this.pending = this.pending.subarray(bodyEnd);
    }
  }
}

function contentLength(header: string): number {
  const length = Number(/^Content-Length: *(\d+)$/im.exec(header)?.[1] ?? Number.NaN);
  if (length <= MESSAGE_SIZE_MAX) return length;
  throw new Error(`no Debug Adapter Protocol: ${JSON.stringify(header.slice(0, 80))} has no usable Content-Length`);
}

function parseMessage(text: string): DebugProtocol.ProtocolMessage {
  const message: unknown = JSON.parse(text);
  if (typeof message === 'object' && message !== null) return message as DebugProtocol.ProtocolMessage;
  throw new Error('no Debug Adapter Protocol: a message is a JSON object');
}
