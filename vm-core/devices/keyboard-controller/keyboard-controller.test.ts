import { describe, expect, it } from 'vitest';
import { createTestBench, hex, readPort, registerValues, writePort } from '../test-bench.ts';
import { createKeyboardController } from './keyboard-controller.ts';
import { set1ToSet2, set2ToSet1, splitSet1, toSet2 } from './scan-codes.ts';
import { set3Key } from './set-3.ts';

const bytesOf = (text: string): number[] =>
  text
    .split(' ')
    .filter((digits) => digits !== '')
    .map((digits) => Number.parseInt(digits, 16));

function bench() {
  const around = createTestBench();
  const controller = createKeyboardController(around.context);
  controller.reset();
  const command = (value: number, ...parameters: number[]): void => {
    writePort(controller, 'command', 0, value);
    if (parameters.length > 0) writePort(controller, 'data', 0, ...parameters);
  };
  const status = (): number => readPort(controller, 'command');
  const data = (): number => readPort(controller, 'data');
  /** Reads what comes until nothing more does, as a driver that polls. */
  const drain = (): string => {
    const bytes: string[] = [];
    for (let idle = 0; idle < 2 && bytes.length < 50; around.advance(200_000)) {
      if ((status() & 1) === 0) {
        idle += 1;
      } else {
        idle = 0;
        bytes.push(hex(data()));
      }
    }
    return bytes.join(' ');
  };
  const keys = (text: string): void => controller.channels?.['keys']?.(Uint8Array.from(bytesOf(text)));
  return { controller, ...around, command, status, data, drain, keys };
}

const COMMAND_BYTE = (value: number): [number, number] => [0x60, value];

describe('scan codes', () => {
  it('translate one to one for 01h–7Fh', () => {
    const translated = [...set2ToSet1.subarray(1, 0x80)].sort((a, b) => a - b);
    expect(translated).toEqual(Array.from({ length: 0x7f }, (_, index) => index + 1));
    for (let code = 1; code < 0x80; code += 1) expect(set2ToSet1[set1ToSet2[code] as number]).toBe(code);
  });

  it.each([
    ['A pressed', '1e', '1C'],
    ['A released', '9e', 'F0 1C'],
    ['F7 has a code above 7Fh', '41', '83'],
    ['cursor up', 'e0 48', 'E0 75'],
    ['cursor up released', 'e0 c8', 'E0 F0 75'],
    ['Pause', 'e1 1d 45', 'E1 14 77'],
    ['Pause, second half', 'e1 9d c5', 'E1 F0 14 F0 77'],
  ])('%s', (_name, set1, set2) => {
    const [code, ...rest] = splitSet1(Uint8Array.from(bytesOf(set1)));
    expect(rest).toEqual([]);
    expect(
      toSet2(code as Uint8Array)
        .map(hex)
        .join(' '),
    ).toBe(set2);
  });
});

