/**
 * Random programs for tests of the compiler whose pages change under them (SDM vol. 3A §4.10.4): code on a page of its own maps
 * another program, or other data, or none, where the program runs, and jumps into one of its blocks. A page fault brings the data back.
 */
import { HANDLERS, P, TABLE, W } from '../paged-guest.ts';
import { blockAddress, DATA_AT, type Draw, PROGRAM_AT } from './random-program.ts';

/** Where the code lies that maps and jumps: pieces of so many bytes. */
const REMAPPING_AT = 0xb000;
const PIECES = 12;
const PIECE_SIZE = 64;
/** Distance to the pages that take the place of others. */
const OTHER = 0x10000;
/** Where the other program lies. */
export const OTHER_PROGRAM_AT: number = PROGRAM_AT + OTHER;

const PAGE_FAULT = 14;
const PAGES = [PROGRAM_AT, DATA_AT, DATA_AT + 0x1000];

/** Addresses to jump to. */
export const remappingPlaces: readonly number[] = Array.from(
  { length: PIECES },
  (_, n) => REMAPPING_AT + n * PIECE_SIZE,
);

/** What lies where, in 32-bit code with paging. */
export function remappingCode(draw: Draw): ReadonlyMap<number, readonly number[]> {
  const pieces = remappingPlaces.map((at) => [at, pieceAt(at, draw)] as const);
  return new Map([...pieces, [HANDLERS + PAGE_FAULT * PIECE_SIZE, bringBack()]]);
}

function pieceAt(at: number, draw: Draw): readonly number[] {
  const page = PAGES[draw(PAGES.length)] as number;
  const target = draw(2) === 0 ? page : page + OTHER;
  const rights = page === PROGRAM_AT ? P | W : ([P | W, P | W, P, 0][draw(4)] as number);
  const code = [...store(page, target | rights), ...forget(page, draw(3))];
  const from = at + code.length + 5;
  return [...code, 0xe9, ...bytesOf(blockAddress(draw) - from)];
}

/** MOV DWORD [entry],value */
function store(page: number, value: number): readonly number[] {
  return [0xc7, 0x05, ...bytesOf(TABLE + (page >>> 12) * 4), ...bytesOf(value)];
}

/** INVLPG [page]; or MOV EAX,CR3 and back; or the same by way of CR0.PG, which a program may be executed without. */
function forget(page: number, way: number): readonly number[] {
  if (way === 0) return [0x0f, 0x01, 0x3d, ...bytesOf(page)];
  if (way === 1) return [0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8];
  return [0x0f, 0x20, 0xc0, 0x35, ...bytesOf(1 << 31), 0x0f, 0x22, 0xc0, 0x35, ...bytesOf(1 << 31), 0x0f, 0x22, 0xc0];
}

/** The handler: the pages of data are there again, ADD ESP,4 drops the error code, IRET. */
function bringBack(): readonly number[] {
  const pages = PAGES.filter((page) => page !== PROGRAM_AT);
  const code = pages.flatMap((page) => [...store(page, page | P | W), ...forget(page, 0)]);
  return [...code, 0x83, 0xc4, 0x04, 0xcf];
}

function bytesOf(value: number): readonly number[] {
  return [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
}
