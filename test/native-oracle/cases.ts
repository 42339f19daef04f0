/**
 * Cases for the native oracle: an encoding of a form with registers, selectors and memory by chance, most of them such that
 * the operand lies in the data page, some at its end, in a read-only or unmapped page, or at no canonical address.
 */
import { Decoder } from '../../vm-core/isa/decoder.ts';
import { instructionRows } from '../../vm-core/isa/instruction-table.ts';
import { AC, ARITHMETIC_FLAGS, DF, ID, IF, NT, TF } from '../../vm-core/state/lazy-flags.ts';
import * as world from './case.ts';
import type { Case } from './case.ts';
import { bytesOf, type Encoded, Encoder, type Form } from '../../scripts/differential/encoder.ts';
import { oneOf, type RandomWords, randomWords } from '../../scripts/differential/random.ts';
import { aimIndices } from './gathers.ts';
import { prepare } from './preparations.ts';
import { anyArea, hasArea, prepareArea } from './state-areas.ts';
import { anyState, fillDecimal, fillExtended, fillVector } from '../../scripts/differential/unit-state.ts';

const EDGES = [0n, 1n, 2n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn];
const WIDE_EDGES = [1n << 32n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n, 0xffff_ffff_8000_0000n];

/** Selectors that data segment registers can hold from the start. */
const DATA_SELECTORS = [0x2b, 0x2b, 0x2b, 0x2b, 0x23, 0x07, 0x0f, 0x17, 0x2f, 0x37, 0];
const BASES: Readonly<Record<number, number>> = { 7: 0x8000 };

/** What is changed while a case is made. */
export interface Draft {
  readonly form: Form;
  readonly next: RandomWords;
  readonly encoded: Encoded;
  readonly general: bigint[];
  readonly memory: Uint8Array;
  readonly selectors: number[];
  readonly fsBase: bigint;
  readonly gsBase: bigint;
  readonly rip: number;
  flags: number;
  /** Linear address of the memory operand, where it was aimed at something. */
  target: bigint | undefined;
}

/** A number of any size; edges half of the time. */
export function anyValue(next: RandomWords): bigint {
  const kind = next() % 4;
  if (kind === 0) return (BigInt(next()) << 32n) | BigInt(next());
  if (kind === 1) return BigInt(next());
  return oneOf(next, kind === 2 ? EDGES : WIDE_EDGES);
}

/** A linear address for an operand. */
export function anyPlace(next: RandomWords, mode: number): bigint {
  switch (next() % 16) {
    case 0:
      return BigInt(world.DATA + world.PAGE_SIZE - (next() % 20));
    case 1:
      return BigInt(world.READ_ONLY + (next() % 64));
    case 2:
      return BigInt(oneOf(next, [world.DATA - (next() % 9), 0x9000, 0x7000, 0xb000]));
    case 3:
      return mode === 64 ? oneOf(next, HOLES) - BigInt(next() % 16) : anyValue(next);
    default:
      return BigInt(world.MIDDLE + (next() % 4 === 0 ? next() % 64 : (next() % 8) * 8));
  }
}

/** Where addresses stop, or start again, to be canonical, and the kernel's. */
const HOLES = [1n << 47n, (1n << 47n) + 8n, 0xffff_8000_0000_0000n, 0xffff_8000_0000_0010n, 1n << 63n, 1n << 64n];

/** `count` cases of a form; fewer where nothing can be encoded that way. */
export function casesOf(form: Form, count: number, next: RandomWords): Case[] {
  return Array.from({ length: count }, () => makeCase(form, next)).filter((test) => test !== undefined);
}

