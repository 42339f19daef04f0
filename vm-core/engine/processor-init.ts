/** INIT: a processor begins anew between two instructions (SDM vol. 3A §10.1.1). */
import { initCpu } from '../cpu/init.ts';
import type { Processor } from './processor.ts';

/** Carries out an INIT; `forget` drops what was on its way. */
export function initProcessor(processor: Processor, forget: () => void): void {
  forget();
  initCpu(processor.state, processor.model);
  processor.callShadow.reset();
  processor.translations.flushAll();
  processor.refresh();
}
