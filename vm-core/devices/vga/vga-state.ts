/** The whole state of the VGA; everything a picture depends on besides virtual time. */
import { registersOf } from './register-table.ts';

/** Bytes of video RAM: four planes of 64 KiB, kept interleaved: byte `address * 4 + plane`. */
export const VIDEO_MEMORY_SIZE: number = 0x40000;

/** The display interface's versions (`DISPI_ID`). */
export const DISPI_ID_OLDEST = 0xb0c0;
export const DISPI_ID_NEWEST = 0xb0c5;

/** Bit of its ENABLE register: components of colours have 8 bits. */
export const DISPI_8BIT_DAC = 0x20;

/** Registers of the display interface; each has 16 bits. */
export type DispiState = {
  index: number;
  id: number;
  xres: number;
  yres: number;
  bpp: number;
  enable: number;
  bank: number;
  virtualWidth: number;
  xOffset: number;
  yOffset: number;
};

/** Each bank's registers lie in the array by their index. */
export type VgaState = {
  miscOutput: number;
  featureControl: number;
  /** Port 3C3h: without bit 0 neither the other ports nor the memory answer. */
  subsystemEnable: number;
  sequencerIndex: number;
  sequencer: Uint8Array;
  crtcIndex: number;
  crtc: Uint8Array;
  /** The latch of the vertical retrace interrupt. */
  retracePending: boolean;
  graphicsIndex: number;
  graphics: Uint8Array;
  /** Bit 5 (palette address source) connects the palette to the picture. */
  attributeIndex: number;
  /** True when the next write to port 3C0h is data. */
  attributeFlipFlop: boolean;
  attribute: Uint8Array;
  dacMask: number;
  dacIndex: number;
  /** 0 red, 1 green, 2 blue. */
  dacComponent: number;
  /** The last index was written to 3C7h (read) and not to 3C8h (write). */
  dacReading: boolean;
  /** Red and green that wait for blue. */
  dacPending: Uint8Array;
  /** 256 × 3 components of 6 bits, or of 8 if the display interface says so. */
  dac: Uint8Array;
  /** The four planes' latches as one little-endian doubleword, plane 0 lowest. */
  latches: number;
  videoMemory: Uint8Array;
  dispi: DispiState;
  /** The memory of linear pictures in pages of 64 KiB; one that was never written is empty. */
  linearPages: Uint8Array[];
};

const LINEAR_PAGE_COUNT = 256;

/** Linear memory of zeros. */
export function emptyLinearPages(): Uint8Array[] {
  return new Array<Uint8Array>(LINEAR_PAGE_COUNT).fill(new Uint8Array(0));
}

/** The state after power-on and RESET. */
export function resetState(): VgaState {
  return {
    miscOutput: 0,
    featureControl: 0,
    subsystemEnable: 1,
    sequencerIndex: 0,
    sequencer: resetBank('sequencer'),
    crtcIndex: 0,
    crtc: resetBank('crtc'),
    retracePending: false,
    graphicsIndex: 0,
    graphics: resetBank('graphics'),
    attributeIndex: 0,
    attributeFlipFlop: false,
    attribute: resetBank('attribute'),
    dacMask: 0xff,
    dacIndex: 0,
    dacComponent: 0,
    dacReading: false,
    dacPending: new Uint8Array(2),
    dac: new Uint8Array(768),
    latches: 0,
    videoMemory: new Uint8Array(VIDEO_MEMORY_SIZE),
    dispi: {
      index: 0,
      id: DISPI_ID_NEWEST,
      xres: 640,
      yres: 480,
      bpp: 8,
      enable: 0,
      bank: 0,
      virtualWidth: 640,
      xOffset: 0,
      yOffset: 0,
    },
    linearPages: emptyLinearPages(),
  };
}

const resetBank = (bank: Parameters<typeof registersOf>[0]): Uint8Array =>
  Uint8Array.from(registersOf(bank), (row) => row.reset);
