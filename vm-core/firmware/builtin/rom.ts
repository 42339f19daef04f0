/**
 * The ROM of the built-in BIOS at F000:0000. What programs expect at fixed places stands where the IBM PC AT has it (its
 * Technical Reference, BIOS listing); the rest lies below. Work is done by hooks; what the processor itself must do
 * (calls of other interrupts, end-of-interrupt, waiting, far jumps) is real code. (A table: exempt from the length limit.)
 */
import { bda } from './bios-data.ts';
import { emitFloppyParameters } from './disk/floppy-parameters.ts';
import { emitMouse, type MouseLabels } from './mouse/rom-mouse.ts';
import * as op from './rom-builder.ts';
import { RomBuilder } from './rom-builder.ts';
import { emitProtectedSwitch } from './protected-switch.ts';
import { emitPrinter, type PrinterLabels } from './printer-services.ts';
import type { ServiceEntry } from './service.ts';
import { PROTECTED_INTERFACE } from './video/protected-interface.ts';
import { smbiosEntryPoint } from './smbios.ts';
import type { PlacedTable } from './table-bytes.ts';

export const ROM_SEGMENT = 0xf000;
/** Physical address of the ROM. */
export const ROM_BASE: number = ROM_SEGMENT << 4;

const SERIAL_SERVICE = 0xe739;
/** Entry points of the services, by interrupt. */
const serviceEntries = [
  [0x10, 0xf065],
  [0x11, 0xf84d],
  [0x12, 0xf841],
  [0x13, 0xec59],
  [0x14, SERIAL_SERVICE],
  [0x15, 0xf859],
  [0x16, 0xe82e],
  [0x17, 0xefd2],
  [0x1a, 0xfe6e],
] as const;
export type ServiceInterrupt = (typeof serviceEntries)[number][0];
export const serviceInterrupts: readonly ServiceInterrupt[] = serviceEntries.map(([interrupt]) => interrupt);

/** Other places that the AT fixes. */
const POST = 0xe05b;
const NMI = 0xe2c3;
const DISK_SERVICE = 0xe3fe;
const BOOTSTRAP = 0xe6f2;
export const CONFIGURATION_TABLE = 0xe6f5;
const KEYBOARD_INTERRUPT = 0xe987;
const FLOPPY_INTERRUPT = 0xef57;
export const VIDEO_PARAMETERS = 0xf0a4;
const FONT_8X8_LOWER = 0xfa6e;
const TIMER_INTERRUPT = 0xfea5;
export const DUMMY_IRET = 0xff53;
const PRINT_SCREEN = 0xff54;
const RESET = 0xfff0;

/** POST waits for the floppy controller's interrupt; the timer's wake it, too. */
const FLOPPY_WAKES_MAX = 4;

/** Ours. */
const CODE = 0x8000;
const DEFAULT_HANDLERS = 0x8800;
export const FONT_8X8 = 0xb800;
export const FONT_8X16 = 0xc000;
export const FONT_8X14 = 0xd000;
/** A table of zeros: what 40:A8 points to. */
export const VIDEO_SAVE_POINTERS = 0x9000;
/** Video BIOSes lie at C0000h and below this segment. */
const VIDEO_ROM_END = 0xc800;
const TEXT_MODE = 3;
/** What INT 10h, 1Bh points to, and the far function that moves the VBE window. */
export const FUNCTIONALITY_TABLE = 0x9080;
export const VBE_WINDOW_FUNCTION = 0x90a0;
/** What INT 10h, 4F0Ah points to. */
export const VBE_PROTECTED_INTERFACE = 0x9100;

export const STACK_TOP = 0x7000;
/** Where a boot sector is loaded and started: 0000:7C00. */
export const BOOT_ADDRESS = 0x7c00;
export const DATE = '11/20/26';
/** Where programs look for '_SM_', every 16 bytes, and the structures that it points to. */
export const SMBIOS_ENTRY = 0x7000;
const SMBIOS_STRUCTURES = 0x7020;
const MODEL_AT = 0xfc;

