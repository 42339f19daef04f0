/**
 * Physical addresses of 32 bits that wrap. Segment bases, far pointers and descriptors come from the guest, so a buffer
 * may run over the end of the 4 GiB; as on the 386's bus it goes on at 0.
 */
import type { FirmwareContext, FirmwareHook, FirmwareMemory } from '../firmware.ts';

const ADDRESS_SPACE = 0x1_0000_0000;

/** The same memory, for any address and length. */
export function wrapMemory(memory: FirmwareMemory): FirmwareMemory {
  const roomAt = (start: number): number => ADDRESS_SPACE - start;
  return {
    read(physicalAddress, size) {
      const start = physicalAddress >>> 0;
      if (size <= roomAt(start)) return memory.read(start, size);
      let value = 0;
      for (let index = size - 1; index >= 0; index--) value = value * 256 + memory.read((start + index) >>> 0, 1);
      return value;
    },
    write(physicalAddress, size, value) {
      const start = physicalAddress >>> 0;
      if (size <= roomAt(start)) {
        memory.write(start, size, value);
        return;
      }
      for (let index = 0; index < size; index++) {
        memory.write((start + index) >>> 0, 1, (value >>> (8 * index)) & 0xff);
      }
    },
    readBytes(physicalAddress, length) {
      const start = physicalAddress >>> 0;
      const room = roomAt(start);
      if (length <= room) return memory.readBytes(start, length);
      const bytes = new Uint8Array(length);
      bytes.set(memory.readBytes(start, room));
      bytes.set(memory.readBytes(0, length - room), room);
      return bytes;
    },
    writeBytes(physicalAddress, bytes) {
      const start = physicalAddress >>> 0;
      const room = roomAt(start);
      memory.writeBytes(start, bytes.subarray(0, room));
      if (bytes.length > room) memory.writeBytes(0, bytes.subarray(room));
    },
  };
}

/** The hook with such memory; a machine's context is wrapped once. */
export function withWrappedMemory(
  hook: FirmwareHook,
  wrapped: WeakMap<FirmwareContext, FirmwareContext>,
): FirmwareHook {
  return (context) => {
    const known = wrapped.get(context);
    if (known) return hook(known);
    const made: FirmwareContext = Object.create(context, { memory: { value: wrapMemory(context.memory) } });
    wrapped.set(context, made);
    return hook(made);
  };
}
