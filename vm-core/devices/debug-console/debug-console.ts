/** The debug console of emulators (port E9h of Bochs and QEMU): bytes written go to the host, reads identify it. */
import type { Device, DeviceContext, DeviceDescription, Region } from '../device.ts';

/** It remembers nothing. */
export type DebugConsoleState = Record<string, never>;

/** What a read gives, so that a guest can tell that the console is there. */
const SIGNATURE = 0xe9;

export const debugConsoleDescription: DeviceDescription<DebugConsoleState> = {
  name: 'debug-console',
  title: 'Debug console',
  specification: 'Bochs user manual, port_e9_hack; QEMU isa-debugcon',
  version: 1,
  registers: [
    {
      name: 'DATA',
      region: 'data',
      offset: 0,
      width: 8,
      reset: SIGNATURE,
      writable: 0,
      description: 'writes print a byte, reads give E9h',
      value: () => SIGNATURE,
    },
  ],
};

/** Makes the console: region `data` (1 port), output channel `debugcon`. */
export function createDebugConsole(context: DeviceContext): Device<DebugConsoleState> {
  const data: Region = {
    size: 1,
    width: 8,
    read: () => SIGNATURE,
    write: (_offset, _size, value) => context.output('debugcon', Uint8Array.of(value)),
  };
  return { description: debugConsoleDescription, state: {}, ports: { data }, reset() {} };
}
