/** Source lines in the protocol's form. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from './debuggee.ts';
import type { LineAddresses } from '../symbols/symbol-table.ts';
import type { CodePlace } from './code-locations.ts';
import { readSystemMemory } from './descriptors.ts';
import type { Guest } from './guest.ts';
import { UserError } from './user-error.ts';

/** A file of the client, or what a listing has kept of it. */
export function sourceOf(path: string, guest?: Guest): DebugProtocol.Source {
  const kept = guest?.keptSources.get(path);
  const name = path.split(/[\\/]/).pop() ?? path;
  return kept ? { name, path, sourceReference: kept.reference, origin: 'from its listing' } : { name, path };
}

/** The reference of a place in code, to be asked for with `locations`: a source line, or instructions. */
export function locationOf(guest: Guest, place: CodePlace): number | undefined {
  const isThere =
    guest.symbols.lineAt(place.linearAddress) || readSystemMemory(guest, place.linearAddress, 1).byteLength > 0;
  return isThere ? guest.codeLocations.referenceOf(place) : undefined;
}

/** The reference of an address if it has a source line. */
export function lineLocationOf(guest: Guest, linearAddress: number): number | undefined {
  if (!guest.symbols.lineAt(linearAddress)) return undefined;
  const offset = guest.codeOffset(linearAddress - guest.codeBase);
  return guest.codeLocations.referenceOf({ linearAddress, offset, codeSize: guest.vcpu.codeSize });
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
