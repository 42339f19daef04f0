/**
 * Where QEMU 7.2 does something else than the manuals have a processor do: a table. Every difference that a run finds is
 * held against it; what no entry explains is a failure.
 */
import { ARITHMETIC_FLAGS, DF } from '../../../vm-core/state/lazy-flags.ts';
import type { Comparison, Mismatch } from './compare.ts';
import {
  ENDING,
  GATES_32,
  GLOBAL_TABLE,
  LOCAL_TABLE,
  INNER_STACKS,
  LANDING,
  OUTER_STACKS,
  PML4,
  TASK_16,
  TASK_32,
  TASK_64,
  TASK_OTHER,
  ZONE,
} from './layout.ts';
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

const isShutdown = ({ registers }: SystemResult): boolean => registers.ending === BigInt(ENDING.SHUTDOWN);

/** The vector whose gate a case has come to in long mode, if it has come to one. */
export function landingVector({ registers: { ending, rip } }: SystemResult): number | undefined {
  const vector = (Number(BigInt.asUintN(32, rip)) - 2 - LANDING) / 2;
  return ending === BigInt(ENDING.LONG) && vector >= 0 && vector < 0x100 ? vector : undefined;
}

/** Whether an address lies where frames and task states are. */
const isFrame = (address: number | undefined): boolean =>
  address !== undefined &&
  ((address >= INNER_STACKS && address < HARNESS_STACK_END) || (address >= TASK_64 && address < INNER_STACKS));

