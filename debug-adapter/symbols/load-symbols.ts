/**
 * From listing files to a symbol table: decides at which linear addresses each section runs, resolves include names to
 * files, and warns when a listing is not of the image it came with.
 */
import { createLineTable, type LineRange, type Placement } from './line-table.ts';
import { type ListedPlace, type ListedSection, type NasmListing, parseNasmListing } from './nasm-listing.ts';
import { HOLE, type ListedByte } from './nasm-row.ts';
import { layOutSections, type Mismatch, type PlacedSection } from './section-layout.ts';
import { directoryOf, joinPath } from './source-path.ts';
import type { Label, SymbolTable } from './symbol-table.ts';

/** Where the BIOS loads a boot sector. */
export const BOOT_SECTOR_ADDRESS = 0x7c00;
/**
 * Below lie the interrupt vectors and the BIOS data: a smaller `org` or `vstart=` is an offset in some segment. Addresses of
 * the upper half of 64-bit mode are negative.
 */
const LOWEST_CODE_ADDRESS = 0x500;

/** One assembled source: its listing, and where what it made lies in the image and in memory. */
export interface SymbolModule {
  /** Path of the listing, for messages. */
  readonly listingName: string;
  /** Text of the listing file; a map file (`[map all]`) may be appended to it. */
  readonly listing: string;
  /** Path of the source that was assembled: a listing does not name it. */
  readonly source: string;
  /** Directories besides the source's own in which includes are looked for. */
  readonly includeDirectories?: readonly string[];
  /** The first bytes of the image; whatever is there is compared with the listing. */
  readonly image?: Uint8Array;
  /** Path of the image, for messages. */
  readonly imageName?: string;
  /** Where in the image this module's bytes start. Default 0. */
  readonly imageOffset?: number;
  /** Linear address of this module's first byte. Default: 7C00h at image offset 0, else the source's `org`. */
  readonly loadAddress?: number;
  /** Linear addresses of sections that cannot be worked out from `vstart=`, by section name. */
  readonly sectionAddresses?: Readonly<Record<string, number>>;
}

export interface LoadedSymbols {
  readonly table: SymbolTable;
  /** For the user, each naming its file. */
  readonly warnings: readonly string[];
}

/** Loads modules; earlier ones win where names or addresses collide. `exists` helps to find include files. */
export async function loadSymbols(
  modules: readonly SymbolModule[],
  exists: (path: string) => Promise<boolean> = async () => false,
): Promise<LoadedSymbols> {
  const placements: Placement[] = [];
  const aliases: Placement[] = [];
  const warnings: string[] = [];
  for (const module of modules) {
    const listing = parseNasmListing(module.listing);
    const paths = await resolveFiles(listing, module, exists);
    if (listing.sections.every(({ statements }) => statements.length === 0)) {
      warnings.push(`${module.listingName}: no NASM listing, or an empty one; make it with nasm -f bin -l FILE`);
      continue;
    }
    const image = module.image?.subarray(module.imageOffset ?? 0);
    const layout = layOutSections(listing, image);
    warnings.push(...describeMismatches(layout.mismatches, module, image, paths));
    const wrong = new Set(layout.mismatches.map(({ section }) => section));
    const usable = layout.sections.filter(({ section }) => !wrong.has(section));
    const loaded = placeSections(usable, listing, module, paths, 'loaded');
    const atOrigin = placeSections(usable, listing, module, paths, 'origin');
    // What the source calls an address is what its code computes with, page tables or not.
    if (isBeyondLoading(listing.origin)) placements.push(atOrigin, loaded);
    else {
      placements.push(loaded);
      if (module.loadAddress === undefined) aliases.push(atOrigin);
    }
  }
  return { table: createLineTable([...placements, ...aliases]), warnings };
}

/** Path of each file name in the listing; the key `undefined` is the main source. */
async function resolveFiles(
  listing: NasmListing,
  module: SymbolModule,
  exists: (path: string) => Promise<boolean>,
): Promise<Map<string | undefined, string>> {
  const paths = new Map<string | undefined, string>([[undefined, module.source]]);
  const directories = [directoryOf(module.source), ...(module.includeDirectories ?? [])];
  for (const name of listing.includes) {
    const candidates = directories.map((directory) => joinPath(directory, name));
    paths.set(name, candidates[0] ?? name);
    for (const candidate of candidates) {
      if (!(await exists(candidate))) continue;
      paths.set(name, candidate);
      break;
    }
  }
  return paths;
}

/**
 * Linear addresses of every section, `loaded`: where the image is put in memory, `origin`: where the source expects to
 * run after it has moved itself (an empty placement if that is the same place).
 */
