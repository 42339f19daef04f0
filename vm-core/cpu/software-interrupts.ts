/** Which instructions are software interrupts (SDM vol. 3A §6.4.4), for those who want to know of them before they happen. */
import { OF } from '../state/lazy-flags.ts';
import { type Instruction, VECTOR_BP, VECTOR_OF } from './cpu.ts';

/** The vector of INT n, of INT3, of an INTO after an overflow; undefined for other instructions. */
export function softwareVector(
  { name, immediate }: Pick<Instruction, 'name' | 'immediate'>,
  eflags: number,
): number | undefined {
  if (name === 'INT') return immediate & 0xff;
  if (name === 'INT3') return VECTOR_BP;
  return name === 'INTO' && (eflags & OF) !== 0 ? VECTOR_OF : undefined;
}
