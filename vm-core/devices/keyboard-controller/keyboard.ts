/**
 * The keyboard at the end of the controller's cable (IBM PS/2 Technical Reference, keyboard section): its commands, its
 * buffer of 16 bytes and scan code sets 1, 2 and 3.
 */
import { BREAK_PREFIX, splitSet1, toSet2 } from './scan-codes.ts';
import { DEFAULT_KEY_TYPES, KEY_BREAKS, KEY_REPEATS, set3Key } from './set-3.ts';

export type KeyboardState = {
  /** Scan codes not yet sent; at most `BUFFER_SIZE` and the overrun code. */
  keys: number[];
  /** The answer to the last command; it goes before the keys. */
  answers: number[];
  /** The last byte sent, for RESEND. */
  lastSent: number;
  /** The command whose parameter comes next, or 0. */
  command: number;
  scanning: boolean;
  scanCodeSet: number;
  /** Bit 0 Scroll Lock, bit 1 Num Lock, bit 2 Caps Lock. */
  leds: number;
  /** Typematic rate and delay as written; repeats come from the host's keyboard. */
  typematic: number;
  /** What each key sends in set 3, and the keys that are held, both by set 3 code. */
  keyTypes: Uint8Array;
  held: number[];
};

const BUFFER_SIZE = 16;
const ACK = 0xfa;
const RESEND = 0xfe;
const SELF_TEST_PASSED = 0xaa;
const DEFAULT_TYPEMATIC = 0x2b;
const IDENTIFICATION = [0xab, 0x83];

export const POWER_ON_KEYBOARD: KeyboardState = {
  keys: [],
  answers: [],
  lastSent: SELF_TEST_PASSED,
  command: 0,
  scanning: true,
  scanCodeSet: 2,
  leds: 0,
  typematic: DEFAULT_TYPEMATIC,
  keyTypes: DEFAULT_KEY_TYPES,
  held: [],
};

const SET_LEDS = 0xed;
const ECHO = 0xee;
const SCAN_CODE_SET = 0xf0;
const IDENTIFY = 0xf2;
const SET_TYPEMATIC = 0xf3;
const ENABLE = 0xf4;
const DEFAULTS_AND_DISABLE = 0xf5;
const SET_DEFAULTS = 0xf6;
const RESET = 0xff;
/** Types of all keys in set 3, and of the single keys that follow. */
const allKeyTypes: ReadonlyMap<number, number> = new Map([
  [0xf7, KEY_REPEATS],
  [0xf8, KEY_BREAKS],
  [0xf9, 0],
  [0xfa, KEY_REPEATS | KEY_BREAKS],
]);
const singleKeyTypes: ReadonlyMap<number, number> = new Map([
  [0xfb, KEY_REPEATS],
  [0xfc, KEY_BREAKS],
  [0xfd, 0],
]);

/** Whether the keyboard has something to send. */
export function hasByte(keyboard: KeyboardState): boolean {
  return keyboard.answers.length > 0 || keyboard.keys.length > 0;
}

/** Sends one byte; call it only while `hasByte`. */
export function sendByte(keyboard: KeyboardState): number {
  const byte = (keyboard.answers.length > 0 ? keyboard.answers.shift() : keyboard.keys.shift()) as number;
  if (byte !== RESEND) keyboard.lastSent = byte;
  return byte;
}

/** The user's keys as set 1 codes. A code that does not fit is lost, and an overrun code says so. */
export function pressKeys(keyboard: KeyboardState, set1Bytes: Uint8Array): void {
  if (!keyboard.scanning) return;
  for (const set1Code of splitSet1(set1Bytes)) {
    const code = codeOf(keyboard, set1Code);
    if (keyboard.keys.length + code.length <= BUFFER_SIZE) keyboard.keys.push(...code);
    else if (keyboard.keys.length <= BUFFER_SIZE) overrun(keyboard);
  }
}

