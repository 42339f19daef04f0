/** `readMemory`: linear or physical memory; what is not mapped is counted as unreadable. */
import { localized } from '../../protocol/localized.ts';
import { encodeBase64 } from '../base64.ts';
import { memoryOf } from '../cpu-ids.ts';
import { formatReference, placeOf, readPlace } from '../places.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

/** Bytes in one answer. */
const COUNT_MAX = 16 * 1024 * 1024;

export const readMemory: HandlerOf<'readMemory'> = {
  capabilities: { supportsReadMemoryRequest: true },
  handle(debuggee, { memoryReference, offset = 0, count }) {
    if (!(count >= 0 && count <= COUNT_MAX)) {
      throw new UserError('bad-argument', localized('{0} bytes cannot be read at once; at most {1}', count, COUNT_MAX));
    }
    const { guest, text } = memoryOf(debuggee.guest, memoryReference);
    const place = placeOf(guest, text, offset);
    const bytes = readPlace(guest, place, count);
    const unreadableBytes = count - bytes.length;
    return {
      address: formatReference(place, guest.addressWidth),
      data: encodeBase64(bytes),
      ...(unreadableBytes > 0 ? { unreadableBytes } : {}),
    };
  },
};
