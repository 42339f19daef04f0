/** `writeMemory`: linear or physical memory; with `allowPartial` as far as it is mapped, else all or an error. */
import { localized } from '../../protocol/localized.ts';
import { decodeBase64 } from '../base64.ts';
import { memoryOf } from '../cpu-ids.ts';
import { formatReference, type MemoryPlace, memoryReferenceOf, placeOf, readPlace, writePlace } from '../places.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

export const writeMemory: HandlerOf<'writeMemory'> = {
  capabilities: { supportsWriteMemoryRequest: true },
  handle(debuggee, { memoryReference, offset = 0, allowPartial = false, data }) {
    const { guest, text } = memoryOf(debuggee.guest, memoryReference);
    const place = placeOf(guest, text, offset);
    const bytes = decodeBase64(data);
    if (!bytes) throw new UserError('bad-argument', localized('the data is not base64'));
    const mapped = readPlace(guest, place, bytes.length).length;
    if (mapped < bytes.length && !allowPartial) throw partlyMapped(mapped, bytes.length, place);
    const bytesWritten = writePlace(guest, place, bytes.subarray(0, mapped));
    const written = { memoryReference: memoryReferenceOf(guest, place), count: bytesWritten };
    debuggee.afterResponse(() => debuggee.stateWritten(written));
    if (bytesWritten < bytes.length && !allowPartial) throw partlyMapped(bytesWritten, bytes.length, place);
    return { offset: 0, bytesWritten };
  },
};

function partlyMapped(count: number, length: number, place: MemoryPlace): UserError {
  return new UserError(
    'bad-address',
    localized('only {0} of {1} bytes at {2} can be written', count, length, formatReference(place)),
  );
}
