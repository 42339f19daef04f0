/** What generated code calls when the fast path does not serve: TypeScript of the engine, and one shared function. */
import {
  CODE_MAP_GRANULE_SHIFT,
  CODE_MAPS,
  ENTRY_ADDEND,
  ENTRY_CODE_MAP,
  PAGE_SIZE,
  TAG_CODE_PAGE,
  TLB_PLACE_MASK,
  TLB_PLACE_SHIFT,
  TLB_READ,
  TLB_WRITE,
} from '../memory/layout.ts';
import { internal } from '../state/layout.ts';
import type { FunctionBuilder, Value } from '../wasm/function-builder.ts';
import { translated, writeReadAcross, writeWriteAcross } from './events/translated-access.ts';
import { defineTranslation, type TranslationFunctions } from './events/translation-code.ts';
import type { EventFunctions } from './events/quick-events.ts';
import type { FunctionReference, ModuleBuilder, ValueType } from '../wasm/module-builder.ts';

/**
 * Functions that generated code refers to. Linear addresses cross into TypeScript as numbers, see `passAddress`; all other
 * values are i32. Sizes are in bytes.
 */
export interface SlowPaths {
  /** 64 in the module for 64-bit mode, whose operands may have 64 bits and whose writes of 32 bits clear the upper half. */
  readonly addressBits: 32 | 64;
  /** (linear as f64, size, record) → value. */
  readonly read: FunctionReference;
  /** (cpu, linear, size, record) → value, after a check that the place may be written. */
  readonly readForWrite: FunctionReference;
  /** (cpu, linear, value, size, record). */
  readonly write: FunctionReference;
  /** (linear as f64, 0, size, record): what more than 32 bits are to be written is in the state's WIDE_VALUE. */
  readonly writeWide: FunctionReference;
  /** (offset of the segment's entry, offset, size, is a write) → linear. */
  readonly segment: FunctionReference;
  /** (vector, error code or -1). */
  readonly raise: FunctionReference;
  /** (record) → outcome. */
  readonly system: FunctionReference;
  /** () → status: whether execution goes on past the hook at EIP. */
  readonly hook: FunctionReference;
  /** (linear address of a stack slot as f64, bytes pushed): calls recorded at the slot and below are over. */
  readonly callsOver: FunctionReference;
  /** (ESP before): an instruction has loaded the stack pointer. */
  readonly stackLoaded: FunctionReference;
  /** (record) → whether a maskable interrupt waits. */
  readonly interruptPending: FunctionReference;
  /** Of the module that has the integer unit. */
  readonly events?: EventFunctions;
  /** (cpu, linear, size, record) → value: as `read`, and what plain translations allow is done at once. */
  readonly quickRead?: FunctionReference;
  readonly translation?: TranslationFunctions;
}

/** The TypeScript side; the names are those of the imports. A fault is told by the state's FAULT field. */
export interface SlowPathImports {
  read(linear: number, size: number, record: number): number;
  readForWrite(linear: number, size: number, record: number): number;
  write(linear: number, value: number, size: number, record: number): void;
  segment(entryOffset: number, offset: number, size: number, isWrite: number): number;
  raise(vector: number, errorCode: number): void;
  system(record: number): number;
  hook(): number;
  callsOver(slot: number, pushed: number): void;
  stackLoaded(before: number): void;
  interruptPending(record: number): number;
  branched(record: number): number;
}

/** Added to the sizes of 64-bit mode; the second to those of pushes and pops, where a bad address is #SS. */
export const SIZE_LONG = 0x40;
export const SIZE_STACK = 0x80;
/** Added to the sizes of accesses that are never #AC. */
export const SIZE_UNALIGNED = 0x100;
/** Added to the size of `readForWrite`: nothing is read, a device notices nothing. */
export const SIZE_CHECK = 0x200;
export const SIZE_MASK = 0x3f;

/** An address as the number that TypeScript gets. Those of 64-bit mode lie in WIDE_ADDRESS whole. */
export function passAddress(f: FunctionBuilder, cpu: Value, linear: Value): Value {
  if (linear.type === 'i64') f.store(64, cpu, internal.WIDE_ADDRESS, linear);
  return f.addressNumber(linear);
}

