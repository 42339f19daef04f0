/**
 * IRQ1: turns scan codes of set 1 into shift states and keys of the buffer (IBM AT Technical Reference, BIOS "KB_INT_1";
 * IBM PS/2 BIOS Interface Technical Reference, "Interrupt 09h").
 */
import type { FirmwareContext } from '../../firmware.ts';
import * as bios from '../bios-data.ts';
import { bda, changeBits } from '../bios-data.ts';
import { clearKeys, putKey } from './key-buffer.ts';
import { lightsAcknowledged, lightsRefused, updateLights } from './lights.ts';
import { extendedKeys, type KeyCodes, keypadDigits, keys } from './key-table.ts';

/** How the interrupt goes on: done, or a call of another interrupt, a pause, a reset. */
export type KeyboardResult = 'done' | 'break' | 'print' | 'request-down' | 'request-up' | 'pause' | 'reset' | 'full';

const RELEASE = 0x80;
const PREFIX_E0 = 0xe0;
const PREFIX_E1 = 0xe1;
const ACKNOWLEDGE = 0xfa;
const RESEND = 0xfe;
/** Other answers of the keyboard that are not keys: echo, errors, overrun. */
const ANSWERS: ReadonlySet<number> = new Set([0x00, 0xee, 0xf1, 0xfc, 0xfd, 0xff]);

const SCAN_CTRL = 0x1d;
const SCAN_LEFT_SHIFT = 0x2a;
const SCAN_RIGHT_SHIFT = 0x36;
const SCAN_PRINT = 0x37;
const SCAN_ALT = 0x38;
const SCAN_NUM_LOCK = 0x45;
const SCAN_SCROLL_LOCK = 0x46;
const SCAN_INSERT = 0x52;
const SCAN_DELETE = 0x53;
const SCAN_REQUEST = 0x54;

/** Keys that switch a state with each press, and the bit in both flag bytes. */
const lockKeys: ReadonlyMap<number, number> = new Map([
  [0x3a, bios.CAPS_LOCK],
  [SCAN_NUM_LOCK, bios.NUM_LOCK],
  [SCAN_SCROLL_LOCK, bios.SCROLL_LOCK],
]);

/** State of the shift keys when a scan code arrives. */
interface Shifts {
  readonly flags1: number;
  readonly flags2: number;
  readonly extended: boolean;
}

/** Handles one scan code. */
export function handleScanCode(context: FirmwareContext, scan: number): KeyboardResult {
  const { memory } = context;
  if (scan === PREFIX_E0 || scan === PREFIX_E1) {
    changeBits(context, bda.KEYBOARD_FLAGS_3, 0, scan === PREFIX_E0 ? bios.LAST_E0 : bios.LAST_E1);
    return 'done';
  }
  if (scan === ACKNOWLEDGE) lightsAcknowledged(context);
  if (scan === RESEND) lightsRefused(context);
  if (scan === ACKNOWLEDGE || scan === RESEND || ANSWERS.has(scan)) return 'done';
  const flags3 = memory.read(bda.KEYBOARD_FLAGS_3, 1);
  const shifts: Shifts = {
    flags1: memory.read(bda.KEYBOARD_FLAGS_1, 1),
    flags2: memory.read(bda.KEYBOARD_FLAGS_2, 1),
    extended: (flags3 & bios.LAST_E0) !== 0,
  };
  if ((flags3 & bios.LAST_E1) !== 0) return pauseKey(context, scan, shifts);
  changeBits(context, bda.KEYBOARD_FLAGS_3, bios.LAST_E0, 0);
  const key = scan & ~RELEASE;
  const pressed = (scan & RELEASE) === 0;
  const modifier = handleModifier(context, key, pressed, shifts);
  if (modifier) return modifier;
  if (key === SCAN_REQUEST) return systemRequest(context, pressed, shifts);
  if (!pressed) return releaseKey(context, key);
  return pressKey(context, key, shifts);
}

/** Pause sends E1 1D 45, then E1 9D C5; Ctrl comes first, Num Lock's code ends the sequence. */
function pauseKey(context: FirmwareContext, scan: number, { flags2 }: Shifts): KeyboardResult {
  if ((scan & ~RELEASE) === SCAN_CTRL) return 'done';
  changeBits(context, bda.KEYBOARD_FLAGS_3, bios.LAST_E1, 0);
  return scan === SCAN_NUM_LOCK && (flags2 & bios.PAUSED) === 0 ? startPause(context) : 'done';
}

function startPause(context: FirmwareContext): KeyboardResult {
  changeBits(context, bda.KEYBOARD_FLAGS_2, 0, bios.PAUSED);
  return 'pause';
}

/** Shift, Ctrl and Alt follow the key; the codes that the keyboard sends around extended keys mean nothing. */
function handleModifier(
  context: FirmwareContext,
  key: number,
  pressed: boolean,
  { extended }: Shifts,
): KeyboardResult | undefined {
  const set = (address: number, mask: number): void => changeBits(context, address, mask, pressed ? mask : 0);
  switch (key) {
    case SCAN_LEFT_SHIFT:
    case SCAN_RIGHT_SHIFT:
      if (!extended) set(bda.KEYBOARD_FLAGS_1, key === SCAN_LEFT_SHIFT ? bios.LEFT_SHIFT : bios.RIGHT_SHIFT);
      return 'done';
    case SCAN_CTRL:
      if (extended) set(bda.KEYBOARD_FLAGS_3, bios.RIGHT_CTRL);
      else set(bda.KEYBOARD_FLAGS_2, bios.LEFT_CTRL);
      combine(context, bios.CTRL, bios.LEFT_CTRL, bios.RIGHT_CTRL);
      return 'done';
    case SCAN_ALT:
      if (extended) set(bda.KEYBOARD_FLAGS_3, bios.RIGHT_ALT);
      else set(bda.KEYBOARD_FLAGS_2, bios.LEFT_ALT);
      combine(context, bios.ALT, bios.LEFT_ALT, bios.RIGHT_ALT);
      return pressed ? 'done' : finishAltNumber(context);
    default:
      return undefined;
  }
}