function makeCase(form: Form, next: RandomWords): Case | undefined {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const encoded = new Encoder(form, next).encode(attempt > 2);
    const draft = draftOf(form, encoded, next);
    aim(draft);
    prepare(draft);
    finish(draft);
    const state = hasArea(form.row) ? prepareArea(draft) : hasState(form) ? anyState(next) : plainState;
    aimIndices(draft, state);
    const operandAt = draft.target === undefined ? undefined : Number(draft.target) - world.WINDOW;
    const { general, memory, selectors, flags, fsBase, gsBase } = draft;
    const rest = { general: narrowed(form.mode, general), memory, selectors, flags, fsBase, gsBase, state, operandAt };
    const test = { ...rest, form, row: form.row, mode: form.mode, code: encoded.bytes, rip: BigInt(draft.rip) };
    if (isOfForm(form, encoded.bytes)) return test;
  }
  return undefined;
}

/** Whether an instruction sees the state of the floating-point and vector units. */
const hasState = ({ row }: Form): boolean => row.unit !== undefined || row.name === 'WAIT';

const ATTEMPTS_MAX = 8;

/** What the instructions of the integer unit leave alone. */
const plainState = anyState(randomWords(1));

const decoder = new Decoder('max');

/** Prefixes may have made another instruction of it, or none; of the latter #UD and #GP are asked. */
function isOfForm({ row, mode, memory }: Form, bytes: readonly number[]): boolean {
  const { rowIndex, memoryForm } = decoder.decode((at) => bytes[at] ?? 0, mode);
  if (bytes.length > 16) return false;
  return rowIndex < 0 || (instructionRows[rowIndex] === row && memoryForm === memory);
}

function narrowed(mode: number, general: readonly bigint[]): bigint[] {
  return general.map((value, n) => (mode === 64 ? BigInt.asUintN(64, value) : n < 8 ? BigInt.asUintN(32, value) : 0n));
}

function draftOf(form: Form, encoded: Encoded, next: RandomWords): Draft {
  const memory = Uint8Array.from({ length: world.WINDOW_SIZE }, () =>
    next() % 2 === 0 ? 0xff * (next() & 1) : next(),
  );
  const fsBase = form.mode === 64 && next() % 4 === 0 ? BigInt.asUintN(47, anyValue(next)) : BigInt(next() % 0x800);
  const general = Array.from({ length: 16 }, () => anyValue(next));
  general[4] = BigInt(world.MIDDLE - 120 + (next() % 30) * 4 + (next() % 6 === 0 ? next() % 4 : 0));
  const atEnd = next() % 12 === 0;
  return {
    ...{ form, next, encoded, general, memory, selectors: selectorsOf(form.mode, next) },
    ...{ fsBase, gsBase: BigInt(next() % 0x800), target: undefined },
    rip: atEnd ? world.CODE + world.PAGE_SIZE - 1 - (next() % encoded.bytes.length) : world.CODE + 0x800,
    flags: flagsOf(form, next),
  };
}

function flagsOf({ row }: Form, next: RandomWords): number {
  const rarely = (flag: number, often: number) => (next() % often === 0 ? flag : 0);
  const extra = rarely(DF, row.repeat ? 3 : 24) | rarely(AC, 12) | rarely(NT, 32) | rarely(TF, 24) | rarely(ID, 8);
  return 2 | IF | (next() & ARITHMETIC_FLAGS) | extra;
}

function selectorsOf(mode: number, next: RandomWords): number[] {
  const data = () => (next() % 4 === 0 ? oneOf(next, DATA_SELECTORS) : world.USER_DATA);
  const free = () => (next() % 3 === 0 ? oneOf(next, DATA_SELECTORS) : 0);
  const code =
    mode === 64 ? world.USER_CODE_64 : mode === 16 ? world.LOCAL_CODE_16 : next() % 8 ? world.USER_CODE_32 : 0x27;
  const stack = mode !== 64 && next() % 16 === 0 ? 0x17 : world.USER_DATA;
  return [data(), code, stack, data(), free(), free()];
}

const SEGMENT_OF_PREFIX: Readonly<Record<number, number>> = { 38: 0, 46: 1, 54: 2, 62: 3, 100: 4, 101: 5 };

