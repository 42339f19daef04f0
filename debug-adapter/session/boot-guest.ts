/** From a launch configuration to a machine with its symbols: assembles, reads files, and checks what they hold. */
import { localized } from '../protocol/localized.ts';
import type { DebugProtocol } from '@vscode/debugprotocol';
import {
  floppySizeProblem,
  type Machine,
  type MachineConfig,
  modelFacts,
  prepareInterpreter,
} from '../../vm-core/index.ts';
import type { Host } from '../host.ts';
import { loadSymbols, type SymbolModule } from '../symbols/load-symbols.ts';
import { directoryOf, joinPath } from '../symbols/source-path.ts';
import { assembleSource, isSource, type ReportMessages } from './assemble-source.ts';
import { driveForImage } from './boot-image.ts';
import { Guest } from './guest.ts';
import { sizeClaimProblem } from './image-claims.ts';
import { fileSize, openImage, readHead, readText, readWhole } from './host-files.ts';
import { keepSources } from './kept-sources.ts';
import type { LaunchConfiguration, ListingReference } from './launch-configuration.ts';
import { prepareAhead } from './prepare-ahead.ts';
import { readKernel } from './read-kernel.ts';
import { UserError } from './user-error.ts';

/** Makes a machine; synchronous, throws Error with a message for the user when the configuration does not fit. */
export type CreateMachine = (config: MachineConfig) => Machine;

export interface BootedGuest {
  readonly guest: Guest;
  /** For the user, each naming its file. */
  readonly warnings: readonly string[];
}

const SOURCE_EXTENSIONS = ['.asm', '.nasm', '.s', '.S'];
const FIRMWARE_UNIT = 64 * 1024;
const FIRMWARE_SIZE_MAX = 256 * 1024;
const OPTION_ROM_SIZE_MAX = 64 * 1024;

const SECTOR_SIZE = 512;

/** Makes the machine of a configuration. Throws a UserError that names what is missing or wrong. */
export async function bootGuest(
  configuration: LaunchConfiguration,
  host: Host,
  createMachine: CreateMachine,
  report: ReportMessages,
): Promise<BootedGuest> {
  // While files are read and sources assembled, and beside the guest's first steps.
  if (modelFacts(configuration.cpuModel).features.has('LM')) prepareAhead(host, () => prepareInterpreter(64));
  const program = await prepareProgram(configuration, host, report);
  const kernel = await readKernel(configuration, host, report);
  const { drives, warnings } = await openDrives(configuration, program?.image, host);
  const machine = makeMachine(createMachine, {
    machineType: configuration.machineType,
    cpuModel: configuration.cpuModel,
    localApic: configuration.localApic,
    topology: configuration.topology,
    ...(configuration.engine === undefined ? {} : { engine: configuration.engine }),
    memorySize: configuration.memorySize,
    ...(configuration.memoryLowSize === undefined ? {} : { memoryLowSize: configuration.memoryLowSize }),
    firmware: await readFirmware(configuration, host),
    ...(configuration.vgaFirmware === undefined
      ? {}
      : { vgaFirmware: await readOptionRom(configuration.vgaFirmware, host) }),
    ...drives,
    ...(kernel === undefined ? {} : { kernel: kernel.images }),
    exitDevice: configuration.exitDevice,
    startTimeMs: host.localTimeMs(),
  });
  const modules = await Promise.all([
    ...(kernel?.source === undefined ? [] : [readModule(kernelListing(kernel.source, machine), kernel.image, host)]),
    ...(program?.listings ?? configuration.listings).map((listing) => readModule(listing, program?.image, host)),
  ]);
  const symbols = await loadSymbols(modules, (path) => exists(host, path));
  const keptSources = await keepSources(modules, (path) => exists(host, path));
  const guest = new Guest(machine, symbols.table, describeModules(configuration, modules), keptSources);
  return { guest, warnings: [...warnings, ...symbols.warnings] };
}

/** What the machine refuses, by a plain Error that names the attribute, is the user's to change; other errors are ours. */
function makeMachine(createMachine: CreateMachine, config: MachineConfig): Machine {
  try {
    return createMachine(config);
  } catch (error) {
    if (!(error instanceof Error) || error.constructor !== Error) throw error;
    throw new UserError('bad-argument', error.message);
  }
}

/** The listing of an assembled kernel, whose bytes lie where its Multiboot header says. */
function kernelListing(
  source: { readonly path: string; readonly listing: string },
  machine: Machine,
): ListingReference {
  const { loadAddress } = machine.boot;
  return { listing: source.listing, source: source.path, loadAddress, imageOffset: undefined };
}

/** The configuration with the listing that lies beside a prebuilt image under its name, if none was given. */
export async function withListingBeside(configuration: LaunchConfiguration, host: Host): Promise<LaunchConfiguration> {
  const { program, listings, loadAddress } = configuration;
  if (program === undefined || isSource(program) || listings.length > 0) return configuration;
  const listing = `${stemOf(program)}.lst`;
  if (!(await exists(host, listing))) return configuration;
  return { ...configuration, listings: [{ listing, source: undefined, loadAddress, imageOffset: undefined }] };
}

/** The firmware and every listing, as the protocol's modules. */
function describeModules(
  { firmware }: LaunchConfiguration,
  modules: readonly SymbolModule[],
): readonly DebugProtocol.Module[] {
  const bios = firmware === 'builtin' ? { name: 'built-in BIOS' } : { name: 'firmware', path: firmware.path };
  return [
    { id: 'firmware', ...bios, isUserCode: false, symbolStatus: 'no symbols', addressRange: '0xf0000-0xfffff' },
    ...modules.map(({ source, listingName }, index) => ({
      id: index,
      name: source.split(/[\\/]/).pop() ?? source,
      path: source,
      isUserCode: true,
      symbolStatus: 'loaded from a listing',
      symbolFilePath: listingName,
    })),
  ];
}

