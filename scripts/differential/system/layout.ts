/**
 * Where things lie in the guest of the differential run of system code (a table): all of it in RAM, but for the few bytes
 * of ROM that a reset begins with. `guest.asm` gets these numbers from here.
 */
import { hasFeature } from '../../../vm-core/isa/cpu-model.ts';

export const RAM_SIZE = 0x2000000;
/** The newest model on both machines. */
export const CPU_MODEL = 'max';

/** What a case may change, restored before each one; what has changed in it afterwards is part of its result. */
export const ZONE = 0x20000;
export const ZONE_SIZE = 0x15000;

export const GLOBAL_TABLE: number = ZONE;
export const GLOBAL_TABLE_SIZE = 0x200;
export const LOCAL_TABLE: number = ZONE + 0x200;
export const LOCAL_TABLE_SIZE = 0x100;
/** Interrupt tables in the form of long mode and in that of protected mode. */
export const GATES_64: number = ZONE + 0x1000;
export const GATES_32: number = ZONE + 0x300;
/** Task-state segments. */
export const TASK_64: number = ZONE + 0x2000;
export const TASK_32: number = ZONE + 0x2400;
export const TASK_CAPTURE: number = ZONE + 0x2800;
export const TASK_DOUBLE_FAULT: number = ZONE + 0x2900;
/** Two more tasks that cases can switch to, of 32 and of 16 bits. */
export const TASK_OTHER: number = ZONE + 0x2a00;
export const TASK_16: number = ZONE + 0x2c00;
/** Stacks of level 0, and of level 3; then the data that instructions work on. */
export const INNER_STACKS: number = ZONE + 0x3000;
export const OUTER_STACKS: number = ZONE + 0x4000;
export const DATA: number = ZONE + 0x5000;
export const DATA_SIZE = 0x2000;
/** A case's code, and the page's second half, on which every transfer may land: it is full of `INT HAND_OVER`. */
export const CODE: number = ZONE + 0x7000;
export const CODE_SIZE = 0x780;
export const LANDING: number = CODE + 0x800;
/** Page tables: of long mode, whose last two also serve PAE, and of 32-bit paging. */
export const PML4: number = ZONE + 0x8000;
export const PDPT: number = ZONE + 0x9000;
export const DIRECTORY: number = ZONE + 0xa000;
export const PAGE_TABLE: number = ZONE + 0xb000;
export const PAE_POINTERS: number = ZONE + 0xc000;
export const DIRECTORY_32: number = ZONE + 0xd000;
export const PAGE_TABLE_32: number = ZONE + 0xe000;
/** The state of the floating-point and vector units as FXSAVE64 has it: a case begins and ends with what is there. */
export const UNITS: number = ZONE + 0xf000;
/** The states that XSAVE knows: x87 and SSE, and AVX where both have it. */
export const XCR0: number = hasFeature('max', 'AVX') ? 7 : 3;

/** The harness; its own page tables for the tasks that take over. */
export const HARNESS = 0x8000;
/** Behind its descriptors: where it takes over, in four ways, and the address of the case's record. */
export const HARNESS_PLACES = 0x8028;
export const CURRENT_RECORD = 0x8038;
export const HOME_STACK = 0x6ff0;
/** The stack on which long mode hands over (IST1). */
export const CAPTURE_STACK = 0x6800;
/** The stack of the task that takes over. */
export const TASK_STACK = 0x6000;
/**
 * Where 16-bit offsets of the code page lead in flat segments, and flat offsets in segments of the zone: filled as the
 * code page's second half is.
 */
export const LOW_LANDING = 0x7000;
export const HIGH_LANDING = 0x47000;
export const HOME_DIRECTORY_32 = 0x10000;
export const HOME_TABLE_32 = 0x11000;
export const HOME_POINTERS = 0x12000;
export const HOME_DIRECTORY = 0x13000;
export const HOME_TABLE = 0x14000;

export const SHADOW = 0x200000;
export const PRISTINE = 0x220000;
export const RECORDS = 0x400000;
export const RECORDS_SIZE = 0x600000;
export const RESULTS = 0x1000000;
export const RESULTS_SIZE = 0x800000;

