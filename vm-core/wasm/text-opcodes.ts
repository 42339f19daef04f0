/** The instructions that the builder writes, by their opcodes: name and immediates (WebAssembly core §5.4, §6.5). */
import { binaryOpcodes, conversionOpcodes, loadOpcodes, storeOpcodes, unaryOpcodes } from './opcodes.ts';
import { laneOperations, operations } from './vector-opcodes.ts';

/**
 * What follows an opcode: nothing, a signed number, one or two unsigned ones, a memory argument, a block type, a table of
 * labels, a lane, or 16 bytes.
 */
export type Immediate = 'none' | 'number' | 'index' | 'two' | 'memory' | 'block' | 'table' | 'lane' | 'bytes';

/** An instruction of the text format. */
export interface TextOpcode {
  readonly name: string;
  readonly immediate: Immediate;
}

/** Opcodes behind a prefix have it as their upper byte. */
export const textOpcodes: ReadonlyMap<number, TextOpcode> = makeOpcodes();

/** The prefixes, behind which a LEB128 number follows. */
export const PREFIXES: ReadonlySet<number> = new Set([0xfc, 0xfd]);

function makeOpcodes(): ReadonlyMap<number, TextOpcode> {
  const opcodes = new Map<number, TextOpcode>();
  const add = (immediate: Immediate, names: Readonly<Record<string, number | undefined>>): void => {
    for (const [name, code] of Object.entries(names)) {
      if (code !== undefined && !opcodes.has(code)) opcodes.set(code, { name, immediate });
    }
  };
  add('block', { block: 0x02, loop: 0x03, if: 0x04 });
  add('none', { unreachable: 0x00, else: 0x05, end: 0x0b, return: 0x0f, drop: 0x1a, select: 0x1b });
  add('index', { br: 0x0c, br_if: 0x0d, call: 0x10, 'local.get': 0x20, 'local.set': 0x21, 'local.tee': 0x22 });
  add('table', { br_table: 0x0e });
  add('two', { call_indirect: 0x11, return_call_indirect: 0x13 });
  add('number', { 'i32.const': 0x41, 'i64.const': 0x42 });
  add('none', conversionOpcodes);
  for (const [name, [i32, i64]] of [...Object.entries(binaryOpcodes), ...Object.entries(unaryOpcodes)]) {
    add('none', { [`i32.${snakeCase(name)}`]: i32, [`i64.${snakeCase(name)}`]: i64 });
  }
  for (const [type, whole] of [['i32', '32'] as const, ['i64', '64'] as const]) {
    for (const [bits, pair] of Object.entries(loadOpcodes[type])) {
      const [unsigned, signed] = bits === whole ? ['', ''] : [`${bits}_u`, `${bits}_s`];
      add('memory', { [`${type}.load${unsigned}`]: pair?.[0], [`${type}.load${signed}`]: pair?.[1] });
    }
    for (const [bits, code] of Object.entries(storeOpcodes[type])) {
      add('memory', { [`${type}.store${bits === whole ? '' : bits}`]: code });
    }
  }
  add('memory', { 'v128.load': 0xfd00, 'v128.store': 0xfd0b, 'v128.load32_zero': 0xfd5c, 'v128.load64_zero': 0xfd5d });
  add('bytes', { 'v128.const': 0xfd0c, 'i8x16.shuffle': 0xfd0d });
  for (const [immediate, table] of [['none', operations] as const, ['lane', laneOperations] as const]) {
    add(immediate, Object.fromEntries(Object.entries(table).map(([name, { opcode }]) => [name, opcode])));
  }
  return opcodes;
}

/** `shrU` is `shr_u` in the text format, `extend8S` is `extend8_s`. */
function snakeCase(name: string): string {
  return name.replace(/[US]$/, (letter) => `_${letter.toLowerCase()}`);
}
