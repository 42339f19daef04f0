/** Files that a run leaves behind. What stands in the way of one is said before the run, with the option that names it. */
import { accessSync, constants, openSync, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { LaunchConfiguration } from '../session/launch-configuration.ts';
import type { RunOptions } from './run-options.ts';

/**
 * Throws an Error that names the first file among the options that cannot be written, that the run reads, or that another
 * option writes. Writes nothing itself.
 */
export function checkOutputFiles(options: RunOptions): void {
  const { serial, debugcon, parallel, screenshot, stats, trace } = options;
  const files = {
    serial: serial.kind === 'file' ? serial.path : undefined,
    debugcon: debugcon.kind === 'file' ? debugcon.path : undefined,
    parallel: parallel.kind === 'file' ? parallel.path : undefined,
    screenshot,
    stats: stats === '-' ? undefined : stats,
    trace,
  };
  const uses = new Map(inputFiles(options.machine).map((path) => [identityOf(path), 'the run reads it']));
  for (const [option, path] of Object.entries(files)) {
    if (path === undefined) continue;
    checkOutputFile(option, path);
    const identity = identityOf(path);
    const use = uses.get(identity);
    if (identity !== undefined && use !== undefined) {
      throw new Error(`--${option}: ${path} would be overwritten, but ${use}; give another name`);
    }
    uses.set(identity, `--${option} writes it`);
  }
}

function inputFiles(machine: LaunchConfiguration): string[] {
  const { program, floppy, disk, cdrom, kernel, firmware, vgaFirmware, listings } = machine;
  const files = [
    ...[program, floppy, disk, cdrom, vgaFirmware, kernel?.path, kernel?.initrd],
    ...(kernel?.modules ?? []).map(({ path }) => path),
    ...listings.flatMap(({ listing, source }) => [listing, source]),
    firmware === 'builtin' ? undefined : firmware.path,
  ];
  return files.filter((path) => path !== undefined);
}

/**
 * The same text for all names of a file. Undefined for terminals, pipes and other devices, which lose nothing, and for what
 * cannot be looked at: opening it says why.
 */
function identityOf(path: string): string | undefined {
  try {
    const file = statSync(path, { throwIfNoEntry: false });
    if (file === undefined) return resolve(path);
    return file.isFile() ? `${file.dev}:${file.ino}` : undefined;
  } catch {
    return undefined;
  }
}

function checkOutputFile(option: string, path: string): void {
  const folder = dirname(path);
  const place = statSync(folder, { throwIfNoEntry: false });
  if (place === undefined) throw new Error(`--${option}: ${path} cannot be written: there is no folder ${folder}`);
  if (!place.isDirectory()) throw new Error(`--${option}: ${path} cannot be written: ${folder} is not a folder`);
  const before = statSync(path, { throwIfNoEntry: false });
  if (before?.isDirectory()) throw new Error(`--${option}: ${path} is a folder; give the name of a file`);
  writing(option, path, () => accessSync(before === undefined ? folder : path, constants.W_OK));
}

/** Opens a file for writing from its start. */
export function openOutputFile(option: string, path: string): number {
  return writing(option, path, () => openSync(path, 'w'));
}

/** Writes a whole file. */
export function writeOutputFile(option: string, path: string, content: string | Uint8Array): void {
  writing(option, path, () => writeFileSync(path, content));
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'it is a folder',
  EACCES: 'not allowed',
  EPERM: 'not allowed',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
};

function writing<Result>(option: string, path: string, write: () => Result): Result {
  try {
    return write();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new Error(`--${option}: ${path} cannot be written: ${REASONS[code ?? ''] ?? code ?? message}`);
  }
}
