/** The words behind `run` and `dap`, checked and brought into the form that the commands work with. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { type LaunchConfiguration, parseLaunchArguments } from '../session/launch-configuration.ts';
import { UserError } from '../session/user-error.ts';
import { type CommandOption, dapOptions, optionName, runOptions } from './command-options.ts';
import { keyStrokes } from '../session/key-strokes.ts';

/** Where a channel's bytes go. */
export type Sink =
  | { readonly kind: 'none' }
  | { readonly kind: 'stdio' }
  | { readonly kind: 'file'; readonly path: string };

/** How a run is driven and what it leaves behind. */
export interface RunOptions {
  readonly machine: LaunchConfiguration;
  readonly serial: Sink;
  readonly debugcon: Sink;
  readonly parallel: Sink;
  readonly until: string | undefined;
  /** Scan codes, one entry per key with everything that pressing and releasing it sends. */
  readonly keys: readonly Uint8Array[];
  readonly keysAfter: string | undefined;
  readonly instructionsMax: number;
  readonly secondsMax: number;
  readonly screenshot: string | undefined;
  readonly printScreen: boolean;
  /** A path, or `-` for standard output. */
  readonly stats: string | undefined;
  readonly trace: string | undefined;
  readonly onTripleFault: 'stop' | 'reset';
  readonly noReboot: boolean;
}

export interface DapOptions {
  readonly port: number | undefined;
}

/** A mistake on the command line: the text names the option. */
export class UsageError extends Error {}

type Values = Readonly<Record<string, string | boolean | undefined>>;

export function parseRunOptions(words: readonly string[]): RunOptions {
  const { values, positionals } = parseWords(words, runOptions, 1);
  const text = (name: string): string | undefined => values[name] as string | undefined;
  return {
    machine: parseMachine(values, positionals[0]),
    serial: parseSink('serial', text('serial')),
    debugcon: parseSink('debugcon', text('debugcon')),
    parallel: parseSink('parallel', text('parallel')),
    until: parseText('until', text('until')),
    keys: parseKeys(text('keys')),
    keysAfter: parseKeysAfter(text('keys-after'), text('keys')),
    instructionsMax: parseLimit('max-instructions', text('max-instructions'), /^\d+$/),
    secondsMax: parseLimit('max-seconds', text('max-seconds'), /^\d+(\.\d+)?$/),
    screenshot: parseText('screenshot', text('screenshot')),
    printScreen: values['print-screen'] === true,
    stats: parseText('stats', text('stats')),
    trace: parseText('trace', text('trace')),
    onTripleFault: parseChoice('on-triple-fault', text('on-triple-fault') ?? 'stop', ['stop', 'reset']),
    noReboot: values['no-reboot'] === true,
  };
}

const PORT_MAX = 65_535;

export function parseDapOptions(words: readonly string[]): DapOptions {
  const { values } = parseWords(words, dapOptions, 0);
  const port = values['port'] as string | undefined;
  if (port === undefined) return { port: undefined };
  if (!/^\d+$/.test(port) || Number(port) > PORT_MAX) throw new UsageError(`--port: ${port} is no port number`);
  return { port: Number(port) };
}

function parseWords(
  words: readonly string[],
  options: readonly CommandOption[],
  positionalsMax: number,
): { readonly values: Values; readonly positionals: readonly string[] } {
  const config: ParseArgsOptionsConfig = Object.fromEntries(
    options.map(
      ({ name, value, multiple = false }) =>
        [name, { type: value === undefined ? 'boolean' : 'string', multiple }] as const,
    ),
  );
  let parsed: { readonly values: unknown; readonly positionals: readonly string[] };
  try {
    parsed = parseArgs({ args: [...words], options: config, allowPositionals: true });
  } catch (error) {
    throw new UsageError(describeParseError(error as NodeJS.ErrnoException, options));
  }
  const extra = parsed.positionals[positionalsMax];
  if (extra !== undefined) throw new UsageError(`${extra}: there is no place for this word`);
  return { values: parsed.values as Values, positionals: parsed.positionals };
}

function describeParseError({ code, message }: NodeJS.ErrnoException, options: readonly CommandOption[]): string {
  const word = /'(-[^' ]+)/.exec(message)?.[1] ?? '';
  const option = options.find(({ name }) => `--${name}` === word);
  if (option?.value !== undefined) return `${word}: ${option.value} is missing`;
  if (code !== 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return message.replaceAll(/'(-[^']*)'/g, '$1');
  const similar = options.filter(({ name }) => name.startsWith(word.replace(/^-+/, '').slice(0, SIMILAR_LENGTH)));
  const hint = similar.length === 0 ? '' : `; there is ${similar.map(({ name }) => `--${name}`).join(', ')}`;
  return `${word}: there is no such option${hint}`;
}

/** Letters with which the name of an option begins that may have been meant. */
const SIMILAR_LENGTH = 3;

/** The session checks launch arguments; its messages name them as launch.json does, so their names are turned round. */
function parseMachine(values: Values, image: string | undefined): LaunchConfiguration {
  const given: Record<string, unknown> = image === undefined ? {} : { program: image };
  for (const { name, launchArgument } of runOptions) {
    const value = values[name];
    if (launchArgument === undefined || value === undefined) continue;
    given[launchArgument.name] = value;
  }
  try {
    return parseLaunchArguments(given);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UsageError(nameOption(error.message));
  }
}

/** The session's message about a launch argument in the words of this command line: `--vga-firmware` for `vgaFirmware`. */
export function nameOption(message: string): string {
  if (message.startsWith('nothing to boot'))
    return 'nothing to boot: give an IMAGE, --floppy, --disk, --cdrom or --kernel';
  const argument = /^\w+/.exec(message)?.[0] ?? '';
  if (argument === 'program') return message.replace(/^program:? (?:and )?/, '');
  const known = runOptions.some(({ launchArgument }) => launchArgument?.name === argument);
  return known ? `--${optionName(argument)}${message.slice(argument.length)}` : message;
}

function parseSink(name: string, value: string | undefined): Sink {
  if (value === undefined || value === 'none') return { kind: 'none' };
  if (value === 'stdio') return { kind: 'stdio' };
  const path = /^file:(.+)$/.exec(value)?.[1];
  if (path === undefined) throw new UsageError(`--${name}: ${value} is none of stdio, none, file:PATH`);
  return { kind: 'file', path };
}

function parseText(name: string, value: string | undefined): string | undefined {
  if (value === '') throw new UsageError(`--${name}: a text is expected`);
  return value;
}

function parseKeys(value: string | undefined): readonly Uint8Array[] {
  try {
    return value === undefined ? [] : keyStrokes(value);
  } catch (error) {
    throw new UsageError(`--keys: ${(error as Error).message}`);
  }
}

function parseKeysAfter(value: string | undefined, keys: string | undefined): string | undefined {
  if (value !== undefined && keys === undefined) throw new UsageError('--keys-after: there are no --keys to press');
  return parseText('keys-after', value);
}

function parseLimit(name: string, value: string | undefined, form: RegExp): number {
  if (value === undefined) return Number.POSITIVE_INFINITY;
  const limit = form.test(value) ? Number(value) : 0;
  if (limit <= 0) throw new UsageError(`--${name}: ${value} is no number above 0`);
  return limit;
}

function parseChoice<T extends string>(name: string, value: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === value);
  if (choice === undefined) throw new UsageError(`--${name}: ${value} is none of ${choices.join(', ')}`);
  return choice;
}
