/** Devices under a real processor: small guests in ROM program them, take their interrupts and leave results in RAM. */
import { describe, expect, it } from 'vitest';
import {
  countUp,
  endOfInterrupt,
  endOfSlaveInterrupt,
  guest,
  HANDLER,
  haltForEver,
  handlerOf,
  out,
  programPics,
  SECOND,
  setVector,
  spinForEver,
  storeByte,
} from './rom-guest.ts';
import { hex } from './test-bench.ts';

describe('timer interrupts', () => {
  const program = [
    ...programPics,
    ...setVector(0x08, HANDLER),
    ...out(0x43, 0x34),
    ...out(0x40, 0xa9),
    ...out(0x40, 0x04),
  ];
  const handler = handlerOf(...countUp, ...endOfInterrupt);

  it.each([
    { name: 'halted', wait: haltForEver, seconds: 2 },
    { name: 'running', wait: spinForEver, seconds: 0.1 },
  ])('come 1,000 times a second to a guest that is $name', ({ wait, seconds }) => {
    const { runUntil, words } = guest([...program, ...wait], handler);
    runUntil(seconds * SECOND);
    // Count 1,193, and one edge when the mode was set.
    expect(words(1)).toEqual([1 + Math.floor((seconds * 1_193_182) / 1193)]);
  });

  it('come at the very tick to a guest that computes', () => {
    const { machine, runUntil } = guest([...program, ...spinForEver], handler);
    const times: number[] = [];
    machine.addBreakpoint({
      address: 0xf0000 + HANDLER,
      space: 'physical',
      reached: () => {
        times.push(machine.time);
        return false;
      },
    });
    runUntil(SECOND / 10);
    const steps = times.slice(2).map((time, index) => time - (times[index + 1] as number));
    // 1,193 cycles of 1.193182 MHz are 199,969.5 ticks.
    expect(new Set(steps)).toEqual(new Set([199_969, 199_970]));
  });

  it('show in the counter as the guest reads it', () => {
    // Latch counter 0, read both bytes, store them; twice.
    const readCounter = [...out(0x43, 0x00), 0xe4, 0x40, ...storeByte, 0xe4, 0x40, ...storeByte];
    const nops = Array.from({ length: 3000 }, () => 0x90);
    const { runUntil, words } = guest([
      ...out(0x43, 0x34),
      ...out(0x40, 0x00),
      ...out(0x40, 0x00),
      ...readCounter,
      ...nops,
      ...readCounter,
      0xf4,
    ]);
    runUntil(10_000);
    const [first, second] = words(2) as [number, number];
    // 3,010 instructions are 17.96 cycles of the timer.
    expect([17, 18]).toContain((first - second) & 0xffff);
  });
});

describe('clock interrupts', () => {
  it('come 1,024 times a second through the slave', () => {
    const main = [...programPics, ...setVector(0x70, HANDLER), ...out(0x70, 0x0b), ...out(0x71, 0x42), ...haltForEver];
    const handler = handlerOf(...countUp, ...out(0x70, 0x0c), 0xe4, 0x71, ...endOfSlaveInterrupt);
    const { runUntil, words } = guest(main, handler);
    runUntil(SECOND + 1000);
    expect(words(1)).toEqual([1024]);
  });
});

describe('keys', () => {
  it('come one by one by interrupt', () => {
    // IN AL,60h
    const { machine, runUntil, bytes } = guest(
      [...programPics, ...setVector(0x09, HANDLER), ...haltForEver],
      handlerOf(0xe4, 0x60, ...storeByte, ...endOfInterrupt),
    );
    runUntil(1000);
    machine.input('keyboard', 'keys', Uint8Array.of(0x1e, 0x9e, 0xe0, 0x48));
    runUntil(machine.time + 120_000);
    expect(bytes(4)).toBe('1E 9E 00 00');
    runUntil(machine.time + SECOND / 1000);
    expect(bytes(5)).toBe('1E 9E E0 48 00');
  });

  it('come to a guest that polls', () => {
    // again: IN AL,64h; TEST AL,1; JZ again; IN AL,60h; store; JMP again
    const { machine, runUntil, bytes } = guest([
      0xe4,
      0x64,
      0xa8,
      0x01,
      0x74,
      0xfa,
      0xe4,
      0x60,
      ...storeByte,
      0xeb,
      0xf3,
    ]);
    machine.input('keyboard', 'keys', Uint8Array.of(0x1e, 0x9e));
    runUntil(SECOND / 1000);
    expect(bytes(3)).toBe('1E 9E 00');
  });
});

