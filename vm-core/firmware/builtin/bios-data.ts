/**
 * The BIOS data area at 0040:0000 and the extended one (EBDA): the offsets that programs know (IBM PC AT and PS/2 BIOS
 * Interface Technical Reference, "Data areas"). (A table: exempt from the length limit.)
 */
import type { FirmwareContext } from '../firmware.ts';

/** Physical address of the BIOS data area. */
export const BIOS_DATA = 0x400;

/** Physical addresses of its fields. The manual's descriptions, in its order. */
export const bda = {
  /** Words: port bases of COM1–COM4 and LPT1–LPT3, 0 where there is none. */
  COM_PORTS: 0x400,
  LPT_PORTS: 0x408,
  EBDA_SEGMENT: 0x40e,
  EQUIPMENT: 0x410,
  /** KiB of conventional memory below the EBDA. */
  MEMORY_SIZE: 0x413,
  KEYBOARD_FLAGS_1: 0x417,
  KEYBOARD_FLAGS_2: 0x418,
  /** Number that is being typed with Alt and the keypad. */
  ALT_NUMBER: 0x419,
  /** Offsets into segment 40h: where the next key is taken from and put to. */
  KEYBOARD_HEAD: 0x41a,
  KEYBOARD_TAIL: 0x41c,
  KEYBOARD_BUFFER: 0x41e,
  /** Bit 7: the controller has interrupted. */
  FLOPPY_RECALIBRATE: 0x43e,
  FLOPPY_MOTOR: 0x43f,
  FLOPPY_MOTOR_COUNT: 0x440,
  FLOPPY_STATUS: 0x441,
  VIDEO_MODE: 0x449,
  VIDEO_COLUMNS: 0x44a,
  VIDEO_PAGE_SIZE: 0x44c,
  VIDEO_PAGE_START: 0x44e,
  /** Eight words, column in the low byte, row in the high one. */
  CURSOR_POSITIONS: 0x450,
  /** End line in the low byte, start line in the high one. */
  CURSOR_SHAPE: 0x460,
  VIDEO_PAGE: 0x462,
  CRTC_PORT: 0x463,
  CGA_MODE_CONTROL: 0x465,
  CGA_PALETTE: 0x466,
  /** Far pointer through which a reset with shutdown code 05h or 0Ah returns. */
  RESET_RETURN: 0x467,
  TIMER_TICKS: 0x46c,
  TIMER_OVERFLOW: 0x470,
  /** Bit 7: Ctrl+Break was pressed. */
  BREAK_FLAG: 0x471,
  /** 1234h: warm start. */
  RESET_FLAG: 0x472,
  DISK_STATUS: 0x474,
  DISK_COUNT: 0x475,
  DISK_CONTROL: 0x476,
  LPT_TIMEOUTS: 0x478,
  COM_TIMEOUTS: 0x47c,
  /** Bounds of the keyboard buffer as offsets into segment 40h. */
  KEYBOARD_START: 0x480,
  KEYBOARD_END: 0x482,
  /** Rows less one, and scan lines of a character. */
  VIDEO_ROWS: 0x484,
  CHARACTER_HEIGHT: 0x485,
  /** Bit 7: the last mode set kept the memory; bits 6–5: 256 KiB; bit 0: cursor emulation off. */
  VIDEO_CONTROL: 0x487,
  VIDEO_SWITCHES: 0x488,
  /** Bit 4: 400 lines; bit 3: palette not loaded; bit 1: gray summing; bit 0: VGA active. */
  VIDEO_FLAGS: 0x489,
  DISPLAY_COMBINATION: 0x48a,
  DISK_INTERRUPT: 0x48e,
  /** Bits 0–2 of drive A: 80 tracks, several data rates, both of them known. */
  FLOPPY_CONTROLLER: 0x48f,
  /** Data rate of drive A in bits 7–6, 4: known, 2–0: which disk in which drive. */
  FLOPPY_MEDIA: 0x490,
  /** Bit 4: 101 keys; bits 3–2: right Ctrl and Alt; bits 1–0: the last code was E0h, E1h. */
  KEYBOARD_FLAGS_3: 0x496,
  KEYBOARD_LEDS: 0x497,
  /** Far pointer to the caller's flag, microseconds left, and whether a wait is going on (bit 0), of INT 15h, 83h/86h. */
  WAIT_FLAG_POINTER: 0x498,
  WAIT_COUNT: 0x49c,
  WAIT_ACTIVE: 0x4a0,
  VIDEO_SAVE_TABLE: 0x4a8,
  PRINT_SCREEN_STATUS: 0x500,
} as const;

