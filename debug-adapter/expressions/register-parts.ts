/**
 * Names of everything in a register that can be read and written on its own: whole registers of the table, the 32-, 16-
 * and 8-bit parts of the general ones (SDM vol. 1 §3.4.1), and bit fields (`EFLAGS.IF`, `CR0.PE`; those of EFLAGS also bare).
 */
import type { CpuState, Register } from '../../vm-core/index.ts';
import { registers } from '../../vm-core/index.ts';

/** Bits `low`…`low + width - 1` of a register. */
export interface RegisterPart {
  /** The name as the manual writes it. */
  readonly name: string;
  readonly register: Register;
  readonly low: number;
  readonly width: number;
  readonly description: string;
  /** What the bits of a lane of a vector are; of any other part they are an unsigned number. */
  readonly lane?: 'unsigned' | 'signed' | 'single' | 'double';
}

interface PartRow {
  readonly register: string;
  readonly name: string;
  readonly low: number;
  readonly width: number;
}

const word = (register: string, name: string): PartRow => ({ register, name, low: 0, width: 16 });
const byte = (register: string, name: string): PartRow => ({ register, name, low: 0, width: 8 });

/** Of each register the widest first; what a register of 32 bits has its whole of 64 has, too. */
const partRows: readonly PartRow[] = [
  ...['A', 'C', 'D', 'B'].flatMap((letter) => {
    const parts = (register: string): readonly PartRow[] => [
      word(register, `${letter}X`),
      { register, name: `${letter}H`, low: 8, width: 8 },
      byte(register, `${letter}L`),
    ];
    return [...parts(`E${letter}X`), half(`R${letter}X`, `E${letter}X`), ...parts(`R${letter}X`)];
  }),
  ...['SP', 'BP', 'SI', 'DI'].flatMap((name) => [
    word(`E${name}`, name),
    half(`R${name}`, `E${name}`),
    word(`R${name}`, name),
    byte(`R${name}`, `${name}L`),
  ]),
  ...['8', '9', '10', '11', '12', '13', '14', '15'].flatMap((number) => [
    half(`R${number}`, `R${number}D`),
    word(`R${number}`, `R${number}W`),
    byte(`R${number}`, `R${number}B`),
  ]),
  ...[word('EIP', 'IP'), half('RIP', 'EIP'), word('RIP', 'IP')],
  word('EFLAGS', 'FLAGS'),
];

function half(register: string, name: string): PartRow {
  return { register, name, low: 0, width: 32 };
}

/** The parts of a register with names of their own (AX, AH and AL of EAX), widest first. */
export function namedParts(register: Register): readonly RegisterPart[] {
  return partRows
    .filter((row) => row.register === register.name)
    .map(({ name, low, width }) => ({ name, register, low, width, description: `part of ${register.name}` }));
}

/** The bit fields of a register, by the names that views show. */
export function fieldParts(register: Register): readonly RegisterPart[] {
  return (register.fields ?? []).map((field) => ({ ...field, register }));
}

/** The whole register as a part. */
export function wholePart(register: Register): RegisterPart {
  return { name: register.name, register, low: 0, width: register.size * 8, description: register.description };
}

const parts: ReadonlyMap<string, RegisterPart> = new Map(
  // Of a name that two registers have, the later one counts: EAX is that of the table, and so is what belongs to it.
  [...registers.filter(({ isLong }) => isLong), ...registers.filter(({ isLong }) => !isLong)].flatMap(
    (register): readonly (readonly [string, RegisterPart])[] => [
      [register.name.toUpperCase(), wholePart(register)],
      ...namedParts(register).map((part) => [part.name, part] as const),
      ...fieldParts(register).map((part) => [`${register.name}.${part.name}`.toUpperCase(), part] as const),
      ...(register.name === 'EFLAGS' ? fieldParts(register).map((part) => [part.name, part] as const) : []),
    ],
  ),
);

/** Finds a register, a part, a field or a lane by name in any case; undefined when there is none. */
export function findRegisterPart(name: string): RegisterPart | undefined {
  return parts.get(name.toUpperCase()) ?? findLane(name);
}

/** `xmm0.f32[1]`, `ymm3.u64[0]`, `mm2.i16[3]`: unsigned, signed and floating-point lanes. */
const LANE = /^((?:[XY]MM|MM)\d+)\.([UIF])(8|16|32|64)\[(\d+)\]$/;

/** A name of that form, whether there is such a lane or not. */
export function isLaneName(name: string): boolean {
  return LANE.test(name.toUpperCase());
}

function findLane(name: string): RegisterPart | undefined {
  const [whole, vector = '', kind, bits, index] = LANE.exec(name.toUpperCase()) ?? [];
  const register = whole === undefined ? undefined : parts.get(vector)?.register;
  if (whole === undefined || !register) return undefined;
  const width = Number(bits);
  const low = Number(index) * width;
  const isFloat = kind === 'F';
  if (low + width > register.size * 8 || (isFloat && (width < 32 || vector.startsWith('MM')))) return undefined;
  const lane = isFloat ? (width === 32 ? 'single' : 'double') : kind === 'I' ? 'signed' : 'unsigned';
  return { name: whole, register, low, width, description: `lane of ${register.name}`, lane };
}

/** Every name that `findRegisterPart` knows, upper case. */
export const registerPartNames: readonly string[] = [...parts.keys()];

/** True for parts that do not lie in the lower 32 bits of their register, with which expressions compute. */
export function isWide({ low, width }: RegisterPart): boolean {
  return low + width > 32;
}

/**
 * Reads a part as an unsigned number, exactly up to 53 bits. This is what conditions run on, so it goes without `bigint`
 * for all but wide parts.
 */
export function readPart(state: CpuState, part: RegisterPart): number {
  const { register, low, width } = part;
  if (isWide(part)) return Number(readExact(state, part));
  const whole = register.name === 'EFLAGS' || register.name === 'RFLAGS' ? state.eflags : state.read32(register.offset);
  return width === 32 ? whole >>> 0 : (whole >>> low) & ((1 << width) - 1);
}

/** Reads a part of any width. */
export function readExact(state: CpuState, { register, low, width }: RegisterPart): bigint {
  return BigInt.asUintN(width, state.readRegister(register) >> BigInt(low));
}

/** Writes a part and leaves the rest of the register alone; bits beyond its width are dropped. */
export function writePart(state: CpuState, part: RegisterPart, value: number | bigint): void {
  const mask = ((1n << BigInt(part.width)) - 1n) << BigInt(part.low);
  const kept = state.readRegister(part.register) & ~mask;
  state.writeRegister(part.register, kept | ((BigInt(value) << BigInt(part.low)) & mask));
}
