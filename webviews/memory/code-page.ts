/** Code page 437, the characters of a PC's text screen, as a table: how bytes are shown as text, and text is looked for. */

/** The character of every byte; the control codes as the pictures that a PC shows for them, 0 and 255 as spaces. */
const CODE_PAGE_437: string =
  ' ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼' +
  ' !"#$%&\'()*+,-./0123456789:;<=>?' +
  '@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_' +
  '`abcdefghijklmnopqrstuvwxyz{|}~⌂' +
  'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ' +
  'áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐' +
  '└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀' +
  'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0';

/** How the text column reads bytes. */
export type CharacterSet = 'ascii' | 'cp437';

/** A byte in the text column; a dot stands for what ASCII cannot show. */
export function characterOf(byte: number, set: CharacterSet): string {
  if (set === 'ascii' && (byte < 0x20 || byte > 0x7e)) return '.';
  return CODE_PAGE_437[byte] as string;
}

/** The byte of a character that was typed; undefined if the code page does not have it. */
export function byteOf(character: string): number | undefined {
  if (character === ' ') return 0x20;
  const byte = CODE_PAGE_437.indexOf(character);
  return byte < 0 || character.length !== 1 ? undefined : byte;
}
