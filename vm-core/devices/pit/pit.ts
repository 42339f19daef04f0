/**
 * The Intel 8254 programmable interval timer (data sheet 231164-005) with the PC's system control port B (IBM PC/AT
 * Technical Reference, port 61h), which gates counter 2, shows its output and lets it through to the speaker. Counter 0
 * drives the line `irq0`.
 */
import type { Device, DeviceContext, DeviceDescription, Region } from '../device.ts';
import { createDeviceClock } from '../device-clock.ts';
import { resetState } from '../device-state.ts';
import {
  type CounterState,
  countAt,
  latchCount,
  latchStatus,
  nextEdge,
  outputAt,
  POWER_ON_COUNTER,
  readCount,
  setGate,
  statusAt,
  synchronize,
  writeControl,
  writeCount,
} from './counter.ts';

import { encodeSpeakerSignal, isNews, SILENT_SPEAKER, type SpeakerSignal, speakerSignal } from './speaker.ts';

/** Frequency of the counters' CLK inputs in Hz: a twelfth of the PC's 14.318 MHz crystal. */
export const PIT_FREQUENCY = 1_193_182;

/** Memory refresh of the AT: one request every 18 cycles; port 61h shows a bit that changes with each. */
const REFRESH_CYCLES = 18;

const PORT_B_GATE2 = 0x01;
const PORT_B_SPEAKER = 0x02;
const PORT_B_WRITABLE = 0x0f;
const PORT_B_REFRESH = 0x10;
const PORT_B_OUT2 = 0x20;

export type PitState = {
  counters: CounterState[];
  /** The four writable bits of port B: gate 2, speaker data, and the two check disables. */
  portB: number;
  /** The clock cycle at which the state was last looked at. */
  cycle: number;
  /** What the host was told last. */
  speaker: SpeakerSignal;
};

const POWER_ON: PitState = {
  counters: [POWER_ON_COUNTER, POWER_ON_COUNTER, { ...POWER_ON_COUNTER, gate: false }],
  portB: 0,
  cycle: 0,
  speaker: SILENT_SPEAKER,
};

const counterOf = (state: PitState, index: number): CounterState => state.counters[index] as CounterState;

const counterRegister = (index: number): PitDescription['registers'][number] => ({
  name: `COUNTER${index}`,
  region: 'registers',
  offset: index,
  width: 16,
  reset: 0,
  writable: 0xffff,
  description: `count of counter ${index} when the guest last touched the timer`,
  value: (state) => countAt(counterOf(state, index), state.cycle),
});

const statusRegister = (index: number): PitDescription['registers'][number] => ({
  name: `STATUS${index}`,
  width: 8,
  reset: 0x70,
  writable: 0x3f,
  description: `bit 7 OUT, bit 6 null count, bits 4–5 access, 1–3 mode, 0 BCD of counter ${index}`,
  value: (state) => statusAt(counterOf(state, index), state.cycle),
});

type PitDescription = DeviceDescription<PitState>;

export const pitDescription: PitDescription = {
  name: 'pit',
  title: 'Interval timer',
  specification: 'Intel 8254 data sheet 231164-005; IBM PC/AT Technical Reference, port 61h',
  version: 2,
  registers: [
    ...[0, 1, 2].flatMap((index) => [counterRegister(index), statusRegister(index)]),
    {
      name: 'PORT_B',
      region: 'port-b',
      offset: 0,
      width: 8,
      reset: 0,
      writable: PORT_B_WRITABLE,
      description: 'bit 0 gate of counter 2, bit 1 speaker, bit 4 refresh, bit 5 OUT of counter 2',
      value: portBValue,
    },
  ],
};

function portBValue(state: PitState): number {
  const refresh = Math.floor(state.cycle / REFRESH_CYCLES) % 2 === 1;
  const out2 = outputAt(counterOf(state, 2), state.cycle);
  return state.portB | (refresh ? PORT_B_REFRESH : 0) | (out2 ? PORT_B_OUT2 : 0);
}

/**
 * Makes the timer: regions `registers` (4 ports) and `port-b` (1 port), line `irq0`, output channel `speaker` (see
 * `SpeakerSignal`).
 */
export function createPit(context: DeviceContext): Device<PitState> {
  const clock = createDeviceClock(PIT_FREQUENCY, context.ticksPerSecond);
  const state: PitState = { ...POWER_ON };
  resetState(state, POWER_ON);

  /** Brings all counters up to the present cycle. */
  const synchronizeAll = (): void => {
    state.cycle = clock.cyclesAt(context.now());
    for (const counter of state.counters) synchronize(counter, state.cycle);
  };

  /** Only counter 0 has somebody waiting for its edges; the others are worked out when they are read. */
  const update = (): void => {
    synchronizeAll();
    const counter = counterOf(state, 0);
    context.setLine('irq0', outputAt(counter, state.cycle));
    const edge = nextEdge(counter, state.cycle);
    if (edge === Number.POSITIVE_INFINITY) timer.cancel();
    else timer.arm(clock.timeOf(edge));
  };
  const timer = context.timer('counter0', update);

  /** Tells the host what is to be heard from now on. */
  const updateSpeaker = (): void => {
    const connected = (state.portB & PORT_B_SPEAKER) !== 0;
    const signal = speakerSignal(counterOf(state, 2), state.cycle, connected, context.now());
    if (!isNews(state.speaker, signal)) return;
    state.speaker = signal;
    context.output('speaker', encodeSpeakerSignal(signal));
  };
  /** A count that was written is loaded with the next cycle, and heard from then on. */
  const loadTimer = context.timer('speaker', () => {
    synchronizeAll();
    updateSpeaker();
  });
  const speakerWritten = (): void => {
    const { loadAt } = counterOf(state, 2);
    if (loadAt > state.cycle && (state.portB & PORT_B_SPEAKER) !== 0) loadTimer.arm(clock.timeOf(loadAt));
    updateSpeaker();
  };

  const writeCommand = (value: number): void => {
    const select = value >> 6;
    if (select < 3) {
      const counter = counterOf(state, select);
      if ((value & 0x30) === 0) latchCount(counter, state.cycle);
      else writeControl(counter, value);
      return;
    }
    state.counters.forEach((counter, index) => {
      if (((value >> (index + 1)) & 1) === 0) return;
      if ((value & 0x20) === 0) latchCount(counter, state.cycle);
      if ((value & 0x10) === 0) latchStatus(counter, state.cycle);
    });
  };

  const registers: Region = {
    size: 4,
    width: 8,
    read(offset) {
      synchronizeAll();
      return offset === 3 ? 0xff : readCount(counterOf(state, offset), state.cycle);
    },
    write(offset, _size, value) {
      synchronizeAll();
      if (offset === 3) writeCommand(value);
      else writeCount(counterOf(state, offset), state.cycle, value);
      update();
      if (offset >= 2) speakerWritten();
    },
  };

  const portB: Region = {
    size: 1,
    width: 8,
    read() {
      synchronizeAll();
      return portBValue(state);
    },
    write(_offset, _size, value) {
      synchronizeAll();
      state.portB = value & PORT_B_WRITABLE;
      setGate(counterOf(state, 2), state.cycle, (value & PORT_B_GATE2) !== 0);
      speakerWritten();
    },
  };

  return {
    description: pitDescription,
    state,
    ports: { registers, 'port-b': portB },
    reset() {
      const { speaker } = state;
      resetState(state, { ...POWER_ON, speaker });
      loadTimer.cancel();
      update();
      updateSpeaker();
    },
  };
}
