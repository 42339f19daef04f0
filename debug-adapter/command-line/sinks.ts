/** Where the bytes go that the guest sends on a serial port or the debug console. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { describeFileError } from './node-host.ts';
import type { Sink } from './run-options.ts';

export interface OpenSink {
  write(bytes: Uint8Array): void;
  close(): void;
}

/** Opens a sink; a file is truncated. Throws an Error that names a file that cannot be written. */
export function openSink(sink: Sink, stdout: NodeJS.WritableStream): OpenSink {
  switch (sink.kind) {
    case 'none':
      return { write: () => {}, close: () => {} };
    case 'stdio':
      return { write: (bytes) => void stdout.write(bytes), close: () => {} };
    case 'file': {
      const file = openForWriting(sink.path);
      return { write: (bytes) => void writeSync(file, bytes), close: () => closeSync(file) };
    }
  }
}

/** Opens a file for writing from its start; throws an Error that names it. */
export function openForWriting(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw describeFileError(path, error);
  }
}
