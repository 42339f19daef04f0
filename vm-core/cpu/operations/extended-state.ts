/** FXSAVE, FXRSTOR, the XSAVE family, XGETBV and XSETBV (SDM vol. 1 §10.5, chapter 13; AMD64 manual vol. 2 §11.5). */
import { addressFrom, highHalf, lowHalf } from '../../state/address.ts';
import { CR0_TS, CR4_OSFXSR, CR4_OSXSAVE, EFER_FFXSR } from '../../state/control-bits.ts';
import { slot } from '../../state/layout.ts';
import {
  type Cpu,
  EXIT,
  GuestFault,
  type Instruction,
  NEXT,
  type SystemOperation,
  VECTOR_GP,
  VECTOR_NM,
  VECTOR_UD,
} from '../cpu.ts';
import {
  HEADER_AT,
  HEADER_END,
  MXCSR_AT,
  MXCSR_RESET,
  mxcsrMask,
  type Part,
  STATE_AVX,
  STATE_PKRU,
  STATE_SSE,
  STATE_X87,
  StateArea,
  statesInUse,
  statesOf,
} from '../extended-state.ts';
import { MemoryOperand } from '../memory-operand.ts';
import { is64BitMode, privilegeLevel, requirePrivilege } from '../mode.ts';
import { writeDoubleWord } from '../register-writes.ts';

/** The upper half of XCOMP_BV in the compacted format. */
const COMPACTED = 0x8000_0000;

/** An area in memory, and its bytes on the way between there and the registers. */
class AreaInMemory extends StateArea {
  readonly #operand: MemoryOperand;