/** INT 15h, C0h: an AT with second PIC, RTC, keyboard intercept (4Fh), EBDA, and INT 16h/09h. */
const CONFIGURATION_BYTES = [0x08, 0x00, MODEL_AT, 0x01, 0x00, 0x74, 0x40, 0x00, 0x00, 0x00];

/** INT 10h, 1Bh: modes 0–7, 0Dh–13h; 200, 350 and 400 lines; 8 fonts, 2 at a time; every function but the light pen. */
const FUNCTIONALITY_BYTES = [0xff, 0xe0, 0x0f, 0, 0, 0, 0, 0x07, 0x08, 0x02, 0xff, 0x0e, 0, 0, 0, 0];

/** What the builder needs besides the code: 256 characters of each height, 8 pixels wide. */
export interface RomFonts {
  readonly font8x8: Uint8Array;
  readonly font8x14: Uint8Array;
  readonly font8x16: Uint8Array;
}

/** Offsets of the places that hooks are attached to or go on at. */
export interface RomLabels extends MouseLabels, PrinterLabels {
  readonly services: Readonly<Record<ServiceInterrupt, ServiceEntry>>;
  /** One for each vector that nothing handles; `endMaster` and `endBoth` also acknowledge the interrupt controllers. */
  readonly defaultHandlers: ReadonlyMap<number, number>;
  /** The one that all vectors from 20h up share. */
  readonly sharedDefault: number;
  readonly endMaster: number;
  readonly endBoth: number;
  readonly post: number;
  readonly postHook: number;
  /** Behind the floppy controller's interrupt. */
  readonly floppyHook: number;
  readonly optionRomHook: number;
  readonly optionRomCall: number;
  readonly resetReturn: number;
  readonly nmi: number;
  readonly timer: number;
  readonly keyboard: number;
  readonly keyboardHook: number;
  readonly keyboardEnd: number;
  readonly keyboardBreak: number;
  readonly keyboardPrint: number;
  readonly keyboardRequestDown: number;
  readonly keyboardRequestUp: number;
  readonly keyboardPause: number;
  readonly keyboardPauseLoop: number;
  readonly keyboardPauseHook: number;
  readonly stringStartHook: number;
  readonly stringPieceHook: number;
  readonly stringAgain: number;
  readonly serialPollHook: number;
  readonly serialTimeoutHook: number;
  readonly waitHook: number;
  readonly clock: number;
  readonly clockAlarm: number;
  readonly redirect: number;
  readonly coprocessor: number;
  readonly boot: number;
  readonly bootHook: number;
  readonly bootFailed: number;
  readonly halt: number;
}

export interface RomImage {
  readonly bytes: Uint8Array;
  readonly labels: RomLabels;
}

/** Vectors that get a default handler of their own: exceptions, and IRQs that the BIOS has no use for. */
export const defaultVectors: readonly number[] = [
  ...[0x00, 0x01, 0x03, 0x04, 0x06, 0x07],
  ...[0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f],
  ...[0x72, 0x73, 0x76, 0x77],
];

