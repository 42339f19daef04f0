/**
 * Which flags an instruction reads, and which it leaves undefined or defined (SDM vol. 2, "Flags Affected"; vol. 1
 * appendix A), by iced-x86's tables, made exact for shift counts. A flag that was left undefined must not be compared,
 * nor read by a later instruction of the sequence.
 */
import { type Instruction, Mnemonic, OpKind, RflagsBits } from 'iced-x86';
import type { CpuState } from '../../vm-core/state/cpu-state.ts';
import { slot } from '../../vm-core/state/layout.ts';
import { AF, CF, DF, IF, OF, PF, SF, ZF } from '../../vm-core/state/lazy-flags.ts';
import { registerValue } from './accesses.ts';

const places: readonly (readonly [icedBit: number, flag: number])[] = [
  [RflagsBits.OF, OF],
  [RflagsBits.SF, SF],
  [RflagsBits.ZF, ZF],
  [RflagsBits.AF, AF],
  [RflagsBits.CF, CF],
  [RflagsBits.PF, PF],
  [RflagsBits.DF, DF],
  [RflagsBits.IF, IF],
];

/** Flags of a mask of iced-x86. */
export const toFlags = (bits: number): number =>
  places.reduce((flags, [bit, flag]) => (bits & bit ? flags | flag : flags), 0);

const shifts: ReadonlySet<number> = new Set([Mnemonic.Shl, Mnemonic.Sal, Mnemonic.Shr, Mnemonic.Sar]);
const rotates: ReadonlySet<number> = new Set([Mnemonic.Rol, Mnemonic.Ror, Mnemonic.Rcl, Mnemonic.Rcr]);
const doubleShifts: ReadonlySet<number> = new Set([Mnemonic.Shld, Mnemonic.Shrd]);

const comparingStrings: ReadonlySet<number> = new Set([
  Mnemonic.Cmpsb,
  Mnemonic.Cmpsw,
  Mnemonic.Cmpsd,
  Mnemonic.Scasb,
  Mnemonic.Scasw,
  Mnemonic.Scasd,
]);

/** Instructions that store all flags. */
const storesFlags: ReadonlySet<number> = new Set([Mnemonic.Pushf, Mnemonic.Pushfd]);

/** What an instruction does to the flags, in the registers' present state. */
export interface FlagFacts {
  readonly reads: number;
  /** Flags that have a defined value afterwards, whatever they were before. */
  readonly defines: number;
  readonly undefines: number;
}

/** The shift count modulo 32 of a shift or rotate, or undefined for other instructions. */
export function shiftCount(state: CpuState, instruction: Instruction): number | undefined {
  const { mnemonic } = instruction;
  if (!shifts.has(mnemonic) && !rotates.has(mnemonic) && !doubleShifts.has(mnemonic)) return undefined;
  const last = instruction.opCount - 1;
  if (instruction.opKind(last) === OpKind.Register) return registerValue(state, instruction.opRegister(last)) & 31;
  return Number(instruction.immediate(last)) & 31;
}

export function flagFacts(state: CpuState, instruction: Instruction, operandBits: number): FlagFacts {
  const reads = storesFlags.has(instruction.mnemonic) ? ~0 : toFlags(instruction.rflagsRead);
  const count = shiftCount(state, instruction);
  if (count !== undefined) return shiftFacts(instruction, count, operandBits, reads);
  if (mayRepeatZeroTimes(state, instruction)) return { reads, defines: 0, undefines: 0 };
  const undefines = toFlags(instruction.rflagsUndefined);
  return { reads, defines: toFlags(instruction.rflagsModified) & ~undefines, undefines };
}

/** With a count of 0 nothing changes; with 1 the overflow flag is defined; SHL and SHR lose CF from the width on. */
function shiftFacts({ mnemonic }: Instruction, count: number, bits: number, reads: number): FlagFacts {
  const readsCarry = mnemonic === Mnemonic.Rcl || mnemonic === Mnemonic.Rcr ? CF : 0;
  if (count === 0) return { reads: readsCarry, defines: 0, undefines: 0 };
  const overflow = count === 1 ? 0 : OF;
  if (rotates.has(mnemonic)) return { reads: readsCarry, defines: (CF | OF) & ~overflow, undefines: overflow };
  const carry = shifts.has(mnemonic) && mnemonic !== Mnemonic.Sar && count >= bits ? CF : 0;
  const undefines = AF | overflow | carry;
  return { reads, defines: (CF | OF | SF | ZF | AF | PF) & ~undefines, undefines };
}

/** REP CMPS and SCAS with a count of 0 leave the flags alone. */
function mayRepeatZeroTimes(state: CpuState, instruction: Instruction): boolean {
  if (!comparingStrings.has(instruction.mnemonic)) return false;
  if (!instruction.hasRepPrefix && !instruction.hasRepnePrefix) return false;
  return state.read16(slot.ECX) === 0;
}
