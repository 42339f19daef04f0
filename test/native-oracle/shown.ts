/**
 * What the cases of a run have shown: forms that came to their end, exceptions, and encodings of every kind. A form that
 * only ever faults would be compared, but not tested.
 */
import { Decoder } from '../../vm-core/isa/decoder.ts';
import type { DecodedInstruction } from '../../vm-core/isa/decoded-instruction.ts';
import type { OperandSize } from '../../vm-core/isa/operand.ts';
import { longGeneralSlots, slot } from '../../vm-core/state/layout.ts';
import type { Case, Outcome } from './case.ts';
import type { Form } from '../../scripts/differential/encoder.ts';
import { oracleFormName, privilegedNames } from './forms.ts';

const LEGACY: ReadonlySet<number> = new Set([0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65]);

/** Rows that end by an exception of their own. */
const ALWAYS_FAULT: ReadonlySet<string> = new Set(['UD0', 'UD1', 'UD2', 'INTO', 'INT', 'INT3']);

/** Vectors that the cases of a mode must have come to. */
export function vectorsOf(mode: OperandSize): readonly number[] {
  const [DE, DB, BP, OF, BR, UD, NP, SS, GP, PF, AC] = [0, 1, 3, 4, 5, 6, 11, 12, 13, 14, 17] as const;
  return mode === 64 ? [DE, DB, BP, OF, UD, NP, SS, GP, PF, AC] : [DE, DB, BP, OF, BR, UD, NP, SS, GP, PF, AC];
}

interface Kind {
  readonly name: string;
  readonly modes: readonly OperandSize[];
  readonly is: (prefixes: readonly number[], decoded: DecodedInstruction, test: Case) => boolean;
}

const isRex = (byte: number) => (byte & 0xf0) === 0x40;
const isHigh = (at: number) => longGeneralSlots.includes(at - 1);
const ALL = [16, 32, 64] as const;

/** Kinds of encoding that must come to their end in some case. */
const kinds: readonly Kind[] = [
  { name: 'LOCK', modes: ALL, is: (prefixes) => prefixes.includes(0xf0) },
  {
    name: 'addresses of 16 bits',
    modes: [16, 32],
    is: (_, { memoryForm, addressSize }) => memoryForm && addressSize === 16,
  },
  {
    name: 'addresses of 32 bits',
    modes: ALL,
    is: (_, { memoryForm, addressSize }) => memoryForm && addressSize === 32,
  },
  {
    name: 'addresses of 64 bits',
    modes: [64],
    is: (_, { memoryForm, addressSize }) => memoryForm && addressSize === 64,
  },
  { name: 'addresses from RIP', modes: [64], is: (_, { memoryForm, baseSlot }) => memoryForm && baseSlot === slot.EIP },
  {
    name: 'FS and GS',
    modes: [64],
    is: (prefixes, { memoryForm }) => memoryForm && prefixes.some((byte) => byte === 0x64 || byte === 0x65),
  },
  {
    name: 'REX.W with 66h',
    modes: [64],
    is: (prefixes) => prefixes.includes(0x66) && ((prefixes.at(-1) ?? 0) & 0xf8) === 0x48,
  },
  { name: 'REX out of its place', modes: [64], is: (prefixes) => prefixes.slice(0, -1).some(isRex) },
  { name: 'a prefix twice', modes: ALL, is: (prefixes) => new Set(prefixes).size < prefixes.length },
  {
    name: 'a prefix that changes nothing',
    modes: ALL,
    is: (prefixes, _, { row }) => !row.repeat && prefixes.includes(0xf2),
  },
  { name: 'AH to BH', modes: ALL, is: (_, { regSlot, rmSlot }) => isHigh(regSlot) || isHigh(rmSlot) },
  {
    name: 'bytes of SP to R15 by REX',
    modes: [64],
    is: (prefixes, _, { row }) => prefixes.some(isRex) && row.operands[0] === 'Eb',
  },
  { name: 'the end of a page', modes: ALL, is: (_, __, { rip }) => (rip & 0xfffn) > 0xff0n },
];

/** Legacy prefixes and REX before the opcode. */
function prefixesOf({ code, mode }: Case): readonly number[] {
  const end = code.findIndex((byte) => !LEGACY.has(byte) && !(mode === 64 && isRex(byte)));
  return code.slice(0, end);
}

/** Collects what the cases of one mode show. */
export class Shown {
  readonly #mode: OperandSize;
  readonly #decoder = new Decoder('max');
  readonly #ended = new Set<string>();
  readonly #vectors = new Set<number>();
  readonly #kinds = new Set<string>();

  constructor(mode: OperandSize) {
    this.#mode = mode;
  }

  add(test: Case, native: Outcome): void {
    this.#vectors.add(native.vector);
    if (native.rip === test.rip) return;
    this.#ended.add(oracleFormName(test.form));
    const prefixes = prefixesOf(test);
    const decoded = this.#decoder.decode((at) => test.code[at] ?? 0, test.mode);
    if (decoded.rowIndex < 0) return;
    for (const kind of kinds) if (kind.is(prefixes, decoded, test)) this.#kinds.add(kind.name);
  }

  /** The forms of which no case has come to its end, though it could. */
  stuck(forms: readonly Form[]): readonly Form[] {
    return forms.filter((form) => mayEnd(form) && !this.#ended.has(oracleFormName(form)));
  }

  /** What none of the cases showed, as text. */
  missing(forms: readonly Form[]): readonly string[] {
    const vectors = vectorsOf(this.#mode).filter((vector) => !this.#vectors.has(vector));
    const absent = kinds.filter(({ name, modes }) => modes.includes(this.#mode) && !this.#kinds.has(name));
    return [
      ...vectors.map((vector) => `vector ${vector}`),
      ...absent.map(({ name }) => name),
      ...this.stuck(forms).map((form) => `the end of ${oracleFormName(form)}`),
    ];
  }
}

function mayEnd({ row }: Form): boolean {
  return !privilegedNames.has(row.name) && !ALWAYS_FAULT.has(row.name);
}
