/** Runs a guest in a program of its own and takes the time between the two letters that it sends on its serial port. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

/** No run of the bench is meant to take this long; one that does is ended and reported. */
export const RUN_TIME_MAX_MS = 60_000;

/** Nor is a boot of Linux meant to take this long. */
export const BOOT_TIME_MAX_MS = 180_000;

/** A program whose standard output is the guest's serial port. */
export type GuestProcess = ChildProcessByStdio<null, Readable, Readable>;

export interface TimedRun {
  /** From `S` to `E`. */
  readonly milliseconds: number;
  /** What it sent between the two letters. */
  readonly sent: string;
  /** What the program wrote after `E`. */
  readonly rest: string;
}

/** Starts a program; it is ended when it runs for too long. */
export function startGuest(
  command: string,
  commandArguments: readonly string[],
  timeMaxMs: number = RUN_TIME_MAX_MS,
): GuestProcess {
  const child = spawn(command, commandArguments, { stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), timeMaxMs);
  child.once('close', () => clearTimeout(timer));
  child.once('error', () => clearTimeout(timer));
  return child;
}

/** Settles when the program has ended. Rejects with what it complained about if the guest did not come to its end. */
export function timeMarks(child: GuestProcess): Promise<TimedRun> {
  return new Promise((settle, reject) => {
    let text = '';
    let errors = '';
    let began: number | undefined;
    let ended: number | undefined;
    child.stdout.on('data', (bytes: Buffer) => {
      const now = performance.now();
      text += bytes.toString('latin1');
      if (text.includes('S')) began ??= now;
      if (text.includes('E')) ended ??= now;
    });
    child.stderr.on('data', (bytes: Buffer) => {
      errors += bytes.toString();
    });
    child.once('error', reject);
    child.once('close', () => {
      if (began !== undefined && ended !== undefined)
        settle({
          milliseconds: ended - began,
          sent: text.slice(text.indexOf('S') + 1, text.indexOf('E')),
          rest: text.slice(text.indexOf('E') + 1),
        });
      else reject(new Error(`the guest did not come to its end in ${child.spawnargs.join(' ')}\n${errors}`));
    });
  });
}

/** Settles with the milliseconds until the guest has sent a text, which ends the program. */
export function timeToText(child: GuestProcess, wanted: string): Promise<number> {
  const began = performance.now();
  return new Promise((settle, reject) => {
    let text = '';
    let errors = '';
    let milliseconds: number | undefined;
    child.stdout.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (milliseconds !== undefined || !text.includes(wanted)) return;
      milliseconds = performance.now() - began;
      child.kill('SIGKILL');
    });
    child.stderr.on('data', (bytes: Buffer) => {
      errors += bytes.toString();
    });
    child.once('error', reject);
    child.once('close', () => {
      if (milliseconds !== undefined) settle(milliseconds);
      else reject(new Error(`the guest did not come to its shell in ${child.spawnargs.join(' ')}\n${text}${errors}`));
    });
  });
}
