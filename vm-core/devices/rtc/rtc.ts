/**
 * The Motorola MC146818 real-time clock with CMOS RAM as the AT has it (MC146818 data sheet; IBM PC/AT Technical
 * Reference, ports 70h and 71h). The time is worked out when somebody looks; between looks it costs nothing.
 */
import type { Device, DeviceContext, DeviceDescription, DeviceRegister, Region } from '../device.ts';
import { createDeviceClock } from '../device-clock.ts';
import { resetState } from '../device-state.ts';
import {
  alarmMatches,
  CENTURY,
  DAY_OF_MONTH,
  DAY_OF_WEEK,
  decodeCalendar,
  encodeCalendar,
  FORMAT_24_HOURS,
  HOURS,
  HOURS_ALARM,
  MINUTES,
  MINUTES_ALARM,
  MONTH,
  SECONDS,
  SECONDS_ALARM,
  YEAR,
} from './calendar.ts';

/** Bytes of CMOS RAM, the clock's own included. */
export const CMOS_SIZE = 128;
/** The crystal, in Hz; all cycles here are of it, counted from power-on. */
export const RTC_FREQUENCY = 32_768;

const REGISTER_A = 0x0a;
const REGISTER_B = 0x0b;
const REGISTER_C = 0x0c;
const REGISTER_D = 0x0d;

const A_UIP = 0x80;
const A_DIVIDER = 0x70;
const A_DIVIDER_RUNS = 0x20;
const A_RATE = 0x0f;
const B_SET = 0x80;
const B_UIE = 0x10;
const B_SQWE = 0x08;
/** Bits that B enables and C reports: periodic, alarm, update ended. */
const PERIODIC = 0x40;
const ALARM = 0x20;
const UPDATE = 0x10;
const INTERRUPTS: number = PERIODIC | ALARM | UPDATE;
const C_IRQF = 0x80;
const D_VALID = 0x80;

/** UIP is high for 244 µs before an update and during its 1,984 µs. */
const UPDATE_CYCLES = 73;
/** After the divider was held in reset the first update comes in half a second. */
const HALF_SECOND = 16_384;
const SECONDS_PER_DAY = 86_400;

export type RtcState = {
  /** Index written to port 70h, and its bit 7: NMI masked. */
  index: number;
  nmiMasked: boolean;
  /** Time, registers A and B, and the RAM, by index. */
  cmos: Uint8Array;
  /** Register C without IRQF. */
  flags: number;
  /** The cycle at which the present second began; divider and periodic interrupt are in phase with it. */
  secondStart: number;
  /** The cycle at which the state was last brought up to date. */
  cycle: number;
};

const cmosRegister = (name: string, offset: number, reset: number, description: string): DeviceRegister<RtcState> => ({
  name,
  width: 8,
  reset,
  writable: 0xff,
  description,
  value: (state) => state.cmos[offset] as number,
});

export const rtcDescription: DeviceDescription<RtcState> = {
  name: 'rtc',
  title: 'Real-time clock and CMOS RAM',
  specification: 'Motorola MC146818 data sheet; IBM PC/AT Technical Reference, ports 70h and 71h',
  version: 1,
  registers: [
    {
      name: 'INDEX',
      region: 'registers',
      offset: 0,
      width: 7,
      reset: 0,
      writable: 0x7f,
      description: 'register that port 71h reaches',
      value: (s) => s.index,
    },
    {
      name: 'NMI_MASK',
      region: 'registers',
      offset: 0,
      width: 1,
      reset: 0,
      writable: 1,
      description: 'bit 7 of port 70h',
      value: (s) => (s.nmiMasked ? 1 : 0),
    },
    // The battery keeps what follows; the reset values are those of a clock started at the beginning of 1970.
    cmosRegister('SECONDS', SECONDS, 0, 'seconds when the clock was last looked at'),
    cmosRegister('SECONDS_ALARM', SECONDS_ALARM, 0, 'C0h and above match every second'),
    cmosRegister('MINUTES', MINUTES, 0, 'minutes'),
    cmosRegister('MINUTES_ALARM', MINUTES_ALARM, 0, 'C0h and above match every minute'),
    cmosRegister('HOURS', HOURS, 0, 'hours; with 12 hours bit 7 is PM'),
    cmosRegister('HOURS_ALARM', HOURS_ALARM, 0, 'C0h and above match every hour'),
    cmosRegister('DAY_OF_WEEK', DAY_OF_WEEK, 0x05, '1 is Sunday'),
    cmosRegister('DAY_OF_MONTH', DAY_OF_MONTH, 0x01, 'day of the month'),
    cmosRegister('MONTH', MONTH, 0x01, 'month'),
    cmosRegister('YEAR', YEAR, 0x70, 'year of the century'),
    cmosRegister('CENTURY', CENTURY, 0x19, 'century in BCD'),
    {
      name: 'A',
      width: 8,
      reset: 0x26,
      writable: 0x7f,
      description: 'bit 7 update in progress, 4–6 divider, 0–3 periodic rate',
      value: (s) => (s.cmos[REGISTER_A] as number) | uipOf(s),
    },
    {
      name: 'B',
      width: 8,
      reset: 0x02,
      writable: 0xff,
      description: 'bit 7 set, 6 periodic, 5 alarm, 4 update interrupt, 2 binary, 1 24 hours',
      value: (s) => s.cmos[REGISTER_B] as number,
    },
    {
      name: 'C',
      width: 8,
      reset: 0,
      writable: 0,
      description: 'bit 7 interrupt, 6 periodic, 5 alarm, 4 update ended',
      value: flagsWithRequest,
    },
    {
      name: 'D',
      width: 8,
      reset: D_VALID,
      writable: 0,
      description: 'bit 7 RAM and time are valid',
      value: () => D_VALID,
    },
  ],
};

