/**
 * The Bochs display interface: sixteen-bit registers behind an index port and a data port that put a linear picture of up
 * to 32 bits a pixel in place of the VGA's (Bochs "VBE DISPI" interface, ID B0C5h). Offset 0 of the region `dispi` is
 * port 1CEh.
 */
import type { DeviceRegister, Region } from '../device.ts';
import { LINEAR_MEMORY_SIZE, LINEAR_PAGE_SIZE } from './linear-memory.ts';
import { bytesPerPixel, LINEAR_HEIGHT_MAX, LINEAR_WIDTH_MAX, PLANAR_PIXELS } from './linear-layout.ts';
import type { PictureChanges } from './picture-changes.ts';
import {
  DISPI_8BIT_DAC,
  DISPI_ID_NEWEST,
  DISPI_ID_OLDEST,
  type DispiState,
  emptyLinearPages,
  type VgaState,
} from './vga-state.ts';

/** Bits of the ENABLE register. */
export const DISPI_ENABLED = 0x01;
export const DISPI_GETCAPS = 0x02;
export const DISPI_LFB_ENABLED = 0x40;
export const DISPI_NOCLEARMEM = 0x80;
const ENABLE_WRITABLE = 0xe3;

/** Indices of the registers. */
export const DISPI_INDEX = {
  ID: 0,
  XRES: 1,
  YRES: 2,
  BPP: 3,
  ENABLE: 4,
  BANK: 5,
  VIRT_WIDTH: 6,
  VIRT_HEIGHT: 7,
  X_OFFSET: 8,
  Y_OFFSET: 9,
  VIDEO_MEMORY_64K: 10,
} as const;

const DEPTHS = [4, 8, 15, 16, 24, 32];
const DEPTH_MAX = 32;
const BANKS = LINEAR_MEMORY_SIZE / LINEAR_PAGE_SIZE;

/** What a register needs to be written: the state, and where to tell that the picture changed. */
interface DispiContext {
  readonly state: VgaState;
  readonly changes: PictureChanges;
  logOnce(message: string): void;
}

interface DispiRegister {
  readonly name: string;
  readonly reset: number;
  readonly writable: number;
  readonly description: string;
  read(dispi: DispiState): number;
  /** Absent: read-only. Values that make no sense are ignored. */
  write?(context: DispiContext, value: number): void;
}

const isEnabled = (dispi: DispiState): boolean => (dispi.enable & DISPI_ENABLED) !== 0;

/** While capabilities are asked for, a size reads as the largest possible. */
const orCapability =
  (value: (dispi: DispiState) => number, max: number) =>
  (dispi: DispiState): number =>
    (dispi.enable & DISPI_GETCAPS) !== 0 ? max : value(dispi);

/** Sizes and depth change only while the interface is off. */
function setSize(context: DispiContext, size: Partial<Pick<DispiState, 'xres' | 'yres' | 'bpp'>>): void {
  const { dispi } = context.state;
  if (isEnabled(dispi)) context.logOnce('VGA: DISPI sizes can be changed only while the interface is off');
  else Object.assign(dispi, size);
}

/** The DAC's values keep their colours when their width changes. */
function setDacWidth(state: VgaState, wide: boolean): void {
  const { dac } = state;
  for (let index = 0; index < dac.length; index++) {
    const value = dac[index] as number;
    dac[index] = wide ? value << 2 : value >> 2;
  }
}

function setEnable({ state, changes }: DispiContext, value: number): void {
  const { dispi } = state;
  const before = dispi.enable;
  dispi.enable = value & ENABLE_WRITABLE;
  if (((before ^ value) & DISPI_8BIT_DAC) !== 0) setDacWidth(state, (value & DISPI_8BIT_DAC) !== 0);
  if ((before & DISPI_ENABLED) === 0 && isEnabled(dispi)) {
    dispi.virtualWidth = dispi.bpp === 4 ? Math.ceil(dispi.xres / PLANAR_PIXELS) * PLANAR_PIXELS : dispi.xres;
    dispi.xOffset = 0;
    dispi.yOffset = 0;
    dispi.bank = 0;
    if ((value & DISPI_NOCLEARMEM) === 0) state.linearPages = emptyLinearPages();
  }
  changes.layoutChanged();
}

/** Lines of the virtual width that the memory holds. */
function virtualHeight({ virtualWidth, bpp }: DispiState): number {
  const pitch = virtualWidth * bytesPerPixel(bpp);
  return pitch === 0 ? 0 : Math.min(Math.floor(LINEAR_MEMORY_SIZE / pitch), 0xffff);
}

/** A virtual width takes effect if it is no narrower than the picture and the memory holds the picture at that width. */
function setVirtualWidth({ state, changes }: DispiContext, value: number): void {
  const { dispi } = state;
  // A line of planes has whole bytes.
  const width = dispi.bpp === 4 ? value - (value % PLANAR_PIXELS) : value;
  const wider = { ...dispi, virtualWidth: width };
  if (width < dispi.xres || virtualHeight(wider) < dispi.yres) return;
  const fits = dispi.xOffset + dispi.xres <= width && dispi.yOffset + dispi.yres <= virtualHeight(wider);
  Object.assign(dispi, wider, fits ? {} : { xOffset: 0, yOffset: 0 });
  changes.layoutChanged();
}