  constructor(cpu: Cpu, instruction: Instruction, alignment: 16 | 64) {
    super(cpu.state, is64BitMode(cpu.state), instruction.operandSize === 64);
    this.#operand = new MemoryOperand(cpu, instruction);
    if ((lowHalf(this.#operand.linearAddress) & (alignment - 1)) !== 0) throw new GuestFault(VECTOR_GP, 0);
  }

  fetch(parts: readonly Part[]): void {
    for (const [start, end] of parts) {
      for (let at = start; at < end; at += 8) {
        const value = this.#operand.readWide(at);
        this.view.setInt32(at, lowHalf(value), true);
        this.view.setInt32(at + 4, highHalf(value), true);
      }
    }
  }

  /** Nothing is written where something forbids a part of it. */
  requireWritable(parts: readonly Part[]): void {
    for (const [start, end] of parts) this.#operand.requireWritable(end, start, 8);
  }

  send(parts: readonly Part[]): void {
    for (const [start, end] of parts) {
      for (let at = start; at < end; at += 8) {
        const value = addressFrom(this.view.getInt32(at + 4, true), this.view.getUint32(at, true));
        this.#operand.write(at, 8, value);
      }
    }
  }
}

/** Whether FXSAVE and FXRSTOR have a part in the XMM registers, and in MXCSR. */
function partsOfFxsave({ state }: Cpu): { readonly vectors: boolean; readonly control: boolean } {
  const control = (state.read32(slot.CR4) & CR4_OSFXSR) !== 0;
  const isFast = (state.read32(slot.EFER) & EFER_FFXSR) !== 0 && is64BitMode(state) && privilegeLevel(state) === 0;
  return { vectors: control && !isFast, control };
}

export const FXSAVE: SystemOperation = (cpu, instruction) => {
  const area = new AreaInMemory(cpu, instruction, 16);
  const { vectors, control } = partsOfFxsave(cpu);
  const parts = area.parts(STATE_X87 | (vectors ? STATE_SSE : 0), control, 0, false);
  area.requireWritable(parts);
  area.storeX87();
  area.storeMxcsr(mxcsrMask(cpu.model));
  area.storeXmm();
  area.send(parts);
  return NEXT;
};

export const FXRSTOR: SystemOperation = (cpu, instruction) => {
  const area = new AreaInMemory(cpu, instruction, 16);
  const { vectors, control } = partsOfFxsave(cpu);
  area.fetch(area.parts(STATE_X87 | (vectors ? STATE_SSE : 0), control, 0, false));
  const mxcsr = control ? checkedMxcsr(cpu, area) : undefined;
  area.loadX87();
  if (vectors) area.loadXmm();
  if (mxcsr !== undefined) cpu.state.write32(slot.MXCSR, mxcsr);
  return NEXT;
};

/** MXCSR as the area has it; #GP(0) for bits that the model does not know. */
function checkedMxcsr(cpu: Cpu, area: StateArea): number {
  const value = area.view.getUint32(MXCSR_AT, true);
  if ((value & ~mxcsrMask(cpu.model)) !== 0) throw new GuestFault(VECTOR_GP, 0);
  return value;
}

/** The XSAVE family is there while CR4.OSXSAVE is set. */
function requireEnabled({ state }: Cpu): void {
  if ((state.read32(slot.CR4) & CR4_OSXSAVE) === 0) throw new GuestFault(VECTOR_UD);
}

function requireAvailable(cpu: Cpu): void {
  requireEnabled(cpu);
  if ((cpu.state.read32(slot.CR0) & CR0_TS) !== 0) throw new GuestFault(VECTOR_NM);
}

/** The states that EDX:EAX asks for and that are enabled; there are none in IA32_XSS. */
const requestedStates = ({ state }: Cpu): number => state.read32(slot.EAX) & state.read32(slot.XCR0);

const header: readonly Part[] = [[HEADER_AT, HEADER_AT + 8]];
const compactedHeader: readonly Part[] = [[HEADER_AT, HEADER_AT + 16]];

/** XSAVE writes all states that are asked for, XSAVEOPT those in use. */
function saveStandard(cpu: Cpu, instruction: Instruction, isOptimized: boolean): typeof NEXT {
  requireAvailable(cpu);
  const area = new AreaInMemory(cpu, instruction, 64);
  const asked = requestedStates(cpu);
  const inUse = statesInUse(cpu.state);
  const saved = isOptimized ? asked & inUse : asked;
  const parts = area.parts(saved, (asked & (STATE_SSE | STATE_AVX)) !== 0, asked, false);
  area.requireWritable([...parts, ...header]);
  area.fetch(header);
  store(cpu, area, saved, asked, false);
  area.view.setUint32(HEADER_AT, (area.view.getUint32(HEADER_AT, true) & ~asked) | (asked & inUse), true);
  area.send([...parts, ...header]);
  return NEXT;
}

/** XSAVEC and XSAVES: the states in use, one behind the other. MXCSR counts as a part of SSE. */
function saveCompacted(cpu: Cpu, instruction: Instruction): typeof NEXT {
  const area = new AreaInMemory(cpu, instruction, 64);
  const asked = requestedStates(cpu);
  const control = cpu.state.read32(slot.MXCSR) === MXCSR_RESET ? 0 : STATE_SSE;
  const saved = asked & (statesInUse(cpu.state) | control);
  const parts = area.parts(saved, (saved & STATE_SSE) !== 0, asked, true);
  area.requireWritable([...parts, ...compactedHeader]);
  store(cpu, area, saved, asked, true);
  area.view.setUint32(HEADER_AT, saved, true);
  area.view.setUint32(HEADER_AT + 8, asked, true);
  area.view.setUint32(HEADER_AT + 12, COMPACTED, true);
  area.send([...parts, ...compactedHeader]);
  return NEXT;
}

function store(cpu: Cpu, area: StateArea, states: number, mask: number, isCompacted: boolean): void {
  if ((states & STATE_X87) !== 0) area.storeX87();
  area.storeMxcsr(mxcsrMask(cpu.model));
  if ((states & STATE_SSE) !== 0) area.storeXmm();
  area.storeLater(states, mask, isCompacted);
}

export const XSAVE: SystemOperation = (cpu, instruction) => saveStandard(cpu, instruction, false);
export const XSAVEOPT: SystemOperation = (cpu, instruction) => saveStandard(cpu, instruction, true);

export const XSAVEC: SystemOperation = (cpu, instruction) => {
  requireAvailable(cpu);
  return saveCompacted(cpu, instruction);
};

export const XSAVES: SystemOperation = (cpu, instruction) => {
  requireEnabled(cpu);
  requirePrivilege(cpu);
  requireAvailable(cpu);
  return saveCompacted(cpu, instruction);
};

/** What the header of an area says. */
interface Header {
  /** XSTATE_BV, and the states for which there is room (XCOMP_BV, in the standard format XCR0). */
  readonly present: number;
  readonly room: number;
  readonly isCompacted: boolean;
}

/** #GP(0) for a header that no instruction has written. */
function readHeader(cpu: Cpu, area: AreaInMemory, mustBeCompacted: boolean): Header {
  area.fetch([[HEADER_AT, HEADER_END]]);
  const word = (at: number) => area.view.getUint32(HEADER_AT + at, true);
  const enabled = cpu.state.read32(slot.XCR0);
  const isCompacted = (word(12) & COMPACTED) !== 0;
  const room = isCompacted ? word(8) : enabled;
  const zeros = isCompacted ? [16, 64] : [8, 24];
  let reserved = word(4) | (isCompacted ? word(12) & ~COMPACTED : 0) | (room & ~enabled) | (word(0) & ~room);
  for (let at = zeros[0] as number; at < (zeros[1] as number); at += 4) reserved |= word(at);
  const isUnknown = isCompacted ? !cpu.model.features.has('XSAVEC') : mustBeCompacted;
  if (reserved !== 0 || isUnknown) throw new GuestFault(VECTOR_GP, 0);
  return { present: word(0), room, isCompacted };
}

function restore(cpu: Cpu, instruction: Instruction, mustBeCompacted: boolean): typeof NEXT {
  const { state } = cpu;
  const area = new AreaInMemory(cpu, instruction, 64);
  const asked = requestedStates(cpu);
  const { present, room, isCompacted } = readHeader(cpu, area, mustBeCompacted);
  const loaded = asked & present;
  const control = isCompacted ? loaded & STATE_SSE : asked & (STATE_SSE | STATE_AVX);
  area.fetch(area.parts(loaded, control !== 0, room, isCompacted));
  const mxcsr = control === 0 ? undefined : checkedMxcsr(cpu, area);
  area.initialize(asked & ~present);
  if (isCompacted && (asked & ~present & STATE_SSE) !== 0) state.write32(slot.MXCSR, MXCSR_RESET);
  if (mxcsr !== undefined) state.write32(slot.MXCSR, mxcsr);
  if ((loaded & STATE_X87) !== 0) area.loadX87();
  if ((loaded & STATE_SSE) !== 0) area.loadXmm();
  area.loadLater(loaded, room, isCompacted);
  if ((asked & STATE_PKRU) !== 0) cpu.translations.rulesChanged();
  return NEXT;
}

export const XRSTOR: SystemOperation = (cpu, instruction) => {
  requireAvailable(cpu);
  return restore(cpu, instruction, false);
};

export const XRSTORS: SystemOperation = (cpu, instruction) => {
  requireEnabled(cpu);
  requirePrivilege(cpu);
  requireAvailable(cpu);
  return restore(cpu, instruction, true);
};

/** XCR0, or which of its states are in use. */
export const XGETBV: SystemOperation = (cpu) => {
  requireEnabled(cpu);
  const { state, model } = cpu;
  const index = state.read32(slot.ECX);
  if (index > (model.features.has('XGETBV1') ? 1 : 0)) throw new GuestFault(VECTOR_GP, 0);
  const enabled = state.read32(slot.XCR0);
  writeDoubleWord(state, slot.EAX, index === 0 ? enabled : enabled & statesInUse(state));
  writeDoubleWord(state, slot.EDX, 0);
  return NEXT;
};

/** The x87 is always on, and AVX needs SSE. */
export const XSETBV: SystemOperation = (cpu) => {
  requireEnabled(cpu);
  requirePrivilege(cpu);
  const { state, model } = cpu;
  const value = state.read32(slot.EAX);
  const isKnown = state.read32(slot.ECX) === 0 && state.read32(slot.EDX) === 0 && (value & ~statesOf(model)) === 0;
  const isWhole = (value & STATE_X87) !== 0 && ((value & STATE_AVX) === 0 || (value & STATE_SSE) !== 0);
  if (!isKnown || !isWhole) throw new GuestFault(VECTOR_GP, 0);
  state.write64(slot.XCR0, BigInt(value));
  state.onDerivedChange(slot.XCR0);
  return EXIT;
};
