/** The words of the x87 besides its registers: where they lie, and how a staging keeps them elsewhere (SDM vol. 1 §8.1). */
import { slot } from '../state/layout.ts';
import type { Value } from '../wasm/function-builder.ts';
import type { Semantics } from './semantics.ts';

/** Bits of each. */
export const x87Fields = {
  ...({ FCW: 16, FSW: 16, FTW: 8 } as const),
  ...({ FOP: 16, FIP: 64, FCS: 16, FDP: 64, FDS: 16 } as const),
} as const;

export type X87Field = keyof typeof x87Fields;

/** Keeps the fields while code of a staging runs. */
export interface X87Locals {
  read(field: X87Field): Value;
  write(field: X87Field, value: Value): void;
}

export function readX87(s: Semantics, field: X87Field): Value {
  if (s.x87Locals) return s.x87Locals.read(field);
  const bits = x87Fields[field];
  return s.f.load(bits === 64 ? 'i64' : 'i32', bits, s.cpuAddress(), slot[field]);
}

/** Bits beyond the field's do not count. */
export function writeX87(s: Semantics, field: X87Field, value: Value): void {
  if (s.x87Locals) s.x87Locals.write(field, value);
  else s.f.store(x87Fields[field], s.cpuAddress(), slot[field], value);
}
