/** Runs a guest's image in QEMU and on this machine's command line; both give what it wrote to port E9h. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { repositoryRoot, runCommand } from '../../scripts/run-command.ts';

/** What the exit device makes of the 0 that the guests end with. */
const EXIT_CODE = 1;

export type Drive = 'floppy' | 'disk';

export const isInstalled = (command: string): boolean => spawnSync(command, ['--version']).status === 0;

/** `command` is the QEMU to start, `cpu` its model, `cpus` how many there are. The guest has to end by the exit device. */
export async function runInQemu(command: string, cpu: string, image: string, drive: Drive, cpus = 1): Promise<string> {
  const said = `${image}.theirs.txt`;
  const { exitCode, output } = await runCommand(command, [
    ...['-cpu', cpu, '-smp', String(cpus), '-m', '16', '-display', 'none', '-no-reboot'],
    ...['-drive', `if=${drive === 'floppy' ? 'floppy' : 'ide'},format=raw,file=${image}`, '-debugcon', `file:${said}`],
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
  ]);
  expect(exitCode, output).toBe(EXIT_CODE);
  return readFileSync(said, 'utf8');
}

/** The same here, for at most so many seconds; without `cpu` on the model that is the default. */
export async function runHere(
  image: string,
  drive: Drive,
  secondsMax: number,
  cpu?: string,
  cpus = 1,
): Promise<string> {
  const said = `${image}.ours.txt`;
  const { exitCode, output } = await runCommand(process.execPath, [
    ...[join(repositoryRoot, 'debug-adapter', 'command-line', 'main.ts'), 'run', `--${drive}`, image],
    ...(cpu === undefined ? [] : ['--cpu', cpu]),
    ...['--cpus', String(cpus)],
    ...['--debugcon', `file:${said}`, '--exit-device', '--max-seconds', String(secondsMax)],
  ]);
  expect(exitCode, output).toBe(EXIT_CODE);
  return readFileSync(said, 'utf8');
}
