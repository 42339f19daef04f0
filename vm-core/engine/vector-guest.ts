/** Programs of a few vector instructions for tests: 16-bit code in real mode, of a model that has all of them. */
import { builtFeatures, type CpuFeature } from '../isa/cpu-feature.ts';
import { modelFacts } from '../isa/cpu-model.ts';
import { CR4_OSFXSR } from '../state/control-bits.ts';
import { mmxSlots, slot, vectorSlots } from '../state/layout.ts';
import { programMachine } from './guest-program.ts';

const HLT = 0xf4;

type Machine = ReturnType<typeof programMachine>;

/** Gives the model features that are not built yet, too; the result takes them away again. */
export function addFeatures(...needed: readonly CpuFeature[]): () => void {
  const features = modelFacts('max').features as Set<CpuFeature>;
  for (const feature of needed) features.add(feature);
  return () => {
    for (const feature of needed) if (!builtFeatures.has(feature)) features.delete(feature);
  };
}

function bytesOf(text: string): number[] {
  return (text.match(/../g) as string[]).map((byte) => Number.parseInt(byte, 16));
}

/** Runs code; the vector at which it stopped, if it did. */
export function runVectors(
  code: string,
  prepare: (machine: Machine) => void,
): { readonly machine: Machine; readonly state: Machine['processor']['state']; readonly vector: number | undefined } {
  const machine = programMachine([...bytesOf(code), HLT], undefined, 'max');
  const { state } = machine.processor;
  state.write32(slot.CR4, CR4_OSFXSR);
  prepare(machine);
  machine.processor.refresh();
  machine.loop.stopOnExceptions = new Set([6, 7, 12, 13, 14, 16]);
  const result = machine.loop.run({ instructionsMax: 10 });
  return { machine, state, vector: result.reason === 'exception' ? result.event.vector : undefined };
}

/** Where a register lies in the state. */
export const vectorSlot = (n: number): number => vectorSlots[n] as number;
export const mmxSlot = (n: number): number => mmxSlots[n] as number;

/** Writes a register as the manual shows it: the highest byte first. */
export function writeVector({ processor: { state } }: Machine, at: number, text: string): void {
  const bytes = bytesOf(text).reverse();
  for (let n = 0; n < bytes.length; n++) state.write8(at + n, bytes[n] as number);
}

/** Reads so many bytes of a register in the same form. */
export function readVector(state: Machine['processor']['state'], at: number, size: number): string {
  return Array.from({ length: size }, (_, n) =>
    state
      .read8(at + size - 1 - n)
      .toString(16)
      .padStart(2, '0'),
  ).join('');
}
