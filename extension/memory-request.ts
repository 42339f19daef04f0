/** Checks what a memory view sends: a webview is a page, and a page's messages are input like any other. */
import {
  ADDRESS_MAX,
  type MemoryRequest,
  PATTERN_MAX,
  SHOWN_MAX,
  WRITTEN_MAX,
} from '../debug-adapter/protocol/memory.ts';

/** Characters of an address at most. */
const TEXT_MAX = 1000;
const CPU_MAX = 255;

type Fields = Readonly<Record<string, unknown>>;

/** What each request must have besides its type. */
const REQUESTS: Readonly<Record<MemoryRequest['type'], (fields: Fields) => boolean>> = {
  visible: ({ visible }) => typeof visible === 'boolean',
  show: ({ space, address, length }) => isSpace(space) && isAddress(address) && isWithin(length, SHOWN_MAX),
  cpu: ({ cpu }) => cpu === undefined || isWithin(cpu, CPU_MAX),
  go: ({ text }) => typeof text === 'string' && text.length <= TEXT_MAX,
  write: ({ space, address, bytes }) => isSpace(space) && isAddress(address) && isBuffer(bytes, WRITTEN_MAX),
  find: ({ space, pattern, mask, start, end, from }) =>
    isSpace(space) &&
    isBuffer(pattern, PATTERN_MAX) &&
    isBuffer(mask, PATTERN_MAX) &&
    pattern.byteLength === mask.byteLength &&
    [start, end, from].every(isAddress),
  'cancel-find': () => true,
  keep: () => true,
  forget: () => true,
};

/** Whether a message has the form of a request, all of it. */
export function isMemoryRequest(message: unknown): message is MemoryRequest {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false;
  const { type } = message;
  if (typeof type !== 'string' || !Object.hasOwn(REQUESTS, type)) return false;
  return REQUESTS[type as MemoryRequest['type']](message as Fields);
}

const isSpace = (value: unknown): boolean => value === 'linear' || value === 'physical';

const isAddress = (value: unknown): boolean => Number.isInteger(value) && Math.abs(value as number) <= ADDRESS_MAX + 1;

const isWithin = (value: unknown, max: number): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max;

const isBuffer = (value: unknown, sizeMax: number): value is ArrayBuffer =>
  value instanceof ArrayBuffer && value.byteLength <= sizeMax;