/** Builds the ROM, with the structures of the SMBIOS and the multiprocessor tables if there are any. */
export function buildRom(
  fonts: RomFonts,
  smbios: readonly (readonly number[])[] = [],
  tables: readonly PlacedTable[] = [],
): RomImage {
  const rom = new RomBuilder();
  rom.at(FONT_8X8).emit(...fonts.font8x8);
  rom.at(FONT_8X14).emit(...fonts.font8x14);
  rom.at(FONT_8X16).emit(...fonts.font8x16);
  rom.at(FONT_8X8_LOWER).emit(...fonts.font8x8.subarray(0, 1024));
  rom.at(CONFIGURATION_TABLE).emit(...CONFIGURATION_BYTES);
  emitFloppyParameters(rom);
  rom.at(FUNCTIONALITY_TABLE).emit(...FUNCTIONALITY_BYTES);
  rom.at(VBE_WINDOW_FUNCTION).emit(0xb8).words(0x4f05).int(0x10).emit(op.RETF); // MOV AX,4F05h
  rom.at(VBE_PROTECTED_INTERFACE).emit(...PROTECTED_INTERFACE);
  if (smbios.length > 0) {
    rom.at(SMBIOS_ENTRY).emit(...smbiosEntryPoint(smbios, ROM_BASE + SMBIOS_STRUCTURES));
    rom.at(SMBIOS_STRUCTURES).emit(...smbios.flat());
  }
  for (const { at, bytes } of tables) rom.at(at).emit(...bytes);
  rom.at(DUMMY_IRET).emit(op.IRET);

  rom.at(CODE);
  const halt = rom.position;
  rom.emit(op.STI, op.HLT).short(0xeb, halt);
  const serial = emitSerialPoll(rom);
  const wait = emitWait(rom);
  const { mousePoll, ...mouse } = emitMouse(rom);
  const { poll: stringPoll, ...string } = emitWriteString(rom);
  const protectedSwitch = emitProtectedSwitch(rom);
  const { poll: printerPoll, ...printer } = emitPrinter(rom, PRINT_SCREEN);
  rom.at(printer.printScreenLeave + 4);
  const interrupts = emitInterrupts(rom);
  const boot = emitBoot(rom, halt);

  const { handlers: defaultHandlers, shared: sharedDefault } = emitDefaultHandlers(rom);
  const polls: ReadonlyMap<ServiceInterrupt, number> = new Map([
    [0x10, stringPoll],
    [0x14, serial.poll],
    [0x15, wait.poll],
    [0x17, printerPoll],
  ]);
  const services = Object.fromEntries(
    serviceEntries.map(([interrupt, offset]) => [
      interrupt,
      emitService(rom.at(offset), { poll: polls.get(interrupt), mouse: mousePoll, protected: protectedSwitch }),
    ]),
  ) as Record<ServiceInterrupt, ServiceEntry>;
  rom.at(DISK_SERVICE).jump(services[0x13].offset);
  rom.at(FLOPPY_INTERRUPT).jump(defaultHandlers.get(0x0e) as number);

  const labels: RomLabels = {
    services,
    defaultHandlers,
    sharedDefault,
    halt,
    ...interrupts,
    ...string,
    ...mouse,
    ...printer,
    ...boot,
    ...emitKeyboard(rom),
    ...emitPost(rom, halt),
    serialPollHook: serial.hook,
    serialTimeoutHook: serial.timeout,
    waitHook: wait.hook,
    nmi: emitHook(rom.at(NMI)),
    timer: emitTimer(rom),
  };
  rom.at(RESET).farJump(ROM_SEGMENT, POST).text(DATE).emit(0, MODEL_AT, 0);
  return { bytes: rom.bytes, labels };
}

/** A handler that is all hook. */
function emitHook(rom: RomBuilder): number {
  const offset = rom.position;
  rom.emit(op.NOP, op.IRET);
  return offset;
}

/** NOP with the hook, IRET, and the way round again: wait for an interrupt, then run the hook anew. */
function emitService(
  rom: RomBuilder,
  ways: Pick<ServiceEntry, 'mouse' | 'protected'> & { readonly poll: number | undefined },
): ServiceEntry {
  const offset = emitHook(rom);
  const wait = rom.position;
  rom.emit(op.STI, op.HLT, op.CLI).short(0xeb, offset);
  return { ...ways, offset, wait, poll: ways.poll ?? wait };
}

/**
 * INT 14h watches the line status register until a bit of AH is set, then starts over. The hook gives the port in DX, the
 * mask in AH, in BX how many times 65,536 to look, and in SI whether to sleep until an interrupt in between. When all was
 * in vain the second hook reports it.
 */
function emitSerialPoll(rom: RomBuilder): { poll: number; hook: number; timeout: number } {
  const pops = [op.POP_SI, op.POP_DX, op.POP_CX, op.POP_BX, op.POP_AX];
  const poll = rom.position;
  rom.emit(op.PUSH_AX, op.PUSH_BX, op.PUSH_CX, op.PUSH_DX, op.PUSH_SI, op.STI);
  const hook = rom.position;
  rom.emit(op.NOP);
  const outer = rom.position;
  rom.emit(0x31, 0xc9); // XOR CX,CX
  const inner = rom.position;
  rom.emit(0xec, 0x84, 0xe0); // IN AL,DX; TEST AL,AH
  rom.emit(0x75, 0x11); // JNZ to the pops before the jump
  rom.short(0xe2, inner); // LOOP
  rom.emit(0x09, 0xf6, 0x74, 0x01, op.HLT); // OR SI,SI; JZ over the HLT
  rom.emit(0x4b).short(0x75, outer); // DEC BX; JNZ
  rom.emit(...pops);
  const timeout = rom.position;
  rom.emit(op.NOP, op.IRET);
  rom.emit(...pops).jump(SERIAL_SERVICE);
  return { poll, hook, timeout };
}

