/**
 * What machine this is, for programs that ask (SMBIOS Reference Specification 2.8.0): an entry point and a table of
 * structures in the ROM, made of the machine's configuration. (A table: exempt from the length limit.)
 */
import { guestRam, HIGH_RAM } from '../../memory/guest-ram.ts';

/** What the structures tell. */
export interface SmbiosMachine {
  /** Bytes of RAM. */
  readonly memorySize: number;
  readonly memoryLowSize?: number;
  readonly cpuModel: string;
  readonly biosVersion: string;
  readonly biosDate: string;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const VERSION_MAJOR = 2;
const VERSION_MINOR = 8;
const ENTRY_SIZE = 0x1f;
const INTERMEDIATE = 0x10;
const MAKER = 'x86 VM Debugger';

/** Handles, one for each structure. */
const HANDLE_MEMORY_ARRAY = 0x1000;
const NO_HANDLE = 0xffff;
const NO_ERROR_INFORMATION = 0xfffe;

/** A value with its size in bytes. */
type Field = readonly [size: 1 | 2 | 4 | 8, value: number];
const byte = (value: number): Field => [1, value];
const word = (value: number): Field => [2, value];
const dword = (value: number): Field => [4, value];
const qword = (value: number): Field => [8, value];
const zeros = (count: number): readonly Field[] => new Array<Field>(count).fill([1, 0]);

function bytesOf(fields: readonly Field[]): number[] {
  return fields.flatMap(([size, value]) =>
    Array.from({ length: size }, (_, index) => Math.floor(value / 256 ** index) % 256),
  );
}

const asciiOf = (text: string): number[] => [...text].map((character) => character.charCodeAt(0));

/** A structure: header, fields, its strings (numbered from 1), and the zeros that end it. */
function structure(type: number, handle: number, fields: readonly Field[], strings: readonly string[] = []): number[] {
  const formatted = bytesOf(fields);
  const texts = strings.length === 0 ? [0] : strings.flatMap((text) => [...asciiOf(text), 0]);
  return [...bytesOf([byte(type), byte(4 + formatted.length), word(handle)]), ...formatted, ...texts, 0];
}

/** Bits: ISA, APM, boots from CD, boot order can be chosen, EDD; INT 05h, 09h, 14h and 10h. */
const BIOS_CHARACTERISTICS = [4, 10, 15, 16, 19, 26, 27, 28, 30].reduce((sum, bit) => sum + 2 ** bit, 0);
const NO_CONTROLLER = 0xff;

const bios = ({ biosVersion, biosDate }: SmbiosMachine): number[] =>
  structure(
    0,
    0x0000,
    [
      ...[byte(1), byte(2), word(0xf000), byte(3)],
      byte(0), // one unit of 64 KiB
      qword(BIOS_CHARACTERISTICS),
      ...[byte(0), byte(0)], // extension bytes
      ...[byte(1), byte(0), byte(NO_CONTROLLER), byte(NO_CONTROLLER)],
    ],
    [MAKER, biosVersion, biosDate],
  );

const WAKE_UP_POWER_SWITCH = 6;

/** All zeros: there is no UUID. */
const system: number[] = structure(
  1,
  0x0100,
  [byte(1), byte(2), byte(3), byte(4), ...zeros(16), byte(WAKE_UP_POWER_SWITCH), byte(0), byte(0)],
  [MAKER, 'ISA PC', '1.0', '0'],
);

const CHASSIS_DESKTOP = 3;
const STATE_SAFE = 3;
const SECURITY_NONE = 3;

const chassis: number[] = structure(
  3,
  0x0300,
  [
    ...[byte(1), byte(CHASSIS_DESKTOP), byte(0), byte(0), byte(0)],
    ...[byte(STATE_SAFE), byte(STATE_SAFE), byte(STATE_SAFE), byte(SECURITY_NONE)],
    ...[dword(0), byte(0), byte(0), byte(0), byte(0), byte(0)],
  ],
  [MAKER],
);

const CENTRAL_PROCESSOR = 3;
/** Families by the machine's processor model (SMBIOS 3 §7.5.2); the models by level are of no product. */
const FAMILIES: Readonly<Record<string, number>> = {
  '386': 0x05,
  '486': 0x06,
  pentium: 0x0b,
  pentium3: 0x11,
  core2: 0xbf,
  'amd-zen': 0x6b,
};
const FAMILY_UNKNOWN = 0x02;
const POPULATED_ENABLED = 0x41;
const UPGRADE_NONE = 0x06;
const LEGACY_VOLTAGE_5 = 0x01;

function processor({ cpuModel }: SmbiosMachine): number[] {
  const family = FAMILIES[cpuModel] ?? FAMILY_UNKNOWN;
  return structure(
    4,
    0x0400,
    [
      ...[byte(1), byte(CENTRAL_PROCESSOR), byte(family), byte(2), qword(0), byte(3)],
      ...[byte(LEGACY_VOLTAGE_5), word(0), word(0), word(0)], // clocks and speeds are unknown
      ...[byte(POPULATED_ENABLED), byte(UPGRADE_NONE)],
      ...[word(NO_HANDLE), word(NO_HANDLE), word(NO_HANDLE)], // no caches
      ...[byte(0), byte(0), byte(0)],
      ...[byte(1), byte(1), byte(1), word(0), word(family)],
    ],
    ['CPU 0', MAKER, cpuModel],
  );
}

const ON_SYSTEM_BOARD = 3;
const SYSTEM_MEMORY = 3;
const NO_CORRECTION = 3;

const memoryArray = ({ memorySize }: SmbiosMachine): number[] =>
  structure(16, HANDLE_MEMORY_ARRAY, [
    ...[byte(ON_SYSTEM_BOARD), byte(SYSTEM_MEMORY), byte(NO_CORRECTION)],
    ...[dword(memorySize / KIB), word(NO_ERROR_INFORMATION), word(1), qword(0)],
  ]);

const IN_KIB = 0x8000;
const FORM_FACTOR_UNKNOWN = 0x02;
const TYPE_RAM = 0x07;
const DETAIL_OTHER = 1 << 1;

/** In MiB where that is exact or KiB would need more than 15 bits. */
function deviceSize(memorySize: number): number {
  const kib = memorySize / KIB;
  return memorySize % MIB === 0 || kib >= IN_KIB ? Math.floor(memorySize / MIB) : kib | IN_KIB;
}

const memoryDevice = ({ memorySize }: SmbiosMachine): number[] =>
  structure(
    17,
    0x1100,
    [
      ...[word(HANDLE_MEMORY_ARRAY), word(NO_ERROR_INFORMATION), word(32), word(32)],
      ...[word(deviceSize(memorySize)), byte(FORM_FACTOR_UNKNOWN), byte(0), byte(1), byte(0)],
      ...[byte(TYPE_RAM), word(DETAIL_OTHER), word(0), byte(2), byte(0), byte(0), byte(0)],
      ...[byte(0), dword(0), word(0), word(0), word(0), word(0)],
    ],
    ['RAM', MAKER],
  );

/** In KiB, up to the last one; what begins at 4 GiB stands in the two fields behind, in bytes. */
const addressRange = (handle: number, from: number, to: number): number[] => {
  const isHigh = from >= HIGH_RAM;
  const short = isHigh ? [0xffff_ffff, 0xffff_ffff] : [from / KIB, to / KIB - 1];
  const long = isHigh ? [from, to - 1] : [0, 0];
  return structure(19, handle, [...short.map(dword), word(HANDLE_MEMORY_ARRAY), byte(1), ...long.map(qword)]);
};

function memoryAddresses(machine: SmbiosMachine): readonly number[][] {
  const { low, high } = guestRam(machine);
  return [addressRange(0x1300, 0, low), ...(high === 0 ? [] : [addressRange(0x1301, HIGH_RAM, HIGH_RAM + high)])];
}

const bootStatus: number[] = structure(32, 0x2000, [...zeros(6), byte(0)]);
const end: number[] = structure(127, 0x7f00, []);

/** The structures, in ascending order of their types. */
export function smbiosStructures(machine: SmbiosMachine): readonly (readonly number[])[] {
  return [
    bios(machine),
    system,
    chassis,
    processor(machine),
    memoryArray(machine),
    memoryDevice(machine),
    ...memoryAddresses(machine),
    bootStatus,
    end,
  ];
}

/** Puts the value into `at` that makes the bytes from there on sum up to zero. */
function setChecksum(bytes: number[], from: number, at: number): void {
  bytes[at] = 0;
  bytes[at] = -bytes.slice(from).reduce((sum, value) => sum + value, 0) & 0xff;
}

/** The entry point for a table that lies at a physical address. */
export function smbiosEntryPoint(structures: readonly (readonly number[])[], tableAddress: number): number[] {
  const sizes = structures.map(({ length }) => length);
  const bytes = [
    ...[...asciiOf('_SM_'), 0, ENTRY_SIZE, VERSION_MAJOR, VERSION_MINOR],
    ...bytesOf([word(Math.max(...sizes)), byte(0), ...zeros(5)]),
    ...[...asciiOf('_DMI_'), 0],
    ...bytesOf([word(sizes.reduce((sum, size) => sum + size, 0)), dword(tableAddress), word(sizes.length)]),
    VERSION_MAJOR * 16 + VERSION_MINOR,
  ];
  setChecksum(bytes, INTERMEDIATE, INTERMEDIATE + 5);
  setChecksum(bytes, 0, 4);
  return bytes;
}
