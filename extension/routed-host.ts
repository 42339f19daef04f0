/** A host for windows whose folders may lie on a disk or in a file system of an extension (vscode-vfs and the like). */
import type { AssemblerResult, Host } from '../debug-adapter/host.ts';

/** Sends paths of the disk to `disk` and URIs to `workspace`; time is the disk's host's. */
export function routedHost(disk: Host, workspace: Host): Host {
  const hostOf = (path: string): Host => (isUri(path) ? workspace : disk);
  return {
    kind: disk.kind,
    fileSize: (path: string): Promise<number> => hostOf(path).fileSize(path),
    readFile: (path: string, offset: number, length: number): Promise<Uint8Array> =>
      hostOf(path).readFile(path, offset, length),
    assemble: (source: string): Promise<AssemblerResult> => hostOf(source).assemble(source),
    now: () => disk.now(),
    localTimeMs: () => disk.localTimeMs(),
    defer: (callback, delayMs) => disk.defer(callback, delayMs),
  };
}

/** Whether a session's path is a URI; a drive letter (`C:\`) is not a scheme. */
export function isUri(path: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]+:\/\//.test(path);
}