/**
 * INT 10h, 13h writes a string piece by piece, so that other things happen in between: the first hook starts, the second
 * writes the next piece. BP, CX and DX hold how far it is.
 */
function emitWriteString(rom: RomBuilder) {
  const poll = rom.position;
  rom.emit(op.PUSH_BP, op.PUSH_CX, op.PUSH_DX);
  const stringStartHook = rom.position;
  rom.emit(op.NOP);
  const stringPieceHook = rom.position;
  rom.emit(op.NOP, op.POP_DX, op.POP_CX, op.POP_BP, op.IRET);
  const stringAgain = rom.position;
  rom.short(0xeb, stringPieceHook);
  return { poll, stringStartHook, stringPieceHook, stringAgain };
}

/** INT 15h, 86h sleeps here until the clock interrupt has counted the time down. */
function emitWait(rom: RomBuilder): { poll: number; hook: number } {
  const poll = rom.position;
  rom.emit(op.STI, op.HLT, op.CLI);
  const hook = emitHook(rom);
  return { poll, hook };
}

const EOI = 0x20;

function emitInterrupts(rom: RomBuilder) {
  const endMaster = rom.position;
  rom.emit(op.PUSH_AX).out(0x20, EOI).emit(op.POP_AX, op.IRET);
  const endBoth = rom.position;
  rom.emit(op.PUSH_AX).out(0xa0, EOI).out(0x20, EOI).emit(op.POP_AX, op.IRET);

  const clock = rom.position;
  rom.emit(op.NOP).jump(endBoth);
  const clockAlarm = rom.position;
  rom.emit(op.PUSH_AX).out(0xa0, EOI).out(0x20, EOI).emit(op.POP_AX, op.STI).int(0x4a).emit(op.IRET);

  const redirect = rom.position;
  rom.emit(op.PUSH_AX).out(0xa0, EOI).emit(op.POP_AX).int(0x0a).emit(op.IRET);
  const coprocessor = rom.position;
  rom.emit(op.PUSH_AX).out(0xf0, 0).out(0xa0, EOI).out(0x20, EOI).emit(op.POP_AX).int(0x02).emit(op.IRET);
  return { endMaster, endBoth, clock, clockAlarm, redirect, coprocessor };
}

/** INT 19h: the hook loads the boot sector; what follows starts it, or stays when there is none. */
function emitBoot(rom: RomBuilder, halt: number) {
  const bootHook = rom.position;
  rom.emit(op.NOP, op.STI).farJump(0, BOOT_ADDRESS);
  const bootFailed = rom.position;
  rom.emit(op.NOP).jump(halt);
  rom.at(BOOTSTRAP).jump(bootHook);
  return { boot: BOOTSTRAP, bootHook, bootFailed };
}

