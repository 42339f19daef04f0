/**
 * A page walk for tests: slow, in 64-bit integers, written down from SDM vol. 3A §4.3–§4.7 table by table and sharing
 * nothing with the walk it is compared with.
 */

export type OracleMode = '32-bit' | 'PAE' | '4-level' | '5-level';

export interface OracleRules {
  readonly mode: OracleMode;
  readonly cr3: bigint;
  readonly pointers: readonly bigint[];
  readonly physicalBits: number;
  readonly pse: boolean;
  readonly pse36: boolean;
  readonly gigabytePages: boolean;
  readonly wp: boolean;
  readonly nxe: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  /** Undefined while CR4.PKE, CR4.PKS is clear. */
  readonly pkru: number | undefined;
  readonly pkrs: number | undefined;
}

export interface OracleAccess {
  readonly kind: 'read' | 'write' | 'fetch';
  readonly mode: 'user' | 'supervisor' | 'implicit supervisor';
  /** EFLAGS.AC. */
  readonly ac: boolean;
}

/** A page fault by its error code, or the physical address and the flags to be set, as entry address and bits. */
export type OracleResult =
  | { readonly fault: number }
  | { readonly physical: bigint; readonly sets: readonly (readonly [bigint, bigint])[] };

const bit = (value: bigint, n: number): boolean => ((value >> BigInt(n)) & 1n) === 1n;
const field = (value: bigint, high: number, low: number): bigint =>
  (value >> BigInt(low)) & ((1n << BigInt(high - low + 1)) - 1n);

interface Leaf {
  readonly entries: readonly { readonly address: bigint; readonly value: bigint }[];
  readonly physical: bigint;
}

/** `read` gives so many bytes of physical memory. */
export function oracleWalk(
  rules: OracleRules,
  access: OracleAccess,
  linear: bigint,
  read: (address: bigint, bytes: number) => bigint,
): OracleResult {
  const found = rules.mode === '32-bit' ? walk32(rules, linear, read) : walk64(rules, linear, read);
  if (found === 'not present') return { fault: errorCode(rules, access, false, false, false) };
  if (found === 'reserved') return { fault: errorCode(rules, access, true, true, false) };
  const { entries, physical } = found;
  const user = entries.every(({ value }) => bit(value, 2));
  const writable = entries.every(({ value }) => bit(value, 1));
  const forbidden = rules.mode !== '32-bit' && rules.nxe && entries.some(({ value }) => bit(value, 63));
  const last = entries[entries.length - 1]?.value ?? 0n;
  const key = keyForbids(rules, access, user, Number(field(last, 62, 59)));
  if (key || !rightsAllow(rules, access, user, writable, forbidden)) {
    return { fault: errorCode(rules, access, true, false, key) };
  }
  const sets = entries.flatMap(({ address, value }, n) => {
    const wanted = access.kind === 'write' && n === entries.length - 1 ? 0x60n : 0x20n;
    return (value & wanted) === wanted ? [] : [[address, value | wanted] as const];
  });
  return { physical, sets };
}

function errorCode(
  rules: OracleRules,
  { kind, mode }: OracleAccess,
  present: boolean,
  reserved: boolean,
  key: boolean,
): number {
  const tellsFetches = rules.smep || (rules.mode !== '32-bit' && rules.nxe);
  return (
    (present ? 1 : 0) +
    (kind === 'write' ? 2 : 0) +
    (mode === 'user' ? 4 : 0) +
    (reserved ? 8 : 0) +
    (kind === 'fetch' && tellsFetches ? 16 : 0) +
    (key ? 32 : 0)
  );
}