/** The picture stays inside the virtual one. */
function setOffset({ state, changes }: DispiContext, offset: Partial<Pick<DispiState, 'xOffset' | 'yOffset'>>): void {
  const moved = { ...state.dispi, ...offset };
  const inside = moved.xOffset + moved.xres <= moved.virtualWidth && moved.yOffset + moved.yres <= virtualHeight(moved);
  if (!inside) return;
  state.dispi = moved;
  changes.layoutChanged();
}

/** By index. */
const dispiRegisters: readonly DispiRegister[] = [
  {
    name: 'DISPI_ID',
    reset: DISPI_ID_NEWEST,
    writable: 0x0007,
    description: 'version of the interface; older ones can be chosen',
    read: ({ id }) => id,
    write: ({ state }, value) => {
      if (value >= DISPI_ID_OLDEST && value <= DISPI_ID_NEWEST) state.dispi.id = value;
    },
  },
  {
    name: 'DISPI_XRES',
    reset: 640,
    writable: 0x07ff,
    description: 'pixels of a line',
    read: orCapability(({ xres }) => xres, LINEAR_WIDTH_MAX),
    write: (context, value) => {
      if (value >= 1 && value <= LINEAR_WIDTH_MAX) setSize(context, { xres: value });
    },
  },
  {
    name: 'DISPI_YRES',
    reset: 480,
    writable: 0x07ff,
    description: 'lines',
    read: orCapability(({ yres }) => yres, LINEAR_HEIGHT_MAX),
    write: (context, value) => {
      if (value >= 1 && value <= LINEAR_HEIGHT_MAX) setSize(context, { yres: value });
    },
  },
  {
    name: 'DISPI_BPP',
    reset: 8,
    writable: 0x003f,
    description: 'bits of a pixel: 4 (in planes), 8, 15, 16, 24 or 32',
    read: orCapability(({ bpp }) => bpp, DEPTH_MAX),
    write: (context, value) => {
      // 0 stands for 8, as in the first version of the interface.
      const bpp = value === 0 ? 8 : value;
      if (DEPTHS.includes(bpp)) setSize(context, { bpp });
    },
  },
  {
    name: 'DISPI_ENABLE',
    reset: 0,
    writable: ENABLE_WRITABLE,
    description: 'bit 0 on, 1 read capabilities, 5 DAC of 8 bits, 6 linear framebuffer, 7 keep the memory',
    read: ({ enable }) => enable,
    write: setEnable,
  },
  {
    name: 'DISPI_BANK',
    reset: 0,
    writable: BANKS - 1,
    description: 'which 64 KiB appear at A0000h',
    read: ({ bank }) => bank,
    write: ({ state }, value) => {
      if (value < BANKS) state.dispi.bank = value;
    },
  },
  {
    name: 'DISPI_VIRT_WIDTH',
    reset: 640,
    writable: 0xffff,
    description: 'pixels from line to line in memory',
    read: ({ virtualWidth }) => virtualWidth,
    write: setVirtualWidth,
  },
  {
    name: 'DISPI_VIRT_HEIGHT',
    reset: LINEAR_MEMORY_SIZE / 640,
    writable: 0,
    description: 'lines that the memory holds',
    read: virtualHeight,
  },
  {
    name: 'DISPI_X_OFFSET',
    reset: 0,
    writable: 0xffff,
    description: 'first pixel shown',
    read: ({ xOffset }) => xOffset,
    write: (context, value) => setOffset(context, { xOffset: value }),
  },
  {
    name: 'DISPI_Y_OFFSET',
    reset: 0,
    writable: 0xffff,
    description: 'first line shown',
    read: ({ yOffset }) => yOffset,
    write: (context, value) => setOffset(context, { yOffset: value }),
  },
  {
    name: 'DISPI_VIDEO_MEMORY_64K',
    reset: BANKS,
    writable: 0,
    description: 'video memory in units of 64 KiB',
    read: () => BANKS,
  },
];

/** The registers as the device view shows them: what is stored, not what the capability bit makes of it. */
export const dispiDeviceRegisters: readonly DeviceRegister<VgaState>[] = [
  {
    name: 'DISPI_INDEX',
    region: 'dispi',
    offset: 0,
    width: 16,
    reset: 0,
    writable: 0xffff,
    description: 'index of the display interface',
    value: ({ dispi }) => dispi.index,
  },
  ...dispiRegisters.map(({ name, reset, writable, description, read }, index) => ({
    name,
    width: 16,
    reset: Math.floor(reset),
    writable,
    description,
    value: ({ dispi }: VgaState) =>
      index === DISPI_INDEX.ENABLE ? dispi.enable : read({ ...dispi, enable: dispi.enable & ~DISPI_GETCAPS }),
  })),
];

/** The port region `dispi`: index at 1CEh, data at 1CFh and, for those who need it aligned, at 1D0h. */
export function createDispiPorts(context: DispiContext): Region {
  const { state } = context;
  return {
    size: 4,
    width: 16,
    read(offset) {
      if (offset === 0) return state.dispi.index;
      return offset === 3 ? 0xffff : (dispiRegisters[state.dispi.index]?.read(state.dispi) ?? 0);
    },
    write(offset, size, value) {
      if (offset === 0) state.dispi.index = value;
      else if (size === 1) context.logOnce('VGA: DISPI registers take words; a byte written to one has no effect');
      else dispiRegisters[state.dispi.index]?.write?.(context, value);
    },
  };
}