describe('8042 commands', () => {
  it.each([
    { name: 'self test', send: [0xaa], answer: '55', shows: { COMMAND: 0x45, STATUS: 0x1c } },
    { name: 'read command byte', send: [0x20], answer: '41', shows: {} },
    { name: 'write command byte', send: COMMAND_BYTE(0x65), answer: '', shows: { COMMAND: 0x65 } },
    { name: 'test of the keyboard port', send: [0xab], answer: '00', shows: {} },
    { name: 'test of the auxiliary port', send: [0xa9], answer: '00', shows: {} },
    { name: 'disable keyboard', send: [0xad], answer: '', shows: { COMMAND: 0x51 } },
    { name: 'disable auxiliary', send: [0xa7], answer: '', shows: { COMMAND: 0x61 } },
    { name: 'password', send: [0xa4], answer: 'F1', shows: {} },
    { name: 'read input port', send: [0xc0], answer: 'B0', shows: {} },
    { name: 'read output port', send: [0xd0], answer: 'CF', shows: {} },
    { name: 'write output port: A20 off', send: [0xd1, 0xdd], answer: '', shows: { OUTPUT_PORT: 0xcd } },
    { name: 'A20 off, one byte', send: [0xdd], answer: '', shows: { OUTPUT_PORT: 0xcd } },
    { name: 'A20 on, one byte', send: [0xdf], answer: '', shows: { OUTPUT_PORT: 0xcf } },
    { name: 'write output buffer', send: [0xd2, 0x5a], answer: '5A', shows: {} },
    { name: 'write auxiliary buffer', send: [0xd3, 0x5a], answer: '5A', shows: {} },
    { name: 'to the mouse', send: [0xd4, 0xf4], answer: 'FA', shows: { MOUSE_REPORTING: 1 } },
    { name: 'test inputs', send: [0xe0], answer: '03', shows: {} },
    { name: 'RAM', send: [0x7f, 0x12], answer: '', shows: {} },
  ])('$name', ({ send, answer, shows }) => {
    const { controller, command, drain } = bench();
    const [first, ...parameters] = send as [number, ...number[]];
    command(first, ...parameters);
    expect(drain()).toBe(answer);
    expect(registerValues(controller)).toMatchObject(shows);
  });

  it('keeps bytes in its RAM', () => {
    const { command, drain } = bench();
    command(0x7f, 0x12);
    command(0x3f);
    expect(drain()).toBe('12');
  });

  it('has A20 open at reset, follows its pin, and opens it again', () => {
    const { controller, command, lines } = bench();
    expect(lines.get('a20')).toBe(true);
    command(0xd1, 0xdd);
    expect(lines.get('a20')).toBe(false);
    controller.reset();
    expect(lines.get('a20')).toBe(true);
  });

  it('resets the machine by pulse and by pin', () => {
    const { command, requests } = bench();
    command(0xfe);
    command(0xff);
    command(0xd1, 0x02);
    expect(requests).toEqual([{ kind: 'reset' }, { kind: 'reset' }]);
  });

  it('says what it does not know', () => {
    const { command, messages, drain } = bench();
    command(0xb8);
    expect(messages).toEqual(['keyboard controller command B8h is not modelled']);
    expect(drain()).toBe('');
  });

  it('flags where a byte came from', () => {
    const { command, status, data, lines, advance } = bench();
    command(...COMMAND_BYTE(0x43));
    command(0xd3, 0x11);
    expect([status() & 0x21, lines.get('irq12'), lines.get('irq1')]).toEqual([0x21, true, false]);
    data();
    expect([status() & 0x21, lines.get('irq12')]).toEqual([0, false]);
    command(0xd4, 0xf4);
    advance(200_000);
    expect([status() & 0x21, data()]).toEqual([0x21, 0xfa]);
  });

  it('tells commands from data in bit 3 of the status', () => {
    const { command, status } = bench();
    command(0xae);
    expect(status() & 8).toBe(8);
    command(0x60, 0x41);
    expect(status() & 8).toBe(0);
  });
});

