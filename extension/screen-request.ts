/** Checks what a screen view sends: a webview is a page, and a page's messages are input like any other. */
import type { ScreenRequest } from '../debug-adapter/protocol/screen.ts';
import type { ScreenCommand } from '../debug-adapter/protocol/screen-commands.ts';

/** Scan codes in one message at most; a key makes ten bytes or fewer. */
const SCAN_CODES_MAX = 4096;

/** The fields of what a mouse does, with what each may be. */
const MOUSE_LIMITS: readonly (readonly [name: string, min: number, max: number])[] = [
  ['buttons', 0, 0x1f],
  ['dx', -0x7fff, 0x7fff],
  ['dy', -0x7fff, 0x7fff],
  ['dz', -127, 127],
];

/** Whether a message has the form of a request, all of it. */
export function isScreenRequest(message: unknown): message is ScreenRequest {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false;
  switch (message.type) {
    case 'reset':
      return true;
    case 'visible':
      return 'visible' in message && typeof message.visible === 'boolean';
    case 'listen':
      return 'on' in message && typeof message.on === 'boolean';
    case 'mouse':
      return isMouse(message);
    case 'keys':
      return 'scanCodes' in message && isScanCodes(message.scanCodes);
    default:
      return false;
  }
}

/** Whether a message is one that the extension answers itself. */
export function isScreenCommand(message: unknown): message is ScreenCommand {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false;
  if (message.type === 'sound-switch') return 'on' in message && typeof message.on === 'boolean';
  return message.type === 'screenshot' && 'png' in message && message.png instanceof ArrayBuffer;
}

function isMouse(message: object): boolean {
  return MOUSE_LIMITS.every(([name, min, max]) => {
    const value = (message as Readonly<Record<string, unknown>>)[name];
    return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
  });
}

function isScanCodes(value: unknown): boolean {
  return Array.isArray(value) && value.length <= SCAN_CODES_MAX && value.every(isByte);
}

function isByte(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255;
}
