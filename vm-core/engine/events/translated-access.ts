/**
 * Accesses that miss the translation buffers, made in generated code where the page is plain RAM: an address is translated,
 * and the buffer gets its entry. Parameters of the function are (cpu, linear, …, size, record).
 */
import {
  ENTRY_ADDEND,
  ENTRY_CODE_MAP,
  PAGE_SIZE,
  RAM_BASE,
  TLB_PLACE_MASK,
  TLB_PLACE_SHIFT,
  TLB_READ,
  TLB_WRITE,
} from '../../memory/layout.ts';
import { internal } from '../../state/layout.ts';
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';
import { countAccess, noteCrossing } from '../compiler/region-counters.ts';
import { ACCESS_SYSTEM, ACCESS_WRITE, CONTEXTS, EventCode } from './event-code.ts';
import { isPlainPage, noteStored, type TranslationFunctions } from './translation-code.ts';

const PAGE_MASK = PAGE_SIZE - 1;
/** Bits of a size that are the size, the check of it only, and the sizes that are accessed here. */
const SIZE_MASK = 0x3f;
const SIZE_CHECK = 0x200;
const SIZE_MAX = 8;

/**
 * Runs `access` with a host address if the page may be reached; returns with the fault that is raised; otherwise nothing has
 * happened. `check` reads what is to be written afterwards.
 */
export function translated(
  f: FunctionBuilder,
  { translate }: TranslationFunctions,
  kind: 'read' | 'write' | 'check',
  access: (host: Value) => void,
): void {
  const s = new EventCode(f, (f.parameters[1] as Value).type === 'i64' ? 64 : 32);
  const linear = f.parameters[1] as Value;
  const [sizeAndKind, record] = f.parameters.slice(-2) as [Value, Value];
  const size = s.and(sizeAndKind, SIZE_MASK);
  const isInside = s.isZero(s.gtU(s.add(s.and(s.low(linear), PAGE_MASK), size), PAGE_SIZE));
  const isOurs = s.and(isInside, s.isZero(s.gtU(size, SIZE_MAX)));
  s.if(s.and(isOurs, s.isZero(s.and(sizeAndKind, SIZE_CHECK))), () => {
    const physical = f.call(translate, s.cpu, linear, s.constant(kind === 'read' ? 0 : ACCESS_WRITE));
    s.if(s.field(internal.FAULT), () => {
      tell(s, record, 'fault');
      f.return(f.signature.result ? s.constant(0) : undefined);
    });
    s.if(s.isZero(s.ltS(physical, 0)), () => {
      const host = s.f.copy(s.add(s.low(physical), s.constant(RAM_BASE)));
      const reach = (table: 'read' | 'write' | undefined): void => {
        if (table) enterPage(s, table, linear, host, s.field(CONTEXTS[table].current));
        tell(s, record, 'miss');
        access(host);
      };
      if (kind === 'write') {
        s.if(isPlainPage(s, physical), () => {
          noteStored(s, physical);
          reach('write');
        });
      } else reach(kind === 'read' ? 'read' : undefined);
    });
  });
}

/** Where a region was left before the instruction: counts what the access met. */
function tell(s: EventCode, record: Value, cause: 'miss' | 'fault' | 'two-pages'): void {
  s.if(s.eq(record, s.field(internal.REGION_RECORD)), () => {
    const region = s.f.copy(s.field(internal.REGION_LEFT));
    countAccess(s.f, region, cause);
    if (cause === 'two-pages') noteCrossing(s.f, region, record);
    s.setField(internal.REGION_RECORD, 0);
  });
}

/** Writes (cpu, linear, size, record) → 1 if the access crossed a page and was made: what was read lies in WIDE_VALUE. */
export function writeReadAcross(f: FunctionBuilder, translation: TranslationFunctions): void {
  const { s, left, size, hosts } = across(f, translation, 'read');
  const [first, second] = hosts;
  // The last eight bytes of one page, the first eight of the other.
  const ends = s.shrU(f.load('i64', 64, first), bitsOf(s, s.sub(s.constant(SIZE_MAX), left)));
  const both = s.or(ends, s.shl(f.load('i64', 64, second), bitsOf(s, left)));
  const unused = f.copy(bitsOf(s, s.sub(s.constant(SIZE_MAX), size)));
  f.store(64, s.cpu, internal.WIDE_VALUE, s.shrU(s.shl(both, unused), unused));
  f.return(s.constant(1));
}

/** Writes (cpu, linear, value, size, record) → 1 if the access crossed a page and was made. */
export function writeWriteAcross(f: FunctionBuilder, translation: TranslationFunctions): void {
  const { s, left, size, hosts } = across(f, translation, 'write');
  const [first, second] = hosts;
  const value = f.copy(f.widen(f.parameters[2] as Value, false));
  const before = f.copy(bitsOf(s, s.sub(s.constant(SIZE_MAX), left)));
  const after = f.copy(s.shrU(value, bitsOf(s, left)));
  // Memory that is new to the host is stored to first: to load what it does not have yet costs it a second page fault.
  f.store(8, second, 0, after);
  const merge = (host: Value, mask: Value, bits: Value) => {
    const kept = s.and(f.load('i64', 64, host), s.not(mask));
    f.store(64, host, 0, s.or(kept, s.and(bits, mask)));
  };
  merge(first, f.copy(s.shl(f.i64(-1n), before)), s.shl(value, before));
  const behind = bitsOf(s, s.sub(s.constant(SIZE_MAX), s.sub(size, left)));
  merge(second, f.copy(s.shrU(f.i64(-1n), behind)), after);
  f.return(s.constant(1));
}

