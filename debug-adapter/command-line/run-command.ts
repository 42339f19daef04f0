/** `run`: boots an image without a user interface, and leaves behind what the options ask for. */
import { performance } from 'node:perf_hooks';
import { setImmediate as afterOtherWork, setTimeout as after } from 'node:timers/promises';
import type { Machine } from '../../vm-core/index.ts';
import { createMachine } from '../../vm-core/index.ts';
import type { AssemblerMessage } from '../host.ts';
import { bootGuest } from '../session/boot-guest.ts';
import type { Guest } from '../session/guest.ts';
import type { LaunchConfiguration } from '../session/launch-configuration.ts';
import { createNodeHost } from './node-host.ts';
import { checkOutputFiles, writeOutputFile } from './output-files.ts';
import { type RunEnd, RunLoop } from './run-loop.ts';
import { nameOption, type RunOptions } from './run-options.ts';
import { printScreen, writeScreenshot } from './screen-output.ts';
import { openSink } from './sinks.ts';
import { TextWatch } from './text-watch.ts';
import { Trace } from './trace.ts';

/** The streams of the process. */
export interface Streams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/** Other work of the process gets its turn this often. */
const YIELD_MS = 10;

/** Runs and returns the exit status. Throws an Error whose text names what is wrong with image or configuration. */
export async function runCommand(options: RunOptions, streams: Streams): Promise<number> {
  checkOutputFiles(options);
  const { machine } = await boot(options.machine, streams);
  const until = options.until === undefined ? undefined : new TextWatch(options.until);
  const keysAfter = options.keysAfter === undefined ? undefined : new TextWatch(options.keysAfter);
  if (until !== undefined) until.onSeen = () => machine.stop();
  const closeOutputs = connectOutputs(machine, options, streams, [until, keysAfter]);
  const input = connectInput(machine, options, streams.stdin);
  const trace = options.trace === undefined ? undefined : new Trace(machine, options.trace);
  const loop = new RunLoop(machine, {
    ...options,
    until,
    keysAfter,
    input: input.state,
    run: (limit) => trace?.run(limit) ?? machine.run(limit),
    now: () => performance.now(),
    pause: makePause(),
  });
  const interrupt = (): void => {
    loop.interrupted = true;
  };
  process.once('SIGINT', interrupt);
  const started = performance.now();
  let end: RunEnd;
  try {
    end = await loop.run();
  } finally {
    process.off('SIGINT', interrupt);
    input.close();
    trace?.close();
    closeOutputs();
  }
  leaveBehind(machine, options, end, (performance.now() - started) / 1000, streams.stdout);
  if (end.message !== undefined) streams.stderr.write(`${end.message}\n`);
  return end.exitStatus;
}

async function boot(configuration: LaunchConfiguration, { stderr }: Streams): Promise<Guest> {
  let errors = 0;
  const report = (messages: readonly AssemblerMessage[]): void => {
    for (const message of messages) stderr.write(formatMessage(message));
    errors += messages.filter(({ severity }) => severity === 'error').length;
  };
  try {
    const { guest, warnings } = await bootGuest(configuration, createNodeHost(), createMachine, report);
    for (const warning of warnings) stderr.write(`${nameOption(warning)}\n`);
    return guest;
  } catch (error) {
    if (errors === 0) throw error;
    // The errors stand there already.
    throw new Error(`nothing was run: NASM reported ${errors === 1 ? 'an error' : `${errors} errors`}`);
  }
}

function formatMessage({ file, line, severity, message }: AssemblerMessage): string {
  return `${file}:${line}: ${severity}: ${message}\n`;
}

function makePause(): (delayMs: number) => Promise<void> {
  let yielded = performance.now();
  return async (delayMs) => {
    if (delayMs > 0) await after(delayMs);
    else if (performance.now() - yielded < YIELD_MS) return;
    else await afterOtherWork();
    yielded = performance.now();
  };
}

/** Sends what the guest says to the sinks and to those who wait for a text. */
function connectOutputs(
  machine: Machine,
  options: RunOptions,
  { stdout, stderr }: Streams,
  watches: readonly (TextWatch | undefined)[],
): () => void {
  const serial = openSink('serial', options.serial, stdout);
  const debugcon = openSink('debugcon', options.debugcon, stdout);
  const parallel = openSink('parallel', options.parallel, stdout);
  machine.onOutput = (device, channel, bytes) => {
    if (channel === 'serial') serial.write(bytes);
    else if (channel === 'debugcon') debugcon.write(bytes);
    else if (channel === 'parallel') parallel.write(bytes);
    else return;
    for (const watch of watches) watch?.sawOutput(`${device}/${channel}`, bytes);
  };
  machine.onLog = (message) => void stderr.write(`${message}\n`);
  return () => {
    serial.close();
    debugcon.close();
    parallel.close();
  };
}

interface Input {
  state(): 'closed' | 'open' | 'typing';
  close(): void;
}

/** Standard input becomes bytes that arrive on the first serial port, if that port is `stdio`. */
function connectInput(machine: Machine, { serial }: RunOptions, stdin: NodeJS.ReadStream): Input {
  if (serial.kind !== 'stdio') return { state: () => 'closed', close: () => {} };
  let open = true;
  const take = (bytes: Buffer): void => machine.input('uart-1', 'serial', bytes);
  const ended = (): void => {
    open = false;
  };
  stdin.on('data', take).once('end', ended).once('error', ended);
  return {
    state: () => (!open ? 'closed' : stdin.isTTY ? 'typing' : 'open'),
    close(): void {
      stdin.off('data', take).pause();
      stdin.unref?.();
    },
  };
}

function leaveBehind(
  machine: Machine,
  options: RunOptions,
  { stopReason }: RunEnd,
  wallSeconds: number,
  stdout: NodeJS.WritableStream,
): void {
  if (options.printScreen) stdout.write(printScreen(machine.display));
  if (options.screenshot !== undefined) writeScreenshot(machine.display, options.screenshot);
  if (options.stats === undefined) return;
  const instructions = machine.retired;
  const mips = wallSeconds === 0 ? 0 : instructions / wallSeconds / 1e6;
  const compiled = machine.compiledCode && { compiledInstructions: machine.compiledCode.retired };
  const text = `${JSON.stringify({ instructions, wallSeconds, mips, stopReason, ...compiled })}\n`;
  if (options.stats === '-') stdout.write(text);
  else writeOutputFile('stats', options.stats, text);
}
