/** Base64 (RFC 4648 §4), which neither the language nor every host of a session has. */

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES: ReadonlyMap<string, number> = new Map([...ALPHABET].map((character, value) => [character, value]));

/** Encodes with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const characters = [18, 12, 6, 0].map((shift) => ALPHABET.charAt((group >> shift) & 63)).join('');
    parts.push(left >= 3 ? characters : characters.slice(0, left + 1).padEnd(4, '='));
  }
  return parts.join('');
}

/** Decodes, with or without padding; undefined if the text is not base64. */
export function decodeBase64(text: string): Uint8Array | undefined {
  const characters = text.replace(/={1,2}$/, '');
  if (characters.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((characters.length * 3) / 4));
  let group = 0;
  for (let index = 0; index < characters.length; index++) {
    const value = VALUES.get(characters.charAt(index));
    if (value === undefined) return undefined;
    group = (group << 6) | value;
    const bits = ((index + 1) * 6) % 8;
    if (index % 4 !== 0) bytes[Math.floor((index * 3) / 4)] = (group >> bits) & 0xff;
  }
  return bytes;
}
