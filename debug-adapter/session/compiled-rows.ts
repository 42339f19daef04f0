/** The compiled code of a machine as rows: what has executed most first, with symbols, source lines and why it was left. */
import type { CompiledRegion, Machine } from '../../vm-core/index.ts';
import { formatHex } from '../expressions/format.ts';
import type { CompiledTotals, RegionRow } from '../protocol/compiled-code.ts';
import type { Guest } from './guest.ts';
import { sourceOf } from './source-lines.ts';

/** The regions that there are, those that have executed most first. */
export function hottestRegions({ machine }: Guest): readonly CompiledRegion[] {
  const regions = machine.compiledCode?.regions() ?? [];
  return regions.toSorted((left, right) => right.instructions - left.instructions);
}

/** Some of the regions that there are as rows. */
export function regionRows(
  guest: Guest,
  all: readonly CompiledRegion[],
  shown: readonly CompiledRegion[],
): readonly RegionRow[] {
  const byEntry = new Map(all.map((region) => [entryOf(region), region]));
  return shown.map((region) => {
    const next = region.leadsTo.flatMap((place) => byEntry.get(entryOf({ ...region, linearAddress: place })) ?? []);
    return regionRow(guest, region, next);
  });
}

function entryOf({ linearAddress, codeSize }: Pick<CompiledRegion, 'linearAddress' | 'codeSize'>): string {
  return `${linearAddress} ${codeSize}`;
}

function regionRow(guest: Guest, region: CompiledRegion, next: readonly CompiledRegion[]): RegionRow {
  const address = Number(region.linearAddress);
  const place = guest.symbols.lineAt(address);
  return {
    id: regionId(region),
    address,
    place: placeOf(region),
    symbol: guest.describeSymbol(address) ?? '',
    line: place ? `${sourceOf(place.file).name}:${place.line}` : '',
    codeSize: region.codeSize,
    guestBytes: region.guestBytes,
    codeBytes: region.codeBytes,
    blocks: region.blocks.length,
    entries: region.entries,
    instructions: region.instructions,
    links: next.map((each) => ({ id: regionId(each), name: nameOf(guest, each) })),
    exits: [...region.exits].map(([why, count]) => ({ why, count })).sort((left, right) => right.count - left.count),
  };
}

function nameOf(guest: Guest, region: CompiledRegion): string {
  return guest.describeSymbol(Number(region.linearAddress)) ?? placeOf(region);
}

function placeOf({ linearAddress, codeSize }: CompiledRegion): string {
  return formatHex(Number(linearAddress), codeSize === 64 ? 64 : 32);
}

/** The same for every region of the same code at the same place. */
export function regionId({ linearAddress, physicalAddress, codeSize }: CompiledRegion): string {
  return `${linearAddress} ${physicalAddress} ${codeSize}`;
}

/** What all regions together are; undefined where everything is interpreted. */
export function compiledTotals({ retired, compiledCode }: Machine): CompiledTotals | undefined {
  if (!compiledCode) return undefined;
  const { kept, modules, bytes, compiled, dropped, evicted } = compiledCode.counters;
  const share = retired === 0 ? 0 : Math.min(1, compiledCode.retired / retired);
  return { regions: kept, modules, bytes, compiled, dropped, evicted, share };
}
