/**
 * Where QEMU 7.2 enters code, handlers and tasks otherwise than the manuals have a processor do, or loads segments otherwise: a
 * table, part of explained.ts.
 */
import {
  STACKS_END,
  descriptorAttributes,
  endsIn,
  globalSelectors,
  hasBusyNarrowTask,
  hasHandlerOfMiddleLevel,
  isFrame,
  isNarrowTask,
  isOnStacks,
  isOuter,
  isOuterStackGuarded,
  isOwnSegmentAgain,
  isShutdown,
  lastCode,
  lastTask,
} from './comparison-facts.ts';
import type { Explained } from './explained.ts';
import { ENDING, GATES_32, INNER_STACKS, LANDING, TASK_16, TASK_32, TASK_OTHER, ZONE, ZONE_SIZE } from './layout.ts';
import { BIG, LONG } from './zone.ts';

/** In the upper half of a descriptor. */
const ACCESSED = 1n << 8n;
/** Of a descriptor's attributes. */
const PRESENT = 0x80;
/** EIP in a task-state segment of 32 bits. */
const TASK_EIP = 0x20;
/** Where a handler of protected mode hands over: behind the instruction of two bytes that its vector leads to. */
const behindLanding = (vector: number): bigint => BigInt(LANDING + 2 * vector + 2);
/** Of error codes of page faults. */
const PAGE_FAULT_BITS = 0x3fn;

/** Of gates, frames, descriptors and tasks. */
export const explainedTransfers: readonly Explained[] = [
  {
    reason: 'QEMU gives the error code of a gate of long mode as vector * 16 + 2, without EXT',
    section: 'SDM vol. 3A §6.13 (the index counts gates; EXT where the program has not caused the event itself)',
    explains: ({ address, qemu, ours }, comparison) =>
      // After a shutdown it is not known where the frame was.
      (isFrame(address, comparison) || isShutdown(comparison.ours)) &&
      (qemu & 15n) === 2n &&
      (ours & 6n) === 2n &&
      qemu >> 4n === ours >> 3n &&
      qemu < 0x1000n,
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
    reason: 'QEMU pushes on the stack of a far CALL or an interrupt before it has checked all of the target',
    section: 'SDM vol. 2A, CALL and INT n (checks come before the pushes); vol. 3A §6.5',
    explains: ({ address, ours }, { test, before, qemu, ours: own }) => {
      const isPushed =
        address !== undefined &&
        address >= INNER_STACKS &&
        address < STACKS_END &&
        ours === BigInt(before(address)) &&
        (!isShutdown(own) || test.text.includes('CALL'));
      // The target is refused here, the stack there.
      const isOnGuardedStack = endsIn(own, 10, 11, 12, 13) && endsIn(qemu, 8, 14) && isOnStacks(qemu.registers.cr2);
      return isPushed || (isOnGuardedStack && test.text.includes('CALL'));
    },
  },
  {
    reason: 'QEMU takes code segments with both L and D for 64-bit code',
    section: 'SDM vol. 2A, JMP, CALL, RET, IRET (#GP if L and D are set); vol. 3A §3.4.5',
    explains: (_, { ours, qemu, before }) => {
      const { rsp, cs } = qemu.registers;
      const stack = Number(BigInt.asUintN(32, rsp));
      const isBoth = (selector: number) =>
        (descriptorAttributes(selector & 0xffff, before) & (LONG | BIG)) === (LONG | BIG);
      const entered = [Number(cs), ...[8, 16].map((offset) => qemu.memory.get(stack + offset) ?? 0)];
      const refused = endsIn(ours, 13) ? [ours.memory.get(Number(BigInt.asUintN(32, ours.registers.rsp))) ?? 0] : [];
      if ([...entered, ...refused].some(isBoth)) return true;
      // A frame beyond the zone is not known; the code that was refused here faults there.
      const isUnknown = stack < ZONE || stack >= ZONE + ZONE_SIZE;
      return isUnknown && endsIn(ours, 8, 13) && endsIn(qemu, 14) && globalSelectors.some(isBoth);
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
    reason: 'QEMU loads TR with tasks of 16 bits in long mode, and misses those that are not present',
    section: 'SDM vol. 2A, LTR; vol. 3A table 3-2 (the types 1 and 3 are reserved in IA-32e mode)',
    explains: (_, { test, ours, qemu, before }) => {
      if (!test.text.includes('LLDT LTR') || !(endsIn(ours, 8, 13) || isShutdown(ours))) return false;
      const isAbsent = (selector: number) => (descriptorAttributes(selector, before) & PRESENT) === 0;
      const hasAbsentTask = globalSelectors.some((selector) => isNarrowTask(selector, before) && isAbsent(selector));
      // After a shutdown TR is not known; the descriptor is.
      const hasLoadedTask = isNarrowTask(Number(qemu.registers.tr), before);
      return (
        hasLoadedTask || (isShutdown(qemu) && hasBusyNarrowTask(qemu, before)) || (endsIn(qemu, 11) && hasAbsentTask)
      );
    },
  },
  {
    reason: 'QEMU pushes and pops the frames of transfers and handlers at level 3 as if it were level 0',
    section: 'SDM vol. 3A §4.6.1',
    explains: (_, comparison) => {
      const { test, ours } = comparison;
      // Where the page fault's own frame fails, CR2 is of that.
      const isFurther = (isShutdown(ours) || endsIn(ours, 8)) && isOuterStackGuarded(comparison);
      return isOuter(test) && (isOnStacks(ours.registers.cr2) || isFurther);
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
    reason: 'QEMU raises #GP where JMP leads through a call gate to code that is not present',
    section: 'SDM vol. 2A, JMP (#NP)',
    explains: ({ address, qemu, ours }, { test, ...results }) =>
      test.text.includes('JMP') &&
      ((endsIn(results.ours, 11) && endsIn(results.qemu, 13)) ||
        (address === TASK_32 + TASK_EIP && ours === behindLanding(11) && qemu === behindLanding(13))),
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
];