/** What the keyboard sends for an event in its scan code set; in set 3 that may be nothing. */
function codeOf(keyboard: KeyboardState, set1Code: Uint8Array): readonly number[] {
  const key = set3Key(set1Code);
  const wasHeld = key !== undefined && keyboard.held.includes(key.code);
  if (key) noteHeld(keyboard, key.code, key.released);
  if (keyboard.scanCodeSet === 1) return [...set1Code];
  if (keyboard.scanCodeSet === 2) return toSet2(set1Code);
  if (!key) return [];
  const type = keyboard.keyTypes[key.code] as number;
  if (key.released) return (type & KEY_BREAKS) !== 0 ? [BREAK_PREFIX, key.code] : [];
  return wasHeld && (type & KEY_REPEATS) === 0 ? [] : [key.code];
}

function noteHeld(keyboard: KeyboardState, code: number, released: boolean): void {
  if (released) keyboard.held = keyboard.held.filter((held) => held !== code);
  else if (!keyboard.held.includes(code)) keyboard.held.push(code);
}

function overrun(keyboard: KeyboardState): void {
  const code = keyboard.scanCodeSet === 1 ? 0xff : 0x00;
  if (keyboard.keys.at(-1) !== code) keyboard.keys.push(code);
}

/** A byte from the controller: a command or a parameter. */
export function receiveByte(keyboard: KeyboardState, byte: number): void {
  const { command } = keyboard;
  keyboard.command = 0;
  // Values from EDh are commands even where a parameter was awaited.
  keyboard.answers =
    command !== 0 && byte < SET_LEDS ? takeParameter(keyboard, command, byte) : execute(keyboard, byte);
}

function takeParameter(keyboard: KeyboardState, command: number, parameter: number): number[] {
  const type = singleKeyTypes.get(command);
  if (type !== undefined) {
    keyboard.keyTypes[parameter] = type;
    // Keys follow until a command comes.
    keyboard.command = command;
    return [ACK];
  }
  switch (command) {
    case SET_LEDS:
      keyboard.leds = parameter & 7;
      return [ACK];
    case SET_TYPEMATIC:
      keyboard.typematic = parameter & 0x7f;
      return [ACK];
    default:
      if (parameter === 0) return [ACK, keyboard.scanCodeSet];
      if (parameter > 3) return [RESEND];
      keyboard.scanCodeSet = parameter;
      keyboard.keys = [];
      return [ACK];
  }
}

function execute(keyboard: KeyboardState, command: number): number[] {
  const type = allKeyTypes.get(command);
  if (type !== undefined || singleKeyTypes.has(command)) {
    keyboard.keys = [];
    if (type === undefined) keyboard.command = command;
    else keyboard.keyTypes.fill(type);
    return [ACK];
  }
  switch (command) {
    case SET_LEDS:
    case SCAN_CODE_SET:
    case SET_TYPEMATIC:
      keyboard.command = command;
      return [ACK];
    case ECHO:
      return [ECHO];
    case IDENTIFY:
      return [ACK, ...IDENTIFICATION];
    case ENABLE:
      keyboard.keys = [];
      keyboard.scanning = true;
      return [ACK];
    case DEFAULTS_AND_DISABLE:
    case SET_DEFAULTS:
      setDefaults(keyboard);
      keyboard.scanning = keyboard.scanning && command === SET_DEFAULTS;
      return [ACK];
    case RESEND:
      return [keyboard.lastSent];
    case RESET:
      setDefaults(keyboard);
      keyboard.scanning = true;
      keyboard.leds = 0;
      return [ACK, SELF_TEST_PASSED];
    default:
      return [RESEND];
  }
}

function setDefaults(keyboard: KeyboardState): void {
  keyboard.keys = [];
  keyboard.scanCodeSet = 2;
  keyboard.typematic = DEFAULT_TYPEMATIC;
  keyboard.keyTypes.set(DEFAULT_KEY_TYPES);
}
