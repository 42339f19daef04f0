/**
 * Random page tables and accesses for paging.asm and paging-64.asm, and what the plain walk of vm-core/memory/oracle-walk.ts makes of them.
 * Cases in which memory beyond RAM, the kernel or a table would be used as something else are left out.
 */
import { Random } from '../../scripts/differential/random.ts';
import {
  type OracleAccess,
  type OracleMode,
  type OracleResult,
  type OracleRules,
  oracleWalk,
} from '../../vm-core/memory/oracle-walk.ts';

const TABLES = 0x200000;
const TABLES_SIZE = 0x6000;
const DATA = TABLES + TABLES_SIZE;
const DATA_SIZE = 0x4000;
const MEMORY_SIZE = 0x10000;
const POINTERS = 0x20b000;
const ENTRY_COUNT = 29;
const HEADER_SIZE = 32;
const LONG_HEADER_SIZE = 48;
/** What maps the kernel: the first entry of the first table. */
const KERNEL_ENTRIES: Readonly<Record<OracleMode, number>> = {
  '32-bit': 0x20c027,
  PAE: 0x20d027,
  '4-level': 0x20b027,
  '5-level': 0x20e027,
};

/** What the processors that are compared have beyond PSE and PAE. */
export interface CaseFeatures {
  readonly nx: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  readonly pku: boolean;
  readonly pks: boolean;
  readonly la57: boolean;
  readonly gigabytePages: boolean;
}

/** The guest that tries a case. */
export type CaseGuest = 'paging.asm' | 'paging-64.asm';

export type CaseKind = 'read' | 'write' | 'fetch' | 'local';
const kinds: readonly CaseKind[] = ['read', 'write', 'fetch', 'local'];

export interface PagingCase {
  readonly text: string;
  readonly bytes: Uint8Array;
  readonly expected: Answer;
  /** QEMU does something else: under SMAP it lets EFLAGS.AC open user pages to implicit accesses too (SDM vol. 3A §4.6.1). */
  readonly isWrongInQemu: boolean;
}

/** What a guest says of a case. */
export interface Answer {
  readonly vector: number;
  readonly errorCode: number;
  /** Of page faults, in hexadecimal; empty otherwise. */
  readonly cr2: string;
  /** Of reads that succeed; 0 otherwise. */
  readonly value: number;
  /** `address=value` of double words in tables and data that are not as they were. */
  readonly changes: readonly string[];
}

const VECTOR_DONE = 0x80;
const VECTOR_BREAKPOINT = 3;
const VECTOR_GENERAL_PROTECTION = 13;
const VECTOR_PAGE_FAULT = 14;
const WRITTEN = 0x11223344;

/** `count` cases of a seed for one of the guests. */
export function makeCases(
  guest: CaseGuest,
  seed: number,
  count: number,
  features: CaseFeatures,
): readonly PagingCase[] {
  const random = new Random(seed);
  const cases: PagingCase[] = [];
  while (cases.length < count) {
    const rules = guest === 'paging.asm' ? narrowRules(random, features) : longRules(random, features);
    const made = makeCase(random, rules, features);
    if (made) cases.push(made);
  }
  return cases;
}

function narrowRules(random: Random, features: CaseFeatures): OracleRules {
  const wide = random.below(2) === 1;
  return {
    ...commonRules(random, features),
    mode: wide ? 'PAE' : '32-bit',
    cr3: BigInt(wide ? POINTERS : TABLES),
    pse: random.below(4) !== 0,
    nxe: wide && features.nx && random.below(4) !== 0,
    pkru: undefined,
    pkrs: undefined,
  };
}

/** The kernel's own pages have key 0, which must not be taken from it. */
function longRules(random: Random, features: CaseFeatures): OracleRules {
  const keys = (isThere: boolean, kept: number) =>
    isThere && random.below(3) === 0 ? (random.next() & random.next() & ~kept) >>> 0 : undefined;
  return {
    ...commonRules(random, features),
    mode: features.la57 && random.below(2) === 1 ? '5-level' : '4-level',
    cr3: BigInt(TABLES),
    pse: false,
    nxe: random.below(4) !== 0,
    pkru: keys(features.pku, 0),
    pkrs: keys(features.pks, 3),
  };
}