/** The base that is added to offsets of the operand. */
function segmentBase({ form, encoded, selectors, fsBase, gsBase }: Draft): bigint {
  const { segment, address } = encoded;
  const given = segment === undefined ? undefined : SEGMENT_OF_PREFIX[segment];
  const onStack = address?.base === 4 || (address?.base === 5 && address.size !== 16);
  const index = given ?? (onStack ? 2 : 3);
  const own = index === 4 ? fsBase : gsBase;
  if (form.mode === 64)
    return index < 4 ? 0n : selectors[index] === 0 ? own : BigInt(BASES[selectors[index] as number] ?? 0);
  return BigInt(BASES[selectors[index] as number] ?? 0);
}

/** Changes base register or displacement so that the operand lies where it should; now and then it lies anywhere. */
function aim(draft: Draft): void {
  const { form, encoded, general, next } = draft;
  const { address } = encoded;
  if (!address || (form.row.name === 'LEA' && next() % 2 === 0) || (!address.isDirect && next() % 24 === 0)) return;
  const anywhere = hasArea(form.row) && next() % 8 > 0 ? anyArea(next) : anyPlace(next, form.mode);
  const place = form.row.unit !== undefined && next() % 4 > 0 ? anywhere & ~15n : anywhere;
  if (form.row.unit !== undefined) fillOperand(draft, place);
  const offset = place - segmentBase(draft);
  if (address.isDirect) {
    const from = address.isRelative ? BigInt(draft.rip + encoded.bytes.length) : 0n;
    encoded.bytes.splice(
      encoded.displacementAt,
      encoded.displacementSize,
      ...bytesOf(offset - from, encoded.displacementSize),
    );
  } else if (address.index === undefined) {
    if (address.base !== undefined) setBase(draft, address.base, offset - BigInt(address.displacement));
  } else {
    const count = BigInt((next() % 9) - 4);
    const noise = address.size < form.mode ? BigInt(next()) << BigInt(address.size) : 0n;
    general[address.index] = BigInt.asUintN(address.size, count) | noise;
    const rest = offset - BigInt(address.displacement) - count * BigInt(address.scale);
    if (address.base === undefined || address.base === address.index) return;
    setBase(draft, address.base, rest);
  }
  draft.target = place;
}

/** Operands of the floating-point and vector units are numbers of all kinds. */
function fillOperand({ memory, next, form: { row } }: Draft, place: bigint): void {
  const at = Number(place) - world.WINDOW;
  if (row.operands.includes('Mt') && next() % 4 > 0) {
    const fill = row.name === 'FBLD' ? fillDecimal : fillExtended;
    if (at >= 0 && at + 10 <= memory.length) fill(new DataView(memory.buffer), at, next);
    return;
  }
  for (const start of [at, at + 16]) {
    if (start >= 0 && start + 16 <= memory.length) fillVector(new DataView(memory.buffer), start, next);
  }
}

/** Bits beyond the address size do not count. */
function setBase({ encoded, form, general, next }: Draft, base: number, value: bigint): void {
  const size = encoded.address?.size ?? 64;
  const noise = size < form.mode ? BigInt(next()) << BigInt(size) : 0n;
  general[base] = BigInt.asUintN(size, value) | noise;
}

/** Relative branches go where nothing but HLT, or nothing at all, is: what they leave must not depend on their own bytes. */
function finish({ form, encoded, rip, next }: Draft): void {
  const code = form.row.operands[0];
  const size = code === 'Jb' ? 1 : code === 'Jz' ? Math.min(form.size / 8, 4) : 0;
  if (size === 0) return;
  const from = rip + encoded.bytes.length;
  const near = next() % 2 === 0 ? 20 + (next() % 100) : -40 - (next() % 80);
  const far = oneOf(next, [world.CODE + 0x100 + (next() % 0x600), world.DATA, 0x7000, next()]) - from;
  encoded.bytes.splice(
    encoded.immediateAt,
    size,
    ...bytesOf(BigInt(size === 1 || next() % 2 === 0 ? near : far), size),
  );
}