describe('keyboard commands', () => {
  it.each([
    { name: 'echo', send: 'ee', answer: 'EE', shows: {} },
    { name: 'LEDs', send: 'ed 05', answer: 'FA FA', shows: { LEDS: 5 } },
    { name: 'a command in place of a parameter', send: 'ed ee', answer: 'FA EE', shows: { LEDS: 0 } },
    { name: 'identification, translated', send: 'f2', answer: 'FA AB 41', shows: {} },
    { name: 'rate', send: 'f3 20', answer: 'FA FA', shows: { TYPEMATIC: 0x20 } },
    { name: 'disable', send: 'f5', answer: 'FA', shows: { SCANNING: 0 } },
    { name: 'enable', send: 'f5 f4', answer: 'FA FA', shows: { SCANNING: 1 } },
    { name: 'defaults', send: 'f3 00 f6', answer: 'FA FA FA', shows: { TYPEMATIC: 0x2b, SCANNING: 1 } },
    { name: 'query of the scan code set, translated', send: 'f0 00', answer: 'FA FA 41', shows: {} },
    { name: 'scan code set 1', send: 'f0 01', answer: 'FA FA', shows: { SCAN_SET: 1 } },
    { name: 'scan code set 3', send: 'f0 03', answer: 'FA FA', shows: { SCAN_SET: 3 } },
    { name: 'a scan code set that it does not have', send: 'f0 04', answer: 'FA FE', shows: { SCAN_SET: 2 } },
    { name: 'types of all keys', send: 'f7 f8 f9 fa', answer: 'FA FA FA FA', shows: {} },
    { name: 'types of single keys', send: 'fb 1c 1d fc 1c fd 1c ee', answer: 'FA FA FA FA FA FA FA EE', shows: {} },
    { name: 'resend', send: 'ee fe', answer: 'EE EE', shows: {} },
    { name: 'reset', send: 'ed 07 ff', answer: 'FA FA FA AA', shows: { LEDS: 0, SCANNING: 1 } },
    { name: 'unknown', send: 'ef', answer: 'FE', shows: {} },
  ])('$name', ({ send, answer, shows }) => {
    const { controller, drain } = bench();
    const answers = bytesOf(send).map((byte) => {
      writePort(controller, 'data', 0, byte);
      return drain();
    });
    expect(answers.join(' ')).toBe(answer);
    expect(registerValues(controller)).toMatchObject(shows);
  });

  it('opens its port when it is written to', () => {
    const { controller, command, drain } = bench();
    command(0xad);
    writePort(controller, 'data', 0, 0xee);
    expect(drain()).toBe('EE');
    expect(registerValues(controller)['COMMAND']).toBe(0x41);
  });

  it('answers before it sends keys', () => {
    const { controller, keys, drain } = bench();
    keys('1e');
    writePort(controller, 'data', 0, 0xee);
    expect(drain()).toBe('EE 1E');
  });
});

