/**
 * The Intel 8259A programmable interrupt controller (data sheet 231468-003), in the roles that the PC gives it: a master
 * whose INTR goes to the processor and a slave on one of the master's inputs.
 */
import type { Device, DeviceContext, Region } from '../device.ts';
import { resetState } from '../device-state.ts';
import {
  hasSlave,
  highestLevel,
  ICW1_IC4,
  ICW1_INIT,
  ICW1_SNGL,
  ICW4_AEOI,
  ICW4_UPM,
  levelInputs,
  picDescription,
  type PicRole,
  type PicState,
  POWER_ON_PIC,
  requests,
} from './pic-state.ts';

const OCW3_SELECT = 0x08;

export interface Pic extends Device<PicState> {
  /**
   * The INTA cycle of a master: the vector for the processor. `cascade` asks the slave with the given number for its
   * vector; undefined means that no slave answered. Without a request the chip answers IR7, the spurious interrupt.
   */
  acknowledge(cascade: (slaveNumber: number) => number | undefined): number;
  /** The INTA cycle of a slave: its vector, or undefined when `slaveNumber` is not its own. */
  acknowledgeAsSlave(slaveNumber: number): number | undefined;
}

/**
 * Makes an 8259A; the output line is `intr`, the inputs are `ir0`…`ir7`, the regions are `registers` (2 ports) and `elcr` (1
 * port), the edge/level control register that chip sets put beside it.
 */
export function createPic(context: DeviceContext, role: PicRole): Pic {
  const state: PicState = { ...POWER_ON_PIC };
  const update = (): void => context.setLine('intr', highestLevel(state, role) >= 0);

  /** The chip's part of INTA: the level that goes into service, or -1 for a spurious interrupt. */
  const accept = (): number => {
    const level = highestLevel(state, role);
    if (level < 0) return -1;
    state.edges &= ~(1 << level);
    if ((state.icw4 & ICW4_AEOI) === 0) state.isr |= 1 << level;
    else if (state.rotateOnAutoEoi) state.lowestPriority = level;
    // The master behind a slave sees an edge for the next request only if INTR was low in between.
    context.setLine('intr', false);
    update();
    return level;
  };
  const vectorOf = (level: number): number => state.icw2 | (level < 0 ? 7 : level);

  const readPoll = (): number => {
    state.poll = false;
    const level = accept();
    return level < 0 ? 0 : 0x80 | level;
  };

  const registers: Region = {
    size: 2,
    width: 8,
    read(offset) {
      if (state.poll) return readPoll();
      if (offset === 1) return state.imr;
      return state.readIsr ? state.isr : requests(state);
    },
    write(offset, _size, value) {
      if (offset === 1) {
        if (state.expectedIcw === 0) state.imr = value;
        else writeIcw(state, value);
      } else if ((value & ICW1_INIT) !== 0) {
        writeIcw1(state, role, value);
      } else if ((value & OCW3_SELECT) !== 0) {
        writeOcw3(state, value);
      } else {
        writeOcw2(state, value);
      }
      if (offset === 1 && (state.icw1 & ICW1_INIT) !== 0 && state.expectedIcw === 0 && (state.icw4 & ICW4_UPM) === 0) {
        context.logOnce('the 8259A was programmed for the 8080, whose CALL vectors an x86 processor cannot take');
      }
      update();
    },
  };

  const elcr: Region = {
    size: 1,
    width: 8,
    read: () => state.levelTriggered,
    write(_offset, _size, value) {
      state.levelTriggered = value & levelInputs[role];
      update();
    },
  };

  const setPin = (level: number, high: boolean): void => {
    const bit = 1 << level;
    if (high) {
      if ((state.pins & bit) === 0) state.edges |= bit;
      state.pins |= bit;
    } else {
      state.pins &= ~bit;
      state.edges &= ~bit;
    }
    update();
  };

  return {
    description: picDescription,
    state,
    ports: { registers, elcr },
    inputs: Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((n) => [`ir${n}`, (high: boolean) => setPin(n, high)])),
    reset() {
      // The pins belong to whoever drives them.
      resetState(state, { ...POWER_ON_PIC, pins: state.pins });
      update();
    },
    acknowledge(cascade) {
      const level = accept();
      if (level >= 0 && hasSlave(state, level)) return cascade(level) ?? 0xff;
      return vectorOf(level);
    },
    acknowledgeAsSlave: (slaveNumber) => ((state.icw3 & 7) === slaveNumber ? vectorOf(accept()) : undefined),
  };
}

function writeIcw1(state: PicState, role: PicRole, value: number): void {
  resetState(state, {
    edges: 0,
    imr: 0,
    isr: 0,
    lowestPriority: 7,
    expectedIcw: 2,
    icw1: value & 0x1f,
    icw3: role === 'slave' ? 7 : 0,
    icw4: 0,
    readIsr: false,
    poll: false,
    specialMask: false,
    rotateOnAutoEoi: false,
  });
}

function writeIcw(state: PicState, value: number): void {
  const last = (state.icw1 & ICW1_IC4) !== 0 ? 4 : 0;
  if (state.expectedIcw === 2) {
    state.icw2 = value & 0xf8;
    state.expectedIcw = (state.icw1 & ICW1_SNGL) !== 0 ? last : 3;
  } else if (state.expectedIcw === 3) {
    state.icw3 = value;
    state.expectedIcw = last;
  } else {
    state.icw4 = value & 0x1f;
    state.expectedIcw = 0;
  }
}

function writeOcw3(state: PicState, value: number): void {
  if ((value & 0x02) !== 0) state.readIsr = (value & 0x01) !== 0;
  if ((value & 0x40) !== 0) state.specialMask = (value & 0x20) !== 0;
  state.poll = (value & 0x04) !== 0;
}

/** OCW2: bit 7 rotate, bit 6 specific level, bit 5 end of interrupt. */
function writeOcw2(state: PicState, value: number): void {
  const level = value & 7;
  switch (value >> 5) {
    case 0b000:
      state.rotateOnAutoEoi = false;
      break;
    case 0b100:
      state.rotateOnAutoEoi = true;
      break;
    case 0b001:
    case 0b101:
      endHighest(state, (value & 0x80) !== 0);
      break;
    case 0b011:
    case 0b111:
      state.isr &= ~(1 << level);
      if ((value & 0x80) !== 0) state.lowestPriority = level;
      break;
    case 0b110:
      state.lowestPriority = level;
      break;
    default:
      break;
  }
}

/** Non-specific EOI; in the special mask mode it does not see masked levels. */
function endHighest(state: PicState, rotate: boolean): void {
  const visible = state.specialMask ? state.isr & ~state.imr : state.isr;
  for (let rank = 1; rank <= 8; rank += 1) {
    const level = (state.lowestPriority + rank) & 7;
    if (((visible >> level) & 1) === 0) continue;
    state.isr &= ~(1 << level);
    if (rotate) state.lowestPriority = level;
    return;
  }
}
