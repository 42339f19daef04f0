/**
 * Where QEMU, or the processor it models, does something else than an 80386 by documentation: a table. An instruction
 * that one of the entries describes is not put into sequences; it is by opcode and state, never by seed.
 */
import { Code, type Instruction, InstructionInfoFactory, Mnemonic, OpKind } from 'iced-x86';
import { slot } from '../../vm-core/state/layout.ts';
import { NT, TF } from '../../vm-core/state/lazy-flags.ts';
import { accessesOf, registerValue, stackMask } from './accesses.ts';
import type { Bench } from './bench.ts';
import { shiftCount } from './flag-facts.ts';
import { DESCRIPTORS, DESCRIPTORS_SIZE, LOCAL_DESCRIPTORS } from './layout.ts';

/** An instruction about to be executed. */
export interface Candidate {
  readonly instruction: Instruction;
  readonly bytes: Uint8Array;
  readonly bench: Bench;
}

export interface Difference {
  readonly reason: string;
  applies(candidate: Candidate): boolean;
}

const infoFactory = new InstructionInfoFactory();

const CR0_EM_OR_TS = 0x0c;
const CR0_PE = 1;

const portStrings: ReadonlySet<number> = new Set([
  Mnemonic.Insb,
  Mnemonic.Insw,
  Mnemonic.Insd,
  Mnemonic.Outsb,
  Mnemonic.Outsw,
  Mnemonic.Outsd,
]);

const LOCK = 0xf0;
const prefixes: ReadonlySet<number> = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, LOCK, 0xf2, 0xf3]);

function prefixesOf(bytes: Uint8Array): Uint8Array {
  const end = bytes.findIndex((byte) => !prefixes.has(byte));
  return bytes.subarray(0, Math.max(end, 0));
}

const opcodeOf = ({ bytes }: Candidate): number => bytes[prefixesOf(bytes).length] ?? 0;

/** The byte behind a one-byte opcode. */
const modRmOf = ({ bytes }: Candidate): number => bytes[prefixesOf(bytes).length + 1] ?? 0;

/** What is left out of comparisons, or of sequences as a whole, for documented reasons. */
export const masked: readonly string[] = [
  'QEMU checks neither segment limits nor segment types: accesses.ts does, and our processor has to agree with that',
  'QEMU does not push RF with the flags of a fault (SDM vol. 3B §18.3.1.1), and keeps what IRETD loads of it too long',
  'QEMU does not mark the descriptor of a code segment as accessed when CS is loaded (SDM vol. 3A §3.4.5.1)',
  'flags that the manual leaves undefined (flag-facts.ts) are neither compared nor read',
  'DR7 is left off: execution breakpoints crash QEMU 7.2, its data breakpoints also hit elsewhere in their page',
];

