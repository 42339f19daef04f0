/** Writing registers from the debugger: as plain values, except that a selector brings its segment's hidden part along. */
import { type RegisterPart, writePart } from '../expressions/register-parts.ts';
import { segmentOf } from './descriptors.ts';
import type { Guest } from './guest.ts';

/** Writes a register or a part of one. False when it is read-only, or when a selector names no segment. */
export function writeRegister(guest: Guest, part: RegisterPart, value: number): boolean {
  const { register } = part;
  if (register.attributes === 'read-only') return false;
  if (register.set === 'segment' && !register.name.includes('.')) return writeSelector(guest, register.offset, value);
  writePart(guest.vcpu.state, part, value);
  return true;
}

/** In real mode a selector changes only the base: big real mode keeps its limits, as it does for MOV (SDM vol. 3A §21.1). */
function writeSelector(guest: Guest, slot: number, value: number): boolean {
  const selector = value & 0xffff;
  const { state } = guest.vcpu;
  const segment = segmentOf(guest, selector);
  if (!segment) return false;
  const { limit, attributes } = guest.vcpu.mode === 'real' ? state.segmentAt(slot) : segment;
  state.setSegmentAt(slot, { ...segment, limit, attributes });
  return true;
}
