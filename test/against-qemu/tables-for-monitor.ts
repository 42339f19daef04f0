/** Random page tables for tables.asm, shaped like a tree so that every page of them can be listed (SDM vol. 3A §4.3–§4.5). */
import { Random } from '../../scripts/differential/random.ts';

export type TablesMode = '32-bit' | 'PSE' | 'PAE' | '4-level' | '5-level';

const REGISTERS = 0x101000;
const TABLES = 0x102000;
const PAGE = 0x1000;
const KERNEL = 0x100000;
/** The kernel's own entries: present, writable, accessed, dirty. */
const KERNEL_FLAGS = 0x63n;
const TABLES_MAX = 48;
/** So many pages the kernel's last table has at least: a comparison of a few says little. */
const PAGES_MIN = 64;
const PRESENT = 1n;
const LARGE = 0x80n;
const NO_EXECUTE = 1n << 63n;

const CR0_BITS = { protection: 1, writeProtect: 1 << 16, paging: 0x8000_0000 };
const CR4_BITS: Readonly<Record<TablesMode, number>> = {
  '32-bit': 0,
  PSE: 1 << 4,
  PAE: 1 << 5,
  '4-level': (1 << 5) | (1 << 7),
  '5-level': (1 << 5) | (1 << 7) | (1 << 12),
};
const EFER_LME = 1 << 8;
const EFER_NXE = 1 << 11;
const LEVELS: Readonly<Record<TablesMode, number>> = { '32-bit': 2, PSE: 2, PAE: 3, '4-level': 4, '5-level': 5 };

/** What stands behind the guest's code: registers, and the tables of a seed; `withReserved` has entries with reserved bits among them, one at least, and NX is such a bit then. */
export function makeTables(mode: TablesMode, seed: number, withReserved: boolean): Uint8Array {
  const maker = new TableMaker(new Random(seed), mode, withReserved);
  const root = maker.table(LEVELS[mode], true);
  const bytes = new Uint8Array(TABLES - REGISTERS + maker.tables.length * PAGE);
  const view = new DataView(bytes.buffer);
  const long = LEVELS[mode] > 3;
  const efer = (long ? EFER_LME : 0) | (withReserved || LEVELS[mode] === 2 ? 0 : EFER_NXE);
  const cr0 = (CR0_BITS.paging | CR0_BITS.writeProtect | CR0_BITS.protection) >>> 0;
  for (const [n, value] of [CR4_BITS[mode], root, efer, cr0].entries()) view.setUint32(n * 4, value, true);
  for (const [n, table] of maker.tables.entries()) bytes.set(table, TABLES - REGISTERS + n * PAGE);
  return bytes;
}

class TableMaker {
  readonly tables: Uint8Array[] = [];
  readonly #random: Random;
  readonly #mode: TablesMode;
  readonly #withReserved: boolean;
  /** Tables by level, to be pointed to twice. */
  readonly #made = new Map<number, number[]>();

  constructor(random: Random, mode: TablesMode, withReserved: boolean) {
    this.#random = random;
    this.#mode = mode;
    this.#withReserved = withReserved;
  }

  get #narrow(): boolean {
    return LEVELS[this.#mode] === 2;
  }

