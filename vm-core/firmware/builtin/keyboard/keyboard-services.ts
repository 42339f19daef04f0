/**
 * INT 16h: the keys of the buffer (IBM PS/2 BIOS Interface Technical Reference, "Interrupt 16h"). The functions 10h–12h
 * know all keys of a 101-key keyboard; the old ones see what an 84-key keyboard could have sent.
 */
import type { FirmwareContext } from '../../firmware.ts';
import { bda } from '../bios-data.ts';
import type { Caller } from '../caller.ts';
import type { Service, ServiceResult } from '../service.ts';
import { dropKey, peekKey, putKey } from './key-buffer.ts';
import { updateLights } from './lights.ts';

const row = (ah: number, name: string, run: (caller: Caller) => ServiceResult): Service => ({
  interrupt: 0x16,
  function: { ah },
  name,
  run,
});

/** Character codes that mark keys which only 101-key keyboards have. */
const GRAY_KEY = 0xe0;
const NEW_KEY = 0xf0;
const SCAN_ENTER = 0x1c;
const SCAN_SLASH = 0x35;
/** Scan codes above are new: F11, F12 and combinations. */
const OLD_SCAN_MAX = 0x84;

/** The same key as functions 00h and 01h tell it, or undefined for one that they do not know. */
function oldCode(code: number): number | undefined {
  const scan = code >> 8;
  const character = code & 0xff;
  if (scan === GRAY_KEY) return ((character === 0x2f ? SCAN_SLASH : SCAN_ENTER) << 8) | character;
  if (scan > OLD_SCAN_MAX) return undefined;
  if (character === NEW_KEY && scan !== 0) return undefined;
  return character === GRAY_KEY && scan !== 0 ? scan << 8 : code;
}

/** Functions 10h and 11h hide nothing but the mark. */
function newCode(code: number): number {
  const scan = code >> 8;
  return (code & 0xff) === NEW_KEY && scan !== 0 ? scan << 8 : code;
}

/** The first key that a function can tell; the ones before are lost, as on the AT. */
function firstKey(context: FirmwareContext, translate: (code: number) => number | undefined): number | undefined {
  for (let code = peekKey(context); code !== undefined; code = peekKey(context)) {
    const translated = translate(code);
    if (translated !== undefined) return translated;
    dropKey(context);
  }
  return undefined;
}

const readKey =
  (translate: (code: number) => number | undefined) =>
  (caller: Caller): ServiceResult => {
    const code = firstKey(caller.context, translate);
    if (code === undefined) return 'wait';
    dropKey(caller.context);
    caller.ax = code;
    return undefined;
  };

const checkKey =
  (translate: (code: number) => number | undefined) =>
  (caller: Caller): undefined => {
    // Programs change the locks in the BIOS data area too; the lights follow when they look for a key.
    updateLights(caller.context);
    const code = firstKey(caller.context, translate);
    caller.zero = code === undefined;
    if (code !== undefined) caller.ax = code;
  };

function getShiftFlags(caller: Caller): undefined {
  caller.al = caller.memory.read(bda.KEYBOARD_FLAGS_1, 1);
}

/** Bits 2–7 of AH: the right-hand keys, SysRq, and the locks that are held. */
function getExtendedShiftFlags(caller: Caller): undefined {
  getShiftFlags(caller);
  const flags2 = caller.memory.read(bda.KEYBOARD_FLAGS_2, 1);
  const flags3 = caller.memory.read(bda.KEYBOARD_FLAGS_3, 1);
  caller.ah = (flags2 & 0x73) | (flags3 & 0x0c) | ((flags2 & 0x04) << 5);
}

const KEYBOARD_DATA = 0x60;
const KEYBOARD_STATUS = 0x64;
const SET_TYPEMATIC = 0xf3;
const SLOWEST = 0x1f;
const SLOWEST_DELAY = 3;

/** AL = 05h sets repeat rate (BL) and delay (BH); the bytes go to the keyboard if its controller takes them. */
function setTypematic(caller: Caller): undefined {
  const { ports } = caller.context;
  if (caller.al !== 5 || caller.bl > SLOWEST || caller.bh > SLOWEST_DELAY) return;
  for (const byte of [SET_TYPEMATIC, (caller.bh << 5) | caller.bl]) {
    if ((ports.read(KEYBOARD_STATUS, 1) & 2) === 0) ports.write(KEYBOARD_DATA, 1, byte);
  }
}

/** Functions 10h–12h, 0Ah, and 03h with AL = 05h. */
const FUNCTIONS = 0x34;
/** What a 101-key keyboard behind a translating controller calls itself: ABh, 41h. */
const KEYBOARD_ID = 0x41ab;

export const keyboardServices: readonly Service[] = [
  row(0x00, 'read key', readKey(oldCode)),
  row(0x01, 'check for key', checkKey(oldCode)),
  row(0x02, 'get shift flags', getShiftFlags),
  row(0x03, 'set typematic rate and delay', setTypematic),
  row(0x05, 'put key into the buffer', (caller) => {
    caller.al = putKey(caller.context, caller.cx) ? 0 : 1;
  }),
  row(0x09, 'get supported functions', (caller) => {
    caller.al = FUNCTIONS;
  }),
  row(0x0a, 'get keyboard ID', (caller) => {
    caller.bx = KEYBOARD_ID;
  }),
  row(0x10, 'read key, 101-key keyboard', readKey(newCode)),
  row(0x11, 'check for key, 101-key keyboard', checkKey(newCode)),
  row(0x12, 'get extended shift flags', getExtendedShiftFlags),
];
