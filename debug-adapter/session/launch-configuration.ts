/** Launch arguments as a client sent them, checked against the table and brought into the form the session works with. */
import { addressOfBits } from '../expressions/address.ts';
import { localized } from '../protocol/localized.ts';
import {
  CPUS_MAX,
  type CpuModel,
  cpuCount,
  type EngineChoice,
  type KernelEntry,
  type LocalApicChoice,
  type MachineType,
  type Topology,
} from '../../vm-core/index.ts';
import { type LaunchArgument, launchArgumentRows } from './launch-arguments.ts';
import { UserError } from './user-error.ts';

/** A module with source lines: its listing, its source if it was named, and where its code lies in image and memory. */
export interface ListingReference {
  readonly listing: string;
  /** Absolute, or relative to the listing's folder. */
  readonly source: string | undefined;
  readonly loadAddress: number | undefined;
  readonly imageOffset: number | undefined;
}

/** A file for a Multiboot kernel. */
export interface ModuleReference {
  readonly path: string;
  readonly commandLine: string;
}

/** A kernel that is booted directly. */
export interface KernelReference {
  readonly path: string;
  readonly initrd: string | undefined;
  readonly modules: readonly ModuleReference[];
  readonly commandLine: string;
  readonly entry: KernelEntry;
}

/** Launch arguments after validation. Sizes are in bytes; paths are as the client wrote them. */
export interface LaunchConfiguration {
  readonly program: string | undefined;
  readonly listings: readonly ListingReference[];
  /** Of the program, also when it is assembled. */
  readonly loadAddress: number | undefined;
  readonly floppy: string | undefined;
  readonly disk: string | undefined;
  readonly cdrom: string | undefined;
  readonly kernel: KernelReference | undefined;
  readonly firmware: 'builtin' | { readonly path: string };
  readonly vgaFirmware: string | undefined;
  readonly memorySize: number;
  /** How much of it lies below 4 GiB; undefined: all. */
  readonly memoryLowSize: number | undefined;
  readonly cpuModel: CpuModel;
  readonly localApic: LocalApicChoice;
  readonly topology: Topology;
  /** Undefined: the one that machines have by default, which is the table's default. */
  readonly engine: EngineChoice | undefined;
  readonly machineType: MachineType;
  readonly serial: 'console' | 'terminal' | 'none';
  readonly debugcon: 'console' | 'none';
  readonly parallel: 'console' | 'none';
  readonly exitDevice: boolean;
  readonly stopOnEntry: boolean | 'reset';
  readonly realTime: boolean;
}

type Values = Readonly<Record<string, unknown>>;

const MEMORY_SIZE_MIN = 1 << 20;
const MEMORY_SIZE_MAX = 2 ** 31;
const MEMORY_SIZE_UNIT = 1 << 16;
const CPUS = `give 1 to ${CPUS_MAX} processors, or packages, cores and threads as 1x4x2`;
const SIZES = 'give 1M to 2G in steps of 64K, such as 128M or 1G; a number alone counts MiB';

/** Checks launch arguments. Throws a UserError that names the first argument that is wrong; unknown names are ignored. */
export function parseLaunchArguments(given: Values): LaunchConfiguration {
  for (const row of launchArgumentRows) checkArgument(row, given[row.name]);
  const values: Values = Object.fromEntries(
    launchArgumentRows.map(({ name, default: value }) => [name, given[name] ?? value]),
  );
  const loadAddress = parseAddressText(values['loadAddress']);
  const firmware = String(values['firmware']);
  const configuration: LaunchConfiguration = {
    program: textOf(values['program']),
    listings: listingsOf(values, loadAddress),
    loadAddress,
    floppy: textOf(values['floppy']),
    disk: textOf(values['disk']),
    cdrom: textOf(values['cdrom']),
    kernel: kernelOf(values),
    firmware: firmware === 'builtin' ? 'builtin' : { path: firmware },
    vgaFirmware: textOf(values['vgaFirmware']),
    memorySize: memorySizeOf(String(values['memory'])) as number,
    memoryLowSize: values['memoryLow'] === undefined ? undefined : memorySizeOf(String(values['memoryLow'])),
    cpuModel: values['cpu'] as CpuModel,
    localApic: values['localApic'] as LocalApicChoice,
    topology: topologyOf(values['cpus']) as Topology,
    engine: engineOf(values['engine']),
    machineType: values['machine'] as MachineType,
    serial: values['serial'] as LaunchConfiguration['serial'],
    debugcon: values['debugcon'] as 'console' | 'none',
    parallel: values['parallel'] as 'console' | 'none',
    exitDevice: values['exitDevice'] === true,
    stopOnEntry: values['stopOnEntry'] as boolean | 'reset',
    realTime: values['realTime'] === true,
  };
  checkBootable(configuration);
  return configuration;
}

