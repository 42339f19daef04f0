/** The ROM's part of INT 15h, 89h, which leaves the caller in protected mode (IBM PS/2 BIOS Interface Technical Reference). */
import * as op from './rom-builder.ts';
import type { RomBuilder } from './rom-builder.ts';

/** Selectors that INT 15h, 89h loads; the program has described them at ES:SI, and the hook the BIOS's own. */
const SELECTOR_DS = 0x18;
const SELECTOR_ES = 0x20;
const SELECTOR_SS = 0x28;
const SELECTOR_CS = 0x30;
export const SELECTOR_BIOS = 0x38;

/** INT 15h, 89h: loads the tables at ES:SI+8 and +10h, switches, and returns to the caller's offset in its new segment. */
export function emitProtectedSwitch(rom: RomBuilder): number {
  const offset = rom.position;
  rom.emit(op.CLI, 0x26, 0x0f, 0x01, 0x54, 0x08, 0x26, 0x0f, 0x01, 0x5c, 0x10); // LGDT ES:[SI+8]; LIDT ES:[SI+10h]
  rom.emit(0xb8).words(1).emit(0x0f, 0x01, 0xf0); // MOV AX,1; LMSW AX
  rom.farJump(SELECTOR_BIOS, rom.position + 5);
  rom.emit(0xb8).words(SELECTOR_DS).emit(0x8e, 0xd8); // MOV AX; MOV DS,AX
  rom.emit(0xb8).words(SELECTOR_ES).emit(0x8e, 0xc0); // MOV AX; MOV ES,AX
  rom.emit(0xb8).words(SELECTOR_SS).emit(0x8e, 0xd0); // MOV AX; MOV SS,AX
  rom.emit(op.POP_BP, 0x83, 0xc4, 4, 0x6a, SELECTOR_CS, op.PUSH_BP); // POP BP; ADD SP,4; PUSH CS; PUSH BP
  rom.emit(0x31, 0xc0, op.RETF); // XOR AX,AX
  return offset;
}
