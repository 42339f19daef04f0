/**
 * What random programs of real mode are made of besides: segment loads, far transfers, flags on the stack, and interrupts whose
 * handlers are the program's own blocks (SDM vol. 3A §20.1).
 */
import type { Draw } from './random-program.ts';

/** ES, CS, DS, FS and GS, as MOV numbers them; of those it loads CS is none. */
const LOADED = [0, 3, 4, 5] as const;
/** Vectors that lead to blocks of the program. */
export const FIRST_VECTOR = 0x60;
export const VECTORS = 4;

/** ModR/M and displacement of a memory operand with a register number. */
type Memory = (reg: number) => readonly number[];

/** Bytes of an instruction that ends no way through the program. */
export function realModeInstruction(draw: Draw, memory: Memory, register: number): readonly number[] {
  const segment = LOADED[draw(4)] as number;
  const kinds = [
    // A small paragraph, mostly one of those in which the program's data can be reached as well.
    () => [0x6a, draw(2) * draw(100), [0x07, 0x1f][draw(2)] as number],
    () => [0x6a, draw(2) * draw(100), 0x0f, [0xa1, 0xa9][draw(2)] as number],
    () => [0x8e, 0xc0 | (segment << 3) | register],
    () => [0x8e, ...memory(segment)],
    () => [0x8c, 0xc0 | (draw(6) << 3) | register],
    () => [0xc4 + draw(2), ...memory(register)],
    () => [0x0f, [0xb4, 0xb5][draw(2)] as number, ...memory(register)],
    () => [[0x06, 0x0e, 0x1e][draw(3)] as number, [0x07, 0x1f][draw(2)] as number],
    () => [0x9c, 0x9d],
    () => [0xfa],
    () => [0x6a, draw(100), 0x9d],
    () => [0xcd, FIRST_VECTOR + draw(VECTORS)],
  ];
  return (kinds[draw(kinds.length)] as () => readonly number[])();
}

/** Bytes of one that always goes elsewhere: to a block, as an offset in some paragraph, or back. */
export function realModeEnd(draw: Draw, target: number): readonly number[] {
  const paragraph = draw(3) === 0 ? draw(0x100) : 0;
  const offset = target - 16 * paragraph;
  const place = [offset & 0xff, offset >> 8, paragraph & 0xff, paragraph >> 8];
  const kinds = [
    () => [0xea, ...place],
    () => [0x9a, ...place],
    () => [0x9a, ...place],
    () => [0xcb],
    () => [0xca, 2 * draw(3), 0],
    () => [0xcf],
  ];
  return (kinds[draw(kinds.length)] as () => readonly number[])();
}
