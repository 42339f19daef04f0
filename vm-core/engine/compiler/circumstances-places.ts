/** Where everything lies in the guests of circumstances-program.ts. */
import { blockAddress, DATA_AT, type Draw, PROGRAM_AT } from './random-program.ts';

export const [TASK, GDT, IDT] = [0x900, 0x30000, 0x31000] as const;
/** Top of the stacks that interrupts switch to. */
export const [KERNEL_STACK, FAULT_STACK] = [0x33f00, 0x34f00] as const;
/** What has been seen so far. */
export const LOG = 0x35000;
/** A descriptor of INVPCID. */
export const CONTEXT: number = LOG + 0x100;
export const [DIRECTORY_32, TABLE_32] = [0x20000, 0x21000] as const;
export const [ROOT_64, POINTERS_64, DIRECTORY_64, TABLE_64] = [0x22000, 0x23000, 0x24000, 0x25000] as const;
export const SETUP_AT = 0x36000;

/** Selectors. */
export const [CODE, DATA] = [0x08, 0x10] as const;
export const USER_CODE = { 32: 0x1b, 64: 0x2b } as const;
export const USER_DATA = 0x23;
export const TASK_SELECTOR = 0x30;
/** Of data with odd limits and bases, at every level. */
export const odd: readonly number[] = [0x43, 0x4b, 0x53];
export const GDT_SIZE: number = 11 * 8;

export const [DOUBLE_FAULT, PAGE_FAULT] = [8, 14] as const;
/** Vectors of interrupts, which begin at a multiple of eight. */
export const IRQS = 0x20;
export const SYSTEM_CALL = 0x2e;
/** What the device asks for. */
export const [NMI, IRQ] = [2, 0x25] as const;
export const VECTORS = 0x30;
export const interruptVectors: readonly number[] = Array.from({ length: 16 }, (_, n) => IRQS + n);
/** Handlers beyond the vectors: of SYSENTER, of SYSCALL, and the place where everything begins anew. */
export const [SYSENTER, SYSCALL, ANEW] = [VECTORS, VECTORS + 1, VECTORS + 2] as const;
export const HANDLERS: number = VECTORS + 3;
const HANDLERS_AT = 0x40000;
const HANDLER_SIZE = 0x100;

export const handlerAt = (n: number): number => HANDLERS_AT + n * HANDLER_SIZE;

/** A power of two of them, from a multiple of their size on. */
export const PIECES_AT = 0xc000;
const PIECES = 16;
const PIECE_SIZE = 0x100;
export const PIECES_MASK: number = (PIECES - 1) * PIECE_SIZE;

/** Addresses of the pieces. */
export const piecePlaces: readonly number[] = Array.from({ length: PIECES }, (_, n) => PIECES_AT + n * PIECE_SIZE);

/** An instruction the immediate of which lies on two pages. */
export const STRADDLING_AT = 0xeffd;

/** The page in front of this address is one of the data, and so is that behind it. */
export const BORDER: number = DATA_AT + 0x1000;

/** Pages are there twice: so much higher. */
export const ALIAS = 0x10000;
/** With A20 closed this is where they lie. */
export const A20 = 0x100000;
const ALIASED = [PROGRAM_AT, PROGRAM_AT + 0x1000, DATA_AT, BORDER, STRADDLING_AT, STRADDLING_AT + 0x1000];

/** The pages of which entries are changed. */
export const changing: readonly number[] = [PROGRAM_AT, DATA_AT, BORDER, DATA_AT + ALIAS, BORDER + ALIAS];

/** Second pages of what lies on two lie elsewhere, so far behind it. */
const APART = 0x50000;
const apart = [PROGRAM_AT + 0x1000, BORDER, STRADDLING_AT + 0x1000].map((address) => address >>> 12);

/** Where a page of the linear address space lies at first. */
export function physicalPage(n: number): number {
  const isAlias = ALIASED.some((address) => (address + ALIAS) >>> 12 === n);
  const page = n - (isAlias ? ALIAS >>> 12 : 0);
  return (page << 12) + (apart.includes(page) ? APART : 0);
}

/** Address of a block of the program, or the same one elsewhere. */
export function someBlock(draw: Draw): number {
  return blockAddress(draw) + (draw(4) === 0 ? ALIAS : draw(6) === 0 ? A20 : 0);
}

export function littleEndian(value: number | bigint, size: number): number[] {
  const whole = BigInt.asUintN(64, BigInt(value));
  return Array.from({ length: size }, (_, n) => Number((whole >> BigInt(8 * n)) & 0xffn));
}
