/**
 * The Intel 8259A programmable interrupt controller (data sheet 231468-003), in the roles that the PC gives it: a master
 * whose INTR goes to the processor and a slave on one of the master's inputs.
 */
import type { Device, DeviceContext, DeviceDescription, Region } from '../device.ts';
import { resetState } from '../device-state.ts';

/** State of one 8259A; bit n of a mask stands for input IRn. */
export type PicState = {
  /** Levels of the input pins. */
  pins: number;
  /** Edges that were seen and not yet acknowledged; the pin must still be high to count. */
  edges: number;
  imr: number;
  isr: number;
  /** The level with the lowest priority; 7 unless priorities were rotated. */
  lowestPriority: number;
  /** Initialization word expected next: 2, 3 or 4; 0 when initialization is over. */
  expectedIcw: number;
  icw1: number;
  /** ICW2: vector of IR0, a multiple of 8. */
  icw2: number;
  /** ICW3: on a master the inputs with slaves, on a slave its number. */
  icw3: number;
  icw4: number;
  /** OCW3: reads at offset 0 give ISR instead of IRR. */
  readIsr: boolean;
  /** OCW3: the next read polls. */
  poll: boolean;
  specialMask: boolean;
  rotateOnAutoEoi: boolean;
};

const ICW1_INIT = 0x10;
const ICW1_LTIM = 0x08;
const ICW1_SNGL = 0x02;
const ICW1_IC4 = 0x01;
const ICW4_SFNM = 0x10;
const ICW4_AEOI = 0x02;
const ICW4_UPM = 0x01;
const OCW3_SELECT = 0x08;

const POWER_ON: PicState = {
  pins: 0,
  edges: 0,
  imr: 0,
  isr: 0,
  lowestPriority: 7,
  expectedIcw: 0,
  icw1: 0,
  icw2: 0,
  icw3: 0,
  icw4: 0,
  readIsr: false,
  poll: false,
  specialMask: false,
  rotateOnAutoEoi: false,
};

/** IRR as software reads it: levels in level mode, remembered edges otherwise. */
function requests(state: PicState): number {
  return (state.icw1 & ICW1_LTIM) !== 0 ? state.pins : state.edges & state.pins;
}

export const picDescription: DeviceDescription<PicState> = {
  name: 'pic',
  title: 'Interrupt controller',
  specification: 'Intel 8259A data sheet 231468-003',
  version: 1,
  registers: [
    {
      name: 'IRR',
      region: 'registers',
      offset: 0,
      width: 8,
      reset: 0,
      writable: 0,
      description: 'interrupt requests',
      value: requests,
    },
    {
      name: 'ISR',
      region: 'registers',
      offset: 0,
      width: 8,
      reset: 0,
      writable: 0,
      description: 'interrupts in service',
      value: (s) => s.isr,
    },
    {
      name: 'IMR',
      region: 'registers',
      offset: 1,
      width: 8,
      reset: 0,
      writable: 0xff,
      description: 'masked inputs',
      value: (s) => s.imr,
    },
    {
      name: 'ICW1',
      width: 8,
      reset: 0,
      writable: 0x1f,
      description: 'bit 3 level mode, bit 1 single, bit 0 ICW4 follows',
      value: (s) => s.icw1,
    },
    { name: 'ICW2', width: 8, reset: 0, writable: 0xf8, description: 'vector of IR0', value: (s) => s.icw2 },
    {
      name: 'ICW3',
      width: 8,
      reset: 0,
      writable: 0xff,
      description: 'inputs with slaves, or number of this slave',
      value: (s) => s.icw3,
    },
    {
      name: 'ICW4',
      width: 8,
      reset: 0,
      writable: 0x1f,
      description: 'bit 4 special fully nested, bit 1 automatic EOI, bit 0 8086 mode',
      value: (s) => s.icw4,
    },
    {
      name: 'LOWEST',
      width: 3,
      reset: 7,
      writable: 7,
      description: 'level of the lowest priority',
      value: (s) => s.lowestPriority,
    },
  ],
};

/** What the SP/EN pin makes of the chip. */
export type PicRole = 'master' | 'slave';

export interface Pic extends Device<PicState> {
  /**
   * The INTA cycle of a master: the vector for the processor. `cascade` asks the slave with the given number for its
   * vector; undefined means that no slave answered. Without a request the chip answers IR7, the spurious interrupt.
   */
  acknowledge(cascade: (slaveNumber: number) => number | undefined): number;
  /** The INTA cycle of a slave: its vector, or undefined when `slaveNumber` is not its own. */
  acknowledgeAsSlave(slaveNumber: number): number | undefined;
}

/** Makes an 8259A; the output line is `intr`, the inputs are `ir0`…`ir7`, the region is `registers` (2 ports). */
export function createPic(context: DeviceContext, role: PicRole): Pic {
  const state: PicState = { ...POWER_ON };
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
    ports: { registers },
    inputs: Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((n) => [`ir${n}`, (high: boolean) => setPin(n, high)])),
    reset() {
      // The pins belong to whoever drives them.
      resetState(state, { ...POWER_ON, pins: state.pins });
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

function hasSlave(state: PicState, level: number): boolean {
  return (state.icw1 & ICW1_SNGL) === 0 && ((state.icw3 >> level) & 1) === 1;
}

/** The request that INTR stands for now: the highest one that nothing in service outranks; -1 if there is none. */
function highestLevel(state: PicState, role: PicRole): number {
  const pending = requests(state) & ~state.imr;
  if (pending === 0) return -1;
  const blocking = state.specialMask ? state.isr & ~state.imr : state.isr;
  const nestedSlaves = role === 'master' && (state.icw4 & ICW4_SFNM) !== 0;
  for (let rank = 1; rank <= 8; rank += 1) {
    const level = (state.lowestPriority + rank) & 7;
    const inService = ((blocking >> level) & 1) === 1;
    // In the special fully nested mode a slave in service may interrupt again: it knows its own priorities.
    if (inService && !(nestedSlaves && hasSlave(state, level))) return -1;
    if (((pending >> level) & 1) === 1) return level;
    if (inService) return -1;
  }
  return -1;
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
