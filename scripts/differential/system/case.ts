/** A case of the differential run of system code: everything a processor begins with, and its record for the guest. */
import { CODE, GATES_64, GLOBAL_TABLE, GLOBAL_TABLE_SIZE, KIND, PML4, RECORD, SELECTOR, VECTORS } from './layout.ts';

/** Bytes that replace those of the zone. */
export interface Patch {
  readonly at: number;
  readonly bytes: readonly number[];
}

/** The table that a GDTR or IDTR names. */
export interface TableRegister {
  readonly base: bigint;
  readonly limit: number;
}

/** What the processor starts a case with. Selectors and MSRs must be such that they can be loaded. */
export interface SystemCase {
  /** What it is about, for reports. */
  readonly text: string;
  readonly kind: number;
  readonly cr0: number;
  readonly cr3: number;
  readonly cr4: number;
  readonly efer: number;
  readonly gdtr: TableRegister;
  readonly idtr: TableRegister;
  readonly ldtr: number;
  readonly tr: number;
  readonly ds: number;
  readonly es: number;
  readonly fs: number;
  readonly gs: number;
  readonly rip: bigint;
  readonly cs: number;
  readonly rflags: number;
  readonly rsp: bigint;
  readonly ss: number;
  /** In the order of their numbers; RSP is not used. */
  readonly general: readonly bigint[];
  /** In the order of `RECORD.MSRS`. */
  readonly msrs: readonly bigint[];
  readonly patches: readonly Patch[];
  /** Of the code, where CS does not tell it. */
  readonly codeSize?: 16 | 32 | 64;
  /** An operand of a vector instruction lies at no multiple of its size. */
  readonly isMisaligned?: boolean;
  /** There may be NaNs among its operands. */
  readonly hasNans?: boolean;
  /** Flags that the manual leaves undefined somewhere in it. */
  readonly undefinedFlags?: number;
}

const [PE, NE, WP, PG] = [1, 1 << 5, 1 << 16, 0x8000_0000];
const PAE = 1 << 5;
const [SCE, LME, NXE] = [1, 1 << 8, 1 << 11];

/** A case in 64-bit code of level 0 with nothing in it. */
export const emptyCase: SystemCase = {
  text: '',
  kind: KIND.LONG,
  cr0: (PE | NE | WP | 0x10 | PG) >>> 0,
  cr3: PML4,
  cr4: PAE,
  efer: SCE | LME | NXE,
  gdtr: { base: BigInt(GLOBAL_TABLE), limit: GLOBAL_TABLE_SIZE - 1 },
  idtr: { base: BigInt(GATES_64), limit: VECTORS * 16 - 1 },
  ldtr: SELECTOR.LOCAL,
  tr: SELECTOR.TASK_64,
  ds: SELECTOR.DATA,
  es: SELECTOR.DATA,
  fs: SELECTOR.DATA,
  gs: SELECTOR.DATA,
  rip: BigInt(CODE),
  cs: SELECTOR.CODE_64,
  rflags: 2,
  rsp: 0n,
  ss: SELECTOR.DATA,
  general: new Array<bigint>(16).fill(0n),
  msrs: new Array<bigint>(10).fill(0n),
  patches: [],
};

/** Little-endian bytes of a number. */
export function bytesOf(value: bigint | number, size: number): number[] {
  const wide = BigInt.asUintN(size * 8, BigInt(value));
  return Array.from({ length: size }, (_, n) => Number((wide >> BigInt(8 * n)) & 0xffn));
}

/** The record of a case as the guest reads it. */
export function encodeCase(one: SystemCase): number[] {
  const head = new DataView(new ArrayBuffer(RECORD.PATCHES));
  for (const [field, value] of [
    ...([
      [RECORD.KIND, one.kind],
      [RECORD.CR0, one.cr0],
      [RECORD.CR3, one.cr3],
    ] as const),
    ...([
      [RECORD.CR4, one.cr4],
      [RECORD.EFER, one.efer],
    ] as const),
  ])
    head.setUint32(field, value, true);
  for (const [field, { base, limit }] of [[RECORD.GDTR, one.gdtr] as const, [RECORD.IDTR, one.idtr] as const]) {
    head.setUint16(field, limit, true);
    head.setBigUint64(field + 2, BigInt.asUintN(64, base), true);
  }
  const { ldtr, tr, ds, es, fs, gs } = one;
  [ldtr, tr, ds, es, fs, gs].forEach((selector, n) => {
    head.setUint16(RECORD.LDTR + n * 2, selector, true);
  });
  const frame = [one.rip, BigInt(one.cs), BigInt(one.rflags), one.rsp, BigInt(one.ss)];
  [...frame, ...one.general, ...one.msrs].forEach((value, n) => {
    head.setBigUint64(RECORD.RIP + n * 8, BigInt.asUintN(64, value), true);
  });
  const patches = one.patches.flatMap(({ at, bytes }) => [...bytesOf(at, 4), ...bytesOf(bytes.length, 4), ...bytes]);
  return [...new Uint8Array(head.buffer), ...patches, 0, 0, 0, 0];
}
