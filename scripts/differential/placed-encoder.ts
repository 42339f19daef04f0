/**
 * Machine code for one form of an instruction with its operand in memory at a given place, for code of any size: tells the
 * values that registers must have for that.
 */
import type { InstructionRow } from '../../vm-core/isa/instruction-row.ts';
import { parseOpcode } from '../../vm-core/isa/opcode-map.ts';
import { hasNo16BitForm, ignoresOperandSize, type OperandSize } from '../../vm-core/isa/operand.ts';
import { bytesOf, type Encoded, Encoder, type EncoderWishes } from './encoder.ts';
import { oneOf, type RandomWords } from './random.ts';

/** Where an instruction and its data lie. */
export interface Surroundings {
  readonly codeSize: OperandSize;
  /** Address of the instruction, as it sees it itself. */
  readonly code: bigint;
  /** Offset in the segment at which the operand in memory is to lie, with room on both sides. */
  readonly middle: bigint;
  /** A prefix that names the segment. */
  readonly segmentPrefix?: number;
}

/** What an instruction needs, and its bytes. */
export interface Placed {
  readonly code: readonly number[];
  /** Registers that must have these values. */
  readonly registers: ReadonlyMap<number, bigint>;
  /** What ModR/M names as registers; `rm` counts in register forms only. */
  readonly reg: number;
  readonly rm: number;
}

const [RCX, RSP] = [1, 4];
const ATTEMPTS_MAX = 1000;

/** The operand sizes that a row has in code of a size. */
export function operandSizes(row: InstructionRow, codeSize: OperandSize): readonly OperandSize[] {
  const { mode, operands, opcode, unit } = row;
  const { prefix } = parseOpcode(opcode);
  if (unit !== undefined && ignoresOperandSize(operands)) return [codeSize === 64 ? 32 : codeSize];
  if (codeSize === 64) {
    if (mode === 'f64' || mode === 'n64') return [64];
    if (hasNo16BitForm(operands) || prefix === 0) return [32, 64];
    return mode === 'd64' ? [16, 64] : [16, 32, 64];
  }
  if (hasNo16BitForm(operands)) return [32];
  return prefix === 0 ? [codeSize] : [16, 32];
}

/** Encodes a row at an operand size, with a register or memory where ModR/M has the choice. */
export function encodeRow(
  row: InstructionRow,
  size: OperandSize,
  memory: boolean,
  around: Surroundings,
  next: RandomWords,
): Placed {
  const form = { row, mode: around.codeSize, size, memory };
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const wishes = wishesOf(row, memory, around, next);
    const encoded = new Encoder(form, next, wishes).encode(true);
    const registers = new Map<number, bigint>();
    if (wishes.repeat !== undefined) registers.set(RCX, BigInt(next() % 6));
    if (!place(encoded, row, around, registers, next)) continue;
    tame(encoded, row, next);
    const { bytes, reg, rm } = encoded;
    return { code: bytes, registers, reg, rm };
  }
  throw new Error(`${row.opcode} ${row.name} reaches no operand at ${around.middle.toString(16)}h`);
}

/** 16-bit code needs 32-bit addresses to reach the data; there are no forms with 16-bit addresses. */
function wishesOf(row: InstructionRow, memory: boolean, around: Surroundings, next: RandomWords): EncoderWishes {
  const { codeSize, middle, segmentPrefix } = around;
  const addresses = memory || row.repeat !== undefined || hasOffset(row);
  const reaches32 = BigInt.asUintN(64, middle) < 0xf000_0000n;
  const isShort = codeSize === 64 ? reaches32 && next() % 4 === 0 : codeSize === 16;
  const repeat = row.repeat ? oneOf(next, [undefined, 0xf3, 0xf2]) : undefined;
  return {
    strictVex: true,
    addressSize: addresses && isShort ? 32 : codeSize,
    ...(segmentPrefix === undefined ? {} : { segment: segmentPrefix }),
    ...(repeat === undefined ? {} : { repeat }),
  };
}

/** Fills in the displacement, or gives the registers the values that the operand needs; false where that cannot be. */
function place(
  encoded: Encoded,
  { name, operands }: InstructionRow,
  { middle, code }: Surroundings,
  registers: Map<number, bigint>,
  next: RandomWords,
): boolean {
  const { address, bytes, reg, displacementAt, displacementSize } = encoded;
  const isBitString = address !== undefined && /^BT/.test(name) && operands.includes('Gv');
  if (isBitString) registers.set(reg, BigInt.asUintN(64, BigInt((next() % 1024) - 512)));
  if (address === undefined) return true;
  const { base, index, scale, displacement, size } = address;
  if (address.isDirect) {
    const value = address.isRelative ? middle - code - BigInt(bytes.length) : middle;
    if (displacementSize === 4 && size === 64 && BigInt.asIntN(32, value) !== BigInt.asIntN(64, value)) return false;
    bytes.splice(displacementAt, displacementSize, ...bytesOf(BigInt.asUintN(64, value), displacementSize));
    return true;
  }
  const taken = isBitString ? [reg, RSP] : [RSP];
  if (base === undefined || base === index || [base, index].some((one) => one !== undefined && taken.includes(one)))
    return false;
  const count = (next() % 9) - 4;
  if (index !== undefined) registers.set(index, BigInt.asUintN(64, BigInt(count)));
  const rest = middle - BigInt(displacement) - (index === undefined ? 0n : BigInt(count * scale));
  // With 32-bit addresses the upper half does not count.
  const noise = size === 32 ? BigInt(next()) << 32n : 0n;
  registers.set(base, BigInt.asUintN(64, noise | BigInt.asUintN(size, rest)));
  return true;
}

/** Branches go to the next instruction; ENTER reserves little, RET drops little. */
function tame({ bytes, immediateAt }: Encoded, { operands }: InstructionRow, next: RandomWords): void {
  if (operands.includes('Jb') || operands.includes('Jz')) bytes.fill(0, immediateAt);
  if (operands.includes('Iw')) bytes.splice(immediateAt, 2, (next() % 8) * 8, 0);
}

function hasOffset({ operands }: InstructionRow): boolean {
  return operands.some((code) => code === 'Ob' || code === 'Ov');
}
