/** The WebAssembly of a region for a reader: with names for locals and for fields of the state, and what it was made of. */
import type { CompiledLine } from '../../machine/compiled-region.ts';
import { cpuBase } from '../../memory/layout.ts';
import { type Address, plus } from '../../state/address.ts';
import { ENTRY_BASE, ENTRY_READ_END, ENTRY_WRITE_END, internal, SEGMENT_ENTRY_SIZE, slot } from '../../state/layout.ts';
import { registers, segmentNames } from '../../state/register-table.ts';
import { functionLines, type InstructionLine } from '../../wasm/text.ts';
import { readMarks } from './code-marks.ts';
import type { DefinedRegion } from './region-definition.ts';

/** Fields of the state by their offsets, each by the first name that it has. */
const fieldNames: ReadonlyMap<number, string> = new Map<number, string>(
  [
    ...registers.map(({ name, offset }) => [offset, name] as const),
    ...segmentNames.flatMap((name, n) => segmentFields(name, internal.SEGMENTS + n * SEGMENT_ENTRY_SIZE)),
    ...Object.entries({ ...slot, ...internal }).map(([name, offset]) => [offset, name] as const),
  ].reverse(),
);

function segmentFields(name: string, entry: number): readonly (readonly [number, string])[] {
  return [
    [entry + ENTRY_BASE, `${name} base`],
    [entry + ENTRY_READ_END, `${name} end of reads`],
    [entry + ENTRY_WRITE_END, `${name} end of writes`],
  ];
}

/** The lines of a function of a module, made of a region that is entered at an address. */
export function regionLines(
  module: Uint8Array,
  { index, marks, names }: Pick<DefinedRegion, 'index' | 'marks' | 'names'>,
  entry: Address,
): readonly CompiledLine[] {
  const distanceAt = readMarks(marks);
  const lines = functionLines(module, index);
  return lines.map(({ text, at }, n) => {
    const distance = distanceAt(at);
    const field = isOfState(lines, n) ? fieldName(text) : undefined;
    return {
      text: field === undefined ? withName(text, names) : `${text} ;; ${field}`,
      linearAddress: distance === undefined ? undefined : plus(entry, distance),
    };
  });
}

/** How the state's address is pushed: the first parameter, or where there is one processor a constant. */
const STATE = ['local.get 0', `i32.const ${cpuBase(0)}`];

/** The address of a load is pushed right before it, that of a store before the value. */
function isOfState(lines: readonly InstructionLine[], n: number): boolean {
  const before = lines[n]?.text.includes('.store') ? 2 : 1;
  return STATE.includes(lines[n - before]?.text.trim() ?? '');
}

function fieldName(text: string): string | undefined {
  const offset = /offset=(\d+)$/.exec(text)?.[1];
  return offset === undefined ? undefined : fieldNames.get(Number(offset));
}

function withName(text: string, names: readonly string[]): string {
  return text.replace(/(local\.\w+) (\d+)$/, (whole, what, local) => {
    const known = names[Number(local)];
    return known === undefined ? whole : `${what} $${known}`;
  });
}