export const differences: readonly Difference[] = [
  {
    reason: 'without an 80387, ESC does nothing on ours; QEMU always has one',
    applies: (candidate) =>
      (opcodeOf(candidate) & 0xf8) === 0xd8 && (candidate.bench.state.read32(slot.CR0) & CR0_EM_OR_TS) === 0,
  },
  {
    reason: 'SHLD and SHRD of 16 bits by more than 16 have an undefined result (SDM vol. 2B, SHLD)',
    applies: ({ instruction, bench: { state } }) =>
      (instruction.mnemonic === Mnemonic.Shld || instruction.mnemonic === Mnemonic.Shrd) &&
      (shiftCount(state, instruction) ?? 0) > 16 &&
      is16Bit(instruction),
  },
  {
    reason: 'IRET with NT set in protected mode is a task switch, and the harness is a task of its own',
    applies: ({ instruction, bench: { state } }) =>
      (instruction.mnemonic === Mnemonic.Iret || instruction.mnemonic === Mnemonic.Iretd) &&
      (state.read32(slot.CR0) & CR0_PE) !== 0 &&
      (state.eflags & NT) !== 0,
  },
  {
    reason: 'F6 /1 and F7 /1 are TEST as /0 is (SDM vol. 2D table A-6); QEMU takes them for invalid',
    applies: (candidate) => (opcodeOf(candidate) & 0xfe) === 0xf6 && (modRmOf(candidate) & 0x38) === 0x08,
  },
  {
    reason: 'F1 is INT1 (SDM vol. 2A, INT n); QEMU takes it for invalid',
    applies: (candidate) => opcodeOf(candidate) === 0xf1,
  },
  {
    reason:
      'LOCK is #UD except before instructions that read and write memory (80386 manual, LOCK); QEMU lets others pass',
    applies: ({ instruction, bytes }) => instruction.isInvalid && prefixesOf(bytes).includes(LOCK),
  },
  {
    reason:
      'LAR takes interrupt and trap gates on an 80386 (80386 manual, LAR), not on later processors (SDM vol. 2A, LAR)',
    applies: (candidate) =>
      candidate.instruction.mnemonic === Mnemonic.Lar &&
      isInterruptGate(selectorOperand(candidate, 1), candidate.bench),
  },
  {
    reason: 'LTR of a null selector is #GP(0) (SDM vol. 2A, LTR); QEMU loads it',
    applies: (candidate) =>
      candidate.instruction.mnemonic === Mnemonic.Ltr && (selectorOperand(candidate, 0) & 0xfffc) === 0,
  },
  {
    reason:
      'RETF in real mode takes offset and selector from a stack that wraps in between; QEMU reads on beyond 64 KiB',
    applies: ({ instruction, bench: { state } }) =>
      instruction.mnemonic === Mnemonic.Retf &&
      (state.read32(slot.CR0) & CR0_PE) === 0 &&
      state.read16(slot.ESP) > 0xffff - 8,
  },
  {
    reason:
      'ENTER with 32-bit operands on a 16-bit stack: the frame pointer is ESP with a new low half; QEMU subtracts from all of it',
    applies: ({ instruction, bench: { state } }) =>
      instruction.mnemonic === Mnemonic.Enter && stackMask(state) === 0xffff && state.read16(slot.ESP) < 4,
  },
  {
    reason: 'STI does not hold off a single-step trap (SDM vol. 3A §6.8.3); in QEMU it does',
    applies: ({ instruction, bench: { state } }) => instruction.mnemonic === Mnemonic.Sti && (state.eflags & TF) !== 0,
  },
  {
    reason: 'BSWAP of a 16-bit register has an undefined result (SDM vol. 2A, BSWAP)',
    applies: ({ instruction }) => instruction.code === Code.Bswap_r16,
  },
  {
    reason:
      'MOV of a control register that does not exist, outside level 0: the manual does not say which fault comes first',
    applies: (candidate) =>
      candidate.instruction.isInvalid && isControlMove(candidate) && candidate.bench.state.read8(slot.CPL) !== 0,
  },
  {
    reason:
      'REP with a count of 0 executes nothing (SDM vol. 2B, REP); QEMU checks the port of INS and OUTS all the same',
    applies: ({ instruction, bench: { state } }) =>
      portStrings.has(instruction.mnemonic) && state.read16(slot.ECX) === 0 && state.read8(slot.CPL) !== 0,
  },
  {
    reason: 'HLT waits for an interrupt; nothing sends one',
    applies: ({ instruction }) => instruction.mnemonic === Mnemonic.Hlt,
  },
];

/** Whether the source of a double shift is a 16-bit register. */
function is16Bit(instruction: Instruction): boolean {
  const AX = 21;
  return instruction.op1Kind === OpKind.Register && instruction.op1Register >= AX && instruction.op1Register < AX + 16;
}

/** 0F 20 and 0F 22. */
function isControlMove({ bytes }: Candidate): boolean {
  const start = prefixesOf(bytes).length;
  return bytes[start] === 0x0f && ((bytes[start + 1] ?? 0) & 0xfd) === 0x20;
}

/** The selector that LAR asks about or LTR loads, by the number of its operand. */
function selectorOperand({ instruction, bench }: Candidate, operand: number): number {
  if (instruction.opKind(operand) === OpKind.Register) {
    return registerValue(bench.state, instruction.opRegister(operand)) & 0xffff;
  }
  const info = infoFactory.info(instruction);
  const [access] = accessesOf(bench.state, instruction, info) ?? [];
  info.free();
  return access ? bench.read32(access.linear) & 0xffff : 0;
}

function isInterruptGate(selector: number, bench: Bench): boolean {
  const table = (selector & 4) === 0 ? DESCRIPTORS : LOCAL_DESCRIPTORS;
  const offset = selector & 0xfff8;
  if (offset >= DESCRIPTORS_SIZE) return false;
  const type = (bench.read32(table + offset + 4) >>> 8) & 0x1f;
  return [0x06, 0x07, 0x0e, 0x0f].includes(type);
}

/** The entry that describes an instruction, if there is one. */
export function differenceOf(candidate: Candidate): Difference | undefined {
  return differences.find((difference) => difference.applies(candidate));
}
