/** Programs that write over their own code: kept and patched blocks against code that is decoded anew for each instruction. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { slot } from '../state/layout.ts';
import type { BareMachine } from './bare-machine.ts';
import { DATA_AT, drawFrom, PROGRAM_AT, type ProgramMode, STACK_AT } from './compiler/random-program.ts';
import { rewritingProgram } from './compiler/rewriting-program.ts';
import { loadProgram, PROGRAM_START, programMachine } from './guest-program.ts';
import { LongGuest } from './long-guest.ts';
import { PagedGuest } from './paged-guest.ts';

const INSTRUCTIONS = 300;
const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 20);

/** A loop of 60 turns around a body, with a far-away HLT for those that leave it. */
function loopAround(body: readonly number[]): number[] {
  const back = -(body.length + 6);
  return [0xb9, 60, 0, ...body, 0x49, 0x74, 0x03, 0xe9, back & 0xff, (back >> 8) & 0xff, 0xf4];
}

/** Everything that a program has changed. */
function outcome({ processor, map, loop }: BareMachine): unknown {
  const { state } = processor;
  const registers = [slot.EAX, slot.ECX, slot.EDX, slot.EBX, slot.ESP, slot.EBP, slot.ESI, slot.EDI].map((at) =>
    state.read32(at),
  );
  const bytes = Buffer.from(map.copyOut(0x7000, 0x1000)).toString('hex');
  return { registers, eip: state.eip, flags: state.eflags, retired: loop.retired, bytes };
}

function runKept(program: readonly number[]): unknown {
  const machine = programMachine(program);
  machine.loop.run({ instructionsMax: INSTRUCTIONS });
  return outcome(machine);
}

function runDecodedAnew(program: readonly number[]): unknown {
  const machine = programMachine(program);
  for (let count = 0; count < INSTRUCTIONS; count++) {
    machine.processor.invalidateCode();
    if (machine.loop.run({ instructionsMax: 1 }).reason === 'halted') break;
  }
  return outcome(machine);
}

const word = (value: number): number[] => [value & 0xff, value >> 8];
const byte = fc.integer({ min: 0, max: 0xff });
/** An address in the program. */
const target = fc.integer({ min: PROGRAM_START, max: PROGRAM_START + 48 });
const piece = fc.oneof(
  byte.map((value) => [0xb0, value]), // mov al,n
  byte.map((value) => [0x05, value, value]), // add ax,n
  byte.map((value) => [0x83, 0xc3, value]), // add bx,n
  fc.constantFrom([0x40], [0x43], [0x90], [0xeb, 0x00], [0x93]), // inc ax, inc bx, nop, jmp $+2, xchg ax,bx
  target.map((at) => [0xfe, 0x06, ...word(at)]), // inc byte [at]
  target.map((at) => [0x87, 0x1e, ...word(at)]), // xchg [at],bx
  fc.tuple(target, byte).map(([at, value]) => [0xc6, 0x06, ...word(at), value]), // mov byte [at],n
  fc.tuple(target, byte).map(([at, value]) => [0x80, 0x36, ...word(at), value]), // xor byte [at],n
);

describe('code that changes itself', () => {
  it('runs as if it were decoded anew for each instruction', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 12 }), (pieces) => {
        const program = loopAround(pieces.flat());
        expect(runKept(program)).toEqual(runDecodedAnew(program));
      }),
      { numRuns: ROUNDS },
    );
  });

  it('changes operands of the block that it goes on with', () => {
    // inc byte [the next's operand]; mov al,0
    const program = loopAround([0xfe, 0x06, ...word(PROGRAM_START + 8), 0xb0, 0]);
    expect(runKept(program)).toEqual(runDecodedAnew(program));
    const machine = programMachine(program);
    machine.loop.run({ instructionsMax: 1 + 20 * 5 });
    expect(machine.processor.state.read8(slot.EAX)).toBe(20);
  });

  it('changes the operand of the instruction that does it', () => {
    // add word [its own operand],1: the operand doubles
    const machine = programMachine(loopAround([0x81, 0x06, ...word(PROGRAM_START + 7), 1, 0]));
    machine.loop.run({ instructionsMax: 1 + 15 * 4 });
    expect(machine.map.read(PROGRAM_START + 7, 2)).toBe(2 ** 15);
  });

  it('is not lost to data between its instructions', () => {
    // l: jmp over two bytes; inc word [them]; loop l; hlt
    const machine = programMachine([
      0xb9,
      60,
      0,
      0xeb,
      2,
      0,
      0,
      0xff,
      0x06,
      ...word(PROGRAM_START + 5),
      0xe2,
      0xf6,
      0xf4,
    ]);
    let lost = 0;
    const { code } = machine.processor;
    const written = code.written.bind(code);
    code.written = (...access) => {
      lost++;
      return written(...access);
    };
    machine.loop.run({ instructionsMax: 1000 });
    expect([machine.map.read(PROGRAM_START + 5, 2), lost]).toEqual([60, 1]);
  });
});