  /** Makes a table and what is below it; gives its physical address. */
  table(level: number, ofKernel: boolean): number {
    const bytes = new Uint8Array(PAGE);
    const address = TABLES + this.tables.length * PAGE;
    this.tables.push(bytes);
    const view = new DataView(bytes.buffer);
    const present = new Set<number>();
    const put = (index: number, entry: bigint): void => {
      if ((entry & PRESENT) !== 0n) present.add(index);
      else present.delete(index);
      if (this.#narrow) view.setUint32(index * 4, Number(entry & 0xffff_ffffn), true);
      else view.setBigUint64(index * 8, entry, true);
    };
    const pointers = this.#mode === 'PAE' && level === 3;
    const count = pointers ? 4 : this.#narrow ? 1024 : 512;
    const presentMin = ofKernel && level === 1 ? PAGES_MIN : 0;
    for (let runs = level > 2 ? 2 : 5; runs > 0 || present.size < presentMin; runs--) this.#run(level, count, put);
    if (ofKernel) {
      if (this.#withReserved && level === 2) put(1 + this.#random.below(count - 1), this.#reservedPage());
      const flags = pointers ? PRESENT : KERNEL_FLAGS;
      if (level === 1) put(KERNEL / PAGE, BigInt(KERNEL) | KERNEL_FLAGS);
      else put(0, BigInt(this.table(level - 1, true)) | flags);
    } else this.#made.set(level, [...(this.#made.get(level) ?? []), address]);
    return address;
  }

  /** Neighbouring entries: tables, pages one behind the other, pages at random, or some that are not present. */
  #run(level: number, count: number, put: (index: number, entry: bigint) => void): void {
    const random = this.#random;
    // The ends of both halves of the address space are where signs change.
    const corners = [1, count / 2 - 1, count / 2, count - 3];
    const first = Math.max(random.below(3) === 0 ? random.pick(corners) : random.below(count), 1);
    const length = Math.min(1 + random.below(level === 1 ? 8 : 2), count - first);
    const isPages = level === 1 || (this.#mayBeLarge(level) && random.below(3) === 0);
    const page = this.#page(level);
    for (let n = 0; n < length; n++) {
      if (random.below(8) === 0) put(first + n, BigInt(random.next()) & ~PRESENT);
      else if (!isPages) put(first + n, this.#pointer(level));
      else if (random.below(4) === 0) put(first + n, this.#page(level));
      else put(first + n, page + (BigInt(n) << this.#shift(level)));
    }
  }

  #mayBeLarge(level: number): boolean {
    return level === 2 ? this.#mode !== '32-bit' : level === 3 && this.#mode !== 'PAE';
  }

  #shift(level: number): bigint {
    return BigInt(12 + (this.#narrow ? 10 : 9) * (level - 1));
  }

  #flags(): bigint {
    const random = this.#random;
    return PRESENT | BigInt((random.below(4) ? 2 : 0) | (random.below(3) ? 4 : 0) | (random.next() & 0x178));
  }

  #pointer(level: number): bigint {
    const known = this.#made.get(level - 1);
    const isKnown = known !== undefined && (this.#random.below(3) === 0 || this.tables.length >= TABLES_MAX);
    if (!isKnown && this.tables.length >= TABLES_MAX) return 0n;
    const target = BigInt(isKnown ? this.#random.pick(known) : this.table(level - 1, false));
    if (this.#mode === 'PAE' && level === 3) return target | PRESENT | BigInt(this.#random.next() & 0x18);
    // Without CR4.PSE bit 7 of a directory's entry says nothing.
    const ignored = this.#mode === '32-bit' && this.#random.below(2) === 0 ? LARGE : 0n;
    return target | this.#flags() | ignored | this.#noExecute(8);
  }

  /** A page of any frame; sometimes with a reserved bit. */
  #page(level: number): bigint {
    const random = this.#random;
    const shift = this.#shift(level);
    const frame = (BigInt(random.next()) >> shift) << shift;
    const flags = this.#flags() | (level > 1 ? LARGE : random.below(4) === 0 ? 0x80n : 0n);
    if (this.#narrow) {
      const more =
        level > 1 && random.below(3) === 0 ? BigInt(random.below(this.#withReserved ? 512 : 256)) << 13n : 0n;
      return frame | flags | more;
    }
    const high = BigInt(random.below(256)) << 32n;
    const odd = this.#withReserved && random.below(10) === 0 ? 1n << BigInt(random.pick([13, 17, 41, 45, 51])) : 0n;
    return frame | high | flags | odd | this.#noExecute(3);
  }

  /** A large page with a bit that is reserved in its mode (SDM vol. 3A tables 4-4, 4-9, 4-18). */
  #reservedPage(): bigint {
    return this.#page(2) | (1n << (this.#narrow ? 21n : 13n));
  }

  #noExecute(rarity: number): bigint {
    return !this.#narrow && this.#random.below(rarity) === 0 ? NO_EXECUTE : 0n;
  }
}
