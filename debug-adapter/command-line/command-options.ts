/**
 * The options of `run` and `dap`. Those that describe the machine are the launch arguments of launch.json in kebab-case;
 * the others say how the run is driven and what it leaves behind.
 */
import { type LaunchArgument, launchArgumentRows } from '../session/launch-arguments.ts';

export interface CommandOption {
  /** As written behind `--`. */
  readonly name: string;
  /** What follows it in the help; absent for a switch. */
  readonly value?: string;
  readonly description: string;
  /** The launch argument it sets. */
  readonly launchArgument?: LaunchArgument;
  /** It may stand any number of times. */
  readonly multiple?: boolean;
}

/** Launch arguments that `run` takes, in the order of its help, with what the help shows for their values. */
const MACHINE_OPTIONS: readonly (readonly [launchArgument: string, value?: string])[] = [
  ['disk', 'FILE'],
  ['floppy', 'FILE'],
  ['cdrom', 'FILE'],
  ['kernel', 'FILE'],
  ['initrd', 'FILE'],
  ['modules', 'FILE'],
  ['append', 'TEXT'],
  ['kernelEntry', '16-bit|32-bit|64-bit'],
  ['firmware', 'builtin|FILE'],
  ['vgaFirmware', 'FILE'],
  ['memory', 'SIZE'],
  ['memoryLow', 'SIZE'],
  ['cpus', 'COUNT|PxCxT'],
  ['cpu', 'MODEL'],
  ['localApic', 'model|hidden'],
  ['engine', 'compiler|interpreter'],
  ['machine', 'TYPE'],
  ['exitDevice'],
];

/** `vgaFirmware` is `--vga-firmware` on the command line. */
export function optionName(launchArgument: string): string {
  return launchArgument.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function machineOption([name, value]: readonly [string, string?]): CommandOption {
  const launchArgument = launchArgumentRows.find((row) => row.name === name);
  if (launchArgument === undefined) throw new Error(`no launch argument ${name}`);
  const description = launchArgument.description.replaceAll('`', '');
  const multiple = launchArgument.type === 'modules';
  return { name: optionName(name), ...(value === undefined ? {} : { value }), description, launchArgument, multiple };
}

/** Every option of `run`. */
export const runOptions: readonly CommandOption[] = [
  ...MACHINE_OPTIONS.map(machineOption),
  { name: 'serial', value: 'stdio|none|file:PATH', description: 'Where the first serial port goes. Default: none.' },
  { name: 'debugcon', value: 'stdio|none|file:PATH', description: 'Where bytes for port E9h go. Default: none.' },
  {
    name: 'parallel',
    value: 'stdio|none|file:PATH',
    description: 'Where what is printed on the parallel port goes. Default: none.',
  },
  {
    name: 'until',
    value: 'TEXT',
    description:
      'End the run, with status 0, when TEXT is seen on a serial port, the debug console or the text screen.',
  },
  {
    name: 'keys',
    value: 'KEYS',
    description: 'Keys to press, as text; special keys by name: "DIR<enter>", "<f1>", "<ctrl-c>", "<lt>" for "<".',
  },
  { name: 'keys-after', value: 'TEXT', description: 'Press the keys once TEXT is seen, instead of at once.' },
  {
    name: 'max-instructions',
    value: 'COUNT',
    description: 'End the run, with status 124, after so many instructions.',
  },
  { name: 'max-seconds', value: 'SECONDS', description: 'End the run, with status 124, after so long a time.' },
  { name: 'screenshot', value: 'FILE', description: 'Write the screen as a PNG file when the run ends.' },
  { name: 'print-screen', description: 'Print the text screen when the run ends.' },
  {
    name: 'stats',
    value: 'FILE|-',
    description:
      'Write instructions, wallSeconds, mips, stopReason and, with the compiler, compiledInstructions as JSON when the run ends (-: standard output).',
  },
  {
    name: 'trace',
    value: 'FILE',
    description: 'Write a line for every instruction: address, bytes, text and the registers it changed. Slow.',
  },
  {
    name: 'on-triple-fault',
    value: 'stop|reset',
    description: 'What a triple fault does: end the run with status 3, or reset the machine. Default: stop.',
  },
  { name: 'no-reboot', description: 'End the run, with status 0, when the guest resets the machine.' },
];

/** Every option of `dap`. */
export const dapOptions: readonly CommandOption[] = [
  {
    name: 'port',
    value: 'NUMBER',
    description: 'Serve clients on this TCP port of this computer instead of one client on standard input and output.',
  },
];
