/**
 * The I/O APIC (82093AA data sheet 290566): what comes in at its pins goes as messages to the local APICs, to whom and with
 * which vector its redirection table says.
 */
import type { Device, DeviceContext, Region } from '../device.ts';
import { resetState } from '../device-state.ts';
import { DELIVER_LOWEST, EVERYBODY } from '../interrupt-bus.ts';
import {
  ACTIVE_LOW,
  HIGH_WRITABLE,
  ID_WRITABLE,
  type IoApicState,
  ioApicDescription,
  LEVEL,
  LOGICAL,
  LOW_WRITABLE,
  MASKED,
  PINS,
  powerOnState,
  REMOTE_IRR,
  VERSION,
} from './io-apic-state.ts';

const SIZE = 0x1000;
const SELECT = 0x00;
const WINDOW = 0x10;
const TABLE = 0x10;

/** Makes an I/O APIC: region `registers` in memory, inputs `pin0`…`pin23`. */
export function createIoApic(context: DeviceContext): Device<IoApicState> {
  const state = powerOnState();

  const isAsserted = (pin: number): boolean => {
    const high = ((state.pins >>> pin) & 1) === 1;
    return high !== (((state.low[pin] as number) & ACTIVE_LOW) !== 0);
  };

  const send = (pin: number, isLevel: boolean): boolean => {
    const low = state.low[pin] as number;
    const to = (state.high[pin] as number) >>> 24;
    return context.interruptBus.send({
      destination: to === 0xff ? EVERYBODY : to,
      isLogical: (low & LOGICAL) !== 0,
      mode: (low >>> 8) & 7,
      vector: low & 0xff,
      isLevel,
    });
  };

  /** A level is sent once until its end of interrupt comes. */
  const lookAtLevel = (pin: number): void => {
    const low = state.low[pin] as number;
    if (!isLevel(low) || (low & (MASKED | REMOTE_IRR)) !== 0 || !isAsserted(pin)) return;
    if (send(pin, true)) state.low[pin] = low | REMOTE_IRR;
  };

  /** The pin was asserted or not before; an edge of a masked pin is lost. */
  const pinChanged = (pin: number, wasAsserted: boolean): void => {
    const low = state.low[pin] as number;
    if (isLevel(low)) lookAtLevel(pin);
    else if (!wasAsserted && isAsserted(pin) && (low & MASKED) === 0) send(pin, false);
  };

  const setPin = (pin: number, high: boolean): void => {
    const wasAsserted = isAsserted(pin);
    state.pins = high ? state.pins | (1 << pin) : state.pins & ~(1 << pin);
    pinChanged(pin, wasAsserted);
  };

  const writeEntry = (index: number, value: number): void => {
    const pin = index >> 1;
    if ((index & 1) === 1) {
      state.high[pin] = (value & HIGH_WRITABLE) >>> 0;
      return;
    }
    const kept = isLevel(value) ? (state.low[pin] as number) & REMOTE_IRR : 0;
    state.low[pin] = (value & LOW_WRITABLE) | kept;
    lookAtLevel(pin);
  };

  context.interruptBus.onEnd((vector) => {
    for (let pin = 0; pin < PINS; pin++) {
      const low = state.low[pin] as number;
      if ((low & 0xff) !== vector || (low & REMOTE_IRR) === 0) continue;
      state.low[pin] = low & ~REMOTE_IRR;
      lookAtLevel(pin);
    }
  });

  const registers: Region = {
    size: SIZE,
    width: 32,
    read: (offset, size) => partOf(readRegister(state, offset & ~3), offset & 3, size),
    write(offset, size, value) {
      if (offset === SELECT) state.select = value & 0xff;
      else if (offset !== WINDOW || size !== 4)
        context.logOnce('a register that is not there, or a part of one, was written');
      else if (state.select === 0) state.id = value & ID_WRITABLE;
      else if (state.select >= TABLE && state.select < TABLE + PINS * 2) writeEntry(state.select - TABLE, value);
    },
    peek: (offset) => partOf(readRegister(state, offset & ~3), offset & 3, 1),
  };

  return {
    description: ioApicDescription,
    state,
    ports: {},
    memory: { registers },
    inputs: Object.fromEntries(
      Array.from({ length: PINS }, (_, pin) => [`pin${pin}`, (high: boolean) => setPin(pin, high)]),
    ),
    reset: () => resetState(state, { ...powerOnState(), pins: state.pins }),
  };
}

/** Only interrupts with vectors are levels; the other kinds of messages are edges whatever the entry says. */
function isLevel(low: number): boolean {
  return (low & LEVEL) !== 0 && ((low >>> 8) & 7) <= DELIVER_LOWEST;
}

function readRegister({ select, id, low, high }: IoApicState, offset: number): number {
  if (offset === SELECT) return select;
  if (offset !== WINDOW) return 0;
  if (select === 0 || select === 2) return id;
  if (select === 1) return VERSION;
  return (((select & 1) === 0 ? low : high)[(select - TABLE) >> 1] ?? 0) >>> 0;
}

function partOf(value: number, offset: number, size: number): number {
  return Math.floor(value / 2 ** (offset * 8)) % 2 ** (size * 8);
}
