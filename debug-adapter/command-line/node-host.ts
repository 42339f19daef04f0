/** The host of a session in a Node process: the file system by ranges, NASM from PATH, Node's clocks. */
import { open, stat } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import type { AssemblerResult, Host } from '../host.ts';
import { assembleWithNasm } from './run-nasm.ts';

const MINUTE_MS = 60_000;

/** Makes a host. What it assembles lies in a temporary directory that goes with the process; `signal` ends assemblers. */
export function createNodeHost(signal?: AbortSignal): Host {
  return {
    kind: 'desktop',
    fileSize: readFileSize,
    readFile: readFileRange,
    assemble: (source): Promise<AssemblerResult> => assembleWithNasm(source, 'nasm', signal),
    now: () => performance.now(),
    localTimeMs(): number {
      const now = new Date();
      return now.getTime() - now.getTimezoneOffset() * MINUTE_MS;
    },
    defer(callback, delayMs = 0): void {
      if (delayMs > 0) setTimeout(callback, delayMs);
      else setImmediate(callback);
    },
  };
}

async function readFileSize(path: string): Promise<number> {
  try {
    const status = await stat(path);
    if (status.isDirectory()) throw new Error(`${path}: is a directory, not a file`);
    return status.size;
  } catch (error) {
    throw describeFileError(path, error);
  }
}

/** Opens the file for each range: nothing stays open that somebody else may want to rebuild or delete. */
async function readFileRange(path: string, offset: number, length: number): Promise<Uint8Array> {
  try {
    await using file = await open(path, 'r');
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } catch (error) {
    throw describeFileError(path, error);
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'not allowed to read it',
  EPERM: 'not allowed to read it',
  EISDIR: 'is a directory, not a file',
  ENOTDIR: 'a part of the path is not a directory',
  EMFILE: 'too many open files',
};

/** An error for the user that names the path. */
function describeFileError(path: string, error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === undefined) return error instanceof Error ? error : new Error(`${path}: ${String(error)}`);
  return new Error(`${path}: ${REASONS[code] ?? `cannot be read (${code})`}`);
}
