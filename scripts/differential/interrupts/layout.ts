/**
 * Where things lie in the guest of the differential run of interrupt controllers, and what it does and writes down (a
 * table). `guest.asm` gets these numbers from here. Registers of the local APIC: SDM vol. 3A table 10-1.
 */

export const RAM_SIZE = 0x2000000;
export const CPU_MODEL = 'max';
export const HARNESS = 0x8000;
export const CODE_32 = 0x08;
/** The list of steps, and which of them is next, for who looks at it from outside. */
export const SCRIPTS = 0x400000;
export const RESULTS = 0x1000000;
export const RESULTS_SIZE = 0x1000000;

/** What a step does: a double word with one of these, three with what it takes. */
export const STEP = {
  END: 0,
  /** The machine is reset, and another sequence begins. */
  RESET: 1,
  /** A register of the local APIC. */
  LOCAL: 2,
  /** A register of the I/O APIC. */
  IO: 3,
  OUT: 4,
  /** Interrupts are taken for a while. */
  WINDOW: 5,
  /** LVT timer, initial count and divisor; until the count is 0, or the first interrupt of a periodic one waits. */
  TIMER: 6,
  /** Whether handlers end their interrupts. */
  ENDS: 7,
} as const;

export const STEP_SIZE = 16;

/** Vectors of the 8259s. */
export const PIC_VECTORS = 0x68;
/** Ports of the two UARTs: their interrupt lines are IR3 and IR4, pins 3 and 4. */
export const UARTS = { 4: 0x3f8, 3: 0x2f8 } as const;

const set = (name: string, first: number): (readonly [string, number])[] =>
  Array.from({ length: 8 }, (_, n) => [`${name}${n}`, first + n * 0x10] as const);

/** Registers of the local APIC that are written down, with their offsets; the current count only as one that runs. */
export const localRegisters: readonly (readonly [name: string, offset: number])[] = [
  ...([
    ['TPR', 0x80],
    ['PPR', 0xa0],
    ['LDR', 0xd0],
    ['DFR', 0xe0],
    ['SVR', 0xf0],
  ] as const),
  ...set('ISR', 0x100),
  ...set('TMR', 0x180),
  ...set('IRR', 0x200),
  ...([
    ['ICR', 0x300],
    ['ICR_HIGH', 0x310],
    ['LVT_TIMER', 0x320],
    ['LVT_THERMAL', 0x330],
    ['LVT_COUNTERS', 0x340],
    ['LVT_LINT0', 0x350],
    ['LVT_LINT1', 0x360],
    ['LVT_ERROR', 0x370],
    ['INITIAL_COUNT', 0x380],
    ['DIVIDE', 0x3e0],
  ] as const),
];

/** Pins of the I/O APIC whose entries are written down. */
export const PINS = 8;
const LOG_SIZE = 15;

/** The double words of a result, in their order. */
export const resultFields: readonly string[] = [
  'step',
  ...localRegisters.map(([name]) => name),
  'timer runs',
  ...Array.from({ length: PINS }, (_, n) => [`pin ${n}`, `pin ${n} destination`]).flat(),
  ...['IRR master', 'ISR master', 'IMR master', 'IRR slave', 'ISR slave', 'IMR slave'],
  'interrupts',
  ...Array.from({ length: LOG_SIZE }, (_, n) => `interrupt ${n}`),
];

/** What `guest.asm` is assembled with. */
export function assemblerDefinitions(): Record<string, number | string> {
  return {
    ...Object.fromEntries(Object.entries(STEP).map(([name, value]) => [`STEP_${name}`, value])),
    ...{ HARNESS, CODE_32, SCRIPTS, RESULTS, RESULTS_END: RESULTS + RESULTS_SIZE - 0x1000, PIC_VECTORS },
    ...{ STEP_SIZE, PINS, LOG_SIZE, UART_4: UARTS[4], UART_3: UARTS[3] },
    REGISTERS: localRegisters.length,
    REGISTER_OFFSETS: `dd ${localRegisters.map(([, offset]) => offset).join(',')}`,
  };
}