/**
 * Makes the clock: region `registers` (2 ports), line `irq8`. `cmos` gives the battery-backed bytes from 10h on; the time
 * comes from the host's at the machine's start.
 */
export function createRtc(context: DeviceContext, cmos: Uint8Array = new Uint8Array(CMOS_SIZE)): Device<RtcState> {
  const clock = createDeviceClock(RTC_FREQUENCY, context.ticksPerSecond);
  const state = powerOn(context.startTimeMs, cmos);

  const update = (): void => {
    synchronize(state, clock.cyclesAt(context.now()));
    context.setLine('irq8', (flagsWithRequest(state) & C_IRQF) !== 0);
    const event = nextEvent(state);
    if (event === Number.POSITIVE_INFINITY) timer.cancel();
    else timer.arm(clock.timeOf(event));
  };
  const timer = context.timer('event', update);

  const readRegister = (): number => {
    switch (state.index) {
      case REGISTER_A:
        return (state.cmos[REGISTER_A] as number) | uipOf(state);
      case REGISTER_C: {
        const flags = flagsWithRequest(state);
        state.flags = 0;
        update();
        return flags;
      }
      case REGISTER_D:
        return D_VALID;
      default:
        return state.cmos[state.index] as number;
    }
  };

  const registers: Region = {
    size: 2,
    width: 8,
    read(offset) {
      // The index cannot be read back.
      if (offset === 0) return 0xff;
      synchronize(state, clock.cyclesAt(context.now()));
      return readRegister();
    },
    write(offset, _size, value) {
      if (offset === 0) {
        state.index = value & 0x7f;
        state.nmiMasked = (value & 0x80) !== 0;
        return;
      }
      synchronize(state, clock.cyclesAt(context.now()));
      writeRegister(state, value);
      update();
    },
  };

  return {
    description: rtcDescription,
    state,
    ports: { registers },
    reset() {
      // The battery keeps time and RAM; RESET clears the enables and the flags.
      synchronize(state, clock.cyclesAt(context.now()));
      const keptOfB = (state.cmos[REGISTER_B] as number) & ~(INTERRUPTS | B_SQWE);
      resetState(state, { index: 0, nmiMasked: false, flags: 0 });
      state.cmos[REGISTER_B] = keptOfB;
      update();
    },
  };
}

function powerOn(startTimeMs: number, cmos: Uint8Array): RtcState {
  const seconds = Math.floor(startTimeMs / 1000);
  const contents = new Uint8Array(CMOS_SIZE);
  contents.set(cmos.subarray(0, CMOS_SIZE));
  contents.fill(0, 0, REGISTER_D + 1);
  contents[REGISTER_A] = A_DIVIDER_RUNS | 0x06;
  contents[REGISTER_B] = FORMAT_24_HOURS;
  encodeCalendar(contents, FORMAT_24_HOURS, seconds);
  return {
    index: 0,
    nmiMasked: false,
    cmos: contents,
    flags: 0,
    secondStart: 0 - Math.floor(((startTimeMs - seconds * 1000) * RTC_FREQUENCY) / 1000),
    cycle: 0,
  };
}