describe('serial port', () => {
  const HELLO = [...'Hello, guest'].map((letter) => letter.charCodeAt(0));
  /** 8 bits; 115,200 bits per second are the divisor at reset. */
  const programUart = [...out(0x3fb, 0x03), ...out(0x3fa, 0x01), ...out(0x3fc, 0x0b)];

  it('echoes', () => {
    const echo = [
      ...[0xba, 0xfd, 0x03], // again: MOV DX,3FDh
      ...[0xec, 0xa8, 0x01, 0x74, 0xfb], // wait: IN AL,DX; TEST AL,1; JZ wait
      ...[0xb2, 0xf8, 0xec, 0xee], // MOV DL,F8h; IN AL,DX; OUT DX,AL
      ...[0xeb, 0xf2], // JMP again
    ];
    const { machine, runUntil, outputs } = guest([...programUart, ...echo]);
    machine.input('uart-1', 'serial', Uint8Array.from(HELLO));
    runUntil(SECOND / 100);
    expect(outputs.map(({ channel, byte }) => `${channel} ${String.fromCharCode(byte)}`)).toEqual(
      HELLO.map((code) => `serial ${String.fromCharCode(code)}`),
    );
  });

  it('asks for the next byte when one is sent, while the guest computes', () => {
    const program = [
      ...programPics,
      ...setVector(0x0c, HANDLER),
      ...out(0x3fb, 0x03),
      ...out(0x3fc, 0x08),
      ...out(0x3f9, 0x02),
    ];
    // MOV DX,3FAh; IN AL,DX; MOV DL,F8h; MOV AL,'x'; OUT DX,AL
    const handler = handlerOf(0xba, 0xfa, 0x03, 0xec, 0xb2, 0xf8, 0xb0, 0x78, 0xee, ...endOfInterrupt);
    const { runUntil, outputs } = guest([...program, ...spinForEver], handler);
    runUntil(SECOND / 100);
    // A character takes 17,361.1 ticks; the shift register takes the second byte at once.
    const times = outputs.slice(1).map(({ time }) => time);
    expect(times.length).toBeGreaterThan(100);
    const meanStep = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / (times.length - 1);
    expect(meanStep).toBeGreaterThan(17_361);
    expect(meanStep).toBeLessThan(17_375);
  });

  it('says when it is idle to a guest that polls', () => {
    // MOV DX,3F8h; OUT DX,AL; MOV DL,FDh; again: INC WORD [RESULT]; IN AL,DX; TEST AL,40h; JZ again; HLT
    const poll = [0xba, 0xf8, 0x03, 0xee, 0xb2, 0xfd, ...countUp, 0xec, 0xa8, 0x40, 0x74, 0xf7, 0xfa, 0xf4];
    const { runUntil, words } = guest([...programUart, ...poll]);
    runUntil(SECOND / 1000);
    // Four instructions a round, 17,361 ticks.
    expect(words(1)[0]).toBeGreaterThanOrEqual(4339);
    expect(words(1)[0]).toBeLessThanOrEqual(4342);
  });
});

describe('small devices', () => {
  it('print to the debug console, tell the POST code, and exit', () => {
    const { runUntil, outputs } = guest([
      ...out(0x80, 0x42),
      ...out(0xe9, 0x4f),
      ...out(0xe9, 0x4b),
      ...out(0xf4, 0x31),
    ]);
    expect(runUntil(1000)).toEqual({ reason: 'request', request: { kind: 'exit', value: 0x31 }, cpu: 0 });
    expect(outputs.map(({ channel, byte }) => `${channel} ${hex(byte)}`)).toEqual([
      'post-code 42',
      'debugcon 4F',
      'debugcon 4B',
    ]);
  });

  it.each([
    { name: 'port 92h', code: out(0x92, 0x01) },
    { name: 'the keyboard controller', code: out(0x64, 0xfe) },
  ])('reset through $name', ({ code }) => {
    const { machine, runUntil } = guest([...code, 0xeb, 0xfe]);
    expect(runUntil(1000)).toEqual({ reason: 'request', request: { kind: 'reset' }, cpu: 0 });
    machine.reset();
    expect(machine.cpus[0].linearEip).toBe(0xfffffff0);
  });

  it('close and open the A20 gate', () => {
    // MOV AX,FFFFh; MOV ES,AX; write AL = marker through FFFF:0510 and read what 0000:0500 and FFFF:0510 hold.
    const probe = (marker: number): number[] => [
      ...[0xb8, 0xff, 0xff, 0x8e, 0xc0],
      ...[0xc6, 0x06, 0x00, 0x06, 0x00], // MOV BYTE [0600h],0
      ...[0x26, 0xc6, 0x06, 0x10, 0x06, marker], // MOV BYTE ES:[0610h],marker
      ...[0xa0, 0x00, 0x06], // MOV AL,[0600h]
      ...storeByte,
    ];
    const { runUntil, bytes } = guest([
      ...probe(0x11),
      ...out(0x64, 0xdd),
      ...probe(0x22),
      ...out(0x92, 0x02),
      ...probe(0x33),
      ...out(0x92, 0x00),
      ...probe(0x44),
      ...[0xfa, 0xf4],
    ]);
    runUntil(1000);
    expect(bytes(4)).toBe('00 22 00 44');
  });
});