/** An access that crosses a page. */
interface Across {
  readonly s: EventCode;
  /** Bytes in the first page. */
  readonly left: Value;
  readonly size: Value;
  /** Host addresses of the last eight bytes of the first page, and of the second page. */
  readonly hosts: readonly [Value, Value];
}

/** Refuses accesses that do not cross a page of plain RAM to another one; returns with the fault that is raised. */
function across(f: FunctionBuilder, { translate }: TranslationFunctions, kind: 'read' | 'write'): Across {
  const s = new EventCode(f, (f.parameters[1] as Value).type === 'i64' ? 64 : 32);
  const linear = f.parameters[1] as Value;
  const [sizeAndKind, record] = f.parameters.slice(-2) as [Value, Value];
  const size = f.copy(s.and(sizeAndKind, SIZE_MASK));
  const left = f.copy(s.sub(s.constant(PAGE_SIZE), s.and(s.low(linear), PAGE_MASK)));
  s.refuseUnless(s.ltU(left, size));
  s.refuseIf(s.or(s.gtU(size, SIZE_MAX), s.and(sizeAndKind, SIZE_CHECK)));
  const start = f.copy(s.and(linear, -PAGE_SIZE));
  const next = f.copy(s.add(start, s.asAddress(s.constant(PAGE_SIZE))));
  // Where the hole begins is asked before the first page is.
  if (s.isWide) s.refuseUnlessCanonical(next);
  const physicals = [linear, next].map((at) => {
    const physical = f.copy(f.call(translate, s.cpu, at, s.constant(kind === 'read' ? 0 : ACCESS_WRITE)));
    s.if(s.field(internal.FAULT), () => {
      tell(s, record, 'fault');
      f.return(s.constant(1));
    });
    s.refuseIf(s.ltS(physical, 0));
    return physical;
  }) as [Value, Value];
  if (kind === 'write') {
    for (const physical of physicals) s.refuseUnless(isPlainPage(s, physical));
    for (const physical of physicals) noteStored(s, physical);
  }
  tell(s, record, 'two-pages');
  const [first, second] = physicals.map((physical) => s.low(physical)) as [Value, Value];
  const end = s.add(s.or(first, s.constant(PAGE_MASK)), s.constant(RAM_BASE + 1 - SIZE_MAX));
  return { s, left, size, hosts: [f.copy(end), f.copy(s.add(second, s.constant(RAM_BASE)))] };
}

/** The bits of so many bytes, to shift 64 bits by. */
function bitsOf(s: EventCode, bytes: Value): Value {
  return s.wideUnsigned(s.shl(bytes, 3));
}

/**
 * Writes (cpu, linear, access) → host address of plain RAM, or 0: what the functions for events find their tables and stacks
 * with where the translation tables have no entry.
 */
export function writeReach(s: EventCode, { translate }: TranslationFunctions): void {
  const [, linear, access] = s.f.parameters as readonly [Value, Value, Value];
  const physical = s.f.copy(s.f.call(translate, s.cpu, linear, access));
  s.refuseIf(s.ltS(physical, 0));
  const host = s.f.copy(s.add(s.low(physical), s.constant(RAM_BASE)));
  const enter = (kind: 'read' | 'write'): void => {
    const { current, system } = CONTEXTS[kind];
    const context = s.f.copy(s.select(s.and(access, ACCESS_SYSTEM), s.field(system), s.field(current)));
    enterPage(s, kind, linear, host, context);
  };
  s.if(
    s.and(access, ACCESS_WRITE),
    () => {
      s.refuseUnless(isPlainPage(s, physical));
      noteStored(s, physical);
      enter('write');
    },
    () => enter('read'),
  );
  s.f.return(host);
}

/** Puts a page into a translation buffer, in a context. */
function enterPage(s: EventCode, kind: 'read' | 'write', linear: Value, host: Value, context: Value): void {
  const place = s.and(s.shrU(s.low(linear), TLB_PLACE_SHIFT), TLB_PLACE_MASK);
  const entry = s.add(s.add(s.cpu, place), s.constant(kind === 'read' ? TLB_READ : TLB_WRITE));
  const tag = s.or(s.and(s.wideUnsigned(linear), -PAGE_SIZE), s.wideUnsigned(context));
  s.f.store(64, entry, 0, tag);
  s.setAt(entry, ENTRY_ADDEND, s.sub(host, s.low(linear)));
  s.setAt(entry, ENTRY_CODE_MAP, s.constant(0));
}
