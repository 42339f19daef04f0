/** Code page 437, the character set of the PC's fonts, as Unicode; codes below 20h are the glyphs that the screen shows. */

const ROWS = [
  '\u0000☺☻♥♦♣♠•◘○◙♂♀♪♫☼',
  '►◄↕‼¶§▬↨↑↓→←∟↔▲▼',
  ' !"#$%&\'()*+,-./',
  '0123456789:;<=>?',
  '@ABCDEFGHIJKLMNO',
  'PQRSTUVWXYZ[\\]^_',
  '`abcdefghijklmno',
  'pqrstuvwxyz{|}~⌂',
  'ÇüéâäàåçêëèïîìÄÅ',
  'ÉæÆôöòûùÿÖÜ¢£¥₧ƒ',
  'áíóúñÑªº¿⌐¬½¼¡«»',
  '░▒▓│┤╡╢╖╕╣║╗╝╜╛┐',
  '└┴┬├─┼╞╟╚╔╩╦╠═╬╧',
  '╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀',
  'αßΓπΣσµτΦΘΩδ∞φε∩',
  '≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0',
];

/** The character of every code; one UTF-16 unit each. */
export const codePage437: string = ROWS.join('');

/** Codes as text. Code 0 and the hard space are blanks on the screen and become spaces. */
export function codePage437Text(codes: Uint8Array): string {
  let text = '';
  for (const code of codes) text += code === 0 || code === 0xff ? ' ' : codePage437[code];
  return text;
}