/** Bytes of the BIOS data area that power-on clears; the reset flag survives. */
export const BIOS_DATA_SIZE = 0x100;

/** The EBDA: the top KiB of conventional memory. */
export const EBDA_SEGMENT = 0x9fc0;
export const EBDA_SIZE_KIB = 1;
export const CONVENTIONAL_KIB = 639;

/** Physical addresses in the EBDA. */
export const ebda = {
  SIZE: EBDA_SEGMENT * 16,
  /** Far pointer to the program's handler of the pointing device, two bytes of flags, and the packet that is coming. */
  MOUSE_HANDLER: EBDA_SEGMENT * 16 + 0x22,
  MOUSE_FLAGS_1: EBDA_SEGMENT * 16 + 0x26,
  MOUSE_FLAGS_2: EBDA_SEGMENT * 16 + 0x27,
  MOUSE_PACKET: EBDA_SEGMENT * 16 + 0x28,
  /** Fixed disk parameter table of drive 80h, where INT 41h points. */
  DISK_PARAMETERS: EBDA_SEGMENT * 16 + 0x3d,
  /** Ours: segment from which on option ROMs are to be looked for; timer ticks until the bell stops. */
  OPTION_ROM: EBDA_SEGMENT * 16 + 0x82,
  BELL_TICKS: EBDA_SEGMENT * 16 + 0x80,
  /** Ours: what BX was when a VBE mode was set. */
  VBE_MODE: EBDA_SEGMENT * 16 + 0x84,
  /** Ours: 1 while the power management interface is connected. */
  POWER_INTERFACE: EBDA_SEGMENT * 16 + 0x86,
  /** Ours: how the machine was started from a disc; 20 bytes. */
  CD_BOOT: EBDA_SEGMENT * 16 + 0x90,
  /** Ours: the descriptor table with which a kernel is started; 32 bytes. */
  KERNEL_GDT: EBDA_SEGMENT * 16 + 0xc0,
  /** Ours: where INT 15h, C2h is in its exchange with the mouse; 16 bytes. */
  MOUSE_EXCHANGE: EBDA_SEGMENT * 16 + 0xb0,
} as const;

export const KEYBOARD_BUFFER_START = 0x1e;
export const KEYBOARD_BUFFER_END = 0x3e;

/** Bits of KEYBOARD_FLAGS_1. */
export const RIGHT_SHIFT = 1 << 0;
export const LEFT_SHIFT = 1 << 1;
export const CTRL = 1 << 2;
export const ALT = 1 << 3;
export const SCROLL_LOCK = 1 << 4;
export const NUM_LOCK = 1 << 5;
export const CAPS_LOCK = 1 << 6;
export const INSERT = 1 << 7;
/** Bits of KEYBOARD_FLAGS_2; bits 4–7 tell which of the keys of bits 4–7 above are held. */
export const LEFT_CTRL = 1 << 0;
export const LEFT_ALT = 1 << 1;
export const SYSTEM_REQUEST = 1 << 2;
export const PAUSED = 1 << 3;
/** Bits of KEYBOARD_FLAGS_3. */
export const LAST_E1 = 1 << 0;
export const LAST_E0 = 1 << 1;
export const RIGHT_CTRL = 1 << 2;
export const RIGHT_ALT = 1 << 3;
export const KEYS_101 = 1 << 4;

/** Sets and clears bits of a byte in guest memory. */
export function changeBits(context: FirmwareContext, physicalAddress: number, clear: number, set: number): void {
  const value = context.memory.read(physicalAddress, 1);
  context.memory.write(physicalAddress, 1, (value & ~clear & 0xff) | set);
}

/** The four bytes that real mode keeps an interrupt's handler in. */
export function setVector(context: FirmwareContext, vector: number, segment: number, offset: number): void {
  context.memory.write(vector * 4, 4, ((segment << 16) | offset) >>> 0);
}
