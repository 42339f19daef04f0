/**
 * What a session asks of the process it runs in: files, the assembler, time. The extension (desktop and browser) and
 * the command line each provide one; the worker forwards these calls over its channel.
 */

/** A problem in a source file, as the assembler reported it. Lines count from 1. */
export interface AssemblerMessage {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** What assembling one source gave. Without errors, `image` and `listing` are paths of temporary files. */
export interface AssemblerResult {
  readonly image?: string;
  readonly listing?: string;
  readonly messages: readonly AssemblerMessage[];
}

export interface Host {
  /** `desktop` hosts can assemble and read ranges; `browser` hosts read whole files only. */
  readonly kind: 'desktop' | 'browser';
  /** Size in bytes; rejects with an Error that names the path and says what is wrong. */
  fileSize(path: string): Promise<number>;
  /** Reads a range; short at the end of the file. */
  readFile(path: string, offset: number, length: number): Promise<Uint8Array>;
  /** Assembles a NASM source to a flat image and a listing; rejects when there is no assembler, saying how to get one. */
  assemble(source: string): Promise<AssemblerResult>;
  /** Monotonic milliseconds. */
  now(): number;
  /** Milliseconds since 1970 as a local clock shows them (what an RTC holds). */
  localTimeMs(): number;
  /** Calls back after the current work, or after a delay. */
  defer(callback: () => void, delayMs?: number): void;
}