function commonRules(random: Random, features: CaseFeatures) {
  return {
    pointers: [0x200001n, 0x201001n, 0n, 0x202001n],
    physicalBits: 40,
    pse36: true,
    gigabytePages: features.gigabytePages,
    wp: random.below(2) === 1,
    smep: features.smep && random.below(3) === 0,
    smap: features.smap && random.below(3) === 0,
  };
}

/** What is tried, besides the tables. */
interface Attempt {
  readonly kind: CaseKind;
  readonly user: boolean;
  readonly ac: boolean;
  readonly linear: bigint;
}

function makeCase(random: Random, rules: OracleRules, features: CaseFeatures): PagingCase | undefined {
  const entries = Array.from({ length: ENTRY_COUNT }, () => makeEntry(random, rules.mode));
  const kind = random.pick(kinds);
  const user = random.below(2) === 1;
  const ac = !user && features.smap && random.below(3) === 0;
  const attempt = { kind, user, ac, linear: makeLinear(random, rules.mode, kind) };
  const expected = new Guest(rules, entries).answer(attempt);
  // Most walks end early; not all of them are worth a case.
  const endsEarly = expected?.vector === VECTOR_PAGE_FAULT && (expected.errorCode & 9) !== 1;
  if (!expected || (endsEarly && random.below(8) !== 0)) return undefined;
  const flags = (['pse', 'wp', 'nxe', 'smep', 'smap'] as const).filter((name) => rules[name]).join(' ');
  const keys = [rules.pkru, rules.pkrs].map((register) => register?.toString(16) ?? '-').join(' ');
  const where = BigInt.asUintN(64, attempt.linear).toString(16);
  return {
    text: `${rules.mode} ${flags} ${keys} ${user ? 'user' : 'supervisor'} ${kind} ${where}${ac ? ' AC' : ''}`,
    bytes: encode(rules, entries, attempt),
    expected,
    isWrongInQemu: kind === 'local' && ac && rules.smap,
  };
}

function makeEntry(random: Random, mode: OracleMode): bigint {
  const seldom = () => random.below(12) === 0;
  const flags = (seldom() ? 0 : 1) | (random.below(5) ? 2 : 0) | (random.below(5) ? 4 : 0) | (random.next() & 0xf78);
  const large = random.below(8) === 0 ? 0x80 : 0;
  const page = BigInt(TABLES + random.below(10) * 0x1000);
  const frame = large ? (random.below(3) === 0 ? page : 0x20_0000n) : page;
  const narrow = mode === '32-bit';
  // In 32-bit paging bit 21 of a large page is reserved, so that its frame is 0.
  const whole = BigInt((flags & ~0x80) | large) | (large && narrow && random.below(3) !== 0 ? 0n : frame);
  if (narrow) return whole;
  const key = mode !== 'PAE' && random.below(2) === 1 ? BigInt(random.below(16)) << 59n : 0n;
  const noExecute = random.below(8) === 0 ? 1n << 63n : 0n;
  const odd = seldom() ? 1n << BigInt(random.pick([46, 47, 50, 51, 52, 55, 58, 59, 62, 63])) : 0n;
  return whole | key | noExecute | odd;
}

/** Bits of the linear address that select in the first table. */
const TOP_SHIFTS: Readonly<Record<OracleMode, bigint>> = { '32-bit': 22n, PAE: 21n, '4-level': 39n, '5-level': 48n };

