/** The registers and the state of the I/O APIC (82093AA data sheet 290566 §3.1, §3.2). */
import type { DeviceDescription } from '../device.ts';

/** Inputs, each with an entry of the redirection table. */
export const PINS = 24;

/** Version 11h, and the number of the last entry. */
export const VERSION: number = 0x11 | ((PINS - 1) << 16);
export const ID_WRITABLE = 0x0f00_0000;

/** Bits of the lower half of an entry. */
export const LOGICAL = 1 << 11;
export const ACTIVE_LOW = 1 << 13;
export const REMOTE_IRR = 1 << 14;
export const LEVEL = 1 << 15;
export const MASKED = 1 << 16;
export const LOW_WRITABLE = 0x1_afff;
export const HIGH_WRITABLE = 0xff00_0000;

export type IoApicState = {
  /** The register that the window shows. */
  select: number;
  id: number;
  /** Levels of the input pins. */
  pins: number;
  /** Lower and upper halves of the redirection table. */
  low: number[];
  high: number[];
};

/** The state after RESET. */
export function powerOnState(): IoApicState {
  return { select: 0, id: 0, pins: 0, low: Array(PINS).fill(MASKED), high: Array(PINS).fill(0) };
}

const inWindow = { region: 'registers', offset: 0x10, width: 32 } as const;

export const ioApicDescription: DeviceDescription<IoApicState> = {
  name: 'io-apic',
  title: 'I/O interrupt controller (IOAPIC)',
  specification: 'Intel 82093AA data sheet 290566',
  version: 1,
  registers: [
    {
      ...{ name: 'IOREGSEL', region: 'registers', offset: 0, width: 8, reset: 0, writable: 0xff },
      description: 'register that the window at 10h shows',
      value: ({ select }) => select,
    },
    {
      ...{ ...inWindow, name: 'IOAPICID', reset: 0, writable: ID_WRITABLE },
      description: '00h: number, bits 24–27',
      value: ({ id }) => id,
    },
    {
      ...{ ...inWindow, name: 'IOAPICVER', reset: VERSION, writable: 0 },
      description: '01h: version, and number of the last entry in bits 16–23',
      value: () => VERSION,
    },
    {
      ...{ ...inWindow, name: 'IOAPICARB', reset: 0, writable: 0 },
      description: '02h: arbitration number, bits 24–27',
      value: ({ id }) => id,
    },
    {
      ...{ name: 'PINS', width: 24, reset: 0, writable: 0 },
      description: 'levels of the inputs',
      value: ({ pins }) => pins,
    },
    ...Array.from({ length: PINS }, (_, pin) => [
      {
        ...{ ...inWindow, name: `IOREDTBL${pin}.low`, reset: MASKED, writable: LOW_WRITABLE },
        description: `${(0x10 + pin * 2).toString(16)}h: input ${pin}: vector (0–7), mode (8–10), logical (11), active low (13), remote IRR (14), level (15), masked (16)`,
        value: ({ low }: IoApicState) => low[pin] as number,
      },
      {
        ...{ ...inWindow, name: `IOREDTBL${pin}.high`, reset: 0, writable: HIGH_WRITABLE },
        description: `${(0x11 + pin * 2).toString(16)}h: input ${pin}: destination (24–31)`,
        value: ({ high }: IoApicState) => high[pin] as number,
      },
    ]).flat(),
  ],
};
