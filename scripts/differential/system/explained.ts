/**
 * Where QEMU 7.2 does something else than the manuals have a processor do: a table. Every difference that a run finds is
 * held against it; what no entry explains is a failure.
 */
import { ARITHMETIC_FLAGS, DF } from '../../../vm-core/state/lazy-flags.ts';
import type { Comparison, Mismatch } from './compare.ts';
import {
  descriptorAttributes,
  endsIn,
  flipsRefusedBit,
  hasHandlerOfMiddleLevel,
  isElsewhere,
  isFrame,
  isNarrowTask,
  isOnWords,
  isOuter,
  isOuterStackGuarded,
  isOwnSegmentAgain,
  isPageEntry,
  isShutdown,
  landingVector,
  lastCode,
  lastTask,
  readsAndWrites,
  STACKS_END,
} from './comparison-facts.ts';
import {
  ENDING,
  GATES_32,
  GLOBAL_TABLE_SIZE,
  INNER_STACKS,
  OUTER_STACKS,
  PAE_POINTERS,
  TASK_16,
  TASK_32,
  TASK_OTHER,
  ZONE,
  ZONE_SIZE,
} from './layout.ts';
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
/** In error codes of page faults. */
const [PRESENT, WRITE, USER, RESERVED] = [1n, 2n, 4n, 8n] as const;
const PAGE_FAULT_BITS = 0x3fn;
/** In entries of page tables. */
const [PAGE_ACCESSED, PAGE_DIRTY] = [0x20n, 0x40n] as const;

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
    reason: 'VEX.W and the upper bit of VEX.vvvv outside of 64-bit mode, where they mean nothing: QEMU looks at them',
    section: 'SDM vol. 2A §2.3.5.5, §2.3.5.6',
  },
  {
    reason: 'VEX prefixes in 16-bit code of protected mode: QEMU raises #UD',
    section: 'SDM vol. 2A §2.3.1 (only real and virtual-8086 mode have none)',
  },
  {
    reason: 'REX.R and REX.B where they would choose a register of MMX: QEMU takes them for one beyond the eighth',
    section: 'SDM vol. 2A §2.2.1.2 (the bits are ignored)',
  },
  {
    reason:
      'exceptions of the x87 and of SSE that are not masked: QEMU raises none of SSE, and those of the x87 only with FWAIT',
    section: 'SDM vol. 1 §8.7, §11.5.2 (the native oracle covers them)',
  },
  {
    reason:
      'FSIN, FCOS, FSINCOS, FPTAN, RCPPS, RSQRTPS and their like: QEMU computes with numbers of 64 bits, or exactly',
    section: 'SDM vol. 1 §8.3.10; vol. 2B, RCPPS (the native oracle covers them)',
  },
  {
    reason: 'FFREE, FFREEP, FINCSTP and FDECSTP: what follows would find registers empty, which QEMU does not notice',
    section: 'SDM vol. 1 §8.5.1.1 (the native oracle covers them)',
  },
  { reason: 'SHA instructions: QEMU 7.2 has none', section: 'SDM vol. 2B (the native oracle covers them)' },
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
    reason: 'task gates with a selector of the LDT: QEMU raises #TS',
    section: 'SDM vol. 2A, CALL, JMP, INT n (#GP with the selector)',
  },
  {
    reason: 'L in the descriptors of writable segments: QEMU takes it for a stack pointer without bits',
    section: 'SDM vol. 3A §3.4.5 (reserved, no meaning)',
  },
  {
    reason: 'limits of segments: QEMU checks none, so that writable segments have none in the way',
    section: 'SDM vol. 3A §5.3',
  },
];

/** Selectors of the GDT. */
const SELECTORS = Array.from({ length: GLOBAL_TABLE_SIZE / 8 }, (_, n) => n * 8);

/** Whether a page fault was in one of the stacks, which returns also reach with offsets of 16 bits. */
const isOnStacks = (address: bigint): boolean =>
  (address >= BigInt(INNER_STACKS) && address < BigInt(STACKS_END)) ||
  (address >= BigInt(OUTER_STACKS - ZONE) && address < BigInt(STACKS_END - ZONE));

