/** Numeric operations of WebAssembly by name (a table of WebAssembly core §5.4.5). */

/** Two operands of one type; comparisons give i32. [i32 opcode, i64 opcode, is a comparison] */
export const binaryOpcodes = {
  eq: [0x46, 0x51, true],
  ne: [0x47, 0x52, true],
  ltS: [0x48, 0x53, true],
  ltU: [0x49, 0x54, true],
  gtS: [0x4a, 0x55, true],
  gtU: [0x4b, 0x56, true],
  leS: [0x4c, 0x57, true],
  leU: [0x4d, 0x58, true],
  geS: [0x4e, 0x59, true],
  geU: [0x4f, 0x5a, true],
  add: [0x6a, 0x7c, false],
  sub: [0x6b, 0x7d, false],
  mul: [0x6c, 0x7e, false],
  divS: [0x6d, 0x7f, false],
  divU: [0x6e, 0x80, false],
  remS: [0x6f, 0x81, false],
  remU: [0x70, 0x82, false],
  and: [0x71, 0x83, false],
  or: [0x72, 0x84, false],
  xor: [0x73, 0x85, false],
  shl: [0x74, 0x86, false],
  shrS: [0x75, 0x87, false],
  shrU: [0x76, 0x88, false],
  rotl: [0x77, 0x89, false],
  rotr: [0x78, 0x8a, false],
} as const;
export type BinaryOperation = keyof typeof binaryOpcodes;

/** Those whose operands may change places. */
export const commutative: ReadonlySet<BinaryOperation> = new Set(['add', 'mul', 'and', 'or', 'xor', 'eq', 'ne']);

/** One operand. [i32 opcode, i64 opcode] */
export const unaryOpcodes = {
  clz: [0x67, 0x79],
  ctz: [0x68, 0x7a],
  popcnt: [0x69, 0x7b],
  extend8S: [0xc0, 0xc2],
  extend16S: [0xc1, 0xc3],
} as const;
export type UnaryOperation = keyof typeof unaryOpcodes;

/** One operand, and a result of another type. */
export const conversionOpcodes = {
  'i32.eqz': 0x45,
  'i64.eqz': 0x50,
  'i32.wrap_i64': 0xa7,
  'i64.extend_i32_s': 0xac,
  'i64.extend_i32_u': 0xad,
  'f64.convert_i32_u': 0xb8,
  'f64.convert_i64_s': 0xb9,
} as const;

/** Loads by type and width in bits: [opcode zero-extending, opcode sign-extending]. */
export const loadOpcodes = {
  i32: { 8: [0x2d, 0x2c], 16: [0x2f, 0x2e], 32: [0x28, 0x28], 64: undefined },
  i64: { 8: [0x31, 0x30], 16: [0x33, 0x32], 32: [0x35, 0x34], 64: [0x29, 0x29] },
} as const;

export const storeOpcodes = {
  i32: { 8: 0x3a, 16: 0x3b, 32: 0x36, 64: undefined },
  i64: { 8: 0x3c, 16: 0x3d, 32: 0x3e, 64: 0x37 },
} as const;
export type Bits = 8 | 16 | 32 | 64;