/** A random program that writes over its immediates in each turn of its loop. */
function rewritingMachine(mode: ProgramMode, seed: number): BareMachine {
  const machine =
    mode === 16
      ? programMachine([], 0x200000, 'max')
      : mode === 64
        ? new LongGuest(new Uint8Array(0)).machine
        : new PagedGuest('', 'max').machine;
  loadProgram(machine, rewritingProgram(drawFrom(seed), mode), PROGRAM_AT);
  machine.map.write(DATA_AT, 2, 0x3800);
  const { state } = machine.processor;
  state.eip = PROGRAM_AT;
  state.write32(slot.ESP, STACK_AT + 0x800);
  state.write16(slot.FCW, 0x37f);
  state.write8(slot.FTW, 0);
  return machine;
}

describe('immediates that are written over and over', () => {
  it.each([16, 32, 64] as const)('are in %d-bit code as if they were decoded anew', { timeout: 120_000 }, (mode) => {
    const run = fc.property(fc.integer(), (seed) => {
      const [kept, decodedAnew] = [rewritingMachine(mode, seed), rewritingMachine(mode, seed)];
      for (let part = 0; part < 3; part++) {
        kept.loop.run({ instructionsMax: 1000 });
        for (let count = 0; count < 1000; count++) {
          decodedAnew.processor.invalidateCode();
          decodedAnew.loop.run({ instructionsMax: 1 });
        }
        expect(outcome(kept)).toEqual(outcome(decodedAnew));
      }
    });
    fc.assert(run, { numRuns: Math.max(1, ROUNDS / 10) });
  });

  it('change nothing that was decoded', () => {
    // mov cx,60; l: mov ax,n; add [n],ax; loop l; hlt
    const machine = programMachine([0xb9, 60, 0, 0xb8, 1, 0, 0x01, 0x06, ...word(PROGRAM_START + 4), 0xe2, 0xf7, 0xf4]);
    const { code } = machine.processor;
    let written = 0;
    const tell = code.written.bind(code);
    code.written = (...access) => {
      written++;
      return tell(...access);
    };
    machine.loop.run({ instructionsMax: 1000 });
    expect(machine.processor.state.read16(slot.EAX)).toBe(2 ** 59 % 0x10000);
    // Some times code is lost, then put right, and then nobody hears of it any more.
    expect(written).toBeLessThan(20);
  });

  it('are written by another bus master, too', () => {
    // l: mov ax,n; add bx,ax; jmp l
    const machine = programMachine([0xb8, 1, 0, 0x01, 0xc3, 0xeb, 0xf9]);
    let sum = 0;
    for (let value = 0; value < 60; value++) {
      machine.map.write(PROGRAM_START + 1, 2, value);
      machine.processor.busWritten(PROGRAM_START + 1, 2);
      machine.loop.run({ instructionsMax: 3 });
      sum += value;
      expect(machine.processor.state.read16(slot.EBX)).toBe(sum & 0xffff);
    }
  });
});

it('takes as long to write over code by a repeated instruction, whether it is decoded or not', () => {
  // call 9000h; mov di,9000h; mov cx,900; mov al,C3h; rep stosb; hlt, and at 9000h short jumps, each a block
  const program = [
    0xe8,
    ...word(0x9000 - PROGRAM_START - 3),
    0xbf,
    ...word(0x9000),
    0xb9,
    ...word(900),
    0xb0,
    0xc3,
    0xf3,
    0xaa,
    0xf4,
  ];
  const ends = [false, true].map((forgets) => {
    const machine = programMachine(program);
    for (let at = 0x9000; at < 0x9000 + 800; at += 2) machine.map.write(at, 2, 0x00eb);
    machine.map.write(0x9000 + 800, 1, 0xc3);
    machine.loop.run({ instructionsMax: 402 });
    expect(machine.processor.state.eip).toBe(PROGRAM_START + 3);
    if (forgets) machine.processor.invalidateCode();
    expect(machine.loop.run({ instructionsMax: 1000 }).reason).toBe('halted');
    return { ...(outcome(machine) as object), time: machine.loop.time };
  });
  expect(ends[1]).toEqual(ends[0]);
});
