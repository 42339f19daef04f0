/**
 * How the machine's one WebAssembly memory is divided (DESIGN §2). Addresses are in bytes from its start.
 *
 *   test arrays | fresh forms | vCPU areas (state, TLBs, rings, jump cache) | code maps | decoded code | counters | guest RAM
 */

/**
 * What the test registers of the 386 and the 486 fill (cpu/test-arrays.ts); machines with them have one processor. Page 0
 * stays unused, so that a zero address is never a valid one.
 */
export const TEST_ARRAYS = 0x1000;

/** What instructions do whose immediates are read anew each time they are executed (engine/fresh-immediates.ts). */
export const FRESH_FORMS = 0x3f000;
export const FRESH_FORMS_MAX = 0x100;

/** A multiple of the size of each ring, as the size of an area is: the rings are aligned to their sizes. */
const CPU_AREA_BASE = 0x40000;
const CPU_AREA_SIZE = 0x100000;
const CPU_AREAS = 16;

/** Where the area of a vCPU begins. */
export function cpuBase(index: number): number {
  return CPU_AREA_BASE + index * CPU_AREA_SIZE;
}

/**
 * Distances from a vCPU's base. An entry: i64 tag, i32 host address minus the low half of the linear address, i32 code
 * map. Linear addresses of 32 bits are zero-extended in tags, those of 64 bits are whole.
 */
export const TLB_READ = 0xc0000;
export const TLB_WRITE = 0xd0000;
/** A ring of the branches that were taken last (engine/branch-entry.ts); its size is a power of two. */
export const BRANCH_RING = 0xa000;
export const BRANCH_RING_SIZE = 0x1000;
export const TLB_ENTRIES = 4096;
export const TLB_ENTRY_SIZE = 16;
/** How a linear address leads to its entry: shifted right by so much and masked, it is the distance from the table. */
export const TLB_PLACE_SHIFT = 8;
export const TLB_PLACE_MASK: number = (TLB_ENTRIES - 1) * TLB_ENTRY_SIZE;
export const ENTRY_TAG_HIGH = 4;
export const ENTRY_ADDEND = 8;
export const ENTRY_CODE_MAP = 12;

/**
 * A tag is the linear page, the flag for pages of which some bytes must be noticed, and the number of a context (see
 * tlb.ts). Those bytes are decoded code in the write TLB, or they are watched; the entry's map has them. To forget a context is to give it a new number; after the last one the tables are cleared. Number 0 is never
 * used: a zeroed entry is invalid.
 */
export const TAG_CODE_PAGE = 0x800;
export const CONTEXT_MAX = 0x7ff;

/**
 * Where linear pages of code lie, for compiled code that goes from one to another (engine/jump-cache.ts). An entry: i64 linear
 * address of the page, i32 mode key, i32 number of the physical page.
 */
export const CODE_PAGES = 0xc000;
export const CODE_PAGES_ENTRIES = 0x400;
export const CODE_PAGES_ENTRY_SIZE = 16;

/** A ring of the code that was executed last (engine/trace-entry.ts); aligned to its size, which is a power of two. */
export const TRACE_RING = 0xe0000;
export const TRACE_RING_SIZE = 0x10000;

/**
 * What is cached of translations (memory/translation-cache.ts): numbers of the whole cache, then an array for each part of an
 * entry. Numbers without a remark are f64.
 */
