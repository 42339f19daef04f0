/** Writing registers from the debugger: as plain values, except that a selector brings its segment's hidden part along. */
import { localized } from '../protocol/localized.ts';
import { type RegisterPart, writePart } from '../expressions/register-parts.ts';
import { segmentOf } from './descriptors.ts';
import type { Guest } from './guest.ts';
import { UserError } from './user-error.ts';

/** Writes a register or a part of one. False when it is read-only, or when a selector names no segment. */
export function writeRegister(guest: Guest, part: RegisterPart, value: number | bigint): boolean {
  const { register } = part;
  if (register.attributes === 'read-only') return false;
  requireFit(part, value);
  if (register.set === 'segment' && !register.name.includes('.'))
    return writeSelector(guest, register.offset, Number(value));
  writePart(guest.vcpu.state, part, value);
  return true;
}

/** Values are unsigned or, as their two's complement, negative: -1 fits into every part, 1FFh not into eight bits. */
function requireFit({ width }: RegisterPart, value: number | bigint): void {
  const bits = BigInt(value);
  const isNegative = [32, 64].some((of) => width < of && bits === BigInt.asUintN(of, BigInt.asIntN(width, bits)));
  if (bits < 1n << BigInt(width) || isNegative) return;
  throw new UserError(
    'bad-argument',
    width === 1
      ? localized('0x{0} does not fit into one bit', value.toString(16))
      : localized('0x{0} does not fit into {1} bits', value.toString(16), width),
  );
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
