/** What the generator asks about single instructions and double words. */
import {
  CpuidFeature,
  FlowControl,
  type Instruction,
  MemorySizeExt,
  Mnemonic,
  OpKind,
  Register,
  RegisterExt,
} from 'iced-x86';
import { DESCRIPTORS } from './layout.ts';

/** The accessed bit in the upper double word of a descriptor. */
export const ACCESSED = 0x100;
const CODE_SEGMENT = 0x1800;

/** The upper double word of a code segment's descriptor: QEMU does not mark these as accessed when CS is loaded. */
export function isDescriptorOfCode(address: number, value: number): boolean {
  return address >= DESCRIPTORS && (address & 7) === 4 && (value & CODE_SEGMENT) === CODE_SEGMENT;
}

const systemWide: ReadonlySet<number> = new Set([
  Mnemonic.In,
  Mnemonic.Out,
  Mnemonic.Insb,
  Mnemonic.Insw,
  Mnemonic.Insd,
  Mnemonic.Outsb,
  Mnemonic.Outsw,
  Mnemonic.Outsd,
  Mnemonic.Lgdt,
  Mnemonic.Lidt,
  Mnemonic.Lldt,
  Mnemonic.Ltr,
  Mnemonic.Lmsw,
  Mnemonic.Hlt,
]);

const leadsAway: ReadonlySet<number> = new Set([
  FlowControl.UnconditionalBranch,
  FlowControl.ConditionalBranch,
  FlowControl.IndirectBranch,
  FlowControl.Call,
  FlowControl.IndirectCall,
  FlowControl.Return,
]);

/** Instructions with effects outside the zones, those that lead away, and those that came after the 80386. */
export function isSystemWide(instruction: Instruction): boolean {
  if (systemWide.has(instruction.mnemonic) || leadsAway.has(instruction.flowControl)) return true;
  if (instruction.cpuidFeatures().some((feature) => !features386.has(feature))) return true;
  if (instruction.mnemonic !== Mnemonic.Mov) return false;
  const registers = [instruction.op0Kind, instruction.op1Kind].map((kind, n) =>
    kind === OpKind.Register ? instruction.opRegister(n) : Register.None,
  );
  return registers.some(
    (register) => RegisterExt.isCR(register) || RegisterExt.isDR(register) || RegisterExt.isTR(register),
  );
}

const features386: ReadonlySet<number> = new Set([
  CpuidFeature.INTEL8086,
  CpuidFeature.INTEL186,
  CpuidFeature.INTEL286,
  CpuidFeature.INTEL386,
]);

/** Width of the operand that shifts count by. */
export function operandBits(instruction: Instruction): number {
  if (instruction.opCount === 0) return 32;
  if (instruction.op0Kind === OpKind.Register) return registerBits(instruction.op0Register);
  return memoryBits(instruction);
}

const registerBits = (register: number) => RegisterExt.size(register) * 8;
const memoryBits = (instruction: Instruction) => MemorySizeExt.size(instruction.memorySize) * 8;