const registerA = (state: RtcState): number => state.cmos[REGISTER_A] as number;
const registerB = (state: RtcState): number => state.cmos[REGISTER_B] as number;
const isRunning = (state: RtcState): boolean => (registerA(state) & A_DIVIDER) === A_DIVIDER_RUNS;
const isSetting = (state: RtcState): boolean => (registerB(state) & B_SET) !== 0;

function flagsWithRequest(state: RtcState): number {
  return state.flags | ((state.flags & registerB(state) & INTERRUPTS) !== 0 ? C_IRQF : 0);
}

function uipOf(state: RtcState): number {
  if (!isRunning(state) || isSetting(state)) return 0;
  return state.cycle - state.secondStart >= RTC_FREQUENCY - UPDATE_CYCLES ? A_UIP : 0;
}

/** Cycles between periodic interrupts; 0 for none. Rates 1 and 2 are second names of 8 and 9. */
function periodOf(state: RtcState): number {
  const rate = registerA(state) & A_RATE;
  if (rate === 0) return 0;
  return 1 << ((rate < 3 ? rate + 7 : rate) - 1);
}

/** Brings time and flags up to `cycle`. */
function synchronize(state: RtcState, cycle: number): void {
  if (isRunning(state)) {
    const period = periodOf(state);
    const periodsAt = (at: number): number => Math.floor((at - state.secondStart) / period);
    if (period !== 0 && periodsAt(cycle) !== periodsAt(state.cycle)) state.flags |= PERIODIC;
    const seconds = Math.floor((cycle - state.secondStart) / RTC_FREQUENCY);
    if (seconds > 0 && !isSetting(state)) advance(state, seconds);
    state.secondStart += seconds * RTC_FREQUENCY;
  }
  state.cycle = cycle;
}

/** Lets `count` seconds pass: the calendar, the update flag, and the alarm if one of them met it. */
function advance(state: RtcState, count: number): void {
  const { cmos } = state;
  const format = registerB(state);
  const before = decodeCalendar(cmos, format);
  state.flags |= UPDATE;
  // A day has every time an alarm can be set to, so no more than its seconds are worth looking at.
  for (let second = 1; second <= Math.min(count, SECONDS_PER_DAY) && (state.flags & ALARM) === 0; second += 1) {
    encodeCalendar(cmos, format, before + second);
    if (isAlarmTime(cmos)) state.flags |= ALARM;
  }
  encodeCalendar(cmos, format, before + count);
}

function isAlarmTime(cmos: Uint8Array): boolean {
  const matches = (alarm: number, time: number): boolean => alarmMatches(cmos[alarm] as number, cmos[time] as number);
  return matches(SECONDS_ALARM, SECONDS) && matches(MINUTES_ALARM, MINUTES) && matches(HOURS_ALARM, HOURS);
}

/** The cycle at which an enabled interrupt that is not yet flagged may come; Infinity if none can. */
function nextEvent(state: RtcState): number {
  if (!isRunning(state)) return Number.POSITIVE_INFINITY;
  const awaited = registerB(state) & INTERRUPTS & ~state.flags;
  const period = periodOf(state);
  const elapsed = state.cycle - state.secondStart;
  let next = Number.POSITIVE_INFINITY;
  if ((awaited & PERIODIC) !== 0 && period !== 0) {
    next = state.secondStart + (Math.floor(elapsed / period) + 1) * period;
  }
  if ((awaited & (ALARM | UPDATE)) !== 0 && !isSetting(state)) next = Math.min(next, state.secondStart + RTC_FREQUENCY);
  return next;
}

function writeRegister(state: RtcState, value: number): void {
  switch (state.index) {
    case REGISTER_A: {
      const wasRunning = isRunning(state);
      state.cmos[REGISTER_A] = value & ~A_UIP;
      if (isRunning(state) && !wasRunning) state.secondStart = state.cycle - HALF_SECOND;
      break;
    }
    case REGISTER_B:
      // Setting the clock takes the update interrupt's enable away.
      state.cmos[REGISTER_B] = (value & B_SET) !== 0 ? value & ~B_UIE : value;
      break;
    case REGISTER_C:
    case REGISTER_D:
      break;
    default:
      state.cmos[state.index] = value;
  }
}
