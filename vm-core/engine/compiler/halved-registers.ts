/** With which registers a region mostly computes in 16 bits: those are two locals each (compiled-registers.ts). */
import type { Region } from './region-graph.ts';

/** Tells it of a register by its slot. One that no instruction names is as most of the code is. */
export function halvedRegisters({ nodes, addressBits }: Region): (slotOffset: number) => boolean {
  if (addressBits === 64) return () => false;
  /** Instructions of 16 bits less those of 32, by the registers that they may name. */
  const lead = new Map<number, number>();
  let all = 0;
  for (const { instructions } of nodes.values()) {
    for (const { form, row, rmSlot, regSlot } of instructions) {
      // Instructions of bytes are the same with both.
      if (!form || !row.operands.some((code) => code.endsWith('v'))) continue;
      const vote = form.operandSize === 16 ? 1 : -1;
      all += vote;
      const named = [
        ...(row.operands.some((code) => code === 'Gv') ? [regSlot] : []),
        ...(form.addressing === undefined ? [rmSlot] : []),
      ];
      for (const place of new Set(named)) lead.set(place, (lead.get(place) ?? 0) + vote);
    }
  }
  return (slotOffset) => (lead.get(slotOffset) ?? all) > 0;
}
