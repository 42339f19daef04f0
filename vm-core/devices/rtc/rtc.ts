/**
 * The Motorola MC146818 real-time clock with CMOS RAM as the AT has it (MC146818 data sheet; IBM PC/AT Technical
 * Reference, ports 70h and 71h). The time is worked out when somebody looks; between looks it costs nothing.
 */
import type { Device, DeviceContext, Region } from '../device.ts';
import { createDeviceClock } from '../device-clock.ts';
import { resetState } from '../device-state.ts';
import { encodeCalendar, FORMAT_24_HOURS } from './calendar.ts';
import {
  A_DIVIDER_RUNS,
  A_UIP,
  B_SET,
  B_SQWE,
  B_UIE,
  C_IRQF,
  CMOS_SIZE,
  D_VALID,
  flagsWithRequest,
  INTERRUPTS,
  isRunning,
  REGISTER_A,
  REGISTER_B,
  REGISTER_C,
  REGISTER_D,
  RTC_FREQUENCY,
  registerA,
  registerB,
  type RtcState,
  rtcDescription,
  uipOf,
} from './rtc-state.ts';
import { nextEvent, synchronize } from './rtc-time.ts';

/** After the divider was held in reset the first update comes in half a second. */
const HALF_SECOND = 16_384;

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
        return registerA(state) | uipOf(state);
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
      const keptOfB = registerB(state) & ~(INTERRUPTS | B_SQWE);
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
    secondHour: false,
    secondStart: 0 - Math.floor(((startTimeMs - seconds * 1000) * RTC_FREQUENCY) / 1000),
    cycle: 0,
  };
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