describe('keys', () => {
  it('arrive after the time the cable takes, one by one, with an interrupt each', () => {
    const { keys, status, data, advance, edges } = bench();
    keys('1e 9e');
    edges.length = 0;
    expect(status() & 1).toBe(0);
    advance(50_000);
    expect([status() & 1, edges]).toEqual([1, ['+irq1']]);
    expect([data(), data()]).toEqual([0x1e, 0x1e]);
    expect(edges).toEqual(['+irq1', '-irq1']);
    advance(50_000);
    expect(edges).toEqual(['+irq1', '-irq1', '+irq1']);
    expect(data()).toBe(0x9e);
  });

  it.each([
    { name: 'translated', setup: [], keys: '1e 9e e0 48 e0 c8', seen: '1E 9E E0 48 E0 C8' },
    { name: 'F7 and Pause translated', setup: [], keys: '41 c1 e1 1d 45 e1 9d c5', seen: '41 C1 E1 1D 45 E1 9D C5' },
    { name: 'in set 2', setup: COMMAND_BYTE(0x01), keys: '1e 9e e0 c8', seen: '1C F0 1C E0 F0 75' },
  ])('$name', ({ setup, keys: pressed, seen }) => {
    const { command, keys, drain } = bench();
    if (setup.length > 0) command(setup[0] as number, ...setup.slice(1));
    keys(pressed);
    expect(drain()).toBe(seen);
  });

  it('in set 1 without translation are what the host sent', () => {
    const { controller, command, keys, drain } = bench();
    command(...COMMAND_BYTE(0x01));
    writePort(controller, 'data', 0, 0xf0);
    drain();
    writePort(controller, 'data', 0, 0x01);
    drain();
    keys('1e 9e e0 48');
    expect(drain()).toBe('1E 9E E0 48');
  });

  /** In set 3 without translation, after commands for the keyboard. */
  const inSet3 = (commands: string) => {
    const all = bench();
    all.command(...COMMAND_BYTE(0x01));
    for (const byte of bytesOf(`f0 03 ${commands}`)) {
      writePort(all.controller, 'data', 0, byte);
      all.drain();
    }
    return all;
  };

  it.each([
    { name: 'letters repeat and do not tell of their release', keys: '1e 1e 9e', seen: '1C 1C' },
    { name: 'left Shift tells of its release and does not repeat', keys: '2a 2a aa', seen: '12 F0 12' },
    { name: 'F1 tells once', keys: '3b 3b bb 3b', seen: '07 07' },
    {
      name: 'right Ctrl, Pause, cursor and keypad have codes of their own',
      keys: 'e0 1d e1 1d 45 e0 48 48',
      seen: '58 62 63 75',
    },
    { name: 'shifts that come with other keys are none', keys: 'e0 2a e0 37 e0 aa', seen: '57' },
    { name: 'all keys repeating', commands: 'f7', keys: '2a 2a aa', seen: '12 12' },
    { name: 'all keys with release', commands: 'f8', keys: '1e 1e 9e', seen: '1C F0 1C' },
    { name: 'all keys once', commands: 'f9', keys: '1e 1e 9e 1e', seen: '1C 1C' },
    { name: 'all keys repeating and with release', commands: 'fa', keys: '1e 1e 9e', seen: '1C 1C F0 1C' },
    { name: 'one key with release', commands: 'fc 1c', keys: '1e 1e 9e 30 30 b0', seen: '1C F0 1C 32 32' },
    { name: 'two keys once', commands: 'fd 1c 32', keys: '1e 1e 9e 30 30 b0', seen: '1C 32' },
    { name: 'a modifier repeating', commands: 'fb 12', keys: '2a 2a aa', seen: '12 12' },
    { name: 'defaults bring the types back', commands: 'f9 f6 f0 03', keys: '1e 1e', seen: '1C 1C' },
  ])('in set 3: $name', ({ commands = '', keys: pressed, seen }) => {
    const { keys, drain } = inSet3(commands);
    keys(pressed);
    expect(drain()).toBe(seen);
  });

  it('in set 3 have different codes, one for each', () => {
    const events = [
      ...Array.from({ length: 0x58 }, (_, index) => [index + 1]),
      ...[0x1d, 0x38, 0x52, 0x53, 0x4b, 0x47, 0x4f, 0x48, 0x50, 0x49, 0x51, 0x4d, 0x35, 0x1c].map((key) => [0xe0, key]),
    ];
    const codes = events
      // 54h is Print Screen with Alt; 55h is no key.
      .filter(([code]) => code !== 0x54 && code !== 0x55)
      .map((event) => set3Key(Uint8Array.from(event))?.code);
    expect(codes).not.toContain(undefined);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it('wait while the port is disabled and are lost while scanning is off', () => {
    const { controller, command, keys, drain } = bench();
    command(0xad);
    keys('1e');
    expect(drain()).toBe('');
    command(0xae);
    expect(drain()).toBe('1E');
    writePort(controller, 'data', 0, 0xf5);
    keys('1e');
    expect(drain()).toBe('FA');
  });

  it('are bounded by the buffer of 16 bytes; the first that is lost leaves an overrun code', () => {
    const { controller, keys, drain } = bench();
    for (let count = 0; count < 1000; count += 1) keys('1e');
    expect(controller.state.keyboard.keys).toHaveLength(17);
    expect(drain()).toBe(`${'1E '.repeat(16)}FF`);
    keys('1e');
    expect(drain()).toBe('1E');
  });

  it('never lose half a code', () => {
    const { command, keys, drain } = bench();
    command(...COMMAND_BYTE(0x01));
    keys('1e '.repeat(14));
    keys('e0 c8');
    keys('9e');
    expect(drain()).toBe(`${'1C '.repeat(14)}00`);
  });

  it('raise no interrupt where the command byte has none', () => {
    const { command, keys, advance, lines, status } = bench();
    command(...COMMAND_BYTE(0x40));
    keys('1e');
    advance(1_000_000);
    expect([status() & 1, lines.get('irq1')]).toEqual([1, false]);
    command(...COMMAND_BYTE(0x41));
    expect(lines.get('irq1')).toBe(true);
  });
});
