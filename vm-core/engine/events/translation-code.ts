/**
 * Translations of 32-bit paging and of 4-level paging in generated code (SDM vol. 3A §4.3, §4.5): what the cache of
 * translations has, or a walk of the tables, as memory/translator.ts does it. All that is unusual is refused: tables and
 * pages that are not plain RAM, reserved bits, a set of the cache without room, what no longer is as it was cached.
 */
import { DECODED_PAGES, RAM_BASE, STORED_PAGES, translations } from '../../memory/layout.ts';
import * as rule from '../../memory/paging-rules.ts';
import { internal, slot } from '../../state/layout.ts';
import type { FunctionBuilder, Value, Variable } from '../../wasm/function-builder.ts';
import type { FunctionReference, ModuleBuilder } from '../../wasm/module-builder.ts';
import { ACCESS_QUIET, ACCESS_SYSTEM, ACCESS_WRITE as WRITE, bitOf, EventCode } from './event-code.ts';
import { GLOBAL, nextNumber, numberBits, writeLocate, writeRoom } from './translation-places.ts';

/** Of an access, as in memory/page-access.ts. */
export const FETCH = 16;
/** What a translation is instead of a physical address: TypeScript is to make it, or the access faults. */
const REFUSED = -1n;
const FAULTED = -2n;

/** Rights as the cache has them, and bits of table entries. */
const [USER, WRITABLE, EXECUTABLE, DIRTY] = [1, 2, 4, 8];
const [PRESENT, ENTRY_WRITABLE, ENTRY_USER, ACCESSED, ENTRY_DIRTY, LARGE, ENTRY_GLOBAL] = [1, 2, 4, 32, 64, 128, 256];
const FRAME_HIGH = 0xf_ffff;
const PRIVILEGE_USER = 1;
const PRIVILEGE_UNCHECKED = 2;
const PAGE_SHIFT = 12;

/** The functions of a module; `fault` is told by FAULT and QUICK_FAULT. */
export interface TranslationFunctions {
  /** (cpu, linear, access) → physical address of RAM, or a negative number. */
  readonly translate: FunctionReference;
}

export function defineTranslation(module: ModuleBuilder, addressBits: 32 | 64): TranslationFunctions {
  const word = addressBits === 64 ? 'i64' : 'i32';
  const locate = module.defineFunction({ parameters: ['i32', 'i64', 'i32'], result: 'i32' });
  writeLocate(new EventCode(locate, addressBits));
  const room = module.defineFunction({ parameters: ['i32', 'i64'], result: 'i32' });
  writeRoom(new EventCode(room, addressBits));
  const translate = module.defineFunction({ parameters: ['i32', word, 'i32'], result: 'i64' });
  new Translation(translate, addressBits, locate, room).write();
  return { translate };
}

/** Host address of plain RAM at a physical address below 4 GiB; runs `otherwise` elsewhere. */
export function ramAt(s: EventCode, physical: Value, otherwise: () => void): Value {
  const low = s.low(physical);
  if (physical.type === 'i64') s.if(s.f.narrow(s.shrU(physical, 32)), otherwise);
  const isHole = s.ltU(s.sub(low, s.constant(0xa_0000)), 0x6_0000);
  s.if(s.or(isHole, s.isZero(s.ltU(low, s.field(internal.PLAIN_RAM)))), otherwise);
  return s.add(low, s.constant(RAM_BASE));
}

/** Not 0 if RAM at a physical address may be written without asking: nothing is decoded there. */
export function isPlainPage(s: EventCode, physical: Value): Value {
  const page = s.shrU(s.low(physical), PAGE_SHIFT);
  const byte = s.f.load('i32', 8, s.shrU(page, 3), DECODED_PAGES);
  return s.isZero(s.and(s.shrU(byte, s.and(page, 7)), 1));
}

/** Such a page is written: it belongs to the log of written pages. */
export function noteStored(s: EventCode, physical: Value): void {
  const page = s.shrU(s.low(physical), PAGE_SHIFT);
  const at = s.f.copy(s.shrU(page, 3));
  const stored = s.or(s.f.load('i32', 8, at, STORED_PAGES), s.shl(s.f.copy(s.constant(1)), s.and(page, 7)));
  s.f.store(8, at, STORED_PAGES, stored);
}

/** A table entry that was read: its host and physical addresses. */
interface Entry {
  readonly host: Variable;
  readonly physical: Variable;
  readonly low: Variable;
}

class Translation extends EventCode {
  readonly #locate: FunctionReference;
  readonly #room: FunctionReference;
  readonly #linear: Value;
  readonly #access: Value;
  readonly #rules: Value;
  /** Where the page is cached; -1 if it is not. */
  readonly #cached: Variable;