/** Beyond what the kernel needs for itself; sometimes so that a double word crosses a page. */
function makeLinear(random: Random, mode: OracleMode, kind: CaseKind): bigint {
  const top = TOP_SHIFTS[mode];
  let linear = BigInt(random.next()) * 2n ** 32n + BigInt(random.next());
  linear = BigInt.asUintN(Number(top), linear & ~0xfffn);
  // Where a large page leads to the data, as it begins with the tables or with the first byte of memory.
  if (random.below(3) === 0) linear = (linear & ~0x3ff000n) | (mode === '32-bit' ? 0x206000n : 0x6000n);
  const first = 1 + random.below(mode === '32-bit' ? 1023 : 511);
  linear |= BigInt(first) << top;
  if (mode === 'PAE') linear |= BigInt(random.below(4)) << 30n;
  // As numbers, addresses beyond 2^53 are exact to 8 bytes (docs/decisions/0008).
  const mayCross = mode !== '5-level' && (kind === 'read' || kind === 'write');
  linear |= BigInt(mayCross && random.below(6) === 0 ? 0xffd + random.below(3) : random.below(0x200) * 8);
  if (mode === '4-level') return BigInt.asIntN(48, linear);
  return mode === '5-level' ? BigInt.asIntN(57, linear) : BigInt.asUintN(32, linear);
}

const isLong = ({ mode }: OracleRules): boolean => mode === '4-level' || mode === '5-level';

function encode(rules: OracleRules, entries: readonly bigint[], { kind, user, ac, linear }: Attempt): Uint8Array {
  const long = isLong(rules);
  const header = long ? LONG_HEADER_SIZE : HEADER_SIZE;
  const bytes = new Uint8Array(header + ENTRY_COUNT * 8);
  const view = new DataView(bytes.buffer);
  const flags: readonly (readonly [boolean, number])[] = [
    ...([
      [rules.pse, 4],
      [rules.mode !== '32-bit', 5],
      [rules.mode === '5-level', 12],
      [rules.smep, 20],
    ] as const),
    ...([
      [rules.smap, 21],
      [rules.pkru !== undefined, 22],
      [rules.pkrs !== undefined, 24],
    ] as const),
  ];
  const cr4 = flags.reduce((sum, [on, bit]) => (on ? sum | (1 << bit) : sum), 0);
  const efer = (long ? 0x100 : 0) | (rules.nxe ? 0x800 : 0);
  const low = Number(BigInt.asUintN(32, linear));
  const fields = [(0x8000_0001 | (rules.wp ? 1 << 16 : 0)) >>> 0, cr4, Number(rules.cr3), efer];
  const more = long ? [Number(BigInt.asUintN(32, linear >> 32n)), rules.pkru ?? 0, rules.pkrs ?? 0] : [];
  [...fields, kinds.indexOf(kind), user ? 1 : 0, low, ac ? 1 : 0, ...more].forEach((field, n) => {
    view.setUint32(n * 4, field, true);
  });
  entries.forEach((entry, n) => {
    view.setBigUint64(header + n * 8, entry, true);
  });
  return bytes;
}

/** Left out of the comparison: an access to memory about which the machines need not agree. */
class Unsuited {}

/** The guest's memory from `TABLES` on, and the accesses as the oracle sees them. */
class Guest {
  readonly #rules: OracleRules;
  readonly #view = new DataView(new ArrayBuffer(MEMORY_SIZE));
  readonly #before: DataView;

  constructor(rules: OracleRules, entries: readonly bigint[]) {
    this.#rules = rules;
    const wide = rules.mode !== '32-bit';
    const size = wide ? 8 : 4;
    for (let n = 0; n < TABLES_SIZE / size; n++) {
      const entry = entries[n % entries.length] as bigint;
      if (wide) this.#view.setBigUint64(n * 8, entry, true);
      else this.#view.setUint32(n * 4, Number(entry & 0xffffffffn), true);
    }
    for (let at = TABLES_SIZE; at < TABLES_SIZE + DATA_SIZE; at += 4) this.#view.setUint32(at, 0xcccccccc, true);
    this.#view.setUint32(0, KERNEL_ENTRIES[rules.mode], true);
    if (wide) this.#view.setUint32(4, 0, true);
    this.#before = new DataView(this.#view.buffer.slice(0));
  }

  /** Undefined for a case that is not to be compared. */
  answer(attempt: Attempt): Answer | undefined {
    try {
      return this.#access(attempt);
    } catch (error) {
      if (error instanceof Unsuited) return undefined;
      throw error;
    }
  }

