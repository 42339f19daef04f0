/**
 * The VGA's ports 3B0h–3DFh (IBM PS/2 Video Subsystem Technical Reference, section 2): the region `registers`, whose
 * offset 0 is port 3B0h. The CRT controller, input status 1 and feature control answer at 3Bxh or 3Dxh as bit 0 of the
 * miscellaneous output register says.
 */
import type { Region } from '../device.ts';
import { type CrtTiming, inputStatus1 } from './crt-timing.ts';
import { dacStatus, readDacData, selectDacColor, writeDacData } from './dac.ts';
import type { PictureChanges } from './picture-changes.ts';
import { type RegisterBank, registersOf } from './register-table.ts';
import type { VgaState } from './vga-state.ts';

/** Port of offset 0, and how many follow. */
export const REGISTERS_FIRST_PORT = 0x3b0;
const PORT_COUNT = 0x30;
const COLOR_PORTS = 0x3d0;
const SUBSYSTEM_ENABLE = 0x3c3;

const OPEN_BUS = 0xff;
const MISC_COLOR_ADDRESSES = 1 << 0;
const CR11_PROTECT = 1 << 7;
/** Line compare bit 8: the one bit of CR07 that stays writable under protection. */
const CR07_LINE_COMPARE_8 = 1 << 4;
/** Input status 0: the switch sense line is high; a retrace interrupt is pending. */
const SWITCH_SENSE = 1 << 4;
const RETRACE_PENDING = 1 << 7;

/** Input status 0, port 3C2h. */
export function inputStatus0({ retracePending }: VgaState): number {
  return SWITCH_SENSE | (retracePending ? RETRACE_PENDING : 0);
}

/** What the ports need of the device around them. */
export interface RegisterPortsContext {
  readonly state: VgaState;
  readonly changes: PictureChanges;
  /** The current timing and virtual time. */
  timing(): CrtTiming;
  now(): number;
  /** A register that the timing depends on may have changed. */
  timingChanged(): void;
}

/** Writes an indexed register: writable bits only; indices without a register are ignored. */
function writeIndexed(context: RegisterPortsContext, bank: RegisterBank, index: number, value: number): void {
  const { state, changes } = context;
  const row = registersOf(bank)[index];
  if (row === undefined) return;
  const values = state[bank];
  const before = values[index] as number;
  const after = value & row.writable;
  values[index] = after;
  const graphicsMode = ((state.graphics[6] as number) & 1) !== 0;
  if (((before ^ after) & row.visible) !== 0 && !(row.textOnly && graphicsMode)) changes.layoutChanged();
  context.timingChanged();
}

function writeCrtc(context: RegisterPortsContext, value: number): void {
  const { crtc, crtcIndex: index } = context.state;
  let data = value;
  if (index <= 7 && ((crtc[0x11] as number) & CR11_PROTECT) !== 0) {
    if (index < 7) return;
    data = ((crtc[7] as number) & ~CR07_LINE_COMPARE_8) | (value & CR07_LINE_COMPARE_8);
  }
  writeIndexed(context, 'crtc', index, data);
}

function writeAttribute(context: RegisterPortsContext, value: number): void {
  const { state, changes } = context;
  if (state.attributeFlipFlop) {
    writeIndexed(context, 'attribute', state.attributeIndex & 0x1f, value);
  } else {
    if (((state.attributeIndex ^ value) & 0x20) !== 0) changes.layoutChanged();
    state.attributeIndex = value & 0x3f;
  }
  state.attributeFlipFlop = !state.attributeFlipFlop;
}

function writeMiscOutput(context: RegisterPortsContext, value: number): void {
  context.state.miscOutput = value & 0xef;
  context.timingChanged();
}

function writeDacMask(context: RegisterPortsContext, value: number): void {
  if (context.state.dacMask !== value) context.changes.colorsChanged();
  context.state.dacMask = value;
}