/**
 * In a module for 64-bit mode addresses are i64, and values of 64 bits pass through the state's WIDE_VALUE. With `translates`
 * the module has functions that translate addresses themselves before they ask TypeScript.
 */
export function defineSlowPaths(module: ModuleBuilder, addressBits: 32 | 64, translates = false): SlowPaths {
  const i32s = (count: number) => new Array<'i32'>(count).fill('i32');
  const read = module.importFunction('read', { parameters: ['f64', 'i32', 'i32'], result: 'i32' });
  const readOutside = module.importFunction('readForWrite', { parameters: ['f64', 'i32', 'i32'], result: 'i32' });
  const writeOutside = module.importFunction('write', { parameters: ['f64', 'i32', 'i32', 'i32'] });
  const segment = module.importFunction('segment', { parameters: i32s(4), result: 'i32' });
  const raise = module.importFunction('raise', { parameters: i32s(2) });
  const system = module.importFunction('system', { parameters: i32s(1), result: 'i32' });
  const hook = module.importFunction('hook', { parameters: [], result: 'i32' });
  const callsOver = module.importFunction('callsOver', { parameters: ['f64', 'i32'] });
  const stackLoaded = module.importFunction('stackLoaded', { parameters: ['f64'] });
  const interruptPending = module.importFunction('interruptPending', { parameters: i32s(1), result: 'i32' });
  const word = addressBits === 64 ? 'i64' : 'i32';
  const translation = translates ? defineTranslation(module, addressBits) : undefined;
  const define = (...parameters: ValueType[]) => module.defineFunction({ parameters, result: 'i32' });
  const write = module.defineFunction({ parameters: ['i32', word, word, 'i32', 'i32'] });
  const writeAcross = translation && define(...write.signature.parameters);
  if (writeAcross && translation) writeWriteAcross(writeAcross, translation);
  writeBesideCode(write, writeOutside, translation, writeAcross);
  const readForWrite = define('i32', word, 'i32', 'i32');
  readOnCodePage(readForWrite, readOutside, translation);
  const quickRead = translation && module.defineFunction(readForWrite.signature);
  if (quickRead && translation) {
    const readAcross = module.defineFunction(readForWrite.signature);
    writeReadAcross(readAcross, translation);
    readTranslated(quickRead, read, translation, readAcross);
  }
  const writeWide = writeOutside;
  const memory = { read, readForWrite, write, writeWide, segment };
  const others = { raise, system, hook, callsOver, stackLoaded, interruptPending };
  return { addressBits, ...memory, ...others, ...(quickRead && translation ? { quickRead, translation } : {}) };
}

/** Does something with the entry of an access if that is the entry of its page and some bytes of the page are noticed. */
function onCodePage(
  f: FunctionBuilder,
  [cpu, linear, size]: readonly [Value, Value, Value],
  access: (entry: Value, host: Value) => void,
  table: typeof TLB_READ | typeof TLB_WRITE = TLB_WRITE,
): void {
  const isWide = linear.type === 'i64';
  const low = f.narrow(linear);
  const place = f.binary('and', f.binary('shrU', low, f.i32(TLB_PLACE_SHIFT)), f.i32(TLB_PLACE_MASK));
  const entry = f.binary('add', f.binary('add', cpu, place), f.i32(table));
  const current = table === TLB_WRITE ? internal.TLB_WRITE_GENERATION : internal.TLB_GENERATION;
  const generation = f.load(isWide ? 'i64' : 'i32', 32, cpu, current);
  const last = f.binary('sub', f.binary('add', linear, isWide ? f.widen(size, false) : size), f.i32(1));
  const page = f.binary('and', last, f.i32(-PAGE_SIZE));
  const tag = f.binary('or', page, f.binary('or', generation, f.i32(TAG_CODE_PAGE)));
  f.if(f.binary('eq', f.load('i64', 64, entry), f.widen(tag, false)), () =>
    access(entry, f.binary('add', low, f.load('i32', 32, entry, ENTRY_ADDEND))),
  );
}

