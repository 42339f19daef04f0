/** Runs an image in QEMU (TCG, an ISA PC) and reads the results out of the guest's RAM, which is a file on the host. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CPU_MODEL, RAM_SIZE, RESULTS, RESULTS_SIZE } from './layout.ts';

const PROGRAM = 'qemu-system-i386';
const TIMEOUT_MS = 20_000;

/** The version line of the installed QEMU, or undefined without one. */
export function qemuVersion(): string | undefined {
  const { status, stdout } = spawnSync(PROGRAM, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n', 1)[0] : undefined;
}

/** What QEMU made of an image; `ended` is false if the guest crashed or had to be stopped. */
export interface QemuRun {
  readonly memory: Uint8Array;
  readonly ended: boolean;
}

export class Qemu {
  readonly #directory = mkdtempSync(join(tmpdir(), 'differential-'));

  run(image: Uint8Array): QemuRun {
    const rom = join(this.#directory, 'image.rom');
    const ram = join(this.#directory, 'ram');
    writeFileSync(rom, image);
    rmSync(ram, { force: true });
    const { status, error } = spawnSync(PROGRAM, qemuArguments(rom, ram), {
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    const memory = new Uint8Array(RESULTS_SIZE);
    const file = openSync(ram, 'r');
    readSync(file, memory, 0, RESULTS_SIZE, RESULTS);
    closeSync(file);
    return { memory, ended: error === undefined && status !== null && (status & 1) === 1 };
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

function qemuArguments(rom: string, ram: string): string[] {
  return [
    ...['-machine', 'isapc,memory-backend=ram', '-cpu', CPU_MODEL, '-accel', 'tcg', '-m', `${RAM_SIZE >>> 20}M`],
    ...['-object', `memory-backend-file,id=ram,size=${RAM_SIZE},mem-path=${ram},share=on`],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-vga', 'none', '-no-reboot', '-bios', rom],
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=1'],
  ];
}
