/**
 * The path between processor and video memory: window, plane selection, latches and the graphics controller's write and
 * read modes (IBM PS/2 Video Subsystem Technical Reference, "Graphics Controller").
 */
import type { Region } from '../device.ts';
import { isLinear, isPlanar } from './linear-layout.ts';
import { LINEAR_MEMORY_SIZE, LINEAR_PAGE_SIZE, type LinearStorage, readLinear } from './linear-memory.ts';
import type { PictureChanges } from './picture-changes.ts';
import type { VgaState } from './vga-state.ts';

/** Bytes at A0000h that the device decodes at most. */
const WINDOW_SIZE = 0x20000;

/** Start and size inside the window for each value of GR06 bits 3–2. */
const MEMORY_MAPS = [
  { start: 0x00000, size: 0x20000 },
  { start: 0x00000, size: 0x10000 },
  { start: 0x10000, size: 0x08000 },
  { start: 0x18000, size: 0x08000 },
] as const;

const SR04_ODD_EVEN_OFF = 1 << 2;
const SR04_CHAIN_4 = 1 << 3;
const GR05_READ_MODE_1 = 1 << 3;
const GR05_READ_ODD_EVEN = 1 << 4;
const MISC_RAM_ENABLE = 1 << 1;

const EVEN_PLANES = 0b0101;
const ODD_PLANES = 0b1010;

/** What an undriven data bus reads as. */
const OPEN_BUS = 0xff;
const openBus = (size: 1 | 2 | 4): number => (size === 4 ? 0xffffffff : (1 << (size * 8)) - 1);

/** FFh in the byte of every plane whose bit is set. */
const planeMask = Uint32Array.from({ length: 16 }, (_, planes) =>
  [0, 1, 2, 3].reduce((mask, plane) => mask | (((planes >> plane) & 1) * (0xff << (plane * 8))), 0),
);

const inAllPlanes = (byte: number): number => Math.imul(byte, 0x01010101);

/** Where an access goes: the address inside the planes, and the planes that the address itself selects. */
const target = { planeAddress: 0, planes: 0x0f };

/** Plane address in chain-4: A1–A0 select the plane, A15–A14 take their place. */
const chain4Address = (address: number): number => (address & 0xfffc) | ((address >> 14) & 3);

/** Plane address in odd/even: A0 selects the plane, A16 takes its place. */
const oddEvenAddress = (address: number): number => (address & 0xfffe) | ((address >> 16) & 1);

function selectForWrite(state: VgaState, address: number): void {
  const memoryMode = state.sequencer[4] as number;
  if ((memoryMode & SR04_CHAIN_4) !== 0) {
    target.planeAddress = chain4Address(address);
    target.planes = 1 << (address & 3);
  } else if ((memoryMode & SR04_ODD_EVEN_OFF) === 0) {
    target.planeAddress = oddEvenAddress(address);
    target.planes = (address & 1) === 0 ? EVEN_PLANES : ODD_PLANES;
  } else {
    target.planeAddress = address & 0xffff;
    target.planes = 0x0f;
  }
}

/** Sets `target.planes` to the number of the one plane that read mode 0 returns. */
function selectForRead(state: VgaState, address: number): void {
  const mapSelect = state.graphics[4] as number;
  if (((state.sequencer[4] as number) & SR04_CHAIN_4) !== 0) {
    target.planeAddress = chain4Address(address);
    target.planes = address & 3;
  } else if (((state.graphics[5] as number) & GR05_READ_ODD_EVEN) !== 0) {
    target.planeAddress = oddEvenAddress(address);
    target.planes = (mapSelect & 2) | (address & 1);
  } else {
    target.planeAddress = address & 0xffff;
    target.planes = mapSelect;
  }
}

/** The graphics controller's function (GR03 bits 4–3) of processor data and latches. */
function combine(operation: number, data: number, latches: number): number {
  switch (operation) {
    case 1:
      return data & latches;
    case 2:
      return data | latches;
    case 3:
      return data ^ latches;
    default:
      return data;
  }
}