/**
 * Programs of one page, boot sectors above all, keep data and stack beside their code. A store to a page with code is
 * done here if no byte of it lies under a decoded instruction, or it stores what is there; all others go outside.
 */
function writeBesideCode(
  f: FunctionBuilder,
  writeOutside: FunctionReference,
  translation: TranslationFunctions | undefined,
  writeAcross: FunctionReference | undefined,
): void {
  const [cpu, linear, value, sizeAndKind, record] = f.parameters as readonly [Value, Value, Value, Value, Value];
  const size = f.binary('and', sizeAndKind, f.i32(SIZE_MASK));
  onCodePage(f, [cpu, linear, size], (entry, host) => {
    f.if(f.eqz(codeUnder(f, entry, linear, size)), () => {
      storeBySize(f, host, value, size);
      f.return();
    });
    // What is there already changes nothing.
    f.if(isCodeThere(f, entry, host, value, size), () => f.return());
  });
  if (translation) {
    translated(f, translation, 'write', (host) => {
      storeBySize(f, host, value, size);
      f.return();
    });
  }
  if (writeAcross) f.if(f.call(writeAcross, cpu, linear, value, sizeAndKind, record), () => f.return());
  if (value.type === 'i64') f.store(64, cpu, internal.WIDE_VALUE, value);
  f.callVoid(writeOutside, passAddress(f, cpu, linear), f.narrow(value), sizeAndKind, record);
}

/** Writes a function (cpu, linear, size) → host address of bytes beside code that may be stored to, or 0. */
export function hostBesideCode(f: FunctionBuilder): void {
  const [cpu, linear, size] = f.parameters as readonly [Value, Value, Value];
  onCodePage(f, [cpu, linear, size], (entry, host) => {
    f.if(f.eqz(codeUnder(f, entry, linear, size)), () => f.return(host));
  });
  f.return(f.i32(0));
}

/** Writes a function (cpu, linear, size, value) → the same; also of bytes that have the value already, which may be stored again. */
export function hostForValue(f: FunctionBuilder): void {
  const [cpu, linear, size, value] = f.parameters as readonly [Value, Value, Value, Value];
  onCodePage(f, [cpu, linear, size], (entry, host) => {
    f.if(f.eqz(codeUnder(f, entry, linear, size)), () => f.return(host));
    f.if(isCodeThere(f, entry, host, value, size), () => f.return(host));
  });
  f.return(f.i32(0));
}

/** Writes a function (cpu, linear, size) → host address of bytes of a watched page that are not watched, or 0. */
export function hostBesideWatch(f: FunctionBuilder): void {
  const [cpu, linear, size] = f.parameters as readonly [Value, Value, Value];
  const whole = (entry: Value, host: Value) => f.if(f.eqz(codeUnder(f, entry, linear, size)), () => f.return(host));
  onCodePage(f, [cpu, linear, size], whole, TLB_READ);
  f.return(f.i32(0));
}

/** Not 0 if an access on the page of an entry touches bytes of its map: decoded instructions, or what is watched. */
function codeUnder(f: FunctionBuilder, entry: Value, linear: Value, size: Value): Value {
  const low = f.narrow(linear);
  const inPage = f.binary('and', low, f.i32(PAGE_SIZE - 1));
  const word = f.binary('shl', f.binary('shrU', inPage, f.i32(CODE_MAP_GRANULE_SHIFT)), f.i32(2));
  // Two granules at once; the access does not cross the page, so bits of what follows the map do not matter.
  const code = f.load('i64', 64, f.binary('add', f.load('i32', 32, entry, ENTRY_CODE_MAP), word));
  const inGranule = f.binary('and', low, f.i32((1 << CODE_MAP_GRANULE_SHIFT) - 1));
  const bytes = f.binary('sub', f.binary('shl', f.i64(1n), f.widen(size, false)), f.i64(1n));
  const stored = f.binary('shl', bytes, f.widen(inGranule, false));
  return f.binary('ne', f.binary('and', code, stored), f.i64(0n));
}

