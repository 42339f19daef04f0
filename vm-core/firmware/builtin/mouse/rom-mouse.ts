/**
 * The ROM's code for the pointing device: the exchange of bytes that INT 15h, C2h makes, and the handler of IRQ 12 that
 * calls the program's own (IBM PS/2 BIOS Interface Technical Reference, "Pointing device BIOS interface").
 */
import { EBDA_SEGMENT, ebda } from '../bios-data.ts';
import * as op from '../rom-builder.ts';
import type { RomBuilder } from '../rom-builder.ts';

/** Offsets of the places that hooks are attached to or go on at. */
export interface MouseLabels {
  /** Begins the exchange; DX has what AX was. */
  readonly mouseStartHook: number;
  /** Where the ROM looks for a byte, and the hook that takes it. */
  readonly mouseLook: number;
  readonly mouseByteHook: number;
  /** Where the exchange ends. */
  readonly mouseLeave: number;
  /** Hands the result to the caller of INT 15h. */
  readonly mouseEndHook: number;
  readonly mouseInterrupt: number;
  /** Takes the byte; with a whole packet it goes on at `mouseCall`, with the words to push in AX, BX, CX and DX. */
  readonly mouseInterruptHook: number;
  readonly mouseCall: number;
}

const EOI = 0x20;

/** Emits both; `poll` is where INT 15h's entry goes on. */
export function emitMouse(rom: RomBuilder): MouseLabels & { readonly mousePoll: number } {
  return { ...emitExchange(rom), ...emitInterrupt(rom) };
}

function emitExchange(rom: RomBuilder) {
  const mousePoll = rom.position;
  rom.emit(op.PUSH_AX, op.PUSH_CX, op.PUSH_DX, 0x89, 0xc2); // MOV DX,AX
  const mouseStartHook = rom.position;
  rom.emit(op.NOP);
  const mouseLook = rom.position;
  rom.emit(0x31, 0xc9); // XOR CX,CX
  const look = rom.position;
  rom.emit(0xe4, 0x64, 0xa8, 0x01).short(0xe1, look); // IN AL,64h; TEST AL,1; LOOPE
  const mouseByteHook = rom.position;
  rom.emit(op.NOP);
  const mouseLeave = rom.position;
  rom.emit(op.POP_DX, op.POP_CX, op.POP_AX);
  const mouseEndHook = rom.position;
  rom.emit(op.NOP, op.IRET);
  return { mousePoll, mouseStartHook, mouseLook, mouseByteHook, mouseLeave, mouseEndHook };
}

function emitInterrupt(rom: RomBuilder) {
  const mouseInterrupt = rom.position;
  rom.emit(op.CLD, op.PUSHA, op.PUSH_DS, op.PUSH_ES);
  const mouseInterruptHook = rom.position;
  rom.emit(op.NOP).short(0xeb, rom.position + 20); // JMP to the end
  const mouseCall = rom.position;
  rom.emit(op.PUSH_AX, op.PUSH_BX, op.PUSH_CX, op.PUSH_DX, op.STI);
  rom.emit(0xb8).words(EBDA_SEGMENT).emit(0x8e, 0xd8); // MOV AX,EBDA; MOV DS,AX
  rom.emit(0xff, 0x1e).words(ebda.MOUSE_HANDLER - EBDA_SEGMENT * 16); // CALL FAR [handler]
  rom.emit(0x83, 0xc4, 8, op.CLI); // ADD SP,8
  rom.out(0xa0, EOI).out(0x20, EOI).emit(op.POP_ES, op.POP_DS, op.POPA, op.IRET);
  return { mouseInterrupt, mouseInterruptHook, mouseCall };
}
