/**
 * PS/2 set-1 scan codes of every key that `KeyboardEvent.code` names (IBM PS/2 Technical Reference, keyboard section; UI
 * Events KeyboardEvent code Values, W3C). (A table: exempt from the length limit.)
 */

/** Code of the key in hexadecimal; `E0` before it marks an extended key. */
const KEYS = `
  Escape 01  Digit1 02  Digit2 03  Digit3 04  Digit4 05  Digit5 06  Digit6 07  Digit7 08  Digit8 09  Digit9 0A
  Digit0 0B  Minus 0C  Equal 0D  Backspace 0E
  Tab 0F  KeyQ 10  KeyW 11  KeyE 12  KeyR 13  KeyT 14  KeyY 15  KeyU 16  KeyI 17  KeyO 18  KeyP 19
  BracketLeft 1A  BracketRight 1B  Enter 1C
  ControlLeft 1D  KeyA 1E  KeyS 1F  KeyD 20  KeyF 21  KeyG 22  KeyH 23  KeyJ 24  KeyK 25  KeyL 26  Semicolon 27
  Quote 28  Backquote 29
  ShiftLeft 2A  Backslash 2B  KeyZ 2C  KeyX 2D  KeyC 2E  KeyV 2F  KeyB 30  KeyN 31  KeyM 32  Comma 33  Period 34
  Slash 35  ShiftRight 36  NumpadMultiply 37  AltLeft 38  Space 39  CapsLock 3A
  F1 3B  F2 3C  F3 3D  F4 3E  F5 3F  F6 40  F7 41  F8 42  F9 43  F10 44  NumLock 45  ScrollLock 46
  Numpad7 47  Numpad8 48  Numpad9 49  NumpadSubtract 4A  Numpad4 4B  Numpad5 4C  Numpad6 4D  NumpadAdd 4E
  Numpad1 4F  Numpad2 50  Numpad3 51  Numpad0 52  NumpadDecimal 53
  IntlBackslash 56  F11 57  F12 58  NumpadEqual 59
  F13 64  F14 65  F15 66  F16 67  F17 68  F18 69  F19 6A  F20 6B  F21 6C  F22 6D  F23 6E  F24 76
  KanaMode 70  IntlRo 73  Convert 79  NonConvert 7B  IntlYen 7D  NumpadComma 7E
  MediaTrackPrevious E010  MediaTrackNext E019  NumpadEnter E01C  ControlRight E01D  AudioVolumeMute E020
  LaunchApp2 E021  MediaPlayPause E022  MediaStop E024  AudioVolumeDown E02E  AudioVolumeUp E030  BrowserHome E032
  NumpadDivide E035  AltRight E038
  Home E047  ArrowUp E048  PageUp E049  ArrowLeft E04B  ArrowRight E04D  End E04F  ArrowDown E050  PageDown E051
  Insert E052  Delete E053
  MetaLeft E05B  MetaRight E05C  ContextMenu E05D  Power E05E  Sleep E05F  WakeUp E063
  BrowserSearch E065  BrowserFavorites E066  BrowserRefresh E067  BrowserStop E068  BrowserForward E069
  BrowserBack E06A  LaunchApp1 E06B  LaunchMail E06C  MediaSelect E06D
`;

/** What a key sends when it goes down and when it comes up. */
export interface KeyCodes {
  readonly make: readonly number[];
  readonly break: readonly number[];
}

/** Release codes have bit 7 set. */
const RELEASED = 0x80;

function keyCodes(digits: string): KeyCodes {
  const code = Number.parseInt(digits.slice(-2), 16);
  const prefix = digits.length > 2 ? [0xe0] : [];
  return { make: [...prefix, code], break: [...prefix, code | RELEASED] };
}

const keys: ReadonlyMap<string, KeyCodes> = new Map(
  KEYS.trim()
    .split(/\s{2,}/)
    .map((entry) => entry.split(' ') as [string, string])
    .map(([name, digits]) => [name, keyCodes(digits)]),
);

/** Keys whose codes depend on the modifiers that are held. */
const PAUSE: KeyCodes = { make: [0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5], break: [] };
const CONTROL_PAUSE: KeyCodes = { make: [0xe0, 0x46, 0xe0, 0xc6], break: [] };
const PRINT_SCREEN: KeyCodes = { make: [0xe0, 0x2a, 0xe0, 0x37], break: [0xe0, 0xb7, 0xe0, 0xaa] };
const SHIFT_PRINT_SCREEN: KeyCodes = { make: [0xe0, 0x37], break: [0xe0, 0xb7] };
const ALT_PRINT_SCREEN: KeyCodes = { make: [0x54], break: [0xd4] };

const holdsOne = (held: ReadonlySet<string>, name: string): boolean =>
  held.has(`${name}Left`) || held.has(`${name}Right`);

/** The codes of a key while the keys in `held` are down; undefined for keys that a PC keyboard does not have. */
export function scanCodesOf(code: string, held: ReadonlySet<string>): KeyCodes | undefined {
  if (code === 'Pause') return holdsOne(held, 'Control') ? CONTROL_PAUSE : PAUSE;
  if (code === 'PrintScreen') {
    if (holdsOne(held, 'Alt')) return ALT_PRINT_SCREEN;
    return holdsOne(held, 'Control') || holdsOne(held, 'Shift') ? SHIFT_PRINT_SCREEN : PRINT_SCREEN;
  }
  return keys.get(code);
}

/** Every code that has one fixed pair of scan codes. */
export const fixedKeyCodes: ReadonlyMap<string, KeyCodes> = keys;
