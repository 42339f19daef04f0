/** Bodies of WebAssembly functions as text, one instruction a line, for golden files (WebAssembly core §5.4, §6.5). */
import { binaryOpcodes, loadOpcodes, storeOpcodes, unaryOpcodes } from './opcodes.ts';

/** What follows an opcode: nothing, a signed number, one or two unsigned ones, a memory argument, a block type, a table of labels. */
type Immediate = 'none' | 'number' | 'index' | 'two' | 'memory' | 'block' | 'table';

interface Opcode {
  readonly name: string;
  readonly immediate: Immediate;
}

const CODE_SECTION = 10;

const opcodes = new Map<number, Opcode>([
  [0x00, { name: 'unreachable', immediate: 'none' }],
  [0x02, { name: 'block', immediate: 'block' }],
  [0x03, { name: 'loop', immediate: 'block' }],
  [0x04, { name: 'if', immediate: 'block' }],
  [0x05, { name: 'else', immediate: 'none' }],
  [0x0b, { name: 'end', immediate: 'none' }],
  [0x0c, { name: 'br', immediate: 'index' }],
  [0x0d, { name: 'br_if', immediate: 'index' }],
  [0x0e, { name: 'br_table', immediate: 'table' }],
  [0x0f, { name: 'return', immediate: 'none' }],
  [0x10, { name: 'call', immediate: 'index' }],
  [0x11, { name: 'call_indirect', immediate: 'two' }],
  [0x1b, { name: 'select', immediate: 'none' }],
  [0x20, { name: 'local.get', immediate: 'index' }],
  [0x21, { name: 'local.set', immediate: 'index' }],
  [0x22, { name: 'local.tee', immediate: 'index' }],
  [0x41, { name: 'i32.const', immediate: 'number' }],
  [0x42, { name: 'i64.const', immediate: 'number' }],
  [0x45, { name: 'i32.eqz', immediate: 'none' }],
  [0x50, { name: 'i64.eqz', immediate: 'none' }],
  [0xa7, { name: 'i32.wrap_i64', immediate: 'none' }],
  [0xac, { name: 'i64.extend_i32_s', immediate: 'none' }],
  [0xad, { name: 'i64.extend_i32_u', immediate: 'none' }],
]);

function add(code: number | undefined, name: string, immediate: Immediate): void {
  if (code !== undefined && !opcodes.has(code)) opcodes.set(code, { name, immediate });
}

for (const [name, [i32, i64]] of [...Object.entries(binaryOpcodes), ...Object.entries(unaryOpcodes)]) {
  add(i32, `i32.${name}`, 'none');
  add(i64, `i64.${name}`, 'none');
}
for (const type of ['i32', 'i64'] as const) {
  for (const [bits, pair] of Object.entries(loadOpcodes[type])) {
    add(pair?.[0], `${type}.load${bits}`, 'memory');
    add(pair?.[1], `${type}.load${bits}_s`, 'memory');
  }
  for (const [bits, code] of Object.entries(storeOpcodes[type])) add(code, `${type}.store${bits}`, 'memory');
}

/** The instructions of a module's function, the first that it defines being number 0. */
export function functionText(module: Uint8Array, index: number): string {
  const { reader, end } = bodyOf(module, index);
  for (let runs = reader.unsigned(); runs > 0; runs--) {
    reader.unsigned();
    reader.byte();
  }
  return instructions(reader, end);
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

function instructions(reader: Reader, end: number): string {
  const lines: string[] = [];
  let depth = 0;
  while (reader.at < end) {
    const code = reader.byte();
    const opcode = opcodes.get(code);
    if (!opcode) throw new Error(`no text for opcode ${code.toString(16)}`);
    if (opcode.name === 'end' || opcode.name === 'else') depth--;
    lines.push('  '.repeat(Math.max(depth, 0)) + [opcode.name, ...immediates(reader, opcode.immediate)].join(' '));
    if (opcode.immediate === 'block' || opcode.name === 'else') depth++;
  }
  return `${lines.join('\n')}\n`;
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
