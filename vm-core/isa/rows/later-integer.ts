/**
 * Integer instructions that came after the 486: conditional moves, exchanges, byte order, checksum, hints and fences, and
 * the opcodes that are invalid by definition (SDM vol. 2): a table.
 */
import { slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import { condition, flagsByte, overflowFlag, setFlagsFromByte } from '../flags.ts';
import { hexByte, type InstructionRow, row, type SemanticsFunction, systemRow } from '../instruction-row.ts';
import type { Operand } from '../operand.ts';
import type { Semantics } from '../semantics.ts';
import { VECTOR_AC, VECTOR_GP, VECTOR_UD } from '../vectors.ts';
import { conditionName } from './bits.ts';
import { byteSwapped } from './data-transfer.ts';
import { readTimeStamp } from './time-stamps.ts';

/** The source is read whether the move is made or not, and the destination is written either way. */
const moveIf =
  (code: number): SemanticsFunction =>
  (s, dst, src) => {
    const x = s.f.copy(s.read(src as Operand));
    s.write(dst as Operand, s.select(condition(s, code), x, s.read(dst as Operand)));
  };

const ZF_BIT = 1 << 6;

/** CMPXCHG8B and CMPXCHG16B: memory is written either way; only ZF changes. */
/** The eight bytes of CMPXCHG8B are one access, which alignment checks see as such (SDM vol. 3A §6.15). */
function requireAligned8(s: Semantics): void {
  s.if(s.misalignment(8), () => {
    const asked = s.and(s.shrU(s.readRegister(slot.EFLAGS, 32), 18), s.shrU(s.readRegister(slot.CR0, 32), 18));
    const isProgram = s.eq(s.readRegister(slot.CPL, 8), 3);
    s.if(s.and(s.and(asked, 1), isProgram), () => s.raise(VECTOR_AC, 0));
  });
}

const compareExchangePair: SemanticsFunction = (s, place) => {
  const low = place as Operand;
  const { bits } = low;
  // CMPXCHG16B wants its operand aligned.
  if (bits === 64) s.if(s.misalignment(16), () => s.raise(VECTOR_GP, 0));
  else requireAligned8(s);
  const high = s.movedBy(low, s.addressConstant(bits / 8));
  const x0 = s.f.copy(s.read(low, true));
  const x1 = s.f.copy(s.read(high, true));
  s.holdTogether(low, high);
  const [a, d] = [s.readRegister(slot.EAX, bits), s.readRegister(slot.EDX, bits)];
  const [b, c] = [s.readRegister(slot.EBX, bits), s.readRegister(slot.ECX, bits)];
  const isEqual = s.f.copy(s.and(s.eq(a, x0), s.eq(d, x1)));
  s.write(low, s.select(isEqual, b, x0));
  s.write(high, s.select(isEqual, c, x1));
  s.if(s.isZero(isEqual), () => {
    s.writeRegister(slot.EAX, bits, x0);
    s.writeRegister(slot.EDX, bits, x1);
  });
  const flags = s.or(s.and(flagsByte(s), ~ZF_BIT), s.shl(isEqual, 6));
  setFlagsFromByte(s, flags, overflowFlag(s));
};

const movbe: SemanticsFunction = (s, dst, src) => {
  const { bits } = dst as Operand;
  const x = s.read(src as Operand);
  s.write(dst as Operand, byteSwapped(s, x, bits));
};

/** The Castagnoli polynomial 11EDC6F41h, bits reversed. */
const POLYNOMIAL = 0x82f6_3b78 | 0;

/** Takes `count` bits of an i32 into a checksum, the lowest first. */
function checksum(s: Semantics, sum: Value, data: Value, count: number): Value {
  const value = s.variable(s.xor(sum, data));
  const left = s.variable(s.constant(count));
  s.loop((again) => {
    const out = s.sub(s.constant(0), s.and(value, 1));
    s.set(value, s.xor(s.shrU(value, 1), s.and(out, POLYNOMIAL)));
    s.set(left, s.sub(left, s.constant(1)));
    s.branchIf(left, again);
  });
  return value;
}

const crc32: SemanticsFunction = (s, dst, src) => {
  const { bits } = src as Operand;
  const data = s.f.copy(s.read(src as Operand));
  const before = s.low(s.read(dst as Operand));
  const first = checksum(s, before, s.low(data), Math.min(bits, 32));
  const sum = bits === 64 ? checksum(s, first, s.low(s.shrU(data, 32)), 32) : first;
  s.write(dst as Operand, s.cut(sum, (dst as Operand).bits));
};

const invalid: SemanticsFunction = (s) => s.raise(VECTOR_UD);

/** Hints, and fences: accesses are made in program order as it is. Memory operands are not touched. */
const nothing: SemanticsFunction = () => {};

/** CLFLUSH and its like may fault as a load of a byte does; there is no cache to flush. */
const touch: SemanticsFunction = (s, place) => {
  s.read({ ...(place as Operand), bits: 8 });
};

const hints: readonly InstructionRow[] = [
  row('F3 90', 'PAUSE', '', (s) => s.yieldTurn()),
  row('0F 18', 'PREFETCH', 'Ev', nothing, { feature: 'PREFETCH' }),
  row('0F 0D', 'PREFETCHW', 'My', nothing, { feature: 'PREFETCHW' }),
  ...Array.from({ length: 7 }, (_, n) => row(`0F ${hexByte(0x19 + n)}`, 'NOP', 'Ev', nothing, { feature: 'NOPL' })),
  row('NP 0F AE /7', 'SFENCE', 'Ry', nothing, { feature: 'PREFETCH' }),
  row('NP 0F AE /5', 'LFENCE', 'Ry', nothing, { feature: 'FENCES' }),
  row('NP 0F AE /6', 'MFENCE', 'Ry', nothing, { feature: 'FENCES' }),
  row('NP 0F AE /7', 'CLFLUSH', 'My', touch, { feature: 'CLFSH' }),
  row('66 0F AE /7', 'CLFLUSHOPT', 'My', touch, { feature: 'CLFLUSHOPT' }),
  row('66 0F AE /6', 'CLWB', 'My', touch, { feature: 'CLWB' }),
];

export const laterIntegerRows: readonly InstructionRow[] = [
  ...Array.from({ length: 16 }, (_, code) =>
    row(`0F ${hexByte(0x40 + code)}`, `CMOV${conditionName(code)}`, 'Gv,Ev', moveIf(code), { feature: 'CMOV' }),
  ),
  row('0F C7 /1', 'CMPXCHG8B', 'My', compareExchangePair, { lockable: true, feature: 'CX8' }),
  row('NFx 0F 38 F0', 'MOVBE', 'Gv,M', movbe, { feature: 'MOVBE' }),
  row('NFx 0F 38 F1', 'MOVBE', 'M,Gv', movbe, { feature: 'MOVBE' }),
  row('F2 0F 38 F0', 'CRC32', 'Gy,Eb', crc32, { feature: 'CRC32' }),
  row('F2 0F 38 F1', 'CRC32', 'Gy,Ev', crc32, { feature: 'CRC32' }),
  row('0F 0B', 'UD2', '', invalid),
  row('0F B9', 'UD1', 'Gv,Ev', invalid),
  row('0F FF', 'UD0', 'Gv,Ev', invalid),
  ...hints,
  systemRow('0F 30', 'WRMSR', '', { feature: 'MSR', endsBlock: true }),
  systemRow('0F 31', 'RDTSC', '', { feature: 'TSC', inline: readTimeStamp(false) }),
  systemRow('0F 33', 'RDPMC', '', { feature: 'RDPMC' }),
  systemRow('0F 32', 'RDMSR', '', { feature: 'MSR' }),
  systemRow('0F 34', 'SYSENTER', '', { feature: 'SEP', endsBlock: true }),
  systemRow('0F 35', 'SYSEXIT', '', { feature: 'SEP', endsBlock: true }),
  systemRow('0F 01 F9', 'RDTSCP', '', { feature: 'RDTSCP', inline: readTimeStamp(true) }),
  systemRow('F3 0F C7 /7', 'RDPID', 'Ry', { feature: 'RDPID' }),
  systemRow('NFx 0F C7 /6', 'RDRAND', 'Rv', { feature: 'RDRAND' }),
  systemRow('NFx 0F C7 /7', 'RDSEED', 'Rv', { feature: 'RDSEED' }),
  systemRow('NP 0F 01 C8', 'MONITOR', '', { feature: 'MONITOR' }),
  systemRow('NP 0F 01 C9', 'MWAIT', '', { feature: 'MONITOR', endsBlock: true }),
  systemRow('NP 0F 01 CA', 'CLAC', '', { feature: 'SMAP', endsBlock: true }),
  systemRow('NP 0F 01 CB', 'STAC', '', { feature: 'SMAP', endsBlock: true }),
];
