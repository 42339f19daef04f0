/** The real-time clock's state and registers (MC146818 data sheet, "Registers"). */
import type { DeviceDescription, DeviceRegister } from '../device.ts';
import {
  CENTURY,
  DAY_OF_MONTH,
  DAY_OF_WEEK,
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

export const REGISTER_A = 0x0a;
export const REGISTER_B = 0x0b;
export const REGISTER_C = 0x0c;
export const REGISTER_D = 0x0d;

export const A_UIP = 0x80;
const A_DIVIDER = 0x70;
export const A_DIVIDER_RUNS = 0x20;
const A_RATE = 0x0f;
export const B_SET = 0x80;
export const B_UIE = 0x10;
export const B_SQWE = 0x08;
export const B_DAYLIGHT_SAVING = 0x01;
/** Bits that B enables and C reports: periodic, alarm, update ended. */
export const PERIODIC = 0x40;
export const ALARM = 0x20;
export const UPDATE = 0x10;
export const INTERRUPTS: number = PERIODIC | ALARM | UPDATE;
export const C_IRQF = 0x80;
export const D_VALID = 0x80;

/** UIP is high for 244 µs before an update and during its 1,984 µs. */
const UPDATE_CYCLES = 73;

export type RtcState = {
  /** Index written to port 70h, and its bit 7: NMI masked. */
  index: number;
  nmiMasked: boolean;
  /** Time, registers A and B, and the RAM, by index. */
  cmos: Uint8Array;
  /** Register C without IRQF. */
  flags: number;
  /** Daylight saving: the hour before the change of October goes for the second time. */
  secondHour: boolean;
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
  version: 2,
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
      description: 'bit 7 set, 6 periodic, 5 alarm, 4 update interrupt, 2 binary, 1 24 hours, 0 daylight saving',
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

export const registerA = (state: RtcState): number => state.cmos[REGISTER_A] as number;
export const registerB = (state: RtcState): number => state.cmos[REGISTER_B] as number;
/** The divider counts the crystal. */
export const isRunning = (state: RtcState): boolean => (registerA(state) & A_DIVIDER) === A_DIVIDER_RUNS;
/** Software sets the time: updates wait. */
export const isSetting = (state: RtcState): boolean => (registerB(state) & B_SET) !== 0;

/** Register C as it reads. */
export function flagsWithRequest(state: RtcState): number {
  return state.flags | ((state.flags & registerB(state) & INTERRUPTS) !== 0 ? C_IRQF : 0);
}

/** Bit 7 of register A. */
export function uipOf(state: RtcState): number {
  if (!isRunning(state) || isSetting(state)) return 0;
  return state.cycle - state.secondStart >= RTC_FREQUENCY - UPDATE_CYCLES ? A_UIP : 0;
}

/** Cycles between periodic interrupts; 0 for none. Rates 1 and 2 are second names of 8 and 9. */
export function periodOf(state: RtcState): number {
  const rate = registerA(state) & A_RATE;
  if (rate === 0) return 0;
  return 1 << ((rate < 3 ? rate + 7 : rate) - 1);
}
