/** Source lines in the protocol's form. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from './debuggee.ts';
import type { Guest } from './guest.ts';

/** A file of the client. */
export function sourceOf(path: string): DebugProtocol.Source {
  return { name: path.split(/[\\/]/).pop() ?? path, path };
}

/** Source and line (as the client counts) of an address; empty where no line is known. */
export function lineOf(
  debuggee: Debuggee,
  guest: Guest,
  linearAddress: number,
): { readonly source?: DebugProtocol.Source; readonly line?: number } {
  const place = guest.symbols.lineAt(linearAddress);
  return place ? { source: sourceOf(place.file), line: debuggee.clientLine(place.line) } : {};
}
