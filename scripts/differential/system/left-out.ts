/** What the generators of system cases leave out: a table. */

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
