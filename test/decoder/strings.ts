/**
 * Byte strings for the decoders: every choice of prefixes, opcode and ModR/M, every field of VEX, and any bytes. `rate` is
 * how many of a thousand are taken, evenly; a thousand takes all.
 */
import type { OperandSize } from '../../vm-core/isa/operand.ts';

export type Random = () => number;

/** Xorshift: the same numbers everywhere. */
export function random(seed: number): Random {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const LEGACY = [0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65] as const;
const ESCAPES: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];

/** No legacy prefix, one, and every ordered pair. */
const LEGACY_CHOICES: readonly (readonly number[])[] = [
  [],
  ...LEGACY.map((prefix) => [prefix]),
  ...LEGACY.flatMap((first) => LEGACY.map((second) => [first, second])),
];
const REX = Array.from({ length: 16 }, (_, n) => [0x40 | n]);

/** Prefixes as they stand before an opcode: in 64-bit mode REX behind none or one legacy prefix, and before one. */
function prefixChoices(mode: OperandSize): readonly (readonly number[])[] {
  if (mode !== 64) return LEGACY_CHOICES;
  const few = LEGACY_CHOICES.filter(({ length }) => length < 2);
  const ignored = LEGACY.map((prefix) => [0x4f, prefix]);
  return [...LEGACY_CHOICES, ...few.flatMap((legacy) => REX.map((rex) => [...legacy, ...rex])), ...ignored];
}

/** How many strings `prefixed` has in all. */
export function prefixedCount(mode: OperandSize): number {
  return prefixChoices(mode).length * ESCAPES.length * 256 * 256;
}

/** Prefixes × opcodes of one to three bytes × ModR/M; what follows is by chance. */
export function* prefixed(mode: OperandSize, next: Random, rate: number): Iterable<Uint8Array> {
  const bytes = new Uint8Array(20);
  for (const prefixes of prefixChoices(mode)) {
    for (const escapes of ESCAPES) {
      const start = [...prefixes, ...escapes];
      for (let place = 0; place < 0x10000; place++) {
        if (rate < 1000 && next() % 1000 >= rate) continue;
        fill(bytes, next);
        bytes.set(start);
        bytes[start.length] = place >> 8;
        bytes[start.length + 1] = place & 0xff;
        yield bytes;
      }
    }
  }
}

/** Both forms of VEX with all their fields, before all opcodes; prefixes that VEX does not allow stand before some. */
export function* vexed(next: Random, rate: number): Iterable<Uint8Array> {
  const bytes = new Uint8Array(20);
  for (let field = 0; field < 0x10000 + 0x100; field++) {
    const start = field < 0x10000 ? [0xc4, field >> 8, field & 0xff] : [0xc5, field & 0xff];
    for (let opcode = 0; opcode < 256; opcode++) {
      if (rate < 1000 && next() % 1000 >= rate) continue;
      fill(bytes, next);
      const before = next() % 32 === 0 ? [LEGACY[next() % LEGACY.length] as number] : [];
      bytes.set([...before, ...start, opcode]);
      yield bytes;
    }
  }
}

/** Any bytes; a third of them behind 0F. */
export function* anyBytes(next: Random, count: number): Iterable<Uint8Array> {
  const bytes = new Uint8Array(20);
  for (let round = 0; round < count; round++) {
    fill(bytes, next);
    if (round % 3 === 0) bytes[0] = 0x0f;
    if (round % 6 === 1) bytes.set([0x48 | (next() & 7), 0x0f]);
    yield bytes;
  }
}

function fill(bytes: Uint8Array, next: Random): void {
  for (let n = 0; n < bytes.length; n += 4) {
    const word = next();
    bytes[n] = word;
    bytes[n + 1] = word >>> 8;
    bytes[n + 2] = word >>> 16;
    bytes[n + 3] = word >>> 24;
  }
}