function walk32(
  rules: OracleRules,
  linear: bigint,
  read: (address: bigint, bytes: number) => bigint,
): Leaf | 'not present' | 'reserved' {
  const pdeAddress = (field(rules.cr3, 31, 12) << 12n) + field(linear, 31, 22) * 4n;
  const pde = read(pdeAddress, 4);
  if (!bit(pde, 0)) return 'not present';
  if (rules.pse && bit(pde, 7)) {
    if (bit(pde, 21)) return 'reserved';
    const width = rules.pse36 ? Math.min(Math.max(rules.physicalBits - 32, 0), 8) : 0;
    for (let n = 13 + width; n <= 20; n++) if (bit(pde, n)) return 'reserved';
    const high = width === 0 ? 0n : field(pde, 12 + width, 13);
    const physical = (high << 32n) + (field(pde, 31, 22) << 22n) + field(linear, 21, 0);
    return { entries: [{ address: pdeAddress, value: pde }], physical };
  }
  const pteAddress = (field(pde, 31, 12) << 12n) + field(linear, 21, 12) * 4n;
  const pte = read(pteAddress, 4);
  if (!bit(pte, 0)) return 'not present';
  const entries = [
    { address: pdeAddress, value: pde },
    { address: pteAddress, value: pte },
  ];
  return { entries, physical: (field(pte, 31, 12) << 12n) + field(linear, 11, 0) };
}

/** Names of the tables whose entries have eight bytes, and the lowest bit of the linear address that selects one. */
const tables = [
  { name: 'PML5', low: 48 },
  { name: 'PML4', low: 39 },
  { name: 'PDPT', low: 30 },
  { name: 'PD', low: 21 },
  { name: 'PT', low: 12 },
] as const;

function walk64(
  rules: OracleRules,
  linear: bigint,
  read: (address: bigint, bytes: number) => bigint,
): Leaf | 'not present' | 'reserved' {
  const first = { PAE: 3, '4-level': 1, '5-level': 0 }[rules.mode as 'PAE' | '4-level' | '5-level'];
  const address52 = (entry: bigint) => field(entry, 51, 12) << 12n;
  let base = field(rules.cr3, rules.physicalBits - 1, 12) << 12n;
  if (rules.mode === 'PAE') {
    const pointer = rules.pointers[Number(field(linear, 31, 30))] ?? 0n;
    if (!bit(pointer, 0)) return 'not present';
    base = address52(pointer);
  }
  const entries: { address: bigint; value: bigint }[] = [];
  for (const { name, low } of tables.slice(first)) {
    const address = base + field(linear, low + 8, low) * 8n;
    const value = read(address, 8);
    entries.push({ address, value });
    if (!bit(value, 0)) return 'not present';
    if (isReserved(rules, name, value)) return 'reserved';
    const isPage = name === 'PT' || (bit(value, 7) && (name === 'PD' || name === 'PDPT'));
    if (isPage) return { entries, physical: (field(value, 51, low) << BigInt(low)) + field(linear, low - 1, 0) };
    base = address52(value);
  }
  throw new Error('the last table has pages');
}

function isReserved(rules: OracleRules, name: (typeof tables)[number]['name'], value: bigint): boolean {
  const set = (from: number, to: number) => from <= to && field(value, to, from) !== 0n;
  if (set(rules.physicalBits, 51)) return true;
  if (rules.mode === 'PAE' && set(52, 62)) return true;
  if (bit(value, 63) && !rules.nxe) return true;
  if (!bit(value, 7) || name === 'PT') return false;
  if (name === 'PD') return set(13, 20);
  return name !== 'PDPT' || !rules.gigabytePages || set(13, 29);
}

function rightsAllow(
  rules: OracleRules,
  { kind, mode, ac }: OracleAccess,
  user: boolean,
  writable: boolean,
  noExecute: boolean,
): boolean {
  if (mode === 'user') {
    if (!user) return false;
    return kind === 'read' || (kind === 'write' ? writable : !noExecute);
  }
  if (kind === 'fetch') return !noExecute && !(user && rules.smep);
  if (user && rules.smap && !(ac && mode === 'supervisor')) return false;
  return kind === 'read' || writable || !rules.wp;
}

function keyForbids(rules: OracleRules, { kind, mode }: OracleAccess, user: boolean, key: number): boolean {
  const register = user ? rules.pkru : rules.pkrs;
  if (register === undefined || kind === 'fetch' || (rules.mode !== '4-level' && rules.mode !== '5-level'))
    return false;
  if (!user && mode === 'user') return false;
  if (((register >>> (2 * key)) & 1) === 1) return true;
  return ((register >>> (2 * key + 1)) & 1) === 1 && kind === 'write' && (mode === 'user' || rules.wp);
}
