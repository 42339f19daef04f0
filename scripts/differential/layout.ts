/**
 * Where things lie in the guest of a differential run. The image is a ROM of 128 KiB below 1 MiB, which copies itself to
 * RAM; sequences run there, on data in a window of 64 KiB of which three zones may be touched.
 */

export const IMAGE_SIZE = 0x20000;
export const ROM_START = 0xe0000;
/** Where the image lies in RAM. The real-mode segment of its first half is 1000h. */
export const IMAGE_RAM = 0x10000;
export const IMAGE_SEGMENT = IMAGE_RAM >>> 4;
export const RAM_SIZE = 0x400000;

/** The processor model on both machines: the oldest that QEMU has. */
export const CPU_MODEL = '486';

/** Places in the image. */
export const REAL_STUBS = 0x0000;
export const PROTECTED_STUBS = 0x1000;
export const REAL_VECTORS = 0x2000;
export const PROTECTED_GATES = 0x2400;
/** Handlers that return at once, as 32-bit code; the first one serves real mode too. */
export const INTERRUPT_RETURN = 0x2800;
export const INTERRUPT_RETURN_16 = 0x2801;
export const FAR_RETURN_32 = 0x2804;
export const FAR_RETURN_16 = 0x2805;
/** These drop two parameters, of 32 and of 16 bits. */
export const FAR_RETURN_POP_32 = 0x2808;
export const FAR_RETURN_POP_16 = 0x280b;
export const RETURN_STUBS_END = 0x2810;
export const PRISTINE = 0x2900;
export const HARNESS = 0x4600;
export const TASK_STATE = 0x4a00;
export const SEQUENCES = 0x5000;
export const SEQUENCES_END = 0x1fc00;
export const START_UP = 0x1fc00;
export const RESET_VECTOR = 0x1fff0;

/** Variables and stack of the harness, below the image. */
export const VARIABLES = 0x0800;
export const HARNESS_STACK = 0x0fc0;
/** An empty task-state segment, for descriptors that are only asked about. */
export const EMPTY_TASK_STATE = 0x0700;
export const EMPTY_TASK_STATE_SIZE = 0x68;

/** The window that sequences work on, by linear address. */
export const WINDOW = 0x30000;
/** The global and local descriptor tables, which processors write to when they load segments. */
export const DESCRIPTORS = 0x40000;
export const DESCRIPTORS_SIZE = 0x400;
export const LOCAL_DESCRIPTORS = 0x40300;

/** A part of memory that is restored before each sequence; what a sequence has changed in it is part of its result. */
export interface Zone {
  readonly start: number;
  readonly size: number;
  /** Where in the image its first contents lie. */
  readonly pristine: number;
}

const ZONE_SIZE = 0x800;

/** The zones of the window: its beginning, its middle and its end, so that 16-bit addresses can wrap. */
export const dataZones: readonly Zone[] = [
  { start: WINDOW, size: ZONE_SIZE, pristine: PRISTINE },
  { start: WINDOW + 0x7c00, size: ZONE_SIZE, pristine: PRISTINE + ZONE_SIZE },
  { start: WINDOW + 0x10000 - ZONE_SIZE, size: ZONE_SIZE, pristine: PRISTINE + 2 * ZONE_SIZE },
];

export function isInDataZone(linear: number, size: number): boolean {
  return dataZones.some(({ start, size: zoneSize }) => linear >= start && linear + size <= start + zoneSize);
}

export const descriptorZone: Zone = {
  start: DESCRIPTORS,
  size: DESCRIPTORS_SIZE,
  pristine: PRISTINE + 3 * ZONE_SIZE,
};

export const zones: readonly Zone[] = [...dataZones, descriptorZone];

/** Ports that the task's I/O permission map speaks of, and where level 0 has its stack when it is entered. */
export const PERMISSION_MAP_PORTS = 0x800;
export const INNER_STACK: number = WINDOW + 0x8300;

/** Where results are written: an address with bit 20 clear, so that the A20 gate does not matter. */
export const RESULTS = 0x200000;
export const RESULTS_SIZE = 0x100000;

/** Vectors 20h–2Bh lead to handlers that return; the others end the sequence. */
export const RETURNING_VECTORS = { first: 0x20, last32: 0x27, last: 0x2b } as const;
/** With this vector a sequence at level 3 hands over to the harness. It is the last one of the IDT. */
export const HAND_OVER_VECTOR = 0x34;
export const PROTECTED_VECTOR_LAST: number = HAND_OVER_VECTOR;
/** Space between the stubs of two vectors. */
export const STUB_SIZE = 0x10;

/** What stands in a result for the vector of a sequence that came to its end. */
export const NO_VECTOR = 0xffff;
