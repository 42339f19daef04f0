/** Sources that the client cannot open: what their listings have kept of them, so that a session without them has lines. */
import { parseNasmRow } from '../symbols/nasm-row.ts';
import type { SymbolModule } from '../symbols/load-symbols.ts';

export interface KeptSource {
  /** Positive, as the protocol's references to sources are. */
  readonly reference: number;
  readonly text: string;
}

/** Lines beyond this are not lines of a source that an assembler has read. */
const LINES_MAX = 1_000_000;

/** By path, the sources of modules that `exists` does not find. Included files are not kept: their rows are not told apart. */
export async function keepSources(
  modules: readonly SymbolModule[],
  exists: (path: string) => Promise<boolean>,
): Promise<ReadonlyMap<string, KeptSource>> {
  const kept = new Map<string, KeptSource>();
  for (const { source, listing } of modules) {
    if (kept.has(source) || (await exists(source))) continue;
    kept.set(source, { reference: kept.size + 1, text: sourceText(listing) });
  }
  return kept;
}

/** The lines of the main source; what the listing leaves out is empty. */
function sourceText(listing: string): string {
  const lines: string[] = [];
  for (const line of listing.split(/\r?\n/)) {
    const row = parseNasmRow(line);
    if (row?.level !== 0 || row.line > LINES_MAX) continue;
    while (lines.length < row.line) lines.push('');
    if (row.text !== '') lines[row.line - 1] = /^[\w.$@?]+:/.test(row.text) ? row.text : `        ${row.text}`;
  }
  return `${lines.join('\n')}\n`;
}
