/** RESET, INIT and start-up of a processor, between two instructions (SDM vol. 3A §10.1, §9.4). */
import { initCpu } from '../cpu/init.ts';
import { APIC_BOOTSTRAP, APIC_X2, setX2Number } from '../cpu/local-apic/apic-base.ts';
import { resetCpu } from '../cpu/reset.ts';
import { REAL_MODE_CODE } from '../cpu/segments.ts';
import { apicSlot, CS, slot } from '../state/layout.ts';
import type { Processor } from './processor.ts';

/** Carries out a RESET. The first vCPU begins, the others wait for a start-up message. */
export function resetProcessor(processor: Processor): void {
  const { state, model, index } = processor;
  processor.invalidateCode();
  resetCpu(state, model);
  if (index > 0) {
    state.write32(slot.APIC_BASE, (state.read32(slot.APIC_BASE) & ~APIC_BOOTSTRAP) >>> 0);
    state.write8(slot.WAITS_FOR_STARTUP, 1);
    state.onDerivedChange(slot.APIC_BASE);
  }
  forgetAll(processor);
}

/** Carries out an INIT; `forget` drops what was on its way, but for a start-up message that came behind it. */
export function initProcessor(processor: Processor, forget: () => void): void {
  const { state, model } = processor;
  const startup = state.read32(slot.STARTUP_PENDING);
  forget();
  processor.counters.settle();
  initCpu(state, model);
  processor.counters.derive();
  const base = state.read32(slot.APIC_BASE);
  const waits = model.features.has('APIC') && (base & APIC_BOOTSTRAP) === 0;
  state.write8(slot.WAITS_FOR_STARTUP, waits ? 1 : 0);
  state.write32(slot.STARTUP_PENDING, waits ? startup : 0);
  if ((base & APIC_X2) !== 0) setX2Number(state, state.read32(apicSlot.ID));
  forgetAll(processor);
}

/** Carries out a start-up message: real mode, at the page that its vector names. */
export function startProcessor(processor: Processor): void {
  const { state } = processor;
  const vector = state.read32(slot.STARTUP_PENDING) & 0xff;
  state.write32(slot.STARTUP_PENDING, 0);
  state.write8(slot.WAITS_FOR_STARTUP, 0);
  state.setSegment(CS, { selector: vector << 8, base: vector << 12, limit: 0xffff, attributes: REAL_MODE_CODE });
  state.eip = 0;
  processor.refresh();
}

function forgetAll(processor: Processor): void {
  processor.monitored?.disarm();
  processor.callShadow.reset();
  processor.translations.flushAll();
  processor.refresh();
}
