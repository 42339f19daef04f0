/** Where the bytes go that the guest sends on a serial port, the debug console or the parallel port. */
import { closeSync, writeSync } from 'node:fs';
import { openOutputFile } from './output-files.ts';
import type { Sink } from './run-options.ts';

export interface OpenSink {
  write(bytes: Uint8Array): void;
  close(): void;
}

/** Opens the sink of an option; a file is truncated. Throws an Error that names a file that cannot be written. */
export function openSink(option: string, sink: Sink, stdout: NodeJS.WritableStream): OpenSink {
  switch (sink.kind) {
    case 'none':
      return { write: () => {}, close: () => {} };
    case 'stdio':
      return { write: (bytes) => void stdout.write(bytes), close: () => {} };
    case 'file': {
      const file = openOutputFile(option, sink.path);
      return { write: (bytes) => void writeSync(file, bytes), close: () => closeSync(file) };
    }
  }
}