/** The common bit of the left and the right key. */
function combine(context: FirmwareContext, both: number, left: number, right: number): void {
  const leftHeld = (context.memory.read(bda.KEYBOARD_FLAGS_2, 1) & left) !== 0;
  const rightHeld = (context.memory.read(bda.KEYBOARD_FLAGS_3, 1) & right) !== 0;
  changeBits(context, bda.KEYBOARD_FLAGS_1, both, leftHeld || rightHeld ? both : 0);
}

function finishAltNumber(context: FirmwareContext): KeyboardResult {
  const typed = context.memory.read(bda.ALT_NUMBER, 1);
  const held = (context.memory.read(bda.KEYBOARD_FLAGS_1, 1) & bios.ALT) !== 0;
  if (typed === 0 || held) return 'done';
  context.memory.write(bda.ALT_NUMBER, 1, 0);
  return put(context, typed);
}

/** SysRq tells of its press and release, once each. */
function systemRequest(context: FirmwareContext, pressed: boolean, { flags2 }: Shifts): KeyboardResult {
  const held = (flags2 & bios.SYSTEM_REQUEST) !== 0;
  changeBits(context, bda.KEYBOARD_FLAGS_2, bios.SYSTEM_REQUEST, pressed ? bios.SYSTEM_REQUEST : 0);
  if (pressed) return held ? 'done' : 'request-down';
  return 'request-up';
}

function releaseKey(context: FirmwareContext, key: number): KeyboardResult {
  const held = key === SCAN_INSERT ? bios.INSERT : lockKeys.get(key);
  if (held !== undefined) changeBits(context, bda.KEYBOARD_FLAGS_2, held, 0);
  return 'done';
}

function pressKey(context: FirmwareContext, key: number, shifts: Shifts): KeyboardResult {
  const { flags1, flags2, extended } = shifts;
  const ctrl = (flags1 & bios.CTRL) !== 0;
  const alt = (flags1 & bios.ALT) !== 0;
  if (ctrl && alt && key === SCAN_DELETE) {
    context.memory.write(bda.RESET_FLAG, 2, 0x1234);
    return 'reset';
  }
  if ((flags2 & bios.PAUSED) !== 0 && !lockKeys.has(key)) {
    changeBits(context, bda.KEYBOARD_FLAGS_2, bios.PAUSED, 0);
    return 'done';
  }
  if (extended && key === SCAN_PRINT && !alt) return ctrl ? put(context, 0x7200) : 'print';
  if (key === SCAN_SCROLL_LOCK && ctrl) return controlBreak(context);
  if (key === SCAN_NUM_LOCK && ctrl && !extended) return startPause(context);
  const lock = lockKeys.get(key);
  if (lock !== undefined && !extended) return toggle(context, lock, flags2);
  return storeKey(context, key, shifts);
}

/** A lock key that is held repeats, but switches once. */
function toggle(context: FirmwareContext, mask: number, flags2: number): KeyboardResult {
  const { memory } = context;
  if ((flags2 & mask) !== 0) return 'done';
  memory.write(bda.KEYBOARD_FLAGS_2, 1, flags2 | mask);
  memory.write(bda.KEYBOARD_FLAGS_1, 1, memory.read(bda.KEYBOARD_FLAGS_1, 1) ^ mask);
  updateLights(context);
  return 'done';
}

function controlBreak(context: FirmwareContext): KeyboardResult {
  clearKeys(context);
  changeBits(context, bda.BREAK_FLAG, 0, 0x80);
  putKey(context, 0);
  return 'break';
}

function storeKey(context: FirmwareContext, key: number, { flags1, flags2, extended }: Shifts): KeyboardResult {
  const alt = (flags1 & bios.ALT) !== 0;
  const digit = alt && !extended ? keypadDigits.get(key) : undefined;
  if (digit !== undefined) {
    const number = context.memory.read(bda.ALT_NUMBER, 1) * 10 + digit;
    context.memory.write(bda.ALT_NUMBER, 1, number & 0xff);
    return 'done';
  }
  const shifted = (flags1 & (bios.LEFT_SHIFT | bios.RIGHT_SHIFT)) !== 0;
  const codes = (extended ? extendedKeys : keys).get(key);
  const code = codes && chooseCode(codes, flags1, shifted);
  if (key === SCAN_INSERT && (extended || code === codes?.plain) && !alt) toggle(context, bios.INSERT, flags2);
  return code === undefined ? 'done' : put(context, code);
}

/** Alt wins over Ctrl, Ctrl over Shift; a lock that fits the key turns Shift around. */
function chooseCode(codes: KeyCodes, flags1: number, shifted: boolean): number | undefined {
  if ((flags1 & bios.ALT) !== 0) return codes.alt;
  if ((flags1 & bios.CTRL) !== 0) return codes.ctrl;
  const lock = codes.lock === 'caps' ? bios.CAPS_LOCK : codes.lock === 'num' ? bios.NUM_LOCK : 0;
  const locked = (flags1 & lock) !== 0;
  return shifted !== locked ? codes.shift : codes.plain;
}

function put(context: FirmwareContext, code: number): KeyboardResult {
  return putKey(context, code) ? 'done' : 'full';
}
