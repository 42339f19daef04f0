/** How values are written for the user: fixed-width hexadecimal, with a decimal or character reading where it helps. */

/** Notations an expression can ask for behind a comma: `eax,d`. */
export type Notation = 'x' | 'd' | 'b' | 'c';

/** Splits `expression,d` into the expression and the notation it asks for. */
export function splitNotation(text: string): { readonly expression: string; readonly notation: Notation | undefined } {
  const match = /^(.*),\s*([xdbc])\s*$/s.exec(text);
  if (!match) return { expression: text, notation: undefined };
  return { expression: match[1] as string, notation: match[2] as Notation };
}

/** `0x` and as many digits as `width` bits need; a single bit is just 0 or 1. */
export function formatHex(value: number | bigint, width: number): string {
  if (width === 1) return String(value);
  return `0x${digitsOf(value).padStart(Math.ceil(width / 4), '0')}`;
}

/** Addresses in the upper half of 64-bit mode are negative numbers. */
function digitsOf(value: number | bigint): string {
  return (value < 0 ? BigInt.asUintN(64, BigInt(value)) : value).toString(16);
}

/** A value in the notation asked for. Decimal is signed when the top bit is set, both readings given. */
export function formatValue(value: number | bigint, width: number, notation: Notation = 'x'): string {
  switch (notation) {
    case 'x':
      return formatHex(value, width);
    case 'd': {
      const signed = width > 1 ? BigInt.asIntN(width, BigInt(value)) : BigInt(value);
      return signed === BigInt(value) ? String(value) : `${signed} (${value} unsigned)`;
    }
    case 'b':
      return `0b${value.toString(2).padStart(width, '0')}`;
    case 'c':
      return value >= 0x20 && value < 0x7f ? `'${String.fromCharCode(Number(value))}'` : formatHex(value, 8);
  }
}

/** A real-mode style address: `0000:7C00`, or `0008:00007C00` for 32-bit offsets. */
export function formatFar(selector: number, offset: number, codeSize: 16 | 32 | 64): string {
  const digits = codeSize / 4;
  const upper = (value: number, width: number): string => digitsOf(value).toUpperCase().padStart(width, '0');
  return `${upper(selector, 4)}:${upper(offset, digits)}`;
}
