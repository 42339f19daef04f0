/** Files of the host as the session needs them: whole, as text, and as block stores that read on demand. */
import { localized } from '../protocol/localized.ts';
import type { BlockStore } from '../../vm-core/index.ts';
import { createOverlayStore, memorySource } from '../../vm-core/index.ts';
import type { Host } from '../host.ts';
import { UserError } from './user-error.ts';

/** Images up to this size are read at once, so that a run never waits for them. */
const WHOLE_IMAGE_MAX = 8 * 1024 * 1024;
/** Listings and firmware beyond this are not what they are said to be. */
const WHOLE_FILE_MAX = 64 * 1024 * 1024;

/** Size of a file in bytes. A failure is a UserError that names the launch argument. */
export async function fileSize(host: Host, argument: string, path: string): Promise<number> {
  return reading(argument, path, () => host.fileSize(path));
}

/** Reads a whole file of at most `sizeMax` bytes. */
export async function readWhole(
  host: Host,
  argument: string,
  path: string,
  sizeMax: number = WHOLE_FILE_MAX,
): Promise<Uint8Array> {
  const size = await fileSize(host, argument, path);
  if (size > sizeMax)
    throw new UserError('cannot-read-file', localized('{0}: {1} is too large ({2} bytes)', argument, path, size));
  return reading(argument, path, () => host.readFile(path, 0, size));
}

/** Reads the first bytes of a file, at most `lengthMax`. */
export async function readHead(host: Host, argument: string, path: string, lengthMax: number): Promise<Uint8Array> {
  const size = await fileSize(host, argument, path);
  return reading(argument, path, () => host.readFile(path, 0, Math.min(size, lengthMax)));
}

/** Reads a text file, UTF-8. Characters beyond the Basic Multilingual Plane do not matter to a listing. */
export async function readText(host: Host, argument: string, path: string): Promise<string> {
  return decodeUtf8(await readWhole(host, argument, path));
}

/** Opens an image for the guest: writes stay in an overlay, large images are read as they are needed. */
export async function openImage(host: Host, argument: string, path: string): Promise<BlockStore> {
  const size = await fileSize(host, argument, path);
  if (size === 0) throw new UserError('bad-argument', localized('{0}: {1} is empty', argument, path));
  if (size <= WHOLE_IMAGE_MAX) return createOverlayStore(memorySource(path, await readWhole(host, argument, path)));
  return createOverlayStore({
    name: path,
    size,
    read: (offset, length) => readPart(host, argument, path, offset, length),
  });
}

/** While the guest runs, somebody may delete or rewrite its image; it can be put back, and the run goes on. */
async function readPart(
  host: Host,
  argument: string,
  path: string,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  const bytes = await reading(argument, path, () => host.readFile(path, offset, length));
  if (bytes.length === length) return bytes;
  throw new UserError(
    'cannot-read-file',
    localized(
      '{0}: {1} has become shorter while the guest was running; put it back and continue, or restart',
      argument,
      path,
    ),
  );
}

async function reading<Result>(argument: string, path: string, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const named = reason.includes(path) ? reason : `${path}: ${reason}`;
    throw new UserError('cannot-read-file', localized('{0}: {1}', argument, named));
  }
}

/** There is no TextDecoder in the language itself, and this layer knows neither the DOM nor Node. */
function decodeUtf8(bytes: Uint8Array): string {
  const escaped: string[] = [];
  for (let at = 0; at < bytes.length; at += 0x1000) {
    escaped.push(String.fromCharCode(...bytes.subarray(at, at + 0x1000)));
  }
  const binary = escaped.join('');
  try {
    return decodeURIComponent(binary.replace(/[%\x80-\xff]/g, (unit) => `%${unit.charCodeAt(0).toString(16)}`));
  } catch {
    // Not UTF-8: taken as Latin-1, so that at least the ASCII part is right.
    return binary;
  }
}
