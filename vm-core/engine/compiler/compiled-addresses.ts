/** Offsets of the memory operands of compiled instructions, made of their constants and of registers in locals (SDM vol. 1 §3.7.5). */
import type { Semantics } from '../../isa/semantics.ts';
import type { Value } from '../../wasm/function-builder.ts';
import type { CompiledInstruction } from './compiled-instruction.ts';
import type { StageSurroundings } from './stage-surroundings.ts';

/** The offset of an instruction's operand, cut to its address size. */
export function offsetOfOperand(s: Semantics, region: StageSurroundings, instruction: CompiledInstruction): Value {
  const { form, wideConstant, displacement, base, index, scale, isRelative, isFarRelative } = instruction;
  if (form?.addressing === 'absolute') return s.f.i64(wideConstant);
  const relative = isRelative ? region.entry + (isFarRelative ? 0x8000_0000n : 0n) : 0n;
  const constant = addressConstant(s, relative + BigInt(displacement));
  const partOf = (slotOffset: number) => addressPart(s, region, instruction, slotOffset);
  const start = base === undefined ? constant : s.add(partOf(base), constant);
  if (index === undefined) return s.cutAddress(start);
  return s.cutAddress(s.add(start, s.shl(partOf(index), scale)));
}

/** A register of an address that is cut afterwards. */
export function addressPart(
  s: Semantics,
  { registers }: StageSurroundings,
  { addressShift }: CompiledInstruction,
  slotOffset: number,
): Value {
  const isShort = s.addressBits === 32 && addressShift !== 0;
  return isShort && registers.has(slotOffset)
    ? registers.readLow(slotOffset)
    : s.readRegister(slotOffset, s.addressBits);
}

/** A constant of the size that addresses have in the region. */
export function addressConstant(s: Semantics, value: bigint): Value {
  return s.addressBits === 64 ? s.f.i64(BigInt.asIntN(64, value)) : s.f.i32(Number(BigInt.asIntN(32, value)));
}