const TRANSLATIONS = 0x10000;
const TRANSLATION_ARRAYS: number = TRANSLATIONS + 72;
/** As many as there are process-context identifiers. */
export const PROCESS_CONTEXTS = 4096;
export const TRANSLATION_SETS = 1024;
export const TRANSLATION_WAYS = 4;
export const TRANSLATION_ENTRIES: number = TRANSLATION_SETS * TRANSLATION_WAYS;
export const translations = {
  GENERATION: TRANSLATIONS,
  EPOCH: TRANSLATIONS + 8,
  OWNER: TRANSLATIONS + 16,
  TIME: TRANSLATIONS + 24,
  HITS: TRANSLATIONS + 32,
  FILLS: TRANSLATIONS + 40,
  FLUSHES: TRANSLATIONS + 48,
  CONTEXTS_EPOCH: TRANSLATIONS + 56,
  /** i32. */
  SIZES: TRANSLATIONS + 64,
  CONTEXT: TRANSLATIONS + 68,
  PAGES: TRANSLATION_ARRAYS,
  OWNERS: TRANSLATION_ARRAYS + TRANSLATION_ENTRIES * 8,
  FRAMES: TRANSLATION_ARRAYS + TRANSLATION_ENTRIES * 16,
  USED: TRANSLATION_ARRAYS + TRANSLATION_ENTRIES * 24,
  /** u16. */
  PCIDS: TRANSLATION_ARRAYS + TRANSLATION_ENTRIES * 32,
  /** u8. */
  SHIFTS: TRANSLATION_ARRAYS + TRANSLATION_ENTRIES * 34,
  RIGHTS: TRANSLATION_ARRAYS + TRANSLATION_ENTRIES * 35,
  KEYS: TRANSLATION_ARRAYS + TRANSLATION_ENTRIES * 36,
  /** One for each process context. */
  GENERATIONS: TRANSLATION_ARRAYS + TRANSLATION_ENTRIES * 37,
  END: TRANSLATION_ARRAYS + TRANSLATION_ENTRIES * 37 + PROCESS_CONTEXTS * 8,
} as const;

/**
 * The numbers of contexts that address spaces have got (tlb.ts), u16, for loads and for stores: those of process contexts, and
 * of the address space without paging.
 */
export const ADDRESS_SPACES: number = PROCESS_CONTEXTS + 1;
export const READ_NUMBERS = 0xf9000;
export const WRITE_NUMBERS = 0xfc000;

/** A ring of the calls that have not returned (engine/call-entry.ts); aligned to its size, which is a power of two. */
export const CALL_SHADOW = 0x40000;
export const CALL_SHADOW_SIZE = 0x40000;

/**
 * Direct-mapped by linear address. An entry: i64 linear address, of which 32-bit code asks the low half, i32 mode key, i32
 * block.
 */
export const JUMP_CACHE = 0x80000;
export const JUMP_CACHE_ENTRIES = 0x4000;
export const JUMP_CACHE_ENTRY_SIZE = 16;

/** Which bytes of watched pages are watched (engine/watch-maps.ts), as in code maps; behind the last one there is room. */
export const WATCH_MAPS = 0xf0000;
export const WATCH_MAPS_MAX = 64;

/** Where computed jumps of compiled code have led of late (engine/compiler/learned-targets.ts). */
export const JUMP_TARGETS = 0xff000;
export const JUMP_TARGETS_SIZE = 0x1000;

/** For each page that holds code one bit per byte, set where a decoded instruction lies; 32 bits are a granule. */
export const CODE_MAPS: number = CPU_AREA_BASE + CPU_AREAS * CPU_AREA_SIZE;
export const CODE_MAP_SIZE = 512;
export const CODE_MAP_GRANULE_SHIFT = 5;
export const CODE_MAPS_MAX = 0x1800;

/** Of a map with one bit for each page below 4 GiB, in bytes. */
export const PAGE_BITS_SIZE = 0x20000;
/**
 * Two such maps: set for RAM to which generated code has stored without asking, which is a part of the log
 * of written pages; and set where something decoded may lie, so that generated code may not.
 */
export const STORED_PAGES: number = CODE_MAPS + CODE_MAPS_MAX * CODE_MAP_SIZE;
export const DECODED_PAGES: number = STORED_PAGES + PAGE_BITS_SIZE;

export const CODE_ARENA: number = DECODED_PAGES + PAGE_BITS_SIZE;
export const CODE_ARENA_END = 0x2e00000;

/** What is counted of each region of compiled code (engine/compiler/region-counters.ts). */
export const REGION_COUNTERS: number = CODE_ARENA_END;
export const REGION_COUNTERS_SIZE = 0x100000;

export const RAM_BASE: number = REGION_COUNTERS + REGION_COUNTERS_SIZE;

export const PAGE_SIZE = 0x1000;
export const PAGE_SHIFT = 12;
const WEBASSEMBLY_PAGE = 0x10000;

/** The memory of a machine with so many bytes of RAM (at least 1 MiB, so that ROM and windows below it have a place). */
export function createMemory(ramSize: number): WebAssembly.Memory {
  const pages = (RAM_BASE + ramSize) / WEBASSEMBLY_PAGE;
  return new WebAssembly.Memory({ initial: pages, maximum: pages });
}
