/** Cases of gathers: indices with which most elements lie around the operand's place, and some where a fault waits. */
import { XMM, YMM } from '../../scripts/differential/unit-state.ts';
import { hasVectorIndex } from '../../vm-core/isa/operand.ts';
import { anyPlace, type Draft } from './cases.ts';

/** Puts indices into the register of the address, in a state as XSAVE writes it. */
export function aimIndices({ form, encoded, target, next }: Draft, state: Uint8Array): void {
  const code = form.row.operands.find(hasVectorIndex);
  const { address } = encoded;
  if (!code || address?.vectorIndex === undefined || target === undefined) return;
  const view = new DataView(state.buffer);
  const bytes = code.startsWith('vm64') ? 8 : 4;
  for (let at = 0; at < 32; at += bytes) {
    const distance = next() % 8 === 0 ? anyPlace(next, form.mode) - target : BigInt((next() % 160) - 80);
    const index = distance / BigInt(address.scale);
    const place = (at < 16 ? XMM + at : YMM + at - 16) + 16 * address.vectorIndex;
    if (bytes === 8) view.setBigUint64(place, BigInt.asUintN(64, index), true);
    else view.setUint32(place, Number(BigInt.asUintN(32, index)), true);
  }
}
