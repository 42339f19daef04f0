/** Files that a run leaves behind. What stands in the way of one is said before the run, with the option that names it. */
import { accessSync, constants, openSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RunOptions } from './run-options.ts';

/** Throws an Error that names the first file among the options that cannot be written. Writes nothing itself. */
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
  for (const [option, path] of Object.entries(files)) if (path !== undefined) checkOutputFile(option, path);
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
