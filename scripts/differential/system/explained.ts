/**
 * Where QEMU 7.2 does something else than the manuals have a processor do: a table. Every difference that a run finds is
 * held against it; what no entry explains is a failure.
 */
import { ARITHMETIC_FLAGS, DF } from '../../../vm-core/state/lazy-flags.ts';
import type { Comparison, Mismatch } from './compare.ts';
import { ENDING, GATES_32, GLOBAL_TABLE, LOCAL_TABLE, INNER_STACKS, LANDING, OUTER_STACKS, TASK_64, ZONE } from './layout.ts';
import type { SystemResult } from './results.ts';
import { BIG, LONG } from './zone.ts';

/** A known difference; it explains single values, or all that follows in its cases. */
export interface Explained {
  readonly reason: string;
  /** Where the manual says what is right. */
  readonly section: string;
  /** Whether a difference of a case is this one. */
  explains(mismatch: Mismatch, comparison: Comparison): boolean;
}

const generalRegisters: ReadonlySet<string> = new Set([
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
]);
/** Actions that may lead to code of another size. */
const FAR = /far|ptr|RETF|IRET|SYS|INT/;
const RF = 1n << 16n;
/** In the upper half of a descriptor. */
const ACCESSED = 1n << 8n;
const HARNESS_STACK_END = OUTER_STACKS + 0x1000;

/** Attributes of a descriptor of the GDT or LDT, with L, D and G as bits 13 to 15; 0 beyond their ends. */
function descriptorAttributes(selector: number, before: (address: number) => number): number {
  const at = ((selector & 4) === 0 ? GLOBAL_TABLE : LOCAL_TABLE) + (selector & 0xfff8);
  const high = at < GATES_32 ? before(at + 4) : 0;
  return ((high >>> 8) & 0xff) | ((high >>> 8) & 0xf000);
}

/** The vector whose gate a case has come to in long mode, if it has come to one. */
export function landingVector({ registers: { ending, rip } }: SystemResult): number | undefined {
  const vector = (Number(BigInt.asUintN(32, rip)) - 2 - LANDING) / 2;
  return ending === BigInt(ENDING.LONG) && vector >= 0 && vector < 0x100 ? vector : undefined;
}

/** Whether an address lies where frames and task states are. */
const isFrame = (address: number | undefined): boolean =>
  address !== undefined &&
  ((address >= INNER_STACKS && address < HARNESS_STACK_END) || (address >= TASK_64 && address < INNER_STACKS));

