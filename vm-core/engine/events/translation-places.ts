/**
 * The cache of translations (memory/translation-cache.ts) as generated code looks into it: where the translation of a page is,
 * and where there is room for one.
 */
import { TRANSLATION_SETS as SETS, TRANSLATION_WAYS as WAYS, translations } from '../../memory/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import { bitOf, type EventCode } from './event-code.ts';

/** A right as the cache has them: the page is global. */
export const GLOBAL = 16;

/** Adds one to an f64 of the cache of translations; gives its bits. */
export function nextNumber(s: EventCode, at: number): Value {
  const { f } = s;
  const before = f.operate('f64.reinterpret_i64', f.load('i64', 64, s.cpu, at));
  const after = f.operate(
    'i64.reinterpret_f64',
    f.operate('f64.add', before, f.addressNumber(s.f.copy(s.constant(1)))),
  );
  f.store(64, s.cpu, at, after);
  return after;
}

/** The bits of the generation of a process context: the newest of its own, that of all contexts and that of everything. */
export function generationBits(s: EventCode, pcid: Value): Value {
  const { f } = s;
  const number = (place: Value, at: number) => f.operate('f64.reinterpret_i64', f.load('i64', 64, place, at));
  const own = number(s.add(s.cpu, s.shl(pcid, 3)), translations.GENERATIONS);
  const ofContexts = f.operate('f64.max', own, number(s.cpu, translations.CONTEXTS_EPOCH));
  return f.operate('i64.reinterpret_f64', f.operate('f64.max', ofContexts, number(s.cpu, translations.EPOCH)));
}

/** 1 if the translation at an index is good: for the current process context, or for the one that it was made for. */
function serves(s: EventCode, at: Value, context: 'current' | 'any'): Value {
  const owner = s.f.load('i64', 64, s.add(s.cpu, s.shl(at, 3)), translations.OWNERS);
  const rights = s.f.load('i32', 8, s.add(s.cpu, at), translations.RIGHTS);
  const pcid = s.f.copy(s.f.load('i32', 16, s.add(s.cpu, s.shl(at, 1)), translations.PCIDS));
  const isOfAll = s.eq(owner, s.f.load('i64', 64, s.cpu, translations.EPOCH));
  const isCurrent = s.eq(owner, s.f.load('i64', 64, s.cpu, translations.OWNER));
  const isOwn =
    context === 'any'
      ? s.eq(owner, generationBits(s, pcid))
      : s.and(isCurrent, s.eq(pcid, s.field(translations.CONTEXT)));
  return s.select(s.and(rights, GLOBAL), isOfAll, isOwn);
}

function firstOf(s: EventCode, page: Value): Value {
  return s.shl(s.and(s.low(page), SETS - 1), bitOf(WAYS));
}

/** The bits of a number of a page, or of an address, as the cache has it. */
export function numberBits(s: EventCode, number: Value): Value {
  return s.f.operate('i64.reinterpret_f64', s.f.operate('f64.convert_i64_s', number));
}

/** Writes (cpu, page, shift) → index of its translation, or -1. */
export function writeLocate(s: EventCode): void {
  const [, page, shift] = s.f.parameters as readonly [Value, Value, Value];
  const bits = numberBits(s, page);
  const first = firstOf(s, page);
  for (let way = 0; way < WAYS; way++) {
    const at = s.f.copy(s.add(first, s.constant(way)));
    const there = s.f.load('i64', 64, s.add(s.cpu, s.shl(at, 3)), translations.PAGES);
    s.if(s.eq(there, bits), () => {
      const isSize = s.eq(s.f.load('i32', 8, s.add(s.cpu, at), translations.SHIFTS), shift);
      s.if(s.and(isSize, serves(s, at, 'current')), () => s.f.return(at));
    });
  }
  s.f.return(s.constant(-1));
}

/** Writes (cpu, page) → index of a place that is free for it, or -1. */
export function writeRoom(s: EventCode): void {
  const [, page] = s.f.parameters as readonly [Value, Value];
  const first = firstOf(s, page);
  for (let way = 0; way < WAYS; way++) {
    const at = s.f.copy(s.add(first, s.constant(way)));
    s.if(s.isZero(serves(s, at, 'any')), () => s.f.return(at));
  }
  s.f.return(s.constant(-1));
}