function placeSections(
  sections: readonly PlacedSection[],
  listing: NasmListing,
  module: SymbolModule,
  paths: ReadonlyMap<string | undefined, string>,
  view: 'loaded' | 'origin',
): Placement {
  const origin = usableAddress(listing.origin);
  const atBoot = (module.imageOffset ?? 0) === 0;
  const base = module.loadAddress ?? (atBoot ? BOOT_SECTOR_ADDRESS : (origin ?? BOOT_SECTOR_ADDRESS));
  const placed = { levels: [] as LineRange[][], boundaries: [] as number[], labels: [] as Label[] };
  const starts = new Map<string, number>();
  for (const placement of sections) {
    const { section, imageOffset, virtualStart, movesAway } = placement;
    const moved = movesAway ? usableAddress(virtualStart) : undefined;
    const loaded = module.sectionAddresses?.[section.name] ?? moved ?? base + imageOffset;
    const start = view === 'loaded' ? loaded : usableAddress(virtualStart);
    if (start === undefined || (view === 'origin' && start === loaded)) continue;
    starts.set(section.name, start - (virtualStart ?? 0));
    addStatements(placed, section, start, paths);
    if (listing.map === undefined) {
      placed.labels.push(...section.labels.map(({ name, offset }) => ({ name, address: start + offset })));
    }
  }
  for (const symbol of listing.map?.symbols ?? []) {
    const shift = starts.get(symbol.section);
    if (shift !== undefined) placed.labels.push({ name: symbol.name, address: symbol.virtualAddress + shift });
  }
  if (view === 'loaded') placed.labels.push(...absoluteLabels(listing));
  for (const ranges of placed.levels) ranges.sort((a, b) => a.start - b.start);
  placed.boundaries.sort((a, b) => a - b);
  const macros = listing.macros.map((macro) => ({ ...macro, file: paths.get(macro.file) ?? macro.file ?? '' }));
  return { ...placed, macros };
}

function usableAddress(address: number | undefined): number | undefined {
  return address !== undefined && (address >= LOWEST_CODE_ADDRESS || address < 0) ? address : undefined;
}

/** Nothing is loaded above 4 GiB: code with such an origin runs there once it has page tables. */
function isBeyondLoading(origin: number | undefined): boolean {
  return origin !== undefined && (origin < 0 || origin >= 2 ** 32);
}

/** Variables at fixed addresses (`absolute 500h`). */
function absoluteLabels(listing: NasmListing): Label[] {
  const sections = listing.sections.filter(({ absolute }) => absolute);
  return sections.flatMap(({ labels }) => labels.map(({ name, offset }) => ({ name, address: offset })));
}

/** Rows of one macro call make one range, on each level of calls; every row is a boundary. */
function addStatements(
  placed: { readonly levels: LineRange[][]; readonly boundaries: number[] },
  section: ListedSection,
  start: number,
  paths: ReadonlyMap<string | undefined, string>,
): void {
  const statements = section.statements.filter(({ reserved, length }) => !reserved && length !== 0);
  let open: readonly ListedPlace[] = [];
  let openEnd = start;
  statements.forEach((statement, index) => {
    const next = statements[index + 1];
    const address = start + statement.offset;
    const room = next === undefined || next.offset <= statement.offset ? undefined : next.offset - statement.offset;
    const length = Math.min(statement.length ?? room ?? statement.bytes.length, room ?? Number.POSITIVE_INFINITY);
    const end = address + length;
    placed.boundaries.push(address);
    const places = [statement.place, ...statement.expanded];
    for (const [level, place] of places.entries()) {
      placed.levels[level] ??= [];
      const ranges = placed.levels[level];
      const last = ranges.at(-1);
      const { codeSize } = statement;
      if (last !== undefined && open[level] === place && openEnd === address && last.codeSize === codeSize) {
        ranges[ranges.length - 1] = { ...last, end };
      } else {
        const file = paths.get(place.file) ?? place.file ?? '';
        ranges.push({ start: address, end, file, line: place.line, codeSize });
      }
    }
    open = places;
    openEnd = end;
  });
}

const BYTES_SHOWN = 8;

function describeMismatches(
  mismatches: readonly Mismatch[],
  module: SymbolModule,
  image: Uint8Array | undefined,
  paths: ReadonlyMap<string | undefined, string>,
): string[] {
  return mismatches.map(({ section, statement, imageOffset }) => {
    const file = paths.get(statement.place.file) ?? module.source;
    const count = Math.min(BYTES_SHOWN, statement.bytes.length);
    const actual = [...(image?.subarray(imageOffset, imageOffset + count) ?? [])];
    const at = (imageOffset + (module.imageOffset ?? 0)).toString(16).toUpperCase();
    return (
      `${module.listingName} does not match ${module.imageName ?? 'the image'}: ${file}:${statement.place.line} ` +
      `made ${formatBytes(statement.bytes.slice(0, count))}, but offset ${at}h of the image holds ` +
      `${formatBytes(actual)}. Lines and labels of section ${section.name} are left out; assemble the source again.`
    );
  });
}

function formatBytes(bytes: readonly ListedByte[]): string {
  return bytes.map((byte) => (byte === HOLE ? '??' : byte.toString(16).toUpperCase().padStart(2, '0'))).join(' ');
}
