/**
 * Where QEMU 7.2 translates addresses otherwise than the manuals have a processor do, or faults otherwise: a table, part of
 * explained.ts.
 */
import {
  endsIn,
  flipsRefusedBit,
  isElsewhere,
  isFrame,
  isOnStacks,
  isOuter,
  isPageEntry,
  isShutdown,
  readsAndWrites,
} from './comparison-facts.ts';
import type { Explained } from './explained.ts';
import { PAE_POINTERS } from './layout.ts';

/** In error codes of page faults. */
const [PRESENT, WRITE, USER, RESERVED] = [1n, 2n, 4n, 8n] as const;
/** In entries of page tables. */
const [PAGE_ACCESSED, PAGE_DIRTY] = [0x20n, 0x40n] as const;

/** Of addresses, pages and control registers. */
export const explainedPaging: readonly Explained[] = [
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
        ours.registers.ending !== qemu.registers.ending ||
        ours.registers.cr0 !== qemu.registers.cr0 ||
        ours.registers.cr4 !== qemu.registers.cr4),
  },
  {
    reason: 'QEMU stores the registers of PUSHA from the lowest address on, so that CR2 tells of another one',
    section: 'SDM vol. 2B, PUSHA (EAX is pushed first)',
    explains: ({ register }, { test }) => register === 'cr2' && test.text.includes('PUSHA'),
  },
];
