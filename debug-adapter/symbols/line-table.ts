/** The symbol table proper: ranges of addresses with their lines, and labels, searched by address and by name. */
import { commonSuffixLength, comparablePath } from './source-path.ts';
import type { Label, LabelOffset, LineAddresses, SourcePlace, SymbolTable } from './symbol-table.ts';

/** The bytes start ≤ address < end come from one line. */
export interface LineRange {
  readonly start: number;
  readonly end: number;
  readonly file: string;
  readonly line: number;
}

/** One module at one load address. Ranges ascend and do not overlap. */
export interface Placement {
  readonly ranges: readonly LineRange[];
  /** Every address at which the assembler started a statement, ascending. */
  readonly boundaries: readonly number[];
  readonly labels: readonly Label[];
}

/** Makes the table. Where placements overlap, the shorter range wins, then the earlier placement. */
export function createLineTable(placements: readonly Placement[]): SymbolTable {
  const addressesByFile = indexFiles(placements);
  const byName = indexNames(placements);
  const byAddress = placements.flatMap(({ labels }) => [...labels]).toSorted((a, b) => a.address - b.address);
  const findFile = (file: string): string | undefined => closestFile([...addressesByFile.keys()], file);
  return {
    addressesOfLine(file, line): LineAddresses | undefined {
      const known = findFile(file);
      const lines = known === undefined ? undefined : addressesByFile.get(known);
      const found = lines?.find((entry) => entry.line >= line);
      return found;
    },
    lineAt(linearAddress): SourcePlace | undefined {
      const range = shortestRange(placements, linearAddress);
      if (range === undefined) return undefined;
      return { file: range.file, line: range.line, exact: range.start === linearAddress };
    },
    label: (name) => byName.get(name) ?? byName.get(name.toLowerCase()),
    nearestLabel(linearAddress): LabelOffset | undefined {
      const label = byAddress[lastAtOrBefore(byAddress, linearAddress, (entry) => entry.address)];
      return label === undefined ? undefined : { name: label.name, offset: linearAddress - label.address };
    },
    files: () => [...addressesByFile.keys()],
    labels: () => byAddress,
    lineBoundaries(start, end): number[] {
      const found = placements.flatMap(({ boundaries }) => {
        const first = lastAtOrBefore(boundaries, start - 1, (address) => address) + 1;
        return boundaries.slice(first, lastAtOrBefore(boundaries, end - 1, (address) => address) + 1);
      });
      return [...new Set(found)].sort((a, b) => a - b);
    },
  };
}

/** Lines of each file, ascending, with their addresses in the order of the placements. */
function indexFiles(placements: readonly Placement[]): Map<string, LineAddresses[]> {
  const files = new Map<string, Map<number, Set<number>>>();
  for (const range of placements.flatMap(({ ranges }) => ranges)) {
    const lines = files.get(range.file) ?? new Map<number, Set<number>>();
    files.set(range.file, lines);
    lines.set(range.line, (lines.get(range.line) ?? new Set()).add(range.start));
  }
  const sorted = new Map<string, LineAddresses[]>();
  for (const [file, lines] of files) {
    const entries = [...lines].map(([line, addresses]) => ({ line, addresses: [...addresses] }));
    sorted.set(
      file,
      entries.toSorted((a, b) => a.line - b.line),
    );
  }
  return sorted;
}

/** First definition first; the spelling in lower case only where it hides no exact name. */
function indexNames(placements: readonly Placement[]): Map<string, number> {
  const names = new Map<string, number>();
  const add = (name: string, address: number): void => void (names.has(name) || names.set(name, address));
  const labels = placements.flatMap((placement) => [...placement.labels]);
  for (const { name, address } of labels) add(name, address);
  for (const { name, address } of labels) add(name.toLowerCase(), address);
  return names;
}

function closestFile(files: readonly string[], wanted: string): string | undefined {
  const exact = files.find((file) => comparablePath(file) === comparablePath(wanted));
  if (exact !== undefined) return exact;
  const best = files
    .map((file) => ({ file, length: commonSuffixLength(file, wanted) }))
    .filter(({ length }) => length > 0)
    .toSorted((a, b) => b.length - a.length)[0];
  return best?.file;
}

function shortestRange(placements: readonly Placement[], linearAddress: number): LineRange | undefined {
  let best: LineRange | undefined;
  for (const { ranges } of placements) {
    const range = ranges[lastAtOrBefore(ranges, linearAddress, (entry) => entry.start)];
    if (range === undefined || linearAddress >= range.end) continue;
    if (best === undefined || range.end - range.start < best.end - best.start) best = range;
  }
  return best;
}

/** Index of the last of the ascending entries whose address is at most `address`; -1 if there is none. */
function lastAtOrBefore<T>(entries: readonly T[], address: number, addressOf: (entry: T) => number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entries[middle];
    if (entry !== undefined && addressOf(entry) <= address) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