/** What a processor byte becomes on the way to the four planes, before the map mask. */
function writeData(graphics: Uint8Array, latches: number, value: number): number {
  const writeMode = (graphics[5] as number) & 3;
  if (writeMode === 1) return latches;
  const rotate = (graphics[3] as number) & 7;
  const rotated = ((value >> rotate) | (value << (8 - rotate))) & 0xff;
  const setReset = planeMask[graphics[0] as number] as number;
  let bitMask = graphics[8] as number;
  let data: number;
  if (writeMode === 0) {
    const enabled = planeMask[graphics[1] as number] as number;
    data = (inAllPlanes(rotated) & ~enabled) | (setReset & enabled);
  } else if (writeMode === 2) {
    data = planeMask[value & 0x0f] as number;
  } else {
    data = setReset;
    bitMask &= rotated;
  }
  const mask = inAllPlanes(bitMask);
  return (combine((graphics[3] as number) >> 3, data, latches) & mask) | (latches & ~mask);
}

/** Read mode 1: a bit is set where every plane that matters equals the colour compare register. */
function compareColor(graphics: Uint8Array, latches: number): number {
  const different =
    (latches ^ (planeMask[graphics[2] as number] as number)) & (planeMask[graphics[7] as number] as number);
  const folded = different | (different >>> 16);
  return ~(folded | (folded >>> 8)) & 0xff;
}

/** The memory region `window` of the device; its state may be replaced at any time. */
export function createWindow(state: VgaState, changes: PictureChanges, linear: LinearStorage): Region {
  let bytes = state.videoMemory;
  let view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const memory = (): DataView => {
    if (bytes !== state.videoMemory) {
      bytes = state.videoMemory;
      view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return view;
  };

  /** The four planes' bytes at an address: of the VGA's memory, or of a bank of the display interface's. */
  const planesInLinear = (planeAddress: number): number =>
    ((state.dispi.bank * LINEAR_PAGE_SIZE + planeAddress) * 4) % LINEAR_MEMORY_SIZE;
  const loadPlanes = (planeAddress: number): number =>
    isPlanar(state) ? readLinear(state, planesInLinear(planeAddress), 4) : memory().getUint32(planeAddress * 4, true);

  /** The address behind an offset of the window, or -1 where the window is closed. */
  const decode = (offset: number): number => {
    if ((state.miscOutput & MISC_RAM_ENABLE) === 0 || state.subsystemEnable === 0) return -1;
    const map = MEMORY_MAPS[((state.graphics[6] as number) >> 2) as 0 | 1 | 2 | 3];
    const address = offset - map.start;
    return address < map.size ? address : -1;
  };

  const readByte = (offset: number): number => {
    const address = decode(offset);
    if (address < 0) return OPEN_BUS;
    selectForRead(state, address);
    state.latches = loadPlanes(target.planeAddress);
    if (((state.graphics[5] as number) & GR05_READ_MODE_1) !== 0) return compareColor(state.graphics, state.latches);
    return (state.latches >>> (target.planes * 8)) & 0xff;
  };

  const writeByte = (offset: number, value: number): void => {
    const address = decode(offset);
    if (address < 0) return;
    selectForWrite(state, address);
    const planes = target.planes & (state.sequencer[2] as number);
    const mask = planeMask[planes] as number;
    const before = loadPlanes(target.planeAddress);
    const after = ((before & ~mask) | (writeData(state.graphics, state.latches, value) & mask)) >>> 0;
    if (after === before) return;
    if (isPlanar(state)) {
      linear.write(planesInLinear(target.planeAddress), 4, after);
      return;
    }
    memory().setUint32(target.planeAddress * 4, after, true);
    changes.memoryChanged(target.planeAddress, planes);
  };

  /** While a picture of whole bytes is shown, the first half of the window shows a bank of its memory. */
  const isBanked = (): boolean => isLinear(state) && !isPlanar(state);
  const banked = (offset: number): number => state.dispi.bank * LINEAR_PAGE_SIZE + offset;

  return {
    size: WINDOW_SIZE,
    width: 32,
    read(offset, size) {
      if (isBanked()) return offset < LINEAR_PAGE_SIZE ? readLinear(state, banked(offset), size) : openBus(size);
      let value = 0;
      for (let index = 0; index < size; index++) value |= readByte(offset + index) << (index * 8);
      return value >>> 0;
    },
    peek(offset) {
      if (isBanked()) return offset < LINEAR_PAGE_SIZE ? readLinear(state, banked(offset), 1) : OPEN_BUS;
      const { latches } = state;
      const value = readByte(offset);
      state.latches = latches;
      return value;
    },
    write(offset, size, value) {
      if (isBanked()) {
        if (offset < LINEAR_PAGE_SIZE) linear.write(banked(offset), size, value);
        return;
      }
      for (let index = 0; index < size; index++) writeByte(offset + index, (value >>> (index * 8)) & 0xff);
    },
  };
}
