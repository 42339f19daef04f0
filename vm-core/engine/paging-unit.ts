/** The paging of a processor: what its model, its registers and its privilege make of the translator (SDM vol. 3A §4.1). */
import { GuestFault, VECTOR_PF } from '../cpu/cpu.ts';
import { privilegeLevel } from '../cpu/mode.ts';
import type { CpuModelFacts } from '../isa/cpu-model.ts';
import type { PhysicalMap } from '../memory/physical-map.ts';
import type { PrivilegeClass, Tlb } from '../memory/tlb.ts';
import { type TranslationObserver, Translator } from '../memory/translator.ts';
import { CR4_SMAP } from '../state/control-bits.ts';
import type { Address } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { slot } from '../state/layout.ts';
import { AC } from '../state/lazy-flags.ts';
import { SLOT_SIZE } from '../state/register-table.ts';

/** Registers that decide what accesses are allowed. */
const accessSlots: ReadonlySet<number> = new Set([slot.CR0, slot.PKRU, slot.PKRS]);
/** Registers that decide how addresses are translated, so that what is cached may be wrong. */
const pagingSlots: ReadonlySet<number> = new Set([
  ...[slot.CR3, slot.CR4, slot.EFER],
  ...[0, 1, 2, 3].map((n) => slot.PDPTE0 + n * SLOT_SIZE),
]);

/** A translator whose page faults are the guest's: CR2 is loaded and #PF is on its way. */
export function createTranslator(
  state: CpuState,
  map: PhysicalMap,
  tlb: Tlb,
  { physicalBits, features }: CpuModelFacts,
  observer: Omit<TranslationObserver, 'pageFault'>,
): Translator {
  const paging = { physicalBits, pse36: features.has('PSE-36'), gigabytePages: features.has('Page1GB') };
  return new Translator(map, state, tlb, paging, {
    ...observer,
    pageFault: (linear, errorCode) => {
      throw pageFault(state, linear, errorCode);
    },
  });
}

/** The fault of an access to a linear address, which CR2 gets. */
export function pageFault(state: CpuState, linear: Address, errorCode: number): GuestFault {
  state.writeAddress(slot.CR2, linear);
  return new GuestFault(VECTOR_PF, errorCode);
}

/** A register was written, by the guest or by a debugger, who expects it to hold at once. */
export function deriveTranslation(translations: Translator, state: CpuState, offset: number): void {
  if (offset === slot.CPL) derivePrivilege(translations, state);
  const isPaging = pagingSlots.has(offset);
  if (isPaging || accessSlots.has(offset)) translations.rulesChanged();
  if (isPaging) translations.flushAll();
}

/** Privilege level or EFLAGS.AC may have changed. */
export function derivePrivilege(translations: Translator, state: CpuState): void {
  translations.privilegeChanged(privilegeClassOf(state));
}

function privilegeClassOf(state: CpuState): PrivilegeClass {
  if (privilegeLevel(state) === 3) return 1;
  const unchecked = (state.read32(slot.CR4) & CR4_SMAP) !== 0 && (state.read32(slot.EFLAGS) & AC) !== 0;
  return unchecked ? 2 : 0;
}
