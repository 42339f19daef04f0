/** What generated code asks of the processor's model, as fields of the state. */
import type { Cpu } from '../cpu/cpu.ts';
import { mxcsrMask } from '../cpu/extended-state.ts';
import { modelFlags, virtualInterruptFlags } from '../cpu/mode.ts';
import { internal } from '../state/layout.ts';

/** Writes the fields; they never change. */
export function writeModelFields(cpu: Cpu): void {
  const { state, model } = cpu;
  state.write32(internal.MXCSR_RESERVED, ~mxcsrMask(model));
  state.write32(internal.MODEL_FLAGS, modelFlags(cpu));
  state.write32(internal.MODEL_SYSTEM_FLAGS, virtualInterruptFlags(cpu));
  state.write32(internal.ROOT_MASK, model.features.has('486') ? 0xffff_ffff : 0xffff_f000);
  state.write32(internal.HAS_TEST_BUFFER, model.features.has('BufferTest') ? 1 : 0);
  state.write32(internal.IS_AMD, model.vendor === 'AuthenticAMD' ? 1 : 0);
}
