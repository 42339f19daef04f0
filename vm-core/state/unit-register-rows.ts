/** The registers of the units besides the integer unit (SDM vol. 1 §8.1, §9.2, §10.2, §14.1). A part of the register table. */
import type { BitField, RegisterRow } from './register-table.ts';

const bit = (name: string, low: number, description: string): BitField => ({ name, low, width: 1, description });

const MXCSR_FIELDS: readonly BitField[] = [
  bit('IE', 0, 'invalid operation'),
  bit('DE', 1, 'denormal operand'),
  bit('ZE', 2, 'division by zero'),
  bit('OE', 3, 'overflow'),
  bit('UE', 4, 'underflow'),
  bit('PE', 5, 'precision lost'),
  bit('DAZ', 6, 'denormal operands count as zero'),
  bit('IM', 7, 'invalid operation masked'),
  bit('DM', 8, 'denormal operand masked'),
  bit('ZM', 9, 'division by zero masked'),
  bit('OM', 10, 'overflow masked'),
  bit('UM', 11, 'underflow masked'),
  bit('PM', 12, 'precision masked'),
  { name: 'RC', low: 13, width: 2, description: 'rounding: 0 nearest, 1 down, 2 up, 3 toward zero' },
  bit('FZ', 15, 'results that underflow become zero'),
];

const FCW_FIELDS: readonly BitField[] = [
  bit('IM', 0, 'invalid operation masked'),
  bit('DM', 1, 'denormal operand masked'),
  bit('ZM', 2, 'division by zero masked'),
  bit('OM', 3, 'overflow masked'),
  bit('UM', 4, 'underflow masked'),
  bit('PM', 5, 'precision masked'),
  { name: 'PC', low: 8, width: 2, description: 'precision: 0 24 bits, 2 53 bits, 3 64 bits' },
  { name: 'RC', low: 10, width: 2, description: 'rounding: 0 nearest, 1 down, 2 up, 3 toward zero' },
];

const FSW_FIELDS: readonly BitField[] = [
  bit('IE', 0, 'invalid operation'),
  bit('DE', 1, 'denormal operand'),
  bit('ZE', 2, 'division by zero'),
  bit('OE', 3, 'overflow'),
  bit('UE', 4, 'underflow'),
  bit('PE', 5, 'precision lost'),
  bit('SF', 6, 'stack fault'),
  bit('ES', 7, 'an exception waits that is not masked'),
  bit('C0', 8, 'condition code'),
  bit('C1', 9, 'condition code: rounded up, or stack overflow'),
  bit('C2', 10, 'condition code'),
  { name: 'TOP', low: 11, width: 3, description: 'register on top of the stack' },
  bit('C3', 14, 'condition code'),
  bit('B', 15, 'busy: as ES'),
];

const XCR0_FIELDS: readonly BitField[] = [
  bit('x87', 0, 'x87 state'),
  bit('SSE', 1, 'XMM registers and MXCSR'),
  bit('AVX', 2, 'upper halves of the YMM registers'),
  bit('PKRU', 9, 'protection-key rights'),
];

const eight = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** The MMX registers, and the XMM registers, whose upper halves AVX brings. */
export const mmxNames: readonly string[] = eight.map((n) => `MM${n}`);
export const vectorNames: readonly string[] = [...eight, 8, 9, 10, 11, 12, 13, 14, 15].map((n) => `XMM${n}`);

const x87 = (name: string, size: 1 | 2 | 8, description: string): RegisterRow => ({
  ...{ set: 'x87', name, size, attributes: 'read-write', description, feature: 'FPU' },
});

/** The x87 registers and what it keeps of its last instruction. */
export const x87Registers: readonly RegisterRow[] = [
  ...eight.map(
    (n): RegisterRow => ({
      ...{ set: 'x87', name: `FPR${n}`, size: 10, attributes: 'read-write', wholeOf: `MM${n}`, feature: 'FPU' },
      description: 'floating-point register by its own number, not by its place on the stack',
    }),
  ),
  { ...x87('FCW', 2, 'x87 control word'), fields: FCW_FIELDS },
  { ...x87('FSW', 2, 'x87 status word'), fields: FSW_FIELDS },
  x87('FTW', 1, 'x87 tags as FXSAVE has them: bit n is set if FPRn is not empty'),
  x87('FOP', 2, 'x87: opcode of the last instruction'),
  x87('FIP', 8, 'x87: offset of the last instruction'),
  x87('FCS', 2, 'x87: code segment of the last instruction'),
  x87('FDP', 8, 'x87: offset of the last memory operand'),
  x87('FDS', 2, 'x87: segment of the last memory operand'),
];

/** MMX, SSE and AVX. */
export const vectorRegisters: readonly RegisterRow[] = [
  ...mmxNames.map(
    (name): RegisterRow => ({
      ...{ set: 'mmx', name, size: 8, attributes: 'read-write', description: 'MMX register', feature: 'MMX' },
    }),
  ),
  ...vectorNames.map(
    (name, n): RegisterRow => ({
      ...{ set: 'vector', name, size: 16, attributes: 'read-write', description: 'SSE register', feature: 'SSE' },
      ...(n < 8 ? {} : { isLong: true }),
    }),
  ),
  ...vectorNames.map(
    (name, n): RegisterRow => ({
      ...{ set: 'vector', name: name.replace('X', 'Y'), size: 32, attributes: 'read-write', wholeOf: name },
      ...{ description: 'AVX register', feature: 'AVX' },
      ...(n < 8 ? {} : { isLong: true }),
    }),
  ),
  {
    ...{ set: 'vector', name: 'MXCSR', size: 4, attributes: 'read-write', feature: 'SSE' },
    ...{ description: 'SSE control and status', fields: MXCSR_FIELDS },
  },
  {
    ...{ set: 'control', name: 'XCR0', size: 8, attributes: 'read-write', feature: 'XSAVE' },
    ...{ description: 'states that XSAVE manages and that are in use', fields: XCR0_FIELDS },
  },
];
