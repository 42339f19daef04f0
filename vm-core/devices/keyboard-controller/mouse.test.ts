import { describe, expect, it } from 'vitest';
import { createTestBench, hex, readPort, registerValues, writePort } from '../test-bench.ts';
import { createKeyboardController } from './keyboard-controller.ts';
import { encodeMouseEvent, mouseEvents } from './mouse.ts';

const SECOND = 200_000_000;
const [RATE, ENABLE, TYPE] = [0xf3, 0xf4, 0xf2] as const;

function bench() {
  const around = createTestBench();
  const { advance } = around;
  const controller = createKeyboardController(around.context);
  controller.reset();
  const status = (): number => readPort(controller, 'command');
  const drain = (): string => {
    const bytes: string[] = [];
    for (let idle = 0; idle < 40 && bytes.length < 100; advance(100_000)) {
      idle += 1;
      if ((status() & 0x21) !== 0x21) continue;
      idle = 0;
      bytes.push(hex(readPort(controller, 'data')));
    }
    return bytes.join(' ');
  };
  const tell = (...bytes: number[]): string => {
    const answers: string[] = [];
    for (const byte of bytes) {
      writePort(controller, 'command', 0, 0xd4);
      writePort(controller, 'data', 0, byte);
      answers.push(drain());
    }
    return answers.join(' ');
  };
  return {
    controller,
    ...around,
    drain,
    tell,
    status,
    /** `x` to the right, `y` down, as the host has it. */
    move(x: number, y: number, { buttons = 0, wheel = 0 } = {}): void {
      controller.channels?.['mouse']?.(encodeMouseEvent({ buttons, dx: x, dy: -y, dz: wheel }));
    },
    wheel: () => tell(RATE, 200, RATE, 100, RATE, 80),
    fiveButtons: () => tell(RATE, 200, RATE, 100, RATE, 80, RATE, 200, RATE, 200, RATE, 80),
    shown: () => registerValues(controller),
  };
}

it('messages are read as they were written, within what fits', () => {
  const events = [
    { buttons: 0x1f, dx: -300, dy: 20_000, dz: -3 },
    { buttons: 0, dx: 1e9, dy: -1e9, dz: 1e9 },
  ];
  const message = Uint8Array.from(events.flatMap((event) => [...encodeMouseEvent(event)]));
  expect(mouseEvents(message)).toEqual([events[0], { buttons: 0, dx: 0x7fff, dy: -0x7fff, dz: 127 }]);
  expect(encodeMouseEvent({ buttons: 1, dx: 2, dy: 3, dz: 4 })).toEqual(Uint8Array.of(1, 2, 0, 0xfd, 0xff, 4));
});

describe('mouse commands', () => {
  it.each([
    { name: 'reset', bytes: [0xff], answer: 'FA AA 00' },
    { name: 'defaults', bytes: [0xf6], answer: 'FA' },
    { name: 'type', bytes: [TYPE], answer: 'FA 00' },
    { name: 'status', bytes: [0xe9], answer: 'FA 00 02 64' },
    {
      name: 'status, all told',
      bytes: [0xe8, 3, RATE, 40, 0xe7, 0xf0, ENABLE, 0xe9],
      answer: 'FA FA FA FA FA FA FA FA 70 03 28',
    },
    { name: 'scaling 1:1', bytes: [0xe7, 0xe6, 0xe9], answer: 'FA FA FA 00 02 64' },
    { name: 'a resolution that is not there', bytes: [0xe8, 4], answer: 'FA FE' },
    { name: 'a rate that is not there', bytes: [RATE, 30], answer: 'FA FE' },
    { name: 'an unknown command', bytes: [0xe1], answer: 'FE' },
    { name: 'resend', bytes: [TYPE, 0xfe], answer: 'FA 00 FA 00' },
    { name: 'resend at power-on', bytes: [0xfe], answer: 'AA 00' },
    { name: 'data in remote mode', bytes: [0xf0, 0xeb], answer: 'FA FA 08 00 00' },
    { name: 'wrap mode', bytes: [0xee, 0x12, 0xf4, 0xec, 0xf5], answer: 'FA 12 F4 FA FA' },
    { name: 'reset from wrap mode', bytes: [0xee, 0xff, 0xf5], answer: 'FA FA AA 00 FA' },
  ])('$name', ({ bytes, answer }) => {
    expect(bench().tell(...bytes)).toBe(answer);
  });

  it('turn it into one with a wheel, then five buttons, until it is reset', () => {
    const { wheel, fiveButtons, tell, shown } = bench();
    wheel();
    expect(tell(TYPE)).toBe('FA 03');
    fiveButtons();
    expect([tell(TYPE), shown()['MOUSE_TYPE']]).toEqual(['FA 04', 4]);
    tell(0xff);
    expect(tell(TYPE)).toBe('FA 00');
    tell(RATE, 200, RATE, 200, RATE, 80);
    expect(tell(TYPE)).toBe('FA 00');
  });

  it('leave the mouse alone while its port is closed, until data opens it', () => {
    const { controller, tell, move, drain } = bench();
    tell(ENABLE);
    writePort(controller, 'command', 0, 0xa7);
    move(1, 1);
    expect(drain()).toBe('');
    writePort(controller, 'command', 0, 0xa8);
    expect(drain()).toBe('28 01 FF');
    writePort(controller, 'command', 0, 0xa7);
    expect(tell(TYPE)).toBe('FA 00');
  });
});

