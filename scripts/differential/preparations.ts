/** Choices that several builders of instructions make: selectors, flags, and steps in order. */
import { SS } from '../../vm-core/state/layout.ts';
import {
  dataSelectors,
  outerDataSelectors,
  outerStackSelectors,
  SELECTOR_END,
  stackSelectors,
} from './descriptor-tables.ts';
import type { Form } from './forms.ts';
import { WINDOW } from './layout.ts';
import type { Emission } from './sequence.ts';
import type { Workshop } from './workshop.ts';

/** Adds an instruction of a form, with what it needs before it. */
export type Builder = (workshop: Workshop, form: Form) => Emission;

/** Does the steps in order until one of them does not come out as done. */
export function inOrder(...steps: readonly (() => Emission)[]): Emission {
  for (const step of steps) {
    const emission = step();
    if (emission !== 'done') return emission;
  }
  return 'done';
}

/** A selector for a segment register: mostly one that can be loaded. */
export function dataSelector(workshop: Workshop, segment: number): number {
  const { random } = workshop;
  if (!workshop.isProtected) {
    const low = (WINDOW >>> 4) - random.pick([0, 0, 0, 1, 0x10, 0x7f]);
    return random.chance(8) ? random.next() & 0xffff : low;
  }
  if (random.chance(25)) return anySelector(workshop);
  if (workshop.level === 0) return random.pick(segment === SS ? stackSelectors : dataSelectors);
  return random.pick(segment === SS ? outerStackSelectors : outerDataSelectors) | 3;
}

/** Any selector of the tables and a little beyond, with any RPL. */
export function anySelector({ random }: Workshop): number {
  const local = random.chance(15);
  const index = local ? random.below(9) * 8 + 4 : random.below(SELECTOR_END / 8 + 2) * 8;
  return index | (random.chance(25) ? random.below(4) : 0);
}

/** A flags image: any arithmetic flags and IOPL, sometimes TF and NT, never what only later processors have. */
export function flagsImage({ random }: Workshop): number {
  const rare = (random.chance(8) ? 0x100 : 0) | (random.chance(20) ? 0x4000 : 0);
  return (random.next() & 0x3ed7) | rare | (random.chance(10) ? 0x10000 : 0);
}