/** What the generators leave out, as QEMU has it wrong and everything after it would differ. */
export const leftOutOfSystem: readonly { readonly reason: string; readonly section: string }[] = [
  {
    reason: 'BLSI, ADCX, ADOX, CMPXCHG8B and CMPXCHG16B: QEMU computes flags wrongly or leaves rubbish in them',
    section: 'SDM vol. 2A (the native oracle covers them)',
  },
  {
    reason: 'SHLD and SHRD by an immediate with an operand relative to RIP: QEMU addresses one byte before',
    section: 'SDM vol. 2A §2.2.1.6',
  },
  {
    reason: 'CRC32 and MOVBE of 32 bits in 16-bit code: QEMU takes 66h for 16 bits there',
    section: 'SDM vol. 2A §2.1.1',
  },
  {
    reason: 'PREFETCHh with a register: QEMU raises #UD for a reserved NOP',
    section: 'SDM vol. 2D table A-6, group 16',
  },
  {
    reason: 'CLFLUSH, CLFLUSHOPT and CLWB of addresses that are not canonical: QEMU checks nothing',
    section: 'SDM vol. 2A, CLFLUSH',
  },
  {
    reason: 'LFS, LGS and LSS with REX.W: QEMU reads a pointer with an offset of 32 bits',
    section: 'SDM vol. 2A, LDS/LES/LFS/LGS/LSS',
  },
  {
    reason: "SYSCALL and SYSRET outside of 64-bit mode: QEMU has them on Intel's processors too",
    section: 'SDM vol. 2B, SYSCALL, SYSRET',
  },
  {
    reason: 'SYSENTER_CS with only an RPL in it: QEMU takes it for a selector',
    section: 'SDM vol. 2B, SYSENTER, SYSEXIT (#GP(0) if IA32_SYSENTER_CS[15:2] is 0)',
  },
  {
    reason: 'RDMSR and WRMSR of registers that do not exist: QEMU reads 0 and ignores writes',
    section: 'SDM vol. 2B, RDMSR, WRMSR',
  },
  {
    reason: 'null selectors with an RPL for SS, and for LTR: QEMU loads them',
    section: 'SDM vol. 2B, MOV; vol. 2A, LTR',
  },
  {
    reason: 'system descriptors of LDTs and tasks with a type in their upper half: QEMU does not look at it',
    section: 'SDM vol. 3A §8.2.3',
  },
  { reason: 'CR4.VME: QEMU has no VIF in virtual-8086 mode', section: 'SDM vol. 3B §21.3' },
  {
    reason: 'code that changes itself by an access over a page: QEMU executes the instruction twice',
    section: 'SDM vol. 3A §9.1.3',
  },
  {
    reason: 'limits of segments: QEMU checks none, so that writable segments have none in the way',
    section: 'SDM vol. 3A §5.3',
  },
];

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
    explains: (_, { ours, qemu }) =>
      [8, 12].includes(landingVector(ours) ?? 0) && [8, 13].includes(landingVector(qemu) ?? 0),
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
    explains: ({ register, address }, { test, ours: own }) =>
      / (SET|RC[LR])/.test(test.text) &&
      [12, 13, 14].includes(landingVector(own) ?? 0) &&
      (register === 'rflags' || isFrame(address)),
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
      const { rsp, cs } = qemu.registers;
      const frame = [8, 16].map((offset) => qemu.memory.get(Number(BigInt.asUintN(32, rsp)) + offset) ?? 0);
      return [Number(cs), ...frame].some(
        (selector) => (descriptorAttributes(selector & 0xffff, before) & (LONG | BIG)) === (LONG | BIG),
      );
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
    explains: ({ address, qemu, ours }) =>
      isFrame(address) && qemu !== ours && (ours === (qemu | 1n) || ours === (qemu | 0x10000n)),
  },
  {
    reason:
      'QEMU sets the accessed flag of a page for an access that then faults, as that of the read of ADD to memory',
    section: 'SDM vol. 3A §4.8',
    explains: ({ address, qemu, ours }) => address !== undefined && address >= PML4 && qemu === (ours | 0x20n),
  },
  {
    reason:
      'QEMU lets MOV to control registers pass that is #GP: leaving paging in 64-bit mode, CR4.PAE clear in long mode, CR0.NW without CD, reserved bits',
    section: 'SDM vol. 2B, MOV to control registers; vol. 3A §2.5, §9.8.5',
    explains: (_, { test, ours, qemu }) =>
      test.text.includes('MOV CR') &&
      ([8, 13].includes(landingVector(ours) ?? 0) ||
        isShutdown(ours) ||
        ours.registers.cr0 !== qemu.registers.cr0 ||
        ours.registers.cr4 !== qemu.registers.cr4),
  },
  {
    reason: 'QEMU pushes and pops the frames of transfers and handlers at level 3 as if it were level 0',
    section: 'SDM vol. 3A §4.6.1',
    explains: (_, { test, ours: { registers } }) =>
      test.text.includes('level 3') &&
      registers.cr2 >= BigInt(INNER_STACKS) &&
      registers.cr2 < BigInt(HARNESS_STACK_END),
  },
  {
    reason: 'QEMU takes a null SS in RETF and IRET whatever the code segment and its level are',
    section: 'SDM vol. 2B, IRET and RET (a null SS is for 64-bit code at a level other than 3, with the same RPL)',
    explains: (_, { test, ours, qemu }) =>
      /RETF|IRET/.test(test.text) &&
      ([8, 13].includes(landingVector(ours) ?? 0) || isShutdown(ours)) &&
      qemu.registers.ss < 4n,
  },
  {
    reason: 'QEMU loads GDTR and IDTR with bases that are not canonical',
    section: 'SDM vol. 2A, LGDT/LIDT (#GP(0) in 64-bit mode)',
    explains: (_, { test, ours }) => test.text.includes('LIDT') && [8, 13].includes(landingVector(ours) ?? 0),
  },
  {
    reason: 'QEMU saves arithmetic flags in a task-state segment that it has not worked out yet',
    section: 'SDM vol. 3A §8.3 (the state of the old task is saved)',
    explains: ({ address }) =>
      address === TASK_32 + 0x24 || address === TASK_OTHER + 0x24 || address === TASK_16 + 0x10,
  },
  {
    reason: 'QEMU holds off a single-step trap after STI',
    section: 'SDM vol. 3A §6.8.3 (only MOV SS and POP SS hold off debug exceptions)',
    explains: ({ address }, { test }) => /TF.*CLI STI/.test(test.text) && isFrame(address),
  },
  {
    reason:
      'BSF and BSR of zero leave the destination undefined: the upper half of a 32-bit one stays here, QEMU clears it',
    section: 'SDM vol. 2A, BSF, BSR',
    explains: ({ register, qemu, ours }, { test }) =>
      /BS[FR]/.test(test.text) &&
      register !== undefined &&
      generalRegisters.has(register) &&
      qemu === BigInt.asUintN(32, ours),
  },
  {
    reason: 'QEMU stores the registers of PUSHA from the lowest address on, so that CR2 tells of another one',
    section: 'SDM vol. 2B, PUSHA (EAX is pushed first)',
    explains: ({ register }, { test }) => register === 'cr2' && test.text.includes('PUSHA'),
  },
];