/** Names among the arguments that the table does not have, apart from those VS Code adds of its own. */
export function unknownLaunchArguments(given: Values): readonly string[] {
  const known = new Set(launchArgumentRows.map((row) => row.name));
  return Object.keys(given).filter(
    (name) => !known.has(name) && !CLIENT_ATTRIBUTES.has(name) && !name.startsWith('__'),
  );
}

const CLIENT_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...['type', 'name', 'request', 'noDebug', 'presentation', 'preLaunchTask', 'postDebugTask', 'debugServer'],
  ...['internalConsoleOptions', 'serverReadyAction', 'suppressMultipleSessionWarning', 'linux', 'osx', 'windows'],
]);

function checkArgument(row: LaunchArgument, value: unknown): void {
  if (value === undefined) return;
  const { name, type, choices } = row;
  const problem = PROBLEMS[type](value, choices ?? []);
  if (problem !== undefined) throw new UserError('bad-argument', localized('{0}: {1}', name, problem));
}

/** What is wrong with a value of each type, in words; undefined if nothing is. */
const PROBLEMS: Readonly<
  Record<LaunchArgument['type'], (value: unknown, choices: readonly (string | boolean)[]) => string | undefined>
> = {
  path: (value) => (typeof value === 'string' && value !== '' ? undefined : 'a path is expected'),
  text: (value) => (typeof value === 'string' ? undefined : 'a text is expected'),
  boolean: (value) => (typeof value === 'boolean' ? undefined : 'true or false is expected'),
  cpus: (value) => (topologyOf(value) ? undefined : `${String(value)} cannot be; ${CPUS}`),
  size: (value) => (memorySizeOf(String(value)) === undefined ? `${String(value)} cannot be; ${SIZES}` : undefined),
  address: (value) =>
    parseAddressText(value) === undefined ? 'a linear address such as "0x7c00" is expected' : undefined,
  choice: (value, choices) =>
    choices.includes(value as string | boolean)
      ? undefined
      : `${JSON.stringify(value)} is none of ${choices.map((choice) => JSON.stringify(choice)).join(', ')}`,
  modules: (value) =>
    Array.isArray(value) && value.every(isModule) ? undefined : 'a list of paths or { path, commandLine } is expected',
  listings: (value) =>
    Array.isArray(value) && value.every(isListing)
      ? undefined
      : 'a list of paths or { path, source, loadAddress, imageOffset } is expected',
};

function isModule(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  if (typeof value !== 'object' || value === null) return false;
  const { path, commandLine } = value as Values;
  return typeof path === 'string' && path !== '' && (commandLine === undefined || typeof commandLine === 'string');
}

/** Throws a UserError for what means nothing without a kernel. */
function kernelOf(values: Values): KernelReference | undefined {
  const path = textOf(values['kernel']);
  if (path === undefined) {
    const lone = ['initrd', 'modules', 'append'].find((name) => values[name] !== undefined);
    if (lone === undefined) return undefined;
    throw new UserError('bad-argument', localized('{0}: there is no kernel to give it to; set kernel', lone));
  }
  return {
    path,
    initrd: textOf(values['initrd']),
    modules: ((values['modules'] ?? []) as readonly (string | Values)[]).map((entry) =>
      typeof entry === 'string'
        ? { path: entry, commandLine: '' }
        : { path: String(entry['path']), commandLine: textOf(entry['commandLine']) ?? '' },
    ),
    commandLine: textOf(values['append']) ?? '',
    entry: values['kernelEntry'] as KernelEntry,
  };
}