/** Power-on: the first hook sets the machine up, the second the floppy controller, the next one names the option ROMs to call one by one. */
function emitPost(rom: RomBuilder, halt: number) {
  rom.at(POST).emit(op.CLI, op.CLD);
  const clearSegments = [0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xc0]; // XOR AX,AX; MOV DS,AX; MOV ES,AX
  rom.emit(...clearSegments, 0x8e, 0xd0); // MOV SS,AX
  rom.emit(0xbc).words(STACK_TOP); // MOV SP
  const postHook = rom.position;
  rom.emit(op.NOP, 0xb9).words(FLOPPY_WAKES_MAX).emit(op.STI); // MOV CX
  const wait = rom.position;
  rom.emit(op.HLT, 0xf6, 0x06).words(bda.FLOPPY_RECALIBRATE).emit(0x80).short(0xe1, wait); // TEST BYTE [043Eh],80h; LOOPE
  rom.emit(op.CLI);
  const floppyHook = rom.position;
  rom.emit(op.NOP);
  const optionRomHook = rom.position;
  rom.emit(op.NOP, op.STI).int(0x19).jump(halt);
  const optionRomCall = rom.position;
  rom.emit(0xff, 0x1e).words(0x467); // CALL FAR [0467h]
  rom.emit(op.CLI, op.CLD, ...clearSegments);
  // A video BIOS has its data set up by a mode set of its own.
  rom.emit(0x81, 0x3e).words(0x469, VIDEO_ROM_END); // CMP WORD [0469h],C800h
  rom.emit(0x73, 0x05, 0xb8).words(TEXT_MODE).int(0x10); // JAE over; MOV AX,3
  rom.emit(op.CLI, op.CLD, ...clearSegments).jump(optionRomHook);
  const resetReturn = rom.position;
  rom.emit(0xff, 0x2e).words(0x467); // JMP FAR [0467h]
  return { post: POST, postHook, floppyHook, optionRomHook, optionRomCall, resetReturn };
}

/** IRQ0: the hook counts the tick; INT 1Ch is called with DS = 0040h as on the AT. */
function emitTimer(rom: RomBuilder): number {
  rom.at(TIMER_INTERRUPT).emit(op.NOP, op.PUSH_DS, op.PUSH_AX, op.PUSH_DX);
  rom.emit(0xb8).words(0x40).emit(0x8e, 0xd8); // MOV AX,0040h; MOV DS,AX
  rom.int(0x1c).emit(op.CLI).out(0x20, EOI).emit(op.POP_DX, op.POP_AX, op.POP_DS, op.IRET);
  return TIMER_INTERRUPT;
}

/** IRQ1: reads the scan code, offers it to INT 15h, 4Fh, then to the hook, which chooses how to end. */
function emitKeyboard(rom: RomBuilder) {
  rom.at(KEYBOARD_INTERRUPT);
  rom.emit(op.PUSH_AX, 0xe4, 0x60, 0xb4, 0x4f, op.STC).int(0x15); // IN AL,60h; MOV AH,4Fh
  rom.emit(0x73, 0x01); // JNC to the end
  const keyboardHook = rom.position;
  rom.emit(op.NOP);
  const keyboardEnd = rom.position;
  rom.emit(op.CLI).out(0x20, EOI).emit(op.POP_AX, op.IRET);
  const keyboardBreak = rom.position;
  rom.out(0x20, EOI).int(0x1b).emit(op.POP_AX, op.IRET);
  const keyboardPrint = rom.position;
  rom.out(0x20, EOI).int(0x05).emit(op.POP_AX, op.IRET);
  const keyboardRequestDown = rom.position;
  rom.out(0x20, EOI).emit(op.STI, 0xb8).words(0x8500).int(0x15).emit(op.POP_AX, op.IRET); // MOV AX,8500h
  const keyboardRequestUp = rom.position;
  rom.out(0x20, EOI).emit(op.STI, 0xb8).words(0x8501).int(0x15).emit(op.POP_AX, op.IRET); // MOV AX,8501h
  const keyboardPause = rom.position;
  rom.out(0x20, EOI);
  const keyboardPauseLoop = rom.position;
  rom.emit(op.STI, op.HLT, op.CLI);
  const keyboardPauseHook = rom.position;
  rom.emit(op.NOP, op.POP_AX, op.IRET);
  return {
    keyboard: KEYBOARD_INTERRUPT,
    keyboardHook,
    keyboardEnd,
    keyboardBreak,
    keyboardPrint,
    keyboardRequestDown,
    keyboardRequestUp,
    keyboardPause,
    keyboardPauseLoop,
    keyboardPauseHook,
  };
}

function emitDefaultHandlers(rom: RomBuilder): { handlers: ReadonlyMap<number, number>; shared: number } {
  rom.at(DEFAULT_HANDLERS);
  const handlers = new Map(defaultVectors.map((vector) => [vector, emitHook(rom)]));
  return { handlers, shared: emitHook(rom) };
}