export const explainedInSystem: readonly Explained[] = [
  {
    reason: 'flags that an instruction leaves undefined are not compared, neither in RFLAGS nor in frames',
    section: 'SDM vol. 1 appendix A; vol. 2, "Flags Affected"',
    explains: ({ register, address, qemu, ours }, { test }) =>
      (register === 'rflags' || isFrame(address)) && ((qemu ^ ours) & ~(BigInt(test.undefinedFlags ?? 0) | RF)) === 0n,
  },
  {
    reason: 'the upper halves of general registers are not defined after code of 16 or 32 bits',
    section: 'SDM vol. 1 §3.4.1.1',
    explains: ({ register, qemu, ours }, { test }) =>
      (test.codeSize !== 64 || FAR.test(test.text)) &&
      register !== undefined &&
      generalRegisters.has(register) &&
      BigInt.asUintN(32, qemu) === BigInt.asUintN(32, ours),
  },
  {
    reason: 'QEMU does not push RF with the flags of a fault',
    section: 'SDM vol. 3B §18.3.1.1',
    explains: ({ address, qemu, ours }) => address !== undefined && (ours & ~qemu) === RF && (qemu & ~ours) === 0n,
  },
  {
    reason:
      'QEMU reports the read of an instruction that reads and writes: W/R is clear in the error code of its page fault',
    section: 'SDM vol. 3A §4.7 (W/R: the access was a write)',
    explains: ({ address, qemu, ours }) =>
      isFrame(address) && (ours & 2n) !== 0n && qemu === (ours & ~2n) && ours < 0x80n,
  },
  {
    reason: 'QEMU gives the error code of a gate of long mode as vector * 16 + 2, without EXT',
    section: 'SDM vol. 3A §6.13 (the index counts gates; EXT where the program has not caused the event itself)',
    explains: ({ address, qemu, ours }) =>
      isFrame(address) && (qemu & 15n) === 2n && (ours & 6n) === 2n && qemu >> 4n === ours >> 3n && qemu < 0x1000n,
  },
  {
    reason: 'QEMU raises #GP instead of #SS for addresses in the stack segment that are not canonical',
    section: 'SDM vol. 3A §6.15, interrupt 12; vol. 2, exceptions of 64-bit mode',
    explains: (_, { ours, qemu }) => [8, 12].includes(landingVector(ours) ?? 0) && landingVector(qemu) === 13,
  },
  {
    reason: 'QEMU looks at the page before it sees that an operand reaches into addresses that are not canonical',
    section: 'SDM vol. 1 §3.3.7.1; vol. 3A §6.15, interrupts 12 and 13',
    explains: (_, { ours, qemu }) => qemu.registers.cr2 >> 4n === 0x7ff_ffff_ffffn && ours.registers.cr2 === 0n,
  },
  {
    reason: 'QEMU does not check the limits of segments: an operand over the end of 4 GiB is looked up page by page',
    section: 'SDM vol. 3A §5.3',
    explains: (_, { test, ours, qemu }) =>
      test.codeSize !== 64 && qemu.registers.cr2 >> 4n === 0xfff_ffffn && ours.registers.cr2 === 0n,
  },
  {
    reason: 'QEMU loses arithmetic flags where the operand of SETcc, RCL or RCR faults',
    section: 'SDM vol. 3A §6.5 (faults leave the state as it was)',
    explains: ({ register, address, qemu, ours }, { test, ours: own }) =>
      / (SET|RC[LR])/.test(test.text) &&
      [12, 13, 14].includes(landingVector(own) ?? 0) &&
      (register === 'rflags' || isFrame(address)) &&
      ((qemu ^ ours) & ~(BigInt(ARITHMETIC_FLAGS) | RF)) === 0n,
  },
  {
    reason: 'which operand of CMPS is read first is not defined; QEMU begins with ES:EDI',
    section: 'SDM vol. 2A, CMPS',
    explains: (_, { test, ours, qemu }) =>
      /CMPS/.test(test.text) && landingVector(ours) !== undefined && landingVector(qemu) !== undefined,
  },
  {
    reason: 'QEMU loads a null SS when a handler without a change of level has a stack of its own (IST)',
    section: 'SDM vol. 2A INT n, INTRA-PRIVILEGE-LEVEL-INTERRUPT; vol. 3A §6.14.4',
    explains: ({ register, address, qemu, ours }, { ours: { registers } }) =>
      registers.ending === BigInt(ENDING.LONG) &&
      (register === 'ss' || (address !== undefined && address >= ZONE && isFrame(address))) &&
      qemu < 4n &&
      (ours & 3n) === qemu &&
      ours < 0x10000n,
  },
  {
    reason: 'QEMU clears all arithmetic flags in SYSCALL, whatever IA32_FMASK says',
    section: 'SDM vol. 2B, SYSCALL',
    explains: ({ register, address, qemu, ours }, { test }) =>
      test.text.includes('SYSCALL') &&
      (register === 'rflags' || isFrame(address)) &&
      ((qemu ^ ours) & ~(BigInt(ARITHMETIC_FLAGS | DF) | RF)) === 0n,
  },
  {
    reason: 'QEMU pushes on the stack of a far CALL or an interrupt before it has checked all of the target',
    section: 'SDM vol. 2A, CALL and INT n (checks come before the pushes); vol. 3A §6.5',
    explains: ({ address, ours }, { before, ours: own }) =>
      address !== undefined &&
      address >= INNER_STACKS &&
      address < HARNESS_STACK_END &&
      ours === BigInt(before(address)) &&
      own.registers.ending !== BigInt(ENDING.SHUTDOWN),
  },
  {
    reason: 'QEMU takes code segments with both L and D for 64-bit code',
    section: 'SDM vol. 2A, JMP, CALL, RET, IRET (#GP if L and D are set); vol. 3A §3.4.5',
    explains: (_, { qemu, before }) => {
      const attributes = descriptorAttributes(Number(qemu.registers.cs), before);
      return (attributes & (LONG | BIG)) === (LONG | BIG);
    },
  },
  {
    reason: 'QEMU does not mark the descriptor of a code segment as accessed when CS is loaded',
    section: 'SDM vol. 3A §3.4.5.1',
    explains: ({ address, qemu, ours }) =>
      address !== undefined && address < GATES_32 && (ours & ~qemu) === ACCESSED && (qemu & ~ours) === 0n,
  },
  {
    reason: 'QEMU leaves EXT clear in the error code of a gate that an exception has come to',
    section: 'SDM vol. 3A §6.13',
    explains: ({ address, qemu, ours }) => isFrame(address) && ours === (qemu | 1n) && qemu !== ours && ours < 0x10000n,
  },
];
