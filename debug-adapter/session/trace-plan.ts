/** A plan that executes single instructions and writes each down before. */
import { instructionText, placeText } from './code-listing.ts';
import type { Guest } from './guest.ts';
import { InstructionStep } from './instruction-step.ts';
import type { Plan } from './runner.ts';

/** Lines that are written at once. */
const LINES_MAX = 100;

/** Executes `count` instructions; `write` gets their text, whole lines at a time. */
export function tracePlan(guest: Guest, count: number, write: (text: string) => void): Plan {
  let left = count;
  let step: InstructionStep | undefined;
  let lines: string[] = [];
  const flush = (): void => {
    if (lines.length > 0) write(`${lines.join('\n')}\n`);
    lines = [];
  };
  return {
    cpu: guest.vcpu.index,
    advance() {
      for (;;) {
        const progress = step?.advance() ?? 'done';
        if (progress !== 'done') return progress;
        step?.dispose();
        if (left-- === 0) return 'done';
        lines.push(lineOf(guest));
        if (lines.length >= LINES_MAX) flush();
        step = new InstructionStep(guest, false);
      }
    },
    faulted: () => step?.faulted(),
    dispose() {
      step?.dispose();
      flush();
    },
  };
}

function lineOf(guest: Guest): string {
  const address = guest.vcpu.linearEip;
  const instruction = guest.decode(address);
  return `${placeText(guest, address).padEnd(24)} ${instruction ? instructionText(guest, instruction) : '??'}`;
}
