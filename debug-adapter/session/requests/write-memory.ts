/** `writeMemory`: linear or physical memory; with `allowPartial` as far as it is mapped, else all or an error. */
import { decodeBase64 } from '../base64.ts';
import { formatReference, parseReference, readPlace, writePlace } from '../places.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const writeMemory: HandlerOf<'writeMemory'> = {
  capabilities: { supportsWriteMemoryRequest: true },
  handle(debuggee, { memoryReference, offset = 0, allowPartial = false, data }) {
    const { guest } = debuggee;
    const place = parseReference(memoryReference, offset);
    const bytes = decodeBase64(data);
    if (!bytes) throw new UserError('bad-argument', 'the data is not base64');
    const writable = readPlace(guest, place, bytes.length).length;
    if (writable < bytes.length && !allowPartial) {
      throw new UserError(
        'bad-address',
        `only ${writable} of ${bytes.length} bytes at ${formatReference(place)} are mapped`,
      );
    }
    const bytesWritten = writePlace(guest, place, bytes.subarray(0, writable));
    debuggee.afterResponse(() => debuggee.stateWritten());
    return { offset: 0, bytesWritten };
  },
};
