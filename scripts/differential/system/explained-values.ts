/**
 * Where QEMU 7.2 has other flags or registers than the manuals, or the manuals leave them undefined: a table, part of
 * explained.ts.
 */
import { ARITHMETIC_FLAGS, DF } from '../../../vm-core/state/lazy-flags.ts';
import { endsIn, isFrame, isOnWords, landingVector } from './comparison-facts.ts';
import type { Explained } from './explained.ts';

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

/** Of flags, registers and traps. */
export const explainedValues: readonly Explained[] = [
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
    reason: 'QEMU clears all arithmetic flags in SYSCALL, whatever IA32_FMASK says',
    section: 'SDM vol. 2B, SYSCALL',
    explains: ({ register, address, qemu, ours }, comparison) =>
      comparison.test.text.includes('SYSCALL') &&
      (register === 'rflags' || isFrame(address, comparison)) &&
      ((qemu ^ ours) & ~(BigInt(ARITHMETIC_FLAGS | DF) | RF)) === 0n,
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
    reason: 'QEMU takes a near RET to an address that is not canonical, and faults behind it',
    section: 'SDM vol. 2B, RET (#GP(0) if the return instruction pointer is not canonical)',
    explains: (_, { test, ours, qemu }) => / RET\b/.test(test.text) && endsIn(ours, 13) && endsIn(qemu, 13),
  },
  {
    reason: 'XLAT in 16-bit code reads below the memory that is compared, where the harness has its stacks',
    section: 'the harness',
    explains: ({ register }, { test }) => test.codeSize === 16 && test.text.includes('XLAT') && register === 'rax',
  },
];