  #access({ kind, user, ac, linear }: Attempt): Answer {
    const access: OracleAccess = {
      kind: kind === 'local' ? 'read' : kind,
      mode: kind === 'local' ? 'implicit supervisor' : user ? 'user' : 'supervisor',
      ac,
    };
    const size = kind === 'read' || kind === 'write' ? 4 : 1;
    const places: number[] = [];
    let physical = 0;
    for (let n = 0; n < size; n++) {
      const at = isLong(this.#rules) ? linear + BigInt(n) : BigInt.asUintN(32, linear + BigInt(n));
      if (n === 0 || (at & 0xfffn) === 0n) {
        const result = this.#translate(access, at);
        if ('fault' in result)
          return this.#answer(VECTOR_PAGE_FAULT, result.fault, BigInt.asUintN(64, at).toString(16), 0);
        physical = Number(result.physical) - n;
      }
      places.push(physical + n);
    }
    const readable = kind === 'read' ? [TABLES + 8, DATA + DATA_SIZE] : [DATA, DATA + DATA_SIZE];
    if (places.some((at) => at < (readable[0] as number) || at >= (readable[1] as number))) throw new Unsuited();
    if (kind === 'fetch') return this.#answer(VECTOR_BREAKPOINT, 0, '', 0);
    if (kind === 'local') return this.#answer(VECTOR_GENERAL_PROTECTION, 4, '', 0);
    const bytes = places.map((at) => this.#view.getUint8(at - TABLES));
    if (kind === 'write') this.#write(places);
    const value = kind === 'read' ? bytes.reduce((sum, byte, n) => sum + byte * 2 ** (8 * n), 0) : 0;
    return this.#answer(VECTOR_DONE, 0, '', value);
  }

  #write(places: readonly number[]): void {
    places.forEach((at, n) => {
      this.#view.setUint8(at - TABLES, (WRITTEN >>> (8 * n)) & 0xff);
    });
  }

  #translate(access: OracleAccess, linear: bigint): OracleResult {
    const result = oracleWalk(this.#rules, access, linear, (address, bytes) => {
      const at = Number(address) - TABLES;
      if (at < 0 || at + bytes > TABLES_SIZE + DATA_SIZE) throw new Unsuited();
      return bytes === 4 ? BigInt(this.#view.getUint32(at, true)) : this.#view.getBigUint64(at, true);
    });
    if ('fault' in result) return result;
    for (const [address, value] of result.sets) {
      const at = Number(address) - TABLES;
      this.#view.setUint32(at, this.#view.getUint32(at, true) | Number(value & 0x60n), true);
    }
    return result;
  }

  #answer(vector: number, errorCode: number, cr2: string, value: number): Answer {
    const changes: string[] = [];
    for (let at = 8; at < TABLES_SIZE + DATA_SIZE; at += 4) {
      const now = this.#view.getUint32(at, true);
      if (now !== this.#before.getUint32(at, true)) changes.push(change(TABLES + at, now));
    }
    return { vector, errorCode, cr2, value, changes };
  }
}

function change(address: number, value: number): string {
  return `${address.toString(16)}=${value.toString(16)}`;
}

/** Reads the answers out of what a guest has said. */
export function readAnswers(guest: CaseGuest, bytes: Uint8Array): readonly Answer[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const answers: Answer[] = [];
  let at = 0;
  const next = () => {
    const value = view.getUint32(at, true);
    at += 4;
    return value;
  };
  while (at < bytes.length) {
    const [vector, errorCode, , value, low] = [next(), next(), next(), next(), next()] as const;
    const cr2 = (BigInt(guest === 'paging.asm' ? 0 : next()) << 32n) | BigInt(low);
    const changes: string[] = [];
    for (let address = next(); address !== 0; address = next()) changes.push(change(address, next()));
    answers.push({
      vector,
      errorCode,
      cr2: vector === VECTOR_PAGE_FAULT ? cr2.toString(16) : '',
      value: vector === VECTOR_DONE && value !== WRITTEN ? value : 0,
      changes,
    });
  }
  return answers;
}

/** The image of a guest with its cases. */
export function withCases(image: Uint8Array, cases: readonly PagingCase[]): Uint8Array {
  const count = new Uint8Array(4);
  new DataView(count.buffer).setUint32(0, cases.length, true);
  return Buffer.concat([image, count, ...cases.map(({ bytes }) => bytes)]);
}
