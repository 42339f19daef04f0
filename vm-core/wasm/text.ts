/** Bodies of WebAssembly functions as text, one instruction a line (WebAssembly core §5.4, §6.5). */
import { type Immediate, PREFIXES, textOpcodes } from './text-opcodes.ts';

const CODE_SECTION = 10;

/** An instruction of a function. */
export interface InstructionLine {
  /** With two spaces for every structure around it. */
  readonly text: string;
  /** How many bytes lie between it and the function's first instruction. */
  readonly at: number;
}

/** The instructions of a module's function, the first that it defines being number 0. */
export function functionLines(module: Uint8Array, index: number): readonly InstructionLine[] {
  const { reader, end } = bodyOf(module, index);
  for (let runs = reader.unsigned(); runs > 0; runs--) {
    reader.unsigned();
    reader.byte();
  }
  return instructions(reader, end);
}

/** The same as one text. */
export function functionText(module: Uint8Array, index: number): string {
  return functionLines(module, index)
    .map(({ text }) => `${text}\n`)
    .join('');
}

/** The length of its body in bytes. */
export function functionSize(module: Uint8Array, index: number): number {
  const { reader, end } = bodyOf(module, index);
  return end - reader.at;
}

function bodyOf(module: Uint8Array, index: number): { readonly reader: Reader; readonly end: number } {
  const reader = new Reader(module, 8);
  for (;;) {
    const section = reader.byte();
    const size = reader.unsigned();
    if (section === CODE_SECTION) break;
    reader.at += size;
  }
  reader.unsigned();
  for (let n = 0; n < index; n++) {
    const size = reader.unsigned();
    reader.at += size;
  }
  const size = reader.unsigned();
  return { reader, end: reader.at + size };
}

function instructions(reader: Reader, end: number): readonly InstructionLine[] {
  const start = reader.at;
  const lines: InstructionLine[] = [];
  let depth = 0;
  while (reader.at < end) {
    const at = reader.at - start;
    const code = reader.opcode();
    const opcode = textOpcodes.get(code);
    if (!opcode) throw new Error(`no text for opcode ${code.toString(16)}`);
    const { name, immediate } = opcode;
    if (name === 'end' || name === 'else') depth--;
    const indented = '  '.repeat(Math.max(depth, 0)) + name;
    lines.push({ text: [indented, ...immediates(reader, immediate)].join(' '), at });
    if (immediate === 'block' || name === 'else') depth++;
  }
  return lines;
}

function immediates(reader: Reader, kind: Immediate): readonly (string | number | bigint)[] {
  switch (kind) {
    case 'none':
      return [];
    case 'number':
      return [reader.signed()];
    case 'index':
      return [reader.unsigned()];
    case 'two':
      return [reader.unsigned(), reader.unsigned()];
    case 'memory':
      reader.unsigned();
      return [`offset=${reader.unsigned()}`];
    case 'block':
      reader.byte();
      return [];
    case 'lane':
      return [reader.byte()];
    case 'bytes':
      return Array.from({ length: 16 }, () => reader.byte());
    default:
      return Array.from({ length: reader.unsigned() + 1 }, () => reader.unsigned());
  }
}

class Reader {
  at: number;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.#bytes[this.at++] as number;
  }

  opcode(): number {
    const first = this.byte();
    return PREFIXES.has(first) ? (first << 8) | this.unsigned() : first;
  }

  unsigned(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  signed(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(Number(shift) + 7, value);
    }
  }
}