describe('mouse packets', () => {
  it('come only when reporting is on', () => {
    const { tell, move, drain } = bench();
    move(5, 0);
    expect(drain()).toBe('');
    tell(ENABLE);
    expect(drain()).toBe('');
    move(5, 0);
    expect(drain()).toBe('08 05 00');
  });

  it.each([
    { name: 'right and up', x: 3, y: -4, packet: '08 03 04' },
    { name: 'left and down', x: -3, y: 4, packet: '38 FD FC' },
    { name: 'buttons', x: 0, y: 0, buttons: 7, packet: '0F 00 00' },
    { name: 'as far as a packet reaches, and on', x: 300, y: -256, packet: '08 FF FF 08 2D 01' },
  ])('$name', ({ x, y, buttons, packet }) => {
    const { tell, move, drain } = bench();
    tell(ENABLE);
    move(x, y, { buttons: buttons ?? 0 });
    expect(drain()).toBe(packet);
  });

  it('join movements but not buttons', () => {
    const { tell, move, drain } = bench();
    tell(ENABLE);
    move(1, 0);
    move(1, 0);
    move(0, 0, { buttons: 1 });
    move(0, 0);
    expect(drain()).toBe('08 02 00 09 00 00 08 00 00');
    move(0, 0);
    expect(drain()).toBe('');
  });

  it('scale small movements less', () => {
    const { tell, move, drain } = bench();
    tell(0xe7, ENABLE);
    for (const x of [2, 5, -20, 200]) move(x, 0, { buttons: (x & 1) + 2 });
    expect(drain()).toBe('0A 01 00 0B 09 00 0A FF 00');
    move(-3, 0, { buttons: 2 });
    expect(drain()).toBe('1A FD 00');
  });

  it('have a wheel and more buttons where they were asked for', () => {
    const { tell, move, drain, wheel, fiveButtons } = bench();
    tell(ENABLE);
    move(0, 0, { wheel: 1 });
    expect(drain()).toBe('');
    wheel();
    move(1, 0, { wheel: -1 });
    expect(drain()).toBe('08 01 00 FF');
    fiveButtons();
    move(0, 0, { wheel: -2, buttons: 0x19 });
    expect(drain()).toBe('09 00 00 3E');
    move(0, 0, { wheel: 9, buttons: 0 });
    expect(drain()).toBe('08 00 00 07 08 00 00 02');
  });

  it('come at most as often as the sample rate says', () => {
    const { tell, move, advance, controller, status, now } = bench();
    tell(RATE, 20, ENABLE);
    const times: number[] = [];
    const start = now();
    let read = 0;
    while (now() - start < SECOND) {
      move(1, 0);
      advance(100_000);
      if ((status() & 1) === 0) continue;
      if (read % 3 === 0) times.push(now());
      read += 1;
      readPort(controller, 'data');
    }
    expect(times.length).toBeGreaterThanOrEqual(19);
    expect(times.length).toBeLessThanOrEqual(21);
  });

  it('interrupt by IRQ 12', () => {
    const { controller, tell, move, advance, lines } = bench();
    writePort(controller, 'command', 0, 0x60);
    writePort(controller, 'data', 0, 0x03);
    tell(ENABLE);
    move(1, 1);
    advance(SECOND / 10);
    expect([lines.get('irq12'), lines.get('irq1')]).toEqual([true, false]);
    readPort(controller, 'data');
    expect(lines.get('irq12')).toBe(false);
  });

  it('do not pile up before a guest that does not read', () => {
    const { controller, tell, move, advance } = bench();
    tell(ENABLE);
    for (let step = 0; step < 1000; step += 1) {
      move(100, 100, { buttons: step & 1 });
      advance(100_000);
    }
    expect([controller.state.mouse.output.length <= 4, controller.state.mouse.events.length <= 16]).toEqual([
      true,
      true,
    ]);
  });

  it('do without bytes that make no event', () => {
    const { controller, tell, drain } = bench();
    tell(ENABLE);
    controller.channels?.['mouse']?.(Uint8Array.of(0, 5, 0, 0));
    expect(drain()).toBe('');
  });

  it('let the keyboard speak first, and keep both apart', () => {
    const { controller, tell, move, advance, status } = bench();
    tell(ENABLE);
    move(1, 0);
    controller.channels?.['keys']?.(Uint8Array.of(0x1e));
    const seen: string[] = [];
    for (let step = 0; step < 20; step += 1) {
      advance(100_000);
      if ((status() & 1) === 0) continue;
      seen.push(`${(status() & 0x20) === 0 ? 'key' : 'mouse'} ${hex(readPort(controller, 'data'))}`);
    }
    expect(seen).toEqual(['key 1E', 'mouse 08', 'mouse 01', 'mouse 00']);
  });
});
