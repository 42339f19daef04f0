/** QEMU as a peer: the same image with TCG, free or under its gdb stub, which is spoken to without gdb. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { GdbConnection } from './gdb-connection.ts';
import { COMMAND_LINE, LINUX_MEMORY, type LinuxBoot } from './linux-kernel.ts';
import { BOOT_TIME_MAX_MS, type GuestProcess, startGuest } from './timed-run.ts';

const PROGRAM = 'qemu-system-i386';
const PROGRAM_64 = 'qemu-system-x86_64';

/** The version line of the installed QEMU, or undefined without one. */
export function qemuVersion(): string | undefined {
  const { status, stdout } = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n', 1)[0] : undefined;
}

function qemuArguments(image: string): string[] {
  return [
    ...['-machine', 'pc', '-accel', 'tcg', '-m', '16M', '-nodefaults', '-no-user-config', '-display', 'none'],
    ...['-vga', 'std', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'],
    ...['-drive', `file=${image},format=raw,snapshot=on`, '-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
  ];
}

/** What an image needs beside a PC with one processor of 32 bits. */
interface QemuNeeds {
  readonly codeSize: 32 | 64;
  readonly usesAvx2: boolean;
  readonly processors: number;
  /** Counts instructions, as this machine always does. */
  readonly icount?: boolean;
}

/** Runs an image free of any debugger. */
export function startQemu(image: string, { codeSize, usesAvx2, processors, icount }: QemuNeeds): GuestProcess {
  const parts = [
    ...(icount ? ['-icount', 'shift=0'] : []),
    ...(usesAvx2 ? ['-cpu', 'max'] : []),
    ...['-smp', String(processors)],
  ];
  return startGuest(codeSize === 64 ? PROGRAM_64 : PROGRAM, [...qemuArguments(image), ...parts]);
}

/** Boots Linux: the 32-bit kernel on a PC without PCI, as this machine is one; the other does not know that. */
export function startQemuLinux({ kernel, initrd, codeSize }: LinuxBoot): GuestProcess {
  const [program, machine, model] = codeSize === 64 ? [PROGRAM_64, 'pc', 'Nehalem'] : [PROGRAM, 'isapc', 'pentium3'];
  const parts = [
    ...['-machine', machine, '-accel', 'tcg', '-cpu', model, '-m', `${LINUX_MEMORY}M`, '-nodefaults'],
    ...['-no-user-config', '-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'],
    ...['-kernel', kernel, '-initrd', initrd, '-append', COMMAND_LINE],
  ];
  return startGuest(program, parts, BOOT_TIME_MAX_MS);
}

let sockets = 0;

/** Starts QEMU stopped at its reset vector, with a connection to its stub. */
export async function startQemuStub(
  image: string,
  directory: string,
): Promise<{ readonly guest: GuestProcess; readonly stub: GdbConnection }> {
  const socket = join(directory, `stub-${sockets++}`);
  const guest = startGuest(PROGRAM, [...qemuArguments(image), '-S', '-gdb', `unix:${socket},server=on,wait=off`]);
  return { guest, stub: await GdbConnection.open(socket, guest) };
}
