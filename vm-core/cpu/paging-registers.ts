/**
 * Writing CR0, CR3 and CR4 as far as paging depends on them: what is refused, what is loaded, what is forgotten of
 * translations (SDM vol. 3A §2.5, §4.1.2, §4.4.1, §4.10.4.1).
 */
import { control4Bits } from '../isa/cpu-feature.ts';
import {
  CR0_CD,
  CR0_NW,
  CR0_PE,
  CR0_PG,
  CR4_LA57,
  CR4_PAE,
  CR4_PCIDE,
  CR4_PGE,
  CR4_PSE,
  CR4_SMEP,
  EFER_LMA,
  EFER_LME,
} from '../state/control-bits.ts';
import { ATTRIBUTE_LONG } from '../state/cpu-state.ts';
import { CS, slot } from '../state/layout.ts';
import { SLOT_SIZE } from '../state/register-table.ts';
import { type Cpu, GuestFault, VECTOR_GP } from './cpu.ts';
import { isPresent, TYPE_BIT_32 } from './descriptors.ts';
import { is64BitMode, isLongMode } from './mode.ts';
import { emptyTestTranslations } from './test-arrays.ts';

/** What a 386 keeps of CR3; later processors keep all bits. */
const CR3_386 = 0xffff_f000;
/** In PAE paging CR3 holds the address of the four pointers, aligned to 32 bytes. */
const POINTER_TABLE = 0xffff_ffe0;
const POINTER_COUNT = 4;
const POINTER_PRESENT = 1;
const POINTER_RESERVED_LOW = 0x1e6;
/** Bits of CR0 and of CR4 whose change in PAE paging loads the pointers again. */
const RELOADING_0 = CR0_PG | CR0_CD | CR0_NW;
const RELOADING = CR4_PAE | CR4_PGE | CR4_PSE | CR4_SMEP;
const PCID = 0xfff;

/** CR0 with the bits that the processor has; the mode changes at once. */
export function writeCr0(cpu: Cpu, value: number): void {
  const { state } = cpu;
  const cr4 = state.read32(slot.CR4);
  const paging = (value & CR0_PG) !== 0;
  // Not write-through, with the cache on, is no mode.
  if ((value & (CR0_NW | CR0_CD)) === CR0_NW) throw new GuestFault(VECTOR_GP, 0);
  if (paging && (value & CR0_PE) === 0) throw new GuestFault(VECTOR_GP, 0);
  if (!paging && (cr4 & CR4_PCIDE) !== 0) throw new GuestFault(VECTOR_GP, 0);
  const changed = value ^ state.read32(slot.CR0);
  const turnsOn = (changed & value & CR0_PG) !== 0;
  if (turnsOn && (state.read32(slot.EFER) & EFER_LME) !== 0) enterLongMode(cpu, cr4);
  else if (paging && (changed & RELOADING_0) !== 0 && usesPointers(cpu, cr4)) loadPointers(cpu, state.read32(slot.CR3));
  if (!paging) leaveLongMode(cpu);
  state.write32(slot.CR0, value);
  state.onDerivedChange(slot.CR0);
}

/** Paging is turned on with EFER.LME set (SDM vol. 3A §9.8.5). The code goes on in compatibility mode. */
function enterLongMode(cpu: Cpu, cr4: number): void {
  const { state } = cpu;
  const task = state.segmentAt(slot.TR);
  const taskIs16Bit = isPresent(task.attributes) && (task.attributes & TYPE_BIT_32) === 0;
  const isLongCode = (state.segment(CS).attributes & ATTRIBUTE_LONG) !== 0;
  if ((cr4 & CR4_PAE) === 0 || isLongCode || taskIs16Bit) throw new GuestFault(VECTOR_GP, 0);
  state.write32(slot.EFER, state.read32(slot.EFER) | EFER_LMA);
  state.onDerivedChange(slot.EFER);
}