/** The vector by which a case hands over, in every mode: its number is INT's opcode, so that it may be met at any byte. */
export const HAND_OVER = 0xcd;
export const VECTORS = 0xce;

/** Selectors that every case has. */
export const SELECTOR = {
  CODE_32: 0x08,
  DATA: 0x10,
  CODE_64: 0x18,
  USER_CODE_32: 0x20,
  USER_DATA: 0x28,
  USER_CODE_64: 0x30,
  TASK_64: 0x38,
  LOCAL: 0x48,
  TASK_32: 0x58,
  TASK_CAPTURE: 0x60,
  TASK_DOUBLE_FAULT: 0x68,
  CODE_16: 0x70,
  DATA_16: 0x78,
  USER_CODE_16: 0x80,
  USER_DATA_16: 0x88,
  CONFORMING_32: 0x90,
  CONFORMING_64: 0x98,
  /** From here on each case has its own. */
  FREE: 0xa0,
} as const;

/** How a case is entered. */
export const KIND = { END: 0, LONG: 1, INNER: 2, OUTER: 3 } as const;

/** How a case ended: by which way the harness took over. */
export const ENDING = { LONG: 1, TASK: 2, DOUBLE_FAULT: 3, REAL: 4, SHUTDOWN: 5 } as const;

/** Fields of a record by byte offset; patches follow, each with address, length and bytes, then a zero. */
export const RECORD = {
  KIND: 0,
  CR0: 4,
  CR3: 8,
  CR4: 12,
  EFER: 16,
  GDTR: 20,
  IDTR: 30,
  LDTR: 40,
  TR: 42,
  DS: 44,
  ES: 46,
  FS: 48,
  GS: 50,
  RIP: 56,
  CS: 64,
  RFLAGS: 72,
  RSP: 80,
  SS: 88,
  GENERAL: 96,
  /** STAR, LSTAR, CSTAR, FMASK, SYSENTER_CS, _ESP, _EIP; then, loaded in long mode only: FS, GS, kernel GS base. */
  MSRS: 224,
  PATCHES: 304,
} as const;

/** The quad words that begin a result; changed double words of the zone follow as pairs, then `RESULT_END`. */
export const resultFields = [
  ...(['ending', 'rip', 'cs', 'rflags', 'rsp', 'ss', 'rax', 'rcx', 'rdx', 'rbx'] as const),
  ...(['oldRsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'] as const),
  ...(['cr0', 'cr2', 'cr3', 'cr4', 'cr8', 'dr6', 'dr7', 'ds', 'es', 'fs', 'gs', 'ldtr', 'tr'] as const),
  ...(['gdtLimit', 'gdtBase', 'idtLimit', 'idtBase', 'efer', 'fsBase', 'gsBase'] as const),
  ...(['star', 'lstar', 'cstar', 'fmask', 'sysenterCs', 'sysenterEsp', 'sysenterEip', 'kernelGsBase'] as const),
] as const;

export type ResultField = (typeof resultFields)[number];

export const RESULT_END = 0xffffffff;

/** What `guest.asm` is assembled with. */
export function assemblerDefinitions(): Record<string, number> {
  const groups = {
    ...Object.fromEntries(Object.entries(KIND).map(([name, value]) => [`KIND_${name}`, value])),
    ...Object.fromEntries(Object.entries(ENDING).map(([name, value]) => [`ENDING_${name}`, value])),
    ...Object.fromEntries(Object.entries(RECORD).map(([name, value]) => [`RECORD_${name}`, value])),
    ...Object.fromEntries(resultFields.map((name, n) => [`AT_${name}`, n * 8])),
  };
  return {
    ...groups,
    ...{ ZONE, ZONE_SIZE, SHADOW, PRISTINE, RECORDS, RESULTS, RESULT_END, HOME_STACK, HARNESS },
    ...{ UNITS, XCR0, CR4_OSXSAVE: 1 << 18 },
    ...{ RESULTS_FULL: RESULTS + RESULTS_SIZE - 0x40000, FOUND_SIZE: resultFields.length * 8 },
    ...{ CODE_32: SELECTOR.CODE_32, DATA: SELECTOR.DATA, CODE_64: SELECTOR.CODE_64 },
  };
}
