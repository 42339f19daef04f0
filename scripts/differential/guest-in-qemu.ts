/** Guests that are in RAM when the machine starts, assembled by nasm and run in QEMU; RAM is read again when they have ended. */
import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, readSync, rmSync, writeSync } from 'node:fs';

const PROGRAM = 'qemu-system-x86_64';
const TIMEOUT_MS = 10_000;

/** The version line of the installed QEMU, or undefined if it or nasm is missing. */
export function systemTools(): string | undefined {
  const { status, stdout } = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  const { status: assembler } = spawnSync('nasm', ['-v']);
  return status === 0 && assembler === 0 ? stdout.split('\n', 1)[0] : undefined;
}

/** A part of RAM that is filled before the guest starts. */
export interface Part {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** A machine of QEMU, the guest's parts, and where in RAM its results are. */
export interface GuestInQemu {
  readonly machine: string;
  readonly cpu: string;
  readonly ramSize: number;
  /** Files: the ROM that a reset begins with, and one to be made for RAM. */
  readonly rom: string;
  readonly ram: string;
  readonly parts: readonly Part[];
  readonly results: { readonly at: number; readonly size: number };
  /** Further arguments. */
  readonly devices?: readonly string[];
}

/** Assembles a guest's source with numbers, or text, by name. */
export function assembleGuest(
  source: string,
  output: string,
  definitions: Readonly<Record<string, number | string>>,
): Uint8Array {
  const given = Object.entries(definitions).map(([key, value]) => `-D${key}=${value}`);
  const { status, stderr } = spawnSync('nasm', ['-f', 'bin', ...given, '-o', output, source]);
  if (status !== 0) throw new Error(`nasm: ${stderr}`);
  return readFileSync(output);
}

/** Runs the guest until it writes 0 to the exit device, and gives its results and how it ended. */
export function runGuestInQemu(guest: GuestInQemu): { memory: Uint8Array; end: string } {
  const { ram, ramSize, parts, results } = guest;
  rmSync(ram, { force: true });
  const file = openSync(ram, 'w+');
  ftruncateSync(file, ramSize);
  for (const { at, bytes } of parts) writeSync(file, bytes, 0, bytes.length, at);
  const { status, error } = spawnSync(PROGRAM, argumentsOf(guest), { timeout: TIMEOUT_MS, killSignal: 'SIGKILL' });
  const memory = new Uint8Array(results.size);
  readSync(file, memory, 0, results.size, results.at);
  closeSync(file);
  if (error === undefined && status === 1) return { memory, end: 'exit' };
  return { memory, end: error === undefined ? `status ${status}` : 'no end' };
}

function argumentsOf({ machine, cpu, ramSize, rom, ram, devices }: GuestInQemu): string[] {
  return [
    ...['-machine', `${machine},memory-backend=ram`, '-cpu', cpu, '-accel', 'tcg', '-m', `${ramSize >>> 20}M`],
    ...['-object', `memory-backend-file,id=ram,size=${ramSize},mem-path=${ram},share=on`],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-vga', 'none', '-bios', rom],
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=1', ...(devices ?? [])],
  ];
}
