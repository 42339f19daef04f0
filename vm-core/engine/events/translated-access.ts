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
import { countAccess } from '../compiler/region-counters.ts';
import { ACCESS_SYSTEM, ACCESS_WRITE, CONTEXTS, EventCode } from './event-code.ts';
import { isPlainPage, type TranslationFunctions } from './translation-code.ts';

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
  const isInside = s.isZero(s.gtU(s.add(s.and(s.low(linear), PAGE_SIZE - 1), size), PAGE_SIZE));
  const isOurs = s.and(isInside, s.isZero(s.gtU(size, SIZE_MAX)));
  /** Where a region was left before the instruction: what the access met. */
  const tell = (cause: 'miss' | 'fault') =>
    s.if(s.eq(record, s.field(internal.REGION_RECORD)), () => {
      countAccess(f, s.field(internal.REGION_LEFT), cause);
      s.setField(internal.REGION_RECORD, 0);
    });
  s.if(s.and(isOurs, s.isZero(s.and(sizeAndKind, SIZE_CHECK))), () => {
    const physical = f.call(translate, s.cpu, linear, s.constant(kind === 'read' ? 0 : ACCESS_WRITE));
    s.if(s.field(internal.FAULT), () => {
      tell('fault');
      f.return(f.signature.result ? s.constant(0) : undefined);
    });
    s.if(s.isZero(s.ltS(physical, 0)), () => {
      const host = s.f.copy(s.add(s.low(physical), s.constant(RAM_BASE)));
      const reach = (table: 'read' | 'write' | undefined): void => {
        if (table) enterPage(s, table, linear, host, s.field(CONTEXTS[table].current));
        tell('miss');
        access(host);
      };
      if (kind === 'write') s.if(isPlainPage(s, physical), () => reach('write'));
      else reach(kind === 'read' ? 'read' : undefined);
    });
  });
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
