/**
 * Keys written as text, as the scan codes that a keyboard sends for them: set 1 of the PS/2 keyboard, US layout
 * (IBM PS/2 Technical Reference, "Keyboard scan codes").
 */

/** Codes of the keys that carry characters, row by row; one code after the other from the first. */
const ROWS: readonly (readonly [first: number, plain: string, shifted: string])[] = [
  [0x02, '1234567890-=', '!@#$%^&*()_+'],
  [0x10, 'qwertyuiop[]', 'QWERTYUIOP{}'],
  [0x1e, "asdfghjkl;'`", 'ASDFGHJKL:"~'],
  [0x2b, '\\zxcvbnm,./', '|ZXCVBNM<>?'],
  [0x39, ' ', ''],
];

/** Bit that marks the release of a key. */
const BREAK = 0x80;
/** Comes before the codes of keys that the first PC keyboard did not have. */
const EXTENDED = 0xe0;

const NAMED: Readonly<Record<string, readonly number[]>> = {
  esc: [0x01],
  backspace: [0x0e],
  tab: [0x0f],
  enter: [0x1c],
  space: [0x39],
  capslock: [0x3a],
  numlock: [0x45],
  scrolllock: [0x46],
  ...Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`f${index + 1}`, [0x3b + index]])),
  f11: [0x57],
  f12: [0x58],
  home: [EXTENDED, 0x47],
  up: [EXTENDED, 0x48],
  pageup: [EXTENDED, 0x49],
  left: [EXTENDED, 0x4b],
  right: [EXTENDED, 0x4d],
  end: [EXTENDED, 0x4f],
  down: [EXTENDED, 0x50],
  pagedown: [EXTENDED, 0x51],
  insert: [EXTENDED, 0x52],
  delete: [EXTENDED, 0x53],
};

const MODIFIERS: Readonly<Record<string, readonly number[]>> = {
  ctrl: [0x1d],
  shift: [0x2a],
  alt: [0x38],
};

interface Key {
  readonly code: readonly number[];
  readonly shifted: boolean;
}

const CHARACTERS: ReadonlyMap<string, Key> = new Map(
  ROWS.flatMap(([first, plain, shifted]) =>
    [plain, shifted].flatMap((characters, row) =>
      [...characters].map((character, index) => [character, { code: [first + index], shifted: row === 1 }] as const),
    ),
  ),
);

/** The names that may stand between `<` and `>`, for messages. */
export const keyNames: readonly string[] = [...Object.keys(NAMED), 'lt'];

/**
 * One entry per key with all that pressing and releasing it sends. Throws an Error that names the key it does not know.
 */
export function keyStrokes(text: string): Uint8Array[] {
  const strokes: Uint8Array[] = [];
  for (const [written, name] of text.matchAll(/<([^<>]*)>|\r\n|./gsu)) {
    if (name !== undefined) strokes.push(namedStroke(name));
    else if (/[\r\n]/.test(written)) strokes.push(stroke(named('enter'), []));
    else strokes.push(stroke(written === '\t' ? named('tab') : character(written), []));
  }
  return strokes;
}

/** `enter`, `ctrl-c`, `ctrl-alt-delete`, `lt`. */
function namedStroke(name: string): Uint8Array {
  const parts = name.split('-');
  const last = name.endsWith('--') ? '-' : (parts.at(-1) ?? '');
  const modifiers = name.slice(0, Math.max(0, name.length - last.length - 1));
  const held = modifiers === '' ? [] : modifiers.toLowerCase().split('-');
  const codes = held.map((modifier) => {
    const code = Object.hasOwn(MODIFIERS, modifier) ? MODIFIERS[modifier] : undefined;
    if (code === undefined) throw new Error(`<${name}>: ${modifier} is none of ${Object.keys(MODIFIERS).join(', ')}`);
    return code;
  });
  if (last.toLowerCase() === 'lt') return stroke(character('<'), codes);
  return stroke([...last].length === 1 && codes.length > 0 ? character(last) : named(last, name), codes);
}

function named(key: string, written: string = key): Key {
  const name = key.toLowerCase();
  const code = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
  if (code === undefined) throw new Error(`<${written}> is no key; the names are ${keyNames.join(', ')}`);
  return { code, shifted: false };
}

function character(written: string): Key {
  const key = CHARACTERS.get(written);
  if (key === undefined) throw new Error(`${JSON.stringify(written)} is not on a US keyboard`);
  return key;
}

function stroke({ code, shifted }: Key, held: readonly (readonly number[])[]): Uint8Array {
  const keys = [...held, ...(shifted ? [MODIFIERS['shift'] ?? []] : []), code];
  return Uint8Array.from([...keys.flat(), ...keys.toReversed().flatMap(release)]);
}

function release(code: readonly number[]): number[] {
  return code.map((byte) => (byte === EXTENDED ? byte : byte | BREAK));
}