/** Not 0 if so many bytes at a host address are those of a value, and not watched but code. */
function isCodeThere(f: FunctionBuilder, entry: Value, host: Value, value: Value, size: Value): Value {
  const there = f.variable(f.i64(0n));
  for (const bytes of value.type === 'i64' ? ([1, 2, 4, 8] as const) : ([1, 2, 4] as const)) {
    f.if(f.binary('eq', size, f.i32(bytes)), () => f.set(there, f.load('i64', (8 * bytes) as 8 | 16 | 32 | 64, host)));
  }
  const bits = f.widen(f.binary('shl', size, f.i32(3)), false);
  const differing = f.binary('xor', there, f.widen(value, false));
  const isThere = f.eqz(f.binary('shl', differing, f.binary('sub', f.i64(64n), bits)));
  // The maps of what is watched lie elsewhere.
  const isCode = f.binary('geU', f.load('i32', 32, entry, ENTRY_CODE_MAP), f.i32(CODE_MAPS));
  return f.binary('and', isThere, isCode);
}

/** What is on a page with code and may be written is read here, if it is neither code nor watched. */
function readOnCodePage(
  f: FunctionBuilder,
  readOutside: FunctionReference,
  translation: TranslationFunctions | undefined,
): void {
  const [cpu, linear, sizeAndKind, record] = f.parameters as readonly [Value, Value, Value, Value];
  const size = f.binary('and', sizeAndKind, f.i32(SIZE_MASK));
  onCodePage(f, [cpu, linear, size], (entry, host) => {
    f.if(f.eqz(codeUnder(f, entry, linear, size)), () => returnBySize(f, host, size));
  });
  if (translation) translated(f, translation, 'check', (host) => returnBySize(f, host, size));
  f.return(f.call(readOutside, passAddress(f, cpu, linear), sizeAndKind, record));
}

/** Reads what is in plain RAM; the page is reached without asking from then on. */
function readTranslated(
  f: FunctionBuilder,
  readOutside: FunctionReference,
  translation: TranslationFunctions,
  readAcross: FunctionReference,
): void {
  const [cpu, linear, sizeAndKind, record] = f.parameters as readonly [Value, Value, Value, Value];
  const size = f.binary('and', sizeAndKind, f.i32(SIZE_MASK));
  const unwatched = (entry: Value, host: Value) =>
    f.if(f.eqz(codeUnder(f, entry, linear, size)), () => returnBySize(f, host, size));
  onCodePage(f, [cpu, linear, size], unwatched, TLB_READ);
  translated(f, translation, 'read', (host) => returnBySize(f, host, size));
  f.if(f.call(readAcross, cpu, linear, sizeAndKind, record), () =>
    f.return(f.load('i32', 32, cpu, internal.WIDE_VALUE)),
  );
  f.return(f.call(readOutside, passAddress(f, cpu, linear), sizeAndKind, record));
}

/** Returns bytes at a host address. */
function returnBySize(f: FunctionBuilder, host: Value, size: Value): void {
  const cpu = f.parameters[0] as Value;
  const has = (bytes: number) => f.binary('eq', size, f.i32(bytes));
  f.if(has(1), () => f.return(f.load('i32', 8, host)));
  f.if(has(2), () => f.return(f.load('i32', 16, host)));
  f.if(has(8), () => f.store(64, cpu, internal.WIDE_VALUE, f.load('i64', 64, host)));
  f.return(f.load('i32', 32, host));
}

function storeBySize(f: FunctionBuilder, host: Value, value: Value, size: Value): void {
  f.if(
    f.binary('eq', size, f.i32(1)),
    () => f.store(8, host, 0, value),
    () =>
      f.if(
        f.binary('eq', size, f.i32(2)),
        () => f.store(16, host, 0, value),
        () => storeByLargeSize(f, host, value, size),
      ),
  );
}

function storeByLargeSize(f: FunctionBuilder, host: Value, value: Value, size: Value): void {
  const store32 = () => f.store(32, host, 0, value);
  if (value.type === 'i64') f.if(f.binary('eq', size, f.i32(8)), () => f.store(64, host, 0, value), store32);
  else store32();
}