export const explainedInSystem: readonly Explained[] = [
  {
    reason: 'flags that an instruction leaves undefined are not compared, neither in RFLAGS nor in frames',
    section: 'SDM vol. 1 appendix A; vol. 2, "Flags Affected"',
    explains: ({ register, address, qemu, ours }, comparison) =>
      (register === 'rflags' || isFrame(address, comparison)) &&
      ((qemu ^ ours) & ~(BigInt(comparison.test.undefinedFlags ?? 0) | RF)) === 0n,
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
    explains: ({ address, qemu, ours }, { ours: own }) =>
      address !== undefined && (ours === (qemu | RF) || (isOnWords(own) && ours === (qemu | (RF >> 16n)))),
  },
  {
    reason:
      'QEMU tells less in the error code of a page fault: not W of an instruction that reads first, not P with RSVD, not U of pushes at level 3',
    section: 'SDM vol. 3A §4.7',
    explains: ({ address, qemu, ours }, comparison) => {
      const { test, ours: own, qemu: theirs } = comparison;
      // In the upper half of a double word after frames of words.
      const half = (ours ^ qemu) >= 0x1_0000n ? 16n : 0n;
      const lost = (ours ^ qemu) >> half;
      return (
        isFrame(address, comparison) &&
        own.registers.cr2 !== 0n &&
        own.registers.cr2 === theirs.registers.cr2 &&
        (ours ^ qemu) === lost << half &&
        ((qemu >> half) & lost) === 0n &&
        (lost & ~(PRESENT | WRITE | USER)) === 0n &&
        ((lost & WRITE) === 0n || readsAndWrites(test) || isElsewhere(comparison)) &&
        ((lost & PRESENT) === 0n || ((ours >> half) & RESERVED) !== 0n) &&
        ((lost & USER) === 0n || (isOuter(test) && isOnStacks(own.registers.cr2)))
      );
    },
  },
  {
    reason: 'QEMU gives the error code of a gate of long mode as vector * 16 + 2, without EXT',
    section: 'SDM vol. 3A §6.13 (the index counts gates; EXT where the program has not caused the event itself)',
    explains: ({ address, qemu, ours }, comparison) =>
      isFrame(address, comparison) &&
      (qemu & 15n) === 2n &&
      (ours & 6n) === 2n &&
      qemu >> 4n === ours >> 3n &&
      qemu < 0x1000n,
  },
  {
    reason: 'QEMU raises #GP instead of #SS for addresses in the stack segment that are not canonical',
    section: 'SDM vol. 3A §6.15, interrupt 12; vol. 2, exceptions of 64-bit mode',
    explains: (_, { ours, qemu }) => endsIn(ours, 8, 12) && endsIn(qemu, 8, 13),
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
    explains: ({ register, address }, comparison) =>
      / (SET|RC[LR])/.test(comparison.test.text) &&
      endsIn(comparison.ours, 12, 13, 14) &&
      (register === 'rflags' || isFrame(address, comparison)),
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
    explains: ({ register, address, qemu, ours }, comparison) =>
      comparison.ours.registers.ending === BigInt(ENDING.LONG) &&
      (register === 'ss' || isFrame(address, comparison)) &&
      qemu < 4n &&
      (ours & 3n) === qemu &&
      ours < 0x10000n,
  },
  {
    reason: 'QEMU clears all arithmetic flags in SYSCALL, whatever IA32_FMASK says',
    section: 'SDM vol. 2B, SYSCALL',
    explains: ({ register, address, qemu, ours }, comparison) =>
      comparison.test.text.includes('SYSCALL') &&
      (register === 'rflags' || isFrame(address, comparison)) &&
      ((qemu ^ ours) & ~(BigInt(ARITHMETIC_FLAGS | DF) | RF)) === 0n,
  },
  {
    reason: 'QEMU pushes on the stack of a far CALL or an interrupt before it has checked all of the target',
    section: 'SDM vol. 2A, CALL and INT n (checks come before the pushes); vol. 3A §6.5',
    explains: ({ address, ours }, { before, ours: own }) =>
      address !== undefined &&
      address >= INNER_STACKS &&
      address < STACKS_END &&
      ours === BigInt(before(address)) &&
      own.registers.ending !== BigInt(ENDING.SHUTDOWN),
  },
  {
    reason: 'QEMU takes code segments with both L and D for 64-bit code',
    section: 'SDM vol. 2A, JMP, CALL, RET, IRET (#GP if L and D are set); vol. 3A §3.4.5',
    explains: (_, { ours, qemu, before }) => {
      const { rsp, cs } = qemu.registers;
      const stack = Number(BigInt.asUintN(32, rsp));
      const isBoth = (selector: number) =>
        (descriptorAttributes(selector & 0xffff, before) & (LONG | BIG)) === (LONG | BIG);
      if ([Number(cs), ...[8, 16].map((offset) => qemu.memory.get(stack + offset) ?? 0)].some(isBoth)) return true;
      // A frame beyond the zone is not known; the code that was refused here faults there.
      const isUnknown = stack < ZONE || stack >= ZONE + ZONE_SIZE;
      return isUnknown && endsIn(ours, 8, 13) && endsIn(qemu, 14) && SELECTORS.some(isBoth);
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
    explains: ({ address, qemu, ours }, comparison) => {
      const half = (ours ^ qemu) >= 0x1_0000n ? 16n : 0n;
      // Codes of page faults are smaller than those that name a selector beyond the first few.
      const isSelector = comparison.ours.registers.cr2 === 0n || ours >> half > PAGE_FAULT_BITS;
      return isFrame(address, comparison) && isSelector && ours === (qemu | (1n << half)) && ours !== qemu;
    },
  },
  {
    reason: 'QEMU reads first where an instruction reads and writes: a page is accessed though the write then faults',
    section: 'SDM vol. 3A §4.8',
    explains: ({ address, qemu, ours }, { test }) =>
      isPageEntry(address) && qemu === (ours | PAGE_ACCESSED) && readsAndWrites(test),
  },
  {
    reason:
      'QEMU reads first where an instruction reads and writes: of an access over two pages the first one is not dirty if the second faults',
    section: 'SDM vol. 3A §4.8 (when the flag of such a page is set is not said)',
    explains: ({ address, qemu, ours }, { test, ours: own }) =>
      isPageEntry(address) &&
      ours === (qemu | PAGE_DIRTY) &&
      own.registers.cr2 !== 0n &&
      (own.registers.cr2 & 0xfffn) === 0n &&
      readsAndWrites(test),
  },
  {
    reason:
      'QEMU reads first where an instruction reads and writes: of an access over two pages the second one faults, where the first one cannot be written',
    section: 'SDM vol. 3A §4.6.1',
    explains: ({ register, address }, comparison) => {
      const [own, theirs] = [comparison.ours.registers.cr2, comparison.qemu.registers.cr2];
      const isSecond = theirs !== 0n && (theirs & 0xfffn) === 0n && own >> 12n === (theirs >> 12n) - 1n;
      return isSecond && readsAndWrites(comparison.test) && (register === 'cr2' || isFrame(address, comparison));
    },
  },
  {
    reason: 'QEMU loads TR with tasks of 16 bits in long mode',
    section: 'SDM vol. 2A, LTR; vol. 3A table 3-2 (the types 1 and 3 are reserved in IA-32e mode)',
    explains: (_, { test, ours, qemu, before }) =>
      test.text.includes('LLDT LTR') &&
      (endsIn(ours, 8, 13) || isShutdown(ours)) &&
      isNarrowTask(Number(qemu.registers.tr), before),
  },
  {
    reason: 'QEMU sets an accessed flag in the entries of the page-directory-pointer table of PAE paging',
    section: 'SDM vol. 3A §4.4.1 (bit 5 is reserved there)',
    explains: ({ address, qemu, ours }) => address === PAE_POINTERS && qemu === (ours | PAGE_ACCESSED),
  },
  {
    reason:
      'QEMU lets MOV to control registers pass that is #GP: leaving paging in 64-bit mode, CR4.PAE clear in long mode, CR0.NW without CD, reserved bits',
    section: 'SDM vol. 2B, MOV to control registers; vol. 3A §2.5, §9.8.5',
    explains: (_, { test, ours, qemu }) =>
      flipsRefusedBit(test) &&
      (endsIn(ours, 8, 13) ||
        isShutdown(ours) ||
        ours.registers.cr0 !== qemu.registers.cr0 ||
        ours.registers.cr4 !== qemu.registers.cr4),
  },
  {
    reason: 'QEMU pushes and pops the frames of transfers and handlers at level 3 as if it were level 0',
    section: 'SDM vol. 3A §4.6.1',
    explains: (_, comparison) => {
      const { test, ours } = comparison;
      return isOuter(test) && (isOnStacks(ours.registers.cr2) || (isShutdown(ours) && isOuterStackGuarded(comparison)));
    },
  },
  {
    reason: 'QEMU leaves VM set when a task of 16 bits follows virtual-8086 mode',
    section: 'SDM vol. 3B §21.2.6 (such a task has VM clear)',
    explains: (_, { test, ours, before }) => test.text.includes('virtual-8086') && isNarrowTask(lastTask(ours), before),
  },
  {
    reason: 'QEMU looks for the stack of level 1 or 2 before it refuses a handler of these levels in virtual-8086 mode',
    section: 'SDM vol. 2A, INT n (from virtual-8086 mode: #GP with the selector if the DPL is not 0)',
    explains: (_, { test, before }) => test.text.includes('virtual-8086') && hasHandlerOfMiddleLevel(test, before),
  },
  {
    reason: 'QEMU changes to the level of a conforming code segment that a call gate leads to',
    section: 'SDM vol. 2A, CALL (to the same level: the RPL of CS becomes CPL); vol. 3A §5.8.4',
    explains: (_, { test, ours, qemu, before }) =>
      test.text.includes('CALL') &&
      lastCode(qemu) === (lastCode(ours) & ~3) &&
      lastCode(qemu) !== lastCode(ours) &&
      (descriptorAttributes(lastCode(ours), before) & 0x1c) === 0x1c,
  },
  {
    reason: 'QEMU takes the width of the stack from SS for far transfers of 16 and 32 bits in 64-bit code',
    section: 'SDM vol. 1 §6.2.3 (the stack pointer has 64 bits in 64-bit mode)',
    explains: (_, { test }) => test.codeSize === 64 && /load SS.*(CALL|RETF|IRET)/.test(test.text),
  },
  {
    reason: 'QEMU takes a null SS in RETF and IRET whatever the code segment and its level are',
    section: 'SDM vol. 2B, IRET and RET (a null SS is for 64-bit code at a level other than 3, with the same RPL)',
    explains: (_, { test, ours, qemu }) =>
      /RETF|IRET/.test(test.text) && (endsIn(ours, 8, 13) || isShutdown(ours)) && qemu.registers.ss < 4n,
  },
  {
    reason: 'QEMU loads GDTR and IDTR with bases that are not canonical',
    section: 'SDM vol. 2A, LGDT/LIDT (#GP(0) in 64-bit mode)',
    explains: (_, { test, ours }) => test.text.includes('LIDT') && endsIn(ours, 8, 13),
  },
  {
    reason:
      'QEMU has read the new task before it saves the old one: to the own segment by another descriptor it goes on with what was saved earlier',
    section: 'SDM vol. 3A §8.3 (the steps in their order: the old state is saved, then the new one is loaded)',
    explains: (_, comparison) => isOwnSegmentAgain(comparison),
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
    explains: ({ address }, comparison) => /TF.*CLI STI/.test(comparison.test.text) && isFrame(address, comparison),
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
