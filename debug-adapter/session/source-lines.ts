/** Source lines in the protocol's form. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from './debuggee.ts';
import type { Guest } from './guest.ts';

/** A file of the client, or what a listing has kept of it. */
export function sourceOf(path: string, guest?: Guest): DebugProtocol.Source {
  const kept = guest?.keptSources.get(path);
  const name = path.split(/[\\/]/).pop() ?? path;
  return kept ? { name, path, sourceReference: kept.reference, origin: 'from its listing' } : { name, path };
}

/** References to locations are addresses plus one; the protocol's are less than 2 to the 31st. */
const LOCATION_END = 2 ** 31;

/** The reference of an address that has a source line, to be asked for with `locations`. */
export function locationOf(guest: Guest, linearAddress: number): number | undefined {
  return linearAddress + 1 < LOCATION_END && guest.symbols.lineAt(linearAddress) ? linearAddress + 1 : undefined;
}

export function addressOfLocation(locationReference: number): number {
  return locationReference - 1;
}

/** Source and line (as the client counts) of an address; empty where no line is known. */
export function lineOf(
  debuggee: Debuggee,
  guest: Guest,
  linearAddress: number,
): { readonly source?: DebugProtocol.Source; readonly line?: number } {
  const place = guest.symbols.lineAt(linearAddress);
  return place ? { source: sourceOf(place.file, guest), line: debuggee.clientLine(place.line) } : {};
}
