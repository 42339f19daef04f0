/** Commands about the machine: `regs`, `devices`, `screen`, `keys`, `reset`, `log`. */
import { localized } from '../../protocol/localized.ts';
import type { Device, DeviceState } from '../../../vm-core/index.ts';
import { fieldParts, readPart } from '../../expressions/register-parts.ts';
import { findRegister, type Register } from '../../../vm-core/index.ts';
import type { Debuggee } from '../debuggee.ts';
import { keyStrokes } from '../key-strokes.ts';
import { placeText } from '../code-listing.ts';
import { UserError } from '../user-error.ts';
import { type ConsoleCommand, countOf, hex } from './console-command.ts';
import { styled } from './styles.ts';

const INPUTS_MAX = 1000;

const REGISTER_ROWS: readonly (readonly string[])[] = [
  ['EAX', 'EBX', 'ECX', 'EDX'],
  ['ESI', 'EDI', 'EBP', 'ESP'],
  ['CS', 'DS', 'ES', 'FS', 'GS', 'SS'],
];

const REGISTER_ROWS_64: readonly (readonly string[])[] = [
  ['RAX', 'RBX', 'RCX', 'RDX'],
  ['RSI', 'RDI', 'RBP', 'RSP'],
  ['R8', 'R9', 'R10', 'R11'],
  ['R12', 'R13', 'R14', 'R15'],
  ['CS', 'DS', 'ES', 'FS', 'GS', 'SS'],
];

export const machineCommands: readonly ConsoleCommand[] = [
  {
    name: 'regs',
    usage: '',
    help: 'Shows the registers; those that changed since the last stop are marked.',
    words: () => [],
    run: showRegisters,
  },
  {
    name: 'devices',
    usage: '[name]',
    help: 'Lists the devices, or shows the registers of those whose name begins so, such as pic, pit, dma.',
    words: ({ guest }) => [...guest.machine.devices.keys()],
    run: ({ guest }, [name]) =>
      name === undefined ? listDevices(guest.machine.devices) : showDevices(guest.machine.devices, name),
  },
  {
    name: 'screen',
    usage: '',
    help: 'Shows the text on the screen.',
    words: () => [],
    run: ({ guest }) => {
      const { display } = guest.machine;
      const rows = display.text();
      if (rows) return rows.join('\n').trimEnd() || '(the screen is empty)';
      const { width, height } = display.render();
      return `The screen shows graphics, ${width} × ${height}.`;
    },
  },
  {
    name: 'keys',
    usage: 'text',
    help: 'Types on the keyboard of the guest; <enter>, <esc>, <f1>, <ctrl-c> and so on are keys.',
    words: () => [],
    run: (debuggee, words) => {
      const strokes = strokesOf(words.join(' '));
      debuggee.typist.type(strokes);
      const when = debuggee.running ? '' : ' as soon as the guest runs';
      return `${strokes.length === 1 ? '1 key' : `${strokes.length} keys`} will be typed${when}.`;
    },
  },
  {
    name: 'reset',
    usage: '',
    help: 'Presses the reset button.',
    words: () => [],
    run: (debuggee) => {
      debuggee.afterResponse(() => debuggee.pressReset());
      return 'The machine was reset.';
    },
  },
  {
    name: 'log',
    usage: '[count]',
    help: 'Shows the last entries of the input log: all that came from outside, with the time at which the guest saw it.',
    words: () => [],
    run: ({ guest }, [count]) => {
      const records = guest.machine.inputLog.slice(-countOf(count, 20, INPUTS_MAX));
      const lines = records.map(({ time, device, channel, bytes }) => {
        const shown = [...bytes].map((byte) => hex(byte, 2)).join(' ');
        return `${String(time).padStart(14)}  ${device}/${channel}  ${shown}`;
      });
      return lines.join('\n') || 'Nothing has come from outside yet.';
    },
  },
];

function strokesOf(text: string): Uint8Array[] {
  if (text === '') throw new UserError('bad-argument', localized('keys: write what is to be typed'));
  try {
    return keyStrokes(text);
  } catch (error) {
    throw new UserError('bad-argument', localized('keys: {0}', error instanceof Error ? error.message : String(error)));
  }
}

function showRegisters(debuggee: Debuggee): string {
  const { guest } = debuggee;
  const shown = (name: string): string => {
    const register = registerNamed(name);
    const value = guest.vcpu.state.readRegister(register);
    const text = `${name}=${value
      .toString(16)
      .toUpperCase()
      .padStart(register.size * 2, '0')}`;
    const before = debuggee.registersBefore(guest)?.[register.number];
    const changed = before !== undefined && before !== value;
    return changed ? styled(debuggee, 'changed', text) : text;
  };
  const flags = fieldParts(registerNamed('EFLAGS'))
    .filter((part) => readPart(guest.vcpu.state, part) !== 0)
    .map((part) => part.name);
  const rows = (guest.is64Bit ? REGISTER_ROWS_64 : REGISTER_ROWS).map((row) => row.map(shown).join(' '));
  const place = placeText(guest, guest.vcpu.linearEip);
  const [pointer, flagsName] = guest.is64Bit ? ['RIP', 'RFLAGS'] : ['EIP', 'EFLAGS'];
  return [...rows, `${shown(pointer)} ${shown(flagsName)} ${flags.join(' ')}`, `next: ${place}`].join('\n');
}

function registerNamed(name: string): Register {
  const register = findRegister(name);
  if (!register) throw new Error(`no register ${name} in the table`);
  return register;
}

type Devices = ReadonlyMap<string, Device>;

function listDevices(devices: Devices): string {
  const width = Math.max(...[...devices.keys()].map((name) => name.length));
  return [...devices].map(([name, { description }]) => `${name.padEnd(width)}  ${description.title}`).join('\n');
}

function showDevices(devices: Devices, prefix: string): string {
  const found = [...devices].filter(([name]) => name.startsWith(prefix));
  if (found.length === 0) {
    throw new UserError(
      'bad-argument',
      localized('no device is called {0}; there are {1}', prefix, [...devices.keys()].join(', ')),
    );
  }
  return found.map(([name, device]) => `${name}\n${registersOf(device).join('\n')}`).join('\n');
}

function registersOf({ description, state }: Device<DeviceState>): readonly string[] {
  if (description.registers.length === 0) return ['  (no registers)'];
  return description.registers.map(({ name, width, description: text, value }) => {
    const shown = hex(value(state), Math.ceil(width / 4));
    return `  ${name.padEnd(16)} ${shown.padEnd(8)} ${text}`;
  });
}
