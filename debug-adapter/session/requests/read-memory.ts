/** `readMemory`: linear or physical memory; what is not mapped is counted as unreadable. */
import { encodeBase64 } from '../base64.ts';
import { formatReference, parseReference, readPlace } from '../places.ts';
import type { HandlerOf } from './request-handler.ts';

export const readMemory: HandlerOf<'readMemory'> = {
  capabilities: { supportsReadMemoryRequest: true },
  handle(debuggee, { memoryReference, offset = 0, count }) {
    const place = parseReference(memoryReference, offset);
    const bytes = readPlace(debuggee.guest, place, count);
    const unreadableBytes = count - bytes.length;
    return {
      address: formatReference(place),
      data: encodeBase64(bytes),
      ...(unreadableBytes > 0 ? { unreadableBytes } : {}),
    };
  },
};
