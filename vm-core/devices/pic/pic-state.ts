/** The 8259A's state, its registers, and which request it would serve now (data sheet 231468-003, "Priority resolver"). */
import type { DeviceDescription } from '../device.ts';

/** What the SP/EN pin makes of the chip. */
export type PicRole = 'master' | 'slave';

/** Inputs that ELCR can make levels: not the timer, keyboard and cascade, nor the clock and the coprocessor. */
export const levelInputs: Readonly<Record<PicRole, number>> = { master: 0xf8, slave: 0xde };

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
  /** ELCR: inputs that are levels whatever ICW1 says. */
  levelTriggered: number;
};

export const ICW1_INIT = 0x10;
export const ICW1_LTIM = 0x08;
export const ICW1_SNGL = 0x02;
export const ICW1_IC4 = 0x01;
export const ICW4_SFNM = 0x10;
export const ICW4_AEOI = 0x02;
export const ICW4_UPM = 0x01;

export const POWER_ON_PIC: PicState = {
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
  levelTriggered: 0,
};

/** IRR as software reads it: levels in level mode, remembered edges otherwise. */
export function requests(state: PicState): number {
  const levels = (state.icw1 & ICW1_LTIM) !== 0 ? 0xff : state.levelTriggered;
  return state.pins & (state.edges | levels);
}

export const picDescription: DeviceDescription<PicState> = {
  name: 'pic',
  title: 'Interrupt controller',
  specification: 'Intel 8259A data sheet 231468-003; Intel 82371AB data sheet 290562, edge/level control registers',
  version: 2,
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
      name: 'ELCR',
      region: 'elcr',
      offset: 0,
      width: 8,
      reset: 0,
      writable: levelInputs.master | levelInputs.slave,
      description: 'inputs that are levels (master: 3–7, slave: 1–4, 6, 7)',
      value: (s) => s.levelTriggered,
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

/** Whether a slave answers for this level. */
export function hasSlave(state: PicState, level: number): boolean {
  return (state.icw1 & ICW1_SNGL) === 0 && ((state.icw3 >> level) & 1) === 1;
}

/** The request that INTR stands for now: the highest one that nothing in service outranks; -1 if there is none. */
export function highestLevel(state: PicState, role: PicRole): number {
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
