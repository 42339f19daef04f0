/** A device by which test guests end the run (QEMU isa-debug-exit): any write asks the machine to exit with its value. */
import type { Device, DeviceContext, DeviceDescription, Region } from '../device.ts';

/** It remembers nothing. */
export type DebugExitState = Record<string, never>;

export const debugExitDescription: DeviceDescription<DebugExitState> = {
  name: 'debug-exit',
  title: 'Debug exit',
  specification: 'QEMU isa-debug-exit',
  version: 1,
  registers: [
    {
      name: 'VALUE',
      region: 'value',
      offset: 0,
      width: 32,
      reset: 0,
      writable: 0,
      description: 'a write of 1, 2 or 4 bytes ends the run; reads give 0',
      value: () => 0,
    },
  ],
};

/** Makes the device: region `value` (4 ports). */
export function createDebugExit(context: DeviceContext): Device<DebugExitState> {
  const value: Region = {
    size: 4,
    width: 32,
    read: () => 0,
    write: (_offset, _size, written) => context.request({ kind: 'exit', value: written }),
  };
  return { description: debugExitDescription, state: {}, ports: { value }, reset() {} };
}
