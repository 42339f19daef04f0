/**
 * What random programs are made of besides, of the x87, MMX and SSE: arithmetic and moves that regions keep in locals, between
 * instructions that save and load the whole state, which the interpreter's handlers do.
 */
import type { Draw, ProgramMode } from './random-program.ts';

/** Where the states of the units are saved: 512 bytes for both units, then what FNSAVE and FNSTENV write. */
export const UNIT_AREA = 0xc000;
const X87_AREA = UNIT_AREA + 0x200;
const MXCSR_AREA = UNIT_AREA + 24;

/** ModR/M and displacement of a memory operand with a register number. */
type Memory = (reg: number) => readonly number[];

/** ModR/M of a fixed place below 64 KiB. */
function placed(mode: ProgramMode, reg: number, at: number): readonly number[] {
  const low = [at & 0xff, at >> 8];
  if (mode === 16) return [0x06 | (reg << 3), ...low];
  if (mode === 32) return [0x05 | (reg << 3), ...low, 0, 0];
  return [0x04 | (reg << 3), 0x25, ...low, 0, 0];
}

/** Bytes of an instruction of one of the units: of few registers, so that they meet. */
export function unitInstruction(draw: Draw, mode: ProgramMode, memory: Memory): readonly number[] {
  const register = () => draw(3);
  const registers = () => 0xc0 | (register() << 3) | register();
  const kinds = [
    // MOVUPS, from and to memory; MOVSS from memory.
    () => [0x0f, 0x10 + draw(2), ...memory(register())],
    () => [0xf3, 0x0f, 0x10 + draw(2), ...memory(register())],
    // ADDPS, MULPS, XORPS, UNPCKLPS; MOVHLPS and MOVLHPS; SHUFPS.
    () => [0x0f, [0x58, 0x59, 0x57, 0x14][draw(4)] as number, registers()],
    () => [0x0f, [0x12, 0x16][draw(2)] as number, registers()],
    () => [0x0f, 0xc6, registers(), draw(0x100)],
    // PADDD, PXOR, PUNPCKLBW; MOVQ, from and to memory; EMMS.
    () => [0x0f, [0xfe, 0xef, 0x60][draw(3)] as number, registers()],
    () => [0x0f, [0x6f, 0x7f][draw(2)] as number, ...memory(register())],
    () => [0x0f, 0x77],
    // FLD and FSTP of memory; FLD1, FLDPI, FADD, FMUL, FXCH, FSTP ST0; FNSTSW AX.
    () => [0xd9, ...memory([0, 3][draw(2)] as number)],
    () => [0xd9, [0xe8, 0xeb, 0xc8 + draw(3)][draw(3)] as number],
    () => [0xd8, ([0xc0, 0xc8][draw(2)] as number) | draw(3)],
    () => [0xdd, 0xd8],
    () => [0xdf, 0xe0],
    // FXSAVE, FXRSTOR; STMXCSR, LDMXCSR.
    () => [0x0f, 0xae, ...placed(mode, draw(2), UNIT_AREA)],
    () => [0x0f, 0xae, ...placed(mode, draw(2), UNIT_AREA)],
    () => [0x0f, 0xae, ...placed(mode, 2 + draw(2), MXCSR_AREA)],
    // FNSAVE, FRSTOR, FNSTENV, FLDENV; FNINIT.
    () => [0xdd, ...placed(mode, [6, 4][draw(2)] as number, X87_AREA)],
    () => [0xd9, ...placed(mode, [6, 4][draw(2)] as number, X87_AREA)],
    () => [0xdb, 0xe3],
  ];
  return (kinds[draw(kinds.length)] as () => readonly number[])();
}
