/**
 * The files of a session through VS Code's file systems, for extension hosts that have no disk of their own. Paths are
 * URIs as text. These file systems give whole files only, so the last few are kept.
 */
import type { FileSystem, Uri } from 'vscode';
import type { AssemblerResult, Host } from '../debug-adapter/host.ts';
import { fileName } from './file-types.ts';
import { localized } from '../debug-adapter/protocol/localized.ts';

/** A larger file would have to be held in the extension host's memory as a whole. */
export const WORKSPACE_FILE_SIZE_MAX = 256 * 1024 * 1024;

const MEBIBYTE = 1024 * 1024;
const FILES_KEPT_MAX = 4;
/** `FileType.Directory` of the VS Code interface, whose values this file does not load so that it runs in tests. */
const FILE_TYPE_DIRECTORY = 2;

interface KeptFile {
  readonly mtime: number;
  readonly size: number;
  readonly bytes: Promise<Uint8Array>;
}

export class WorkspaceHost implements Host {
  readonly kind = 'browser';
  private readonly kept = new Map<string, KeptFile>();
  private readonly files: Pick<FileSystem, 'stat' | 'readFile'>;
  private readonly parseUri: (path: string) => Uri;
  private readonly monotonicMs: () => number;

  constructor(
    files: Pick<FileSystem, 'stat' | 'readFile'>,
    parseUri: (path: string) => Uri,
    monotonicMs: () => number,
  ) {
    this.files = files;
    this.parseUri = parseUri;
    this.monotonicMs = monotonicMs;
  }

  async fileSize(path: string): Promise<number> {
    return (await this.status(path)).size;
  }

  async readFile(path: string, offset: number, length: number): Promise<Uint8Array> {
    const { mtime, size } = await this.status(path);
    if (size > WORKSPACE_FILE_SIZE_MAX) {
      throw new Error(
        localized(
          "{0} has {1} MiB; this kind of workspace is read in whole files of at most {2} MiB. Use a smaller image, or open the folder in the desktop's VS Code.",
          path,
          Math.ceil(size / MEBIBYTE),
          WORKSPACE_FILE_SIZE_MAX / MEBIBYTE,
        ),
      );
    }
    let file = this.kept.get(path);
    if (file === undefined || file.mtime !== mtime || file.size !== size) {
      file = { mtime, size, bytes: Promise.resolve(this.files.readFile(this.parseUri(path))) };
      this.keep(path, file);
    }
    return (await file.bytes).slice(offset, offset + length);
  }

  assemble(source: string): Promise<AssemblerResult> {
    return Promise.reject(
      new Error(
        localized(
          '{0} cannot be assembled here: VS Code runs without access to an assembler. Assemble it elsewhere (nasm -f bin -l boot.lst -o boot.img boot.asm) and give "program" the image and "listing" the listing.',
          fileName(source),
        ),
      ),
    );
  }

  now(): number {
    return this.monotonicMs();
  }

  localTimeMs(): number {
    return localTimeMs();
  }

  defer(callback: () => void, delayMs = 0): void {
    setTimeout(callback, delayMs);
  }

  private async status(path: string): Promise<{ readonly mtime: number; readonly size: number }> {
    const status = await this.files.stat(this.parseUri(path)).then(
      (found) => found,
      (cause: unknown) => {
        throw new Error(
          localized('{0} cannot be read: {1}', path, cause instanceof Error ? cause.message : String(cause)),
        );
      },
    );
    if ((status.type & FILE_TYPE_DIRECTORY) !== 0)
      throw new Error(localized('{0} is a folder; name a file in it.', path));
    return status;
  }

  private keep(path: string, file: KeptFile): void {
    this.kept.delete(path);
    this.kept.set(path, file);
    file.bytes.catch(() => this.kept.delete(path));
    const [oldest] = this.kept.keys();
    if (this.kept.size > FILES_KEPT_MAX && oldest !== undefined) this.kept.delete(oldest);
  }
}

/** Milliseconds since 1970 of the clock on the wall: what a PC's real-time clock holds. */
export function localTimeMs(): number {
  const now = new Date();
  return now.getTime() - now.getTimezoneOffset() * 60_000;
}
