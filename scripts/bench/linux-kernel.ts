/** What all machines of the bench boot of Linux. */

/** A kernel that is booted directly, with what it needs. Paths. */
export interface LinuxBoot {
  readonly kernel: string;
  readonly initrd: string;
  readonly codeSize: 32 | 64;
}

/** The same for all: no tests of ciphers, and the interrupts of a PC of old, which all of the machines have. */
export const COMMAND_LINE = 'console=ttyS0,115200 quiet noapic nolapic cryptomgr.notests';
/** RAM, in MiB. v86 puts the initramfs at 64 MiB. */
export const LINUX_MEMORY = 256;
