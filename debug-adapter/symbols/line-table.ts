/** The symbol table proper: ranges of addresses with their lines, and labels, searched by address and by name. */
import { commonSuffixLength, comparablePath } from './source-path.ts';
import type { Label, LabelOffset, LineAddresses, SourcePlace, SymbolTable } from './symbol-table.ts';

/** The bytes start ≤ address < end come from one line. */
export interface LineRange {
  readonly start: number;
  readonly end: number;
  readonly file: string;
  readonly line: number;
  /** Of the instructions, as far as the source says. */
  readonly codeSize?: 16 | 32 | 64 | undefined;
}

/** The lines of a macro's definition. */
export interface MacroRange {
  readonly name: string;
  readonly file: string;
  readonly firstLine: number;
  readonly lastLine: number;
}

/** One module at one load address. */
export interface Placement {
  /**
   * Ranges ascend and do not overlap. Those of the first level are the lines that made bytes; where they call macros, the
   * next has the lines of the macros' bodies, and so on.
   */
  readonly levels: readonly (readonly LineRange[])[];
  /** Every address at which the assembler started a statement, ascending. */
  readonly boundaries: readonly number[];
  readonly labels: readonly Label[];
  readonly macros: readonly MacroRange[];
}

/** Makes the table. Where placements overlap, the shorter range wins, then the earlier placement. */
export function createLineTable(placements: readonly Placement[]): SymbolTable {
  const macros = placements.flatMap((placement) => [...placement.macros]);
  const linesByFile = indexFiles(placements, macros);
  const byName = indexNames(placements);
  const byAddress = placements.flatMap(({ labels }) => [...labels]).toSorted((a, b) => a.address - b.address);
  const names = [...new Set([...linesByFile.keys(), ...macros.map(({ file }) => file)])];
  const findFile = remembered((file: string) => closestFile(names, file));
  const linesOf = (file: string): readonly IndexedLine[] => linesByFile.get(findFile(file) ?? '') ?? [];
  return {
    addressesOfLine(file, line): LineAddresses | undefined {
      const macro = innermostMacro(macros, findFile(file), line);
      const lines = linesOf(file);
      for (let index = firstFrom(lines, line); index < lines.length; index++) {
        const entry = lines[index] as IndexedLine;
        if (macro !== undefined && entry.line > macro.lastLine) return undefined;
        if (macro !== undefined || !entry.inMacro) return { line: entry.line, addresses: entry.addresses };
      }
      return undefined;
    },
    linesWithCode(file, first, last): readonly number[] {
      const lines = linesOf(file);
      return lines.slice(firstFrom(lines, first), firstFrom(lines, last + 1)).map(({ line }) => line);
    },
    macroAt: (file, line) => innermostMacro(macros, findFile(file), line)?.name,
    lineAt(linearAddress): SourcePlace | undefined {
      const range = rangeAt(placements, linearAddress);
      if (range === undefined) return undefined;
      return { file: range.file, line: range.line, exact: range.start === linearAddress };
    },
    spanAt: (linearAddress) => rangeAt(placements, linearAddress),
    codeSizeAt: (linearAddress) => rangeAt(placements, linearAddress)?.codeSize,
    label: (name) => byName.get(name) ?? byName.get(name.toLowerCase()),
    nearestLabel(linearAddress): LabelOffset | undefined {
      const label = byAddress[lastAtOrBefore(byAddress, linearAddress, (entry) => entry.address)];
      if (label === undefined || label.address < 0 !== linearAddress < 0) return undefined;
      return { name: label.name, offset: linearAddress - label.address };
    },
    files: () => [...linesByFile.keys()],
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

/** A client asks for the same few files again and again. */
function remembered<Value>(find: (name: string) => Value): (name: string) => Value {
  const found = new Map<string, Value>();
  return (name) => {
    if (!found.has(name)) found.set(name, find(name));
    return found.get(name) as Value;
  };
}

interface IndexedLine extends LineAddresses {
  readonly inMacro: boolean;
}

/** Index of the first line at or behind `line`. */
function firstFrom(lines: readonly IndexedLine[], line: number): number {
  return lastAtOrBefore(lines, line - 1, (entry) => entry.line) + 1;
}

/** Lines of each file, ascending, with their addresses in the order of the placements. */
function indexFiles(placements: readonly Placement[], macros: readonly MacroRange[]): Map<string, IndexedLine[]> {
  const files = new Map<string, Map<number, Set<number>>>();
  for (const range of placements.flatMap(({ levels }) => levels.flat())) {
    const lines = files.get(range.file) ?? new Map<number, Set<number>>();
    files.set(range.file, lines);
    lines.set(range.line, (lines.get(range.line) ?? new Set()).add(range.start));
  }
  const sorted = new Map<string, IndexedLine[]>();
  for (const [file, lines] of files) {
    const own = macros.filter((macro) => macro.file === file);
    const entries = [...lines].map(([line, addresses]) => {
      return { line, addresses: [...addresses], inMacro: innermostMacro(own, file, line) !== undefined };
    });
    sorted.set(
      file,
      entries.toSorted((a, b) => a.line - b.line),
    );
  }
  return sorted;
}

/** The shortest definition around a line: macros may define macros. */
function innermostMacro(macros: readonly MacroRange[], file: string | undefined, line: number): MacroRange | undefined {
  let best: MacroRange | undefined;
  for (const macro of macros) {
    if (macro.file !== file || line < macro.firstLine || line > macro.lastLine) continue;
    if (best === undefined || macro.lastLine - macro.firstLine < best.lastLine - best.firstLine) best = macro;
  }
  return best;
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

/** The outermost range that begins at an address, or the innermost that has it. */
function rangeAt(placements: readonly Placement[], linearAddress: number): LineRange | undefined {
  let best: { readonly range: LineRange; readonly levels: Placement['levels'] } | undefined;
  for (const { levels } of placements) {
    const range = rangeIn(levels[0] ?? [], linearAddress);
    if (range === undefined) continue;
    if (best === undefined || range.end - range.start < best.range.end - best.range.start) best = { range, levels };
  }
  let found = best?.range;
  for (let level = 1; found !== undefined && found.start !== linearAddress; level++) {
    const inner = rangeIn(best?.levels[level] ?? [], linearAddress);
    if (inner === undefined) break;
    found = inner;
  }
  return found;
}

function rangeIn(ranges: readonly LineRange[], linearAddress: number): LineRange | undefined {
  const range = ranges[lastAtOrBefore(ranges, linearAddress, (entry) => entry.start)];
  return range !== undefined && linearAddress < range.end ? range : undefined;
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
