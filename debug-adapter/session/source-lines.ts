/** Source lines in the protocol's form. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from './debuggee.ts';
import type { LineAddresses } from '../symbols/symbol-table.ts';
import type { Guest } from './guest.ts';
import { UserError } from './user-error.ts';

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

/** Where a line, or the next one that has code, is in memory. A UserError says why nowhere. */
export function requireAddresses(guest: Guest, file: string, line: number): LineAddresses {
  const found = guest.symbols.addressesOfLine(file, line);
  if (found) return found;
  const macro = guest.symbols.macroAt(file, line);
  throw new UserError(
    'bad-address',
    macro === undefined
      ? `There is no code at or after this line in any listing of ${sourceOf(file).name}.`
      : `There is no code at or after this line in any use of the macro ${macro}.`,
  );
}