  constructor(f: FunctionBuilder, addressBits: 32 | 64, locate: FunctionReference, room: FunctionReference) {
    super(f, addressBits);
    this.#locate = locate;
    this.#room = room;
    [, this.#linear, this.#access] = f.parameters as readonly [Value, Value, Value];
    this.#rules = f.copy(this.field(internal.PAGING));
    this.#cached = f.variable(this.constant(-1));
  }

  override refuse(): void {
    this.f.return(this.f.i64(REFUSED));
  }

  write(): void {
    // In compatibility mode code of 32 bits has the tables of long mode.
    this.refuseIf(this.field(internal.SHORTCUTS_OFF));
    if (!this.isWide) this.if(this.#has(rule.RULE_UNPAGED), () => this.#useUnpaged());
    this.refuseUnless(this.matches(this.#rules, rule.RULE_LEVELS, this.isWide ? 4 : 2));
    if (this.isWide) this.refuseUnlessCanonical(this.#linear);
    const page = this.f.copy(this.#pageOf(PAGE_SHIFT));
    const at = this.#cached;
    this.set(at, this.f.call(this.#locate, this.cpu, page, this.constant(PAGE_SHIFT)));
    this.if(this.ltS(at, 0), () => {
      const shift = this.isWide ? 21 : 22;
      this.set(at, this.f.call(this.#locate, this.cpu, this.#pageOf(shift), this.constant(shift)));
    });
    this.if(this.isZero(this.ltS(at, 0)), () => this.#useCached(at));
    this.#finish(this.isWide ? this.#walkLong() : this.#walk32());
  }

  #pageOf(shift: number): Value {
    return this.isWide ? this.shrS(this.#linear, shift) : this.wideUnsigned(this.shrU(this.#linear, shift));
  }

  /** Without paging the linear address is the physical one, and nothing is cached. */
  #useUnpaged(): void {
    ramAt(this, this.#linear, () => this.refuse());
    this.f.return(this.wideUnsigned(this.#linear));
  }

  /** Returns what is cached if it allows the access. */
  #useCached(at: Value): void {
    const rights = this.f.load('i32', 8, this.add(this.cpu, at), translations.RIGHTS);
    const needsDirty = this.and(this.#isWrite, this.isZero(this.and(rights, DIRTY)));
    this.if(this.and(this.#allows(rights), this.isZero(needsDirty)), () => {
      const shift = this.f.load('i32', 8, this.add(this.cpu, at), translations.SHIFTS);
      const frame = this.f.load('i64', 64, this.add(this.cpu, this.shl(at, 3)), translations.FRAMES);
      const start = this.f.operate('i64.trunc_sat_f64_s', this.f.operate('f64.reinterpret_i64', frame));
      const physical = this.f.copy(this.#inPage(start, shift));
      ramAt(this, physical, () => this.refuse());
      nextNumber(this, translations.HITS);
      const time = nextNumber(this, translations.TIME);
      this.f.store(64, this.add(this.cpu, this.shl(at, 3)), translations.USED, time);
      this.f.return(physical);
    });
  }

  /** The place of the linear address in a page of a size that begins at a physical address. */
  #inPage(start: Value, shift: Value): Value {
    const mask = this.sub(this.shl(this.f.copy(this.f.i64(1n)), shift), this.f.i64(1n));
    return this.add(start, this.and(this.wideUnsigned(this.#linear), mask));
  }

  get #isWrite(): Value {
    return this.and(this.shrU(this.#access, 1), 1);
  }

  #has(bits: number): Value {
    return this.ne(this.and(this.#rules, bits), 0);
  }

  /** 1 if rights as the cache has them allow the access. */
  #allows(rights: Value): Value {
    const isSystem = this.and(this.#access, ACCESS_SYSTEM);
    const privilege = this.f.copy(this.select(isSystem, this.constant(0), this.field(internal.PRIVILEGE)));
    const has = (bit: number) => this.and(this.shrU(rights, bitOf(bit)), 1);
    const isFetch = this.and(this.#access, FETCH);
    const isRead = this.xor(this.#isWrite, 1);
    const user = this.and(has(USER), this.select(isFetch, has(EXECUTABLE), this.or(has(WRITABLE), isRead)));
    const fetches = this.and(has(EXECUTABLE), this.xor(this.and(has(USER), this.#has(rule.RULE_SMEP)), 1));
    const isGuarded = this.and(this.#has(rule.RULE_SMAP), this.ne(privilege, PRIVILEGE_UNCHECKED));
    const mayStore = this.or(this.or(has(WRITABLE), isRead), this.xor(this.#has(rule.RULE_PROTECT), 1));
    const data = this.and(mayStore, this.xor(this.and(has(USER), isGuarded), 1));
    return this.select(this.eq(privilege, PRIVILEGE_USER), user, this.select(isFetch, fetches, data));
  }

  /** The fault of an access of data; code is fetched by TypeScript, which also delivers what faults on the way. */
  #fault(present: 0 | 1): void {
    this.refuseIf(this.and(this.#access, FETCH | ACCESS_QUIET));
    const user = this.shl(this.eq(this.field(internal.PRIVILEGE), PRIVILEGE_USER), 2);
    const code = this.or(this.or(this.constant(present), user), this.and(this.#access, WRITE));
    this.setAddress(slot.CR2, this.#linear);
    this.setField(internal.QUICK_FAULT, this.add(code, this.constant(1)));
    this.setField(internal.FAULT, 1);
    this.f.return(this.f.i64(FAULTED));
  }

  #newEntry(): Entry {
    const zero = () => this.variable(this.constant(0));
    return { host: zero(), physical: zero(), low: zero() };
  }

  /** Reads the low half of an entry in plain RAM. */
  #read(entry: Entry, physical: Value): void {
    this.set(entry.physical, this.low(physical));
    this.set(
      entry.host,
      ramAt(this, physical, () => this.refuse()),
    );
    this.set(entry.low, this.load(entry.host));
  }

  #walk32(): Walk {
    const [directory, last] = [this.#newEntry(), this.#newEntry()];
    const shift = this.variable(this.constant(PAGE_SHIFT));
    const frame = this.variable(this.constant(0));
    const root = this.and(this.field(slot.CR3), 0xffff_f000);
    this.#read(directory, this.add(root, this.shl(this.shrU(this.#linear, 22), 2)));
    const rights = this.variable(directory.low);
    this.if(this.isZero(this.and(directory.low, PRESENT)), () => this.#faultUncached(0));
    const isLarge = this.and(this.#has(rule.RULE_LARGE), this.bit(directory.low, bitOf(LARGE)));
    this.if(
      isLarge,
      () => {
        this.refuseIf(this.and(directory.low, 0x3f_e000));
        this.set(shift, this.constant(22));
        this.set(frame, this.and(directory.low, 0xffc0_0000));
        this.#copy(directory, last);
      },
      () => {
        const index = this.and(this.shrU(this.#linear, PAGE_SHIFT), 0x3ff);
        this.#read(last, this.add(this.and(directory.low, 0xffff_f000), this.shl(index, 2)));
        this.if(this.isZero(this.and(last.low, PRESENT)), () => this.#faultUncached(0));
        this.set(rights, this.and(rights, last.low));
        this.set(frame, this.and(last.low, 0xffff_f000));
      },
    );
    return { tables: [directory], last, rights, shift, frame, denied: this.constant(0) };
  }

  #copy(from: Entry, to: Entry): void {
    for (const name of ['host', 'physical', 'low'] as const) this.set(to[name], from[name]);
  }

  /** Four levels; physical addresses of tables are below 4 GiB or refused. */
  #walkLong(): Walk {
    const tables = [this.#newEntry(), this.#newEntry(), this.#newEntry()];
    const last = this.#newEntry();
    const shift = this.variable(this.constant(PAGE_SHIFT));
    const rights = this.variable(this.constant(-1));
    const denied = this.variable(this.constant(0));
    const root = this.and(this.address(slot.CR3), 0xffff_f000);
    this.refuseIf(this.field(slot.CR3 + 4));
    const table = this.variable(root);
    const step = (entry: Entry, level: number): void => {
      const index = this.and(this.shrU(this.#linear, PAGE_SHIFT + 9 * (level - 1)), 0x1ff);
      this.#read(entry, this.add(table, this.shl(index, 3)));
      this.if(this.isZero(this.and(entry.low, PRESENT)), () => this.#faultUncached(0));
      const high = this.load(entry.host, 4);
      this.refuseIf(this.and(high, this.field(internal.RESERVED_HIGH)));
      this.set(denied, this.or(denied, high));
      this.set(rights, this.and(rights, entry.low));
      const frame = this.wideUnsigned(this.and(entry.low, 0xffff_f000));
      this.set(table, this.or(frame, this.shl(this.wideUnsigned(this.and(high, FRAME_HIGH)), 32)));
      if (level > 2) this.refuseIf(this.and(entry.low, LARGE));
    };
    for (const [n, entry] of tables.entries()) step(entry, 4 - n);
    const directory = tables[2] as Entry;
    this.if(
      this.and(directory.low, LARGE),
      () => {
        this.refuseIf(this.and(directory.low, 0x1f_e000));
        this.set(shift, this.constant(21));
        this.set(table, this.and(table, -0x20_0000));
        this.#copy(directory, last);
      },
      () => step(last, 1),
    );
    return { tables, last, rights, shift, frame: table, denied };
  }

  /** A fault; where something is cached that says otherwise, TypeScript puts that right. */
  #faultUncached(present: 0 | 1): void {
    this.refuseIf(this.isZero(this.ltS(this.#cached, 0)));
    this.#fault(present);
  }

  /** Checks and keeps what a walk has found. Up to the first flag that is set nothing has changed. */
  #finish(walk: Walk): void {
    const { last, shift, rights } = walk;
    const user = this.shrU(this.and(rights, ENTRY_USER), 2);
    const writable = this.and(rights, ENTRY_WRITABLE);
    const executable = this.shl(this.xor(this.shrU(walk.denied, 31), 1), bitOf(EXECUTABLE));
    const allowed = this.f.copy(this.or(this.or(user, writable), executable));
    this.if(this.isZero(this.#allows(allowed)), () => this.#faultUncached(1));
    const isDirty = this.or(this.#isWrite, this.bit(last.low, bitOf(ENTRY_DIRTY)));
    const isGlobal = this.and(this.#has(rule.RULE_GLOBAL), this.bit(last.low, bitOf(ENTRY_GLOBAL)));
    const frame = this.f.copy(this.wideUnsigned(walk.frame));
    const physical = this.f.copy(this.#inPage(frame, shift));
    ramAt(this, physical, () => this.refuse());
    const page = this.f.copy(this.#pageAt(shift));
    const bits = this.f.copy(numberBits(this, frame));
    const at = this.variable(this.#cached);
    this.if(
      this.ltS(at, 0),
      () => this.set(at, this.f.call(this.#room, this.cpu, page)),
      () => {
        this.refuseIf(this.ne(this.f.load('i32', 8, this.add(this.cpu, at), translations.SHIFTS), shift));
        this.refuseIf(this.ne(this.f.load('i64', 64, this.#place(at), translations.FRAMES), bits));
      },
    );
    this.refuseIf(this.ltS(at, 0));
    this.#mark(walk, isDirty);
    const flags = this.or(this.shl(isDirty, bitOf(DIRTY)), this.shl(isGlobal, bitOf(GLOBAL)));
    const numbers = this.#place(at);
    this.f.store(64, numbers, translations.PAGES, numberBits(this, page));
    this.f.store(64, numbers, translations.FRAMES, bits);
    const epoch = this.f.load('i64', 64, this.cpu, translations.EPOCH);
    const owner = this.f.load('i64', 64, this.cpu, translations.OWNER);
    this.f.store(64, numbers, translations.OWNERS, this.select(isGlobal, epoch, owner));
    this.f.store(16, this.add(this.cpu, this.shl(at, 1)), translations.PCIDS, this.field(translations.CONTEXT));
    this.f.store(8, this.add(this.cpu, at), translations.SHIFTS, shift);
    this.f.store(8, this.add(this.cpu, at), translations.RIGHTS, this.or(allowed, flags));
    this.f.store(8, this.add(this.cpu, at), translations.KEYS, this.constant(0));
    this.f.store(64, numbers, translations.USED, nextNumber(this, translations.TIME));
    const sizes = this.f.load('i32', 32, this.cpu, translations.SIZES);
    const size = this.select(this.eq(shift, PAGE_SHIFT), this.constant(1), this.constant(this.isWide ? 2 : 4));
    this.f.store(32, this.cpu, translations.SIZES, this.or(sizes, size));
    nextNumber(this, translations.FILLS);
    this.f.return(physical);
  }

  #place(at: Value): Value {
    return this.add(this.cpu, this.shl(at, 3));
  }

  #pageAt(shift: Value): Value {
    const linear = this.wideUnsigned(this.#linear);
    return this.isWide ? this.shrS(linear, shift) : this.shrU(linear, shift);
  }

  /** Sets the accessed flag of every entry, and the dirty flag of the last. */
  #mark({ tables, last }: Walk, isDirty: Value): void {
    const marks = [...tables, last].map((entry) => {
      const dirty = entry === last ? this.shl(isDirty, bitOf(ENTRY_DIRTY)) : this.constant(0);
      return { entry, marked: this.f.copy(this.or(entry.low, this.or(dirty, ACCESSED))) };
    });
    for (const { entry, marked } of marks) {
      const changes = this.ne(marked, entry.low);
      this.if(changes, () => this.refuseUnless(isPlainPage(this, entry.physical)));
    }
    for (const { entry, marked } of marks) {
      this.if(this.ne(marked, entry.low), () => {
        noteStored(this, entry.physical);
        this.f.store(32, entry.host, 0, marked);
      });
    }
  }
}

/** A walk that has come to a page. */
interface Walk {
  /** Entries above the last one, which may be it where the page is large. */
  readonly tables: readonly Entry[];
  readonly last: Entry;
  /** Entries' bits that all have. */
  readonly rights: Variable;
  readonly shift: Variable;
  readonly frame: Variable;
  /** Upper halves that any has. */
  readonly denied: Value;
}