function isListing(value: unknown): boolean {
  if (typeof value === 'string') return value !== '';
  if (typeof value !== 'object' || value === null) return false;
  const { path, source, loadAddress, imageOffset } = value as Values;
  const isAddress = (address: unknown): boolean => address === undefined || parseAddressText(address) !== undefined;
  const isOffset = imageOffset === undefined || (parseAddressText(imageOffset) ?? -1) >= 0;
  if (typeof path !== 'string' || path === '') return false;
  return (source === undefined || typeof source === 'string') && isAddress(loadAddress) && isOffset;
}

function listingsOf(values: Values, loadAddress: number | undefined): readonly ListingReference[] {
  const main = textOf(values['listing']);
  const others = (values['listings'] ?? []) as readonly (string | Values)[];
  return [
    ...(main === undefined
      ? []
      : [{ listing: main, source: textOf(values['source']), loadAddress, imageOffset: undefined }]),
    ...others.map((entry) => {
      const {
        path,
        source,
        loadAddress: address,
        imageOffset,
      } = typeof entry === 'string' ? ({ path: entry } as Values) : entry;
      return {
        listing: String(path),
        source: textOf(source),
        loadAddress: parseAddressText(address),
        imageOffset: parseAddressText(imageOffset),
      };
    }),
  ];
}

/** What `4` means, or `1x4x2`: packages, cores in each, threads in each core; undefined where there cannot be so many. */
function topologyOf(value: unknown): Topology | undefined {
  const match = /^(\d+)(?:x(\d+)x(\d+))?$/.exec(String(value));
  if (!match) return undefined;
  const [packages, coresPerPackage, threadsPerCore] = [1, 2, 3].map((n) => Number(match[n] ?? 1)) as [
    number,
    number,
    number,
  ];
  const topology = { packages, coresPerPackage, threadsPerCore };
  const count = cpuCount(topology);
  return count >= 1 && count <= CPUS_MAX ? topology : undefined;
}

function engineOf(value: unknown): EngineChoice | undefined {
  const isDefault = launchArgumentRows.some((row) => row.name === 'engine' && row.default === value);
  return isDefault ? undefined : (value as EngineChoice);
}

/** Bytes that a size such as `128M`, `640K` or `64` (MiB) means; undefined outside what the machine takes. */
function memorySizeOf(text: string): number | undefined {
  const match = /^(\d+)([KMG]?)$/i.exec(text.trim());
  if (!match) return undefined;
  const unit = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[(match[2] || 'M').toUpperCase() as 'K' | 'M' | 'G'];
  const size = Number(match[1]) * unit;
  return size >= MEMORY_SIZE_MIN && size <= MEMORY_SIZE_MAX && size % MEMORY_SIZE_UNIT === 0 ? size : undefined;
}

/** A linear address from a number, `0x…`, `…h` or decimal text, signed in the upper half; undefined if it is none. */
export function parseAddressText(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  if (typeof value !== 'string') return undefined;
  const hexadecimal = /^0x([0-9a-f]+)$/i.exec(value)?.[1] ?? /^([0-9][0-9a-f]*)h$/i.exec(value)?.[1];
  if (hexadecimal === undefined && !/^\d+$/.test(value)) return undefined;
  const bits = BigInt(hexadecimal === undefined ? value : `0x${hexadecimal}`);
  const address = bits < 2n ** 64n ? addressOfBits(bits) : undefined;
  return typeof address === 'number' ? address : undefined;
}

function textOf(value: unknown): string | undefined {
  return value === undefined ? undefined : String(value);
}

function checkBootable(configuration: LaunchConfiguration): void {
  const { program, floppy, disk, cdrom, kernel, firmware } = configuration;
  if ([program, floppy, disk, cdrom, kernel].some((given) => given !== undefined) || firmware !== 'builtin') return;
  throw new UserError('bad-argument', localized('nothing to boot: give program, floppy, disk, cdrom or kernel'));
}