/** Reading input status 1 makes the attribute controller expect an index. */
function readInputStatus1(context: RegisterPortsContext): number {
  context.state.attributeFlipFlop = false;
  return inputStatus1(context.timing(), context.now());
}

interface PortRow {
  read?(context: RegisterPortsContext): number;
  write?(context: RegisterPortsContext, value: number): void;
}

const readIndexed = (state: VgaState, bank: RegisterBank, index: number): number => state[bank][index] ?? 0;

/** By port number, with the colour addresses; 3Bxh stands for the same rows when bit 0 of misc output is clear. */
const portRows: Readonly<Record<number, PortRow>> = {
  960: { read: ({ state }) => state.attributeIndex, write: writeAttribute },
  961: { read: ({ state }) => readIndexed(state, 'attribute', state.attributeIndex & 0x1f) },
  962: {
    read: ({ state }) => inputStatus0(state),
    write: writeMiscOutput,
  },
  963: {
    read: ({ state }) => state.subsystemEnable,
    write: ({ state }, value) => {
      state.subsystemEnable = value & 1;
    },
  },
  964: {
    read: ({ state }) => state.sequencerIndex,
    write: ({ state }, value) => {
      state.sequencerIndex = value & 0x07;
    },
  },
  965: {
    read: ({ state }) => readIndexed(state, 'sequencer', state.sequencerIndex),
    write: (context, value) => writeIndexed(context, 'sequencer', context.state.sequencerIndex, value),
  },
  966: { read: ({ state }) => state.dacMask, write: writeDacMask },
  967: { read: ({ state }) => dacStatus(state), write: ({ state }, value) => selectDacColor(state, value, true) },
  968: { read: ({ state }) => state.dacIndex, write: ({ state }, value) => selectDacColor(state, value, false) },
  969: {
    read: ({ state }) => readDacData(state),
    write: ({ state, changes }, value) => writeDacData(state, value, changes),
  },
  970: { read: ({ state }) => state.featureControl },
  972: { read: ({ state }) => state.miscOutput },
  974: {
    read: ({ state }) => state.graphicsIndex,
    write: ({ state }, value) => {
      state.graphicsIndex = value & 0x0f;
    },
  },
  975: {
    read: ({ state }) => readIndexed(state, 'graphics', state.graphicsIndex),
    write: (context, value) => writeIndexed(context, 'graphics', context.state.graphicsIndex, value),
  },
  980: {
    read: ({ state }) => state.crtcIndex,
    write: ({ state }, value) => {
      state.crtcIndex = value & 0x3f;
    },
  },
  981: { read: ({ state }) => readIndexed(state, 'crtc', state.crtcIndex), write: writeCrtc },
  986: {
    read: readInputStatus1,
    write: ({ state }, value) => {
      state.featureControl = value & 0x03;
    },
  },
};

/** The row that answers at an offset now: 3Bxh and 3Dxh take turns. */
function rowAt(state: VgaState, offset: number): PortRow | undefined {
  const port = REGISTERS_FIRST_PORT + offset;
  if (state.subsystemEnable === 0 && port !== SUBSYSTEM_ENABLE) return undefined;
  if (port >= 0x3c0 && port < 0x3d0) return portRows[port];
  const color = port >= COLOR_PORTS;
  if (color !== ((state.miscOutput & MISC_COLOR_ADDRESSES) !== 0)) return undefined;
  return portRows[color ? port : port + COLOR_PORTS - REGISTERS_FIRST_PORT];
}

/** The port region `registers`. Ports without a register read FFh and ignore writes. */
export function createRegisterPorts(context: RegisterPortsContext): Region {
  return {
    size: PORT_COUNT,
    width: 8,
    read: (offset) => rowAt(context.state, offset)?.read?.(context) ?? OPEN_BUS,
    write: (offset, _size, value) => rowAt(context.state, offset)?.write?.(context, value & 0xff),
  };
}
