/**
 * The code of a case while it is made: instructions one behind the other, registers that get values before an instruction,
 * and the flags that the manual leaves undefined, which are not read by what follows (SDM vol. 2, "Flags Affected").
 */
import { Decoder, DecoderOptions, Mnemonic, OpKind } from 'iced-x86';
import type { OperandSize } from '../../../vm-core/isa/operand.ts';
import { ARITHMETIC_FLAGS, CF, OF } from '../../../vm-core/state/lazy-flags.ts';
import { toFlags } from '../flag-facts.ts';
import { bytesOf } from './case.ts';
import { CODE_SIZE } from './layout.ts';

/** Instructions that change no flags if their count is zero. */
const MAY_DO_NOTHING: ReadonlySet<number> = new Set([
  ...[Mnemonic.Shl, Mnemonic.Sal, Mnemonic.Shr, Mnemonic.Sar, Mnemonic.Rol, Mnemonic.Ror, Mnemonic.Rcl, Mnemonic.Rcr],
  ...[Mnemonic.Shld, Mnemonic.Shrd, Mnemonic.Cmpsb, Mnemonic.Cmpsw, Mnemonic.Cmpsd, Mnemonic.Cmpsq],
  ...[Mnemonic.Scasb, Mnemonic.Scasw, Mnemonic.Scasd, Mnemonic.Scasq],
]);

/** SHL and SHR lose the carry flag where the count reaches the operand's width. */
const LOSES_CARRY: ReadonlySet<number> = new Set([
  Mnemonic.Shl,
  Mnemonic.Sal,
  Mnemonic.Shr,
  Mnemonic.Shld,
  Mnemonic.Shrd,
]);

/** What stores all flags, or hands them to a handler that may. */
const STORES_FLAGS: ReadonlySet<number> = new Set([
  ...[Mnemonic.Pushf, Mnemonic.Pushfd, Mnemonic.Pushfq, Mnemonic.Int, Mnemonic.Int3, Mnemonic.Into, Mnemonic.Int1],
  ...[Mnemonic.Syscall, Mnemonic.Call, Mnemonic.Jmp],
]);

export class Program {
  readonly bytes: number[] = [];
  readonly codeSize: OperandSize;
  /** Address of the first byte, as the code sees it itself. */
  readonly origin: bigint;
  /** Flags that are undefined after the last instruction, and those that were after any of them. */
  undefinedNow = 0;
  undefinedEver = 0;

  constructor(codeSize: OperandSize, origin: bigint) {
    this.codeSize = codeSize;
    this.origin = origin;
  }

  get at(): bigint {
    return this.origin + BigInt(this.bytes.length);
  }

  get isFull(): boolean {
    return this.bytes.length > CODE_SIZE - 0x80;
  }

  /** Bytes that are not looked at. */
  raw(...bytes: readonly number[]): this {
    this.bytes.push(...bytes);
    return this;
  }

  /** `MOV register, immediate`, with as many bits as the code has. */
  set(register: number, value: bigint | number): this {
    const wide = BigInt.asUintN(64, BigInt(value));
    const opcode = 0xb8 + (register & 7);
    if (this.codeSize === 16) return this.raw(0x66, opcode, ...bytesOf(wide, 4));
    if (this.codeSize === 32) return this.raw(opcode, ...bytesOf(wide, 4));
    const high = register > 7 ? 1 : 0;
    if (wide < 1n << 32n) return this.raw(...(high ? [0x41] : []), opcode, ...bytesOf(wide, 4));
    return this.raw(0x48 | high, opcode, ...bytesOf(wide, 8));
  }

  /** An instruction; before one that reads undefined flags comes another that defines them. */
  instruction(bytes: readonly number[]): this {
    const facts = factsOf(this.codeSize, bytes);
    if ((facts.reads & this.undefinedNow) !== 0) this.defineFlags();
    this.raw(...bytes);
    this.undefinedNow = (this.undefinedNow & ~facts.defines) | facts.undefines;
    this.undefinedEver |= this.undefinedNow;
    return this;
  }

  /** Whether this instruction, placed here, would be preceded by another. */
  needsDefinedFlags(bytes: readonly number[]): boolean {
    return (factsOf(this.codeSize, bytes).reads & this.undefinedNow) !== 0;
  }

  /** `CMP AL, 5`. */
  defineFlags(): this {
    this.undefinedNow = 0;
    return this.raw(0x3c, 5);
  }
}

interface Facts {
  readonly reads: number;
  readonly defines: number;
  readonly undefines: number;
}

function factsOf(codeSize: OperandSize, bytes: readonly number[]): Facts {
  const decoder = new Decoder(codeSize, Uint8Array.from(bytes), DecoderOptions.None);
  const instruction = decoder.decode();
  const { mnemonic } = instruction;
  const undefined_ = toFlags(instruction.rflagsUndefined) & ARITHMETIC_FLAGS;
  const byOne = instruction.opCount > 1 && instruction.opKind(1) === OpKind.Immediate8 && instruction.immediate8 === 1;
  const isRotate = mnemonic === Mnemonic.Rcl || mnemonic === Mnemonic.Rcr;
  const undefines = undefined_ | (LOSES_CARRY.has(mnemonic) ? CF : 0) | (isRotate && !byOne ? OF : 0);
  const certain = !MAY_DO_NOTHING.has(mnemonic) || byOne;
  const facts = {
    reads: STORES_FLAGS.has(mnemonic) ? ~0 : toFlags(instruction.rflagsRead),
    defines: certain ? toFlags(instruction.rflagsModified) & ~undefines : 0,
    undefines,
  };
  instruction.free();
  decoder.free();
  return facts;
}
