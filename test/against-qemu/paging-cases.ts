/**
 * Random page tables and accesses for paging.asm, and what the plain walk of vm-core/memory/oracle-walk.ts makes of them.
 * Cases in which memory beyond RAM, the kernel or a table would be used as something else are left out.
 */
import { Random } from '../../scripts/differential/random.ts';
import {
  type OracleAccess,
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
const CASE_SIZE = 32 + ENTRY_COUNT * 8;

/** What the processors that are compared have beyond PSE and PAE. */
export interface CaseFeatures {
  readonly nx: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
}

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
  /** Of page faults; 0 otherwise. */
  readonly cr2: number;
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

/** `count` cases of a seed. */
export function makeCases(seed: number, count: number, features: CaseFeatures): readonly PagingCase[] {
  const random = new Random(seed);
  const cases: PagingCase[] = [];
  while (cases.length < count) {
    const made = makeCase(random, features);
    if (made) cases.push(made);
  }
  return cases;
}

function makeCase(random: Random, features: CaseFeatures): PagingCase | undefined {
  const wide = random.below(2) === 1;
  const rules: OracleRules = {
    mode: wide ? 'PAE' : '32-bit',
    cr3: BigInt(wide ? POINTERS : TABLES),
    pointers: [0x200001n, 0x201001n, 0n, 0x202001n],
    physicalBits: 40,
    pse: random.below(4) !== 0,
    pse36: true,
    gigabytePages: false,
    wp: random.below(2) === 1,
    nxe: wide && features.nx && random.below(4) !== 0,
    smep: features.smep && random.below(3) === 0,
    smap: features.smap && random.below(3) === 0,
    pkru: undefined,
    pkrs: undefined,
  };
  const entries = Array.from({ length: ENTRY_COUNT }, () => makeEntry(random, wide));
  const kind = random.pick(kinds);
  const user = random.below(2) === 1;
  const ac = !user && features.smap && random.below(3) === 0;
  const linear = makeLinear(random, wide, kind);
  const expected = new Guest(rules, entries).answer(kind, user, ac, linear);
  if (!expected) return undefined;
  const who = user ? 'user' : 'supervisor';
  const flags = (['pse', 'wp', 'nxe', 'smep', 'smap'] as const).filter((name) => rules[name]).join(' ');
  return {
    text: `${rules.mode} ${flags} ${who} ${kind} ${linear.toString(16)}${ac ? ' AC' : ''}`,
    bytes: encode(rules, entries, kind, user, ac, linear),
    expected,
    isWrongInQemu: kind === 'local' && ac && rules.smap,
  };
}

function makeEntry(random: Random, wide: boolean): bigint {
  const seldom = () => random.below(12) === 0;
  const flags = (seldom() ? 0 : 1) | (random.below(5) ? 2 : 0) | (random.below(5) ? 4 : 0) | (random.next() & 0xf78);
  const large = random.below(8) === 0 ? 0x80 : 0;
  const page = BigInt(TABLES + random.below(10) * 0x1000);
  const frame = large ? (random.below(3) === 0 ? page : 0x20_0000n) : page;
  // In 32-bit paging bit 21 of a large page is reserved, so that its frame is 0: the kernel, which a case may only read.
  const whole = BigInt((flags & ~0x80) | large) | (large && !wide && random.below(3) !== 0 ? 0n : frame);
  if (!wide) return whole;
  const noExecute = random.below(8) === 0 ? 1n << 63n : 0n;
  const odd = seldom() ? 1n << BigInt(random.pick([46, 47, 50, 51, 52, 55, 58, 59, 62, 63])) : 0n;
  return whole | noExecute | odd;
}

/** Beyond what the kernel needs for itself; sometimes so that a double word crosses a page. */
function makeLinear(random: Random, wide: boolean, kind: CaseKind): number {
  const aligned = random.below(0x200) * 8;
  const crossing = (kind === 'read' || kind === 'write') && random.below(6) === 0;
  const offset = crossing ? 0xffd + random.below(3) : aligned;
  const last = random.below(wide ? 512 : 1024);
  if (!wide) return (((1 + random.below(1023)) * 0x400 + last) * 0x1000 + offset) >>> 0;
  const pointer = random.below(4);
  return ((pointer * 512 + 1 + random.below(511)) * 0x200000 + last * 0x1000 + offset) >>> 0;
}

function encode(
  rules: OracleRules,
  entries: readonly bigint[],
  kind: CaseKind,
  user: boolean,
  ac: boolean,
  linear: number,
): Uint8Array {
  const bytes = new Uint8Array(CASE_SIZE);
  const view = new DataView(bytes.buffer);
  const cr4 =
    (rules.pse ? 0x10 : 0) |
    (rules.mode === 'PAE' ? 0x20 : 0) |
    (rules.smep ? 1 << 20 : 0) |
    (rules.smap ? 1 << 21 : 0);
  const fields = [(0x8000_0001 | (rules.wp ? 1 << 16 : 0)) >>> 0, cr4, Number(rules.cr3), rules.nxe ? 0x800 : 0];
  [...fields, kinds.indexOf(kind), user ? 1 : 0, linear, ac ? 1 : 0].forEach((field, n) => {
    view.setUint32(n * 4, field, true);
  });
  entries.forEach((entry, n) => {
    view.setBigUint64(32 + n * 8, entry, true);
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
    const wide = rules.mode === 'PAE';
    const size = wide ? 8 : 4;
    for (let n = 0; n < TABLES_SIZE / size; n++) {
      const entry = entries[n % entries.length] as bigint;
      if (wide) this.#view.setBigUint64(n * 8, entry, true);
      else this.#view.setUint32(n * 4, Number(entry & 0xffffffffn), true);
    }
    for (let at = TABLES_SIZE; at < TABLES_SIZE + DATA_SIZE; at += 4) this.#view.setUint32(at, 0xcccccccc, true);
    this.#view.setUint32(0, wide ? 0x20d027 : 0x20c027, true);
    if (wide) this.#view.setUint32(4, 0, true);
    this.#before = new DataView(this.#view.buffer.slice(0));
  }

  /** Undefined for a case that is not to be compared. */
  answer(kind: CaseKind, user: boolean, ac: boolean, linear: number): Answer | undefined {
    try {
      return this.#access(kind, user, ac, linear);
    } catch (error) {
      if (error instanceof Unsuited) return undefined;
      throw error;
    }
  }

  #access(kind: CaseKind, user: boolean, ac: boolean, linear: number): Answer {
    const access: OracleAccess = {
      kind: kind === 'local' ? 'read' : kind,
      mode: kind === 'local' ? 'implicit supervisor' : user ? 'user' : 'supervisor',
      ac,
    };
    const size = kind === 'read' || kind === 'write' ? 4 : 1;
    const places: number[] = [];
    let physical = 0;
    for (let n = 0; n < size; n++) {
      const at = (linear + n) >>> 0;
      if (n === 0 || (at & 0xfff) === 0) {
        const result = this.#translate(access, at);
        if ('fault' in result) return this.#answer(VECTOR_PAGE_FAULT, result.fault, at, 0);
        physical = Number(result.physical) - n;
      }
      places.push(physical + n);
    }
    const readable = kind === 'read' ? [TABLES + 8, DATA + DATA_SIZE] : [DATA, DATA + DATA_SIZE];
    if (places.some((at) => at < (readable[0] as number) || at >= (readable[1] as number))) throw new Unsuited();
    if (kind === 'fetch') return this.#answer(VECTOR_BREAKPOINT, 0, 0, 0);
    if (kind === 'local') return this.#answer(VECTOR_GENERAL_PROTECTION, 4, 0, 0);
    const bytes = places.map((at) => this.#view.getUint8(at - TABLES));
    if (kind === 'write') this.#write(places);
    const value = kind === 'read' ? bytes.reduce((sum, byte, n) => sum + byte * 2 ** (8 * n), 0) : 0;
    return this.#answer(VECTOR_DONE, 0, 0, value);
  }

  #write(places: readonly number[]): void {
    places.forEach((at, n) => {
      this.#view.setUint8(at - TABLES, (WRITTEN >>> (8 * n)) & 0xff);
    });
  }

  #translate(access: OracleAccess, linear: number): OracleResult {
    const result = oracleWalk(this.#rules, access, BigInt(linear), (address, bytes) => {
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

  #answer(vector: number, errorCode: number, cr2: number, value: number): Answer {
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
export function readAnswers(bytes: Uint8Array): readonly Answer[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const answers: Answer[] = [];
  let at = 0;
  const next = () => {
    const value = view.getUint32(at, true);
    at += 4;
    return value;
  };
  while (at < bytes.length) {
    const [vector, errorCode, , value, cr2] = [next(), next(), next(), next(), next()] as const;
    const changes: string[] = [];
    for (let address = next(); address !== 0; address = next()) changes.push(change(address, next()));
    answers.push({
      vector,
      errorCode,
      cr2: vector === VECTOR_PAGE_FAULT ? cr2 : 0,
      value: vector === VECTOR_DONE && value !== WRITTEN ? value : 0,
      changes,
    });
  }
  return answers;
}

/** The image of paging.asm with its cases. */
export function withCases(image: Uint8Array, cases: readonly PagingCase[]): Uint8Array {
  const whole = new Uint8Array(image.length + 4 + cases.length * CASE_SIZE);
  whole.set(image);
  new DataView(whole.buffer).setUint32(image.length, cases.length, true);
  cases.forEach(({ bytes }, n) => {
    whole.set(bytes, image.length + 4 + n * CASE_SIZE);
  });
  return whole;
}