/** Paging is turned off, which 64-bit mode does not allow. */
function leaveLongMode(cpu: Cpu): void {
  const { state } = cpu;
  if (!isLongMode(state)) return;
  if (is64BitMode(state)) throw new GuestFault(VECTOR_GP, 0);
  state.write32(slot.EFER, state.read32(slot.EFER) & ~EFER_LMA);
  state.onDerivedChange(slot.EFER);
}

/** With process-context identifiers this bit of the upper half says that translations stay. */
const CR3_KEEP = 0x8000_0000;

/** CR3 as MOV and task switches load it; `high` is its upper half, whose bits beyond physical addresses must be zero. */
export function writeCr3(cpu: Cpu, value: number, high = 0): void {
  const { state } = cpu;
  const cr4 = state.read32(slot.CR4);
  if ((state.read32(slot.CR0) & CR0_PG) !== 0 && usesPointers(cpu, cr4)) loadPointers(cpu, value);
  const hasContexts = (cr4 & CR4_PCIDE) !== 0;
  const upper = hasContexts ? (high & ~CR3_KEEP) >>> 0 : high;
  if (upper > 2 ** Math.max(cpu.model.physicalBits - 32, 0) - 1) throw new GuestFault(VECTOR_GP, 0);
  const [low, upperBefore] = [state.read32(slot.CR3), state.read32(slot.CR3 + 4)];
  state.write32(slot.CR3, (cpu.model.features.has('486') ? value : value & CR3_386) >>> 0);
  state.write32(slot.CR3 + 4, upper);
  cpu.report(() => {
    const from = (BigInt(upperBefore) << 32n) | BigInt(low);
    return { kind: 'cr3', from, to: state.read64(slot.CR3) };
  });
  cpu.translations.rulesChanged();
  if (cpu.model.features.has('BufferTest')) emptyTestTranslations(state);
  if (!hasContexts || upper === high) cpu.translations.flushContext();
}

/** CR4; #GP(0) for bits of features that the processor does not have, and for what its mode does not let change. */
export function writeCr4(cpu: Cpu, value: number): void {
  const { state } = cpu;
  const old = state.read32(slot.CR4);
  const long = (state.read32(slot.EFER) & EFER_LMA) !== 0;
  const changed = old ^ value;
  const isRefused =
    (value & ~control4Bits(cpu.model.features)) !== 0 ||
    (long && ((value & CR4_PAE) === 0 || (changed & CR4_LA57) !== 0)) ||
    ((changed & value & CR4_PCIDE) !== 0 && (!long || (state.read32(slot.CR3) & PCID) !== 0));
  if (isRefused) throw new GuestFault(VECTOR_GP, 0);
  const paging = (state.read32(slot.CR0) & CR0_PG) !== 0;
  if (paging && (changed & RELOADING) !== 0 && usesPointers(cpu, value)) loadPointers(cpu, state.read32(slot.CR3));
  state.write32(slot.CR4, value);
  state.onDerivedChange(slot.CR4);
}

function usesPointers(cpu: Cpu, cr4: number): boolean {
  return (cr4 & CR4_PAE) !== 0 && (cpu.state.read32(slot.EFER) & EFER_LMA) === 0;
}

/** Loads PDPTE0–PDPTE3; #GP(0), with nothing loaded, if one that is present has reserved bits set. */
function loadPointers(cpu: Cpu, cr3: number): void {
  const table = (cr3 & POINTER_TABLE) >>> 0;
  const highMax = 2 ** Math.max(cpu.model.physicalBits - 32, 0) - 1;
  const halves = Array.from({ length: POINTER_COUNT * 2 }, (_, n) => cpu.memory.readPhysical(table + n * 4));
  for (let n = 0; n < POINTER_COUNT; n++) {
    const [low, high] = [halves[n * 2] as number, halves[n * 2 + 1] as number];
    if ((low & POINTER_PRESENT) === 0) continue;
    if ((low & POINTER_RESERVED_LOW) !== 0 || high > highMax) throw new GuestFault(VECTOR_GP, 0);
  }
  halves.forEach((half, n) => {
    cpu.state.write32(slot.PDPTE0 + (n >> 1) * SLOT_SIZE + (n & 1) * 4, half);
  });
}