interface Program {
  /** Path of the image. */
  readonly image: string;
  readonly listings: readonly ListingReference[];
}

async function prepareProgram(
  configuration: LaunchConfiguration,
  host: Host,
  report: ReportMessages,
): Promise<Program | undefined> {
  const { program, listings, loadAddress } = configuration;
  if (program === undefined) return undefined;
  if (!isSource(program)) return { image: program, listings };
  const { image, listing } = await assembleSource('program', program, host, report);
  const own = listing === undefined ? [] : [{ listing, source: program, loadAddress, imageOffset: undefined }];
  return { image, listings: [...own, ...listings] };
}

async function openDrives(
  { floppy, disk, cdrom }: LaunchConfiguration,
  program: string | undefined,
  host: Host,
): Promise<{
  readonly drives: Pick<MachineConfig, 'floppy' | 'disk' | 'cdrom'>;
  readonly warnings: readonly string[];
}> {
  const paths = { floppy, disk };
  if (program !== undefined) {
    const size = await fileSize(host, 'program', program);
    const drive = driveForImage(size, await readHead(host, 'program', program, SECTOR_SIZE));
    const free = paths[drive] === undefined ? drive : drive === 'disk' ? 'floppy' : 'disk';
    if (paths[free] !== undefined)
      throw new UserError('bad-argument', localized('floppy and disk leave no drive for program'));
    paths[free] = program;
  }
  const argument = (drive: 'floppy' | 'disk'): string => (paths[drive] === program ? 'program' : drive);
  if (paths.floppy !== undefined) await checkFloppySize(host, argument('floppy'), paths.floppy);
  const drives = {
    ...(paths.floppy === undefined ? {} : { floppy: await openImage(host, argument('floppy'), paths.floppy) }),
    ...(paths.disk === undefined ? {} : { disk: await openImage(host, argument('disk'), paths.disk) }),
    ...(cdrom === undefined ? {} : { cdrom: await openImage(host, 'cdrom', cdrom) }),
  };
  const warnings: string[] = [];
  for (const drive of ['floppy', 'disk'] as const) {
    const path = paths[drive];
    if (path === undefined) continue;
    const head = await readHead(host, argument(drive), path, SECTOR_SIZE);
    const problem = sizeClaimProblem(await fileSize(host, argument(drive), path), head);
    if (problem !== undefined) warnings.push(`${argument(drive)}: ${path} ${problem}.`);
  }
  return { drives, warnings };
}

async function checkFloppySize(host: Host, argument: string, path: string): Promise<void> {
  const problem = floppySizeProblem(await fileSize(host, argument, path));
  if (problem !== undefined) throw new UserError('bad-argument', localized('{0}: {1} {2}', argument, path, problem));
}

async function readFirmware({ firmware }: LaunchConfiguration, host: Host): Promise<'builtin' | Uint8Array> {
  if (firmware === 'builtin') return firmware;
  const rom = await readWhole(host, 'firmware', firmware.path);
  if (rom.length === 0 || rom.length % FIRMWARE_UNIT !== 0 || rom.length > FIRMWARE_SIZE_MAX) {
    throw new UserError(
      'bad-argument',
      localized('firmware: {0} has {1} bytes; a BIOS image has 64, 128, 192 or 256 KiB', firmware.path, rom.length),
    );
  }
  return rom;
}

async function readOptionRom(path: string, host: Host): Promise<Uint8Array> {
  const rom = await readWhole(host, 'vgaFirmware', path);
  if (rom[0] !== 0x55 || rom[1] !== 0xaa || rom.length > OPTION_ROM_SIZE_MAX) {
    throw new UserError(
      'bad-argument',
      localized('vgaFirmware: {0} is no option ROM (55 AA and at most 64 KiB)', path),
    );
  }
  return rom;
}

async function readModule(reference: ListingReference, image: string | undefined, host: Host): Promise<SymbolModule> {
  const { listing, loadAddress, imageOffset } = reference;
  return {
    listingName: listing,
    listing: await readText(host, 'listing', listing),
    source:
      reference.source === undefined
        ? await sourceBeside(listing, host)
        : joinPath(directoryOf(listing), reference.source),
    ...(image === undefined
      ? {}
      : { imageName: image, image: await readHead(host, 'program', image, IMAGE_HEAD_SIZE) }),
    ...(loadAddress === undefined ? {} : { loadAddress }),
    ...(imageOffset === undefined ? {} : { imageOffset }),
  };
}

/** As much of an image as listings are compared with. */
const IMAGE_HEAD_SIZE = 2880 * 1024;

/** A listing does not name its source: it is looked for under the same name. */
async function sourceBeside(listing: string, host: Host): Promise<string> {
  const candidates = SOURCE_EXTENSIONS.map((extension) => stemOf(listing) + extension);
  for (const candidate of candidates) if (await exists(host, candidate)) return candidate;
  return candidates[0] as string;
}

/** A path without its extension. */
function stemOf(path: string): string {
  return path.replace(/\.[^./\\]*$/, '');
}

async function exists(host: Host, path: string): Promise<boolean> {
  return host.fileSize(path).then(
    () => true,
    () => false,
  );
}
