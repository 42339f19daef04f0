/** Work that will be needed later, done in short pieces between everything else the worker does. */
import type { Host } from '../host.ts';

/** A piece is short against a slice of the machine, which has half of the time until all is done. */
const PIECE_MS = 4;
const PAUSE_MS = 4;

/** Calls `prepare` until it gives false. */
export function prepareAhead(host: Pick<Host, 'now' | 'defer'>, prepare: () => boolean): void {
  const piece = (): void => {
    const end = host.now() + PIECE_MS;
    do if (!prepare()) return;
    while (host.now() < end);
    host.defer(piece, PAUSE_MS);
  };
  host.defer(piece, PAUSE_MS);
}
