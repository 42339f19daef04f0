/**
 * Decoded code as it lies in memory: blocks of 32-byte records (DESIGN §3). Offsets are in bytes.
 *
 * A block: header, then an optional hook record, then `COUNT` records of instructions that follow each other.
 */

export const RECORD_SIZE = 32;
export const RECORD_SHIFT = 5;

/** Place of the handler in the module's table (u16). */
export const RECORD_HANDLER = 0;
/** Distance from the block's first instruction to the one after this (u16). */
export const RECORD_NEXT_OFFSET = 2;
/** Length of the instruction (u8); ModR/M's reg field (u8). */
export const RECORD_LENGTH = 4;
export const RECORD_REG = 5;
/** Offset of the segment's entry in the vCPU's state (u16). */
export const RECORD_SEGMENT_ENTRY = 6;
/** Slots of the registers that ModR/M or the opcode name (u16). */
export const RECORD_RM_SLOT = 8;
export const RECORD_REG_SLOT = 10;
export const RECORD_DISPLACEMENT = 12;
export const RECORD_IMMEDIATE = 16;
/** In 64-bit mode the 64 bits of an immediate or of a memory offset take both places (i64). */
export const RECORD_WIDE_CONSTANT = 12;
export const RECORD_IMMEDIATE2 = 20;
/** Bits of RECORD_FLAGS (u8), scale (u8). */
export const RECORD_FLAGS = 22;
export const RECORD_SCALE = 23;
/** Slots of base and index (u16 each). */
export const RECORD_BASE_SLOT = 24;
export const RECORD_INDEX_SLOT = 26;
/** How far all ones of the address's type are shifted right to give the address mask: 0, 16, or 32 of 64 bits (u8). */
export const RECORD_ADDRESS_SHIFT = 28;
/** Of an instruction whose immediate is read anew: the number of what it does (u8, engine/fresh-immediates.ts). */
export const RECORD_FRESH = 29;
/** Index of the instruction's row (u16). */
export const RECORD_ROW = 30;

export const FLAG_MEMORY = 1;
export const FLAG_OPERAND_32 = 2;
export const FLAG_REPEAT = 4;
/** Code of 64-bit mode; the operand size is 64. */
export const FLAG_LONG = 8;
export const FLAG_OPERAND_64 = 16;
/** A branch instruction, whether it is taken or not. */
export const FLAG_BRANCH = 32;

/** Number of instructions (i32). */
export const BLOCK_COUNT = 0;
/** Address of the record to begin with: the hook if there is one (i32). */
export const BLOCK_ENTRY = 4;
/** Bytes of guest code (i32). */
export const BLOCK_BYTES = 8;
/** Address of the first instruction's record (i32). */
export const BLOCK_FIRST = 12;
/** Place in the table of the function that was compiled for the block; 0: there is none (i32). */
export const BLOCK_REGION = 16;
/** Address of its first byte in the machine's memory; -1 where it does not lie in RAM (i32). */
export const BLOCK_HOST = 20;
/** Physical address of its first byte (f64). */
export const BLOCK_PHYSICAL = 24;
export const BLOCK_HEADER_SIZE = 32;

/** What handlers return besides the outcomes of cpu.ts. */
export const STATUS_HOOK = 16;
export const STATUS_DEAD = 32;
/** What the loop returns of its own: no block known for EIP; budget used up. */
export const STATUS_LOOKUP = 64;
export const STATUS_LIMIT = 128;
/** A region was left: EIP, budget and REGION_RECORD say where to go on. */
export const STATUS_REGION = 256;
/**
 * Together with a status of the handler of the record before REGION_RECORD: a region has called it, and the loop goes on
 * as if it had.
 */
export const STATUS_CALLED = 1024;
/**
 * EFLAGS.RF was loaded and means nothing but that it is to be cleared behind the next instruction. Comes with EXIT, for a loop
 * that does not know how.
 */
export const STATUS_RESUME = 2048;
/** The budget is down to SAMPLE_AT. */
export const STATUS_SAMPLE = 512;
