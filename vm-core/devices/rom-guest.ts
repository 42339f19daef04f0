/**
 * Small guests in ROM for tests of devices under a real processor: pieces of their code, and the machine around them. Used
 * by tests only.
 */
import { createMachine } from '../machine/create-machine.ts';
import type { Machine, MachineConfig, RunResult } from '../machine/machine.ts';
import { hex } from './test-bench.ts';

/** Ticks of a second. */
export const SECOND = 200_000_000;
const ROM_SIZE = 0x10000;
/** Where the guest's interrupt handler begins. */
export const HANDLER = 0x8000;
/** Where guests leave what they found. */
const RESULT = 0x500;

const low = (value: number): number => value & 0xff;
const high = (value: number): number => value >> 8;

/** MOV AL,value; OUT port,AL — through DX where the port needs it. */
export const out = (port: number, value: number): number[] =>
  port < 0x100 ? [0xb0, value, 0xe6, port] : [0xba, low(port), high(port), 0xb0, value, 0xee];
/** MOV WORD [vector * 4],offset; MOV WORD [vector * 4 + 2],F000h */
export const setVector = (vector: number, offset: number): number[] => [
  ...[0xc7, 0x06, low(vector * 4), high(vector * 4), low(offset), high(offset)],
  ...[0xc7, 0x06, low(vector * 4 + 2), high(vector * 4 + 2), 0x00, 0xf0],
];

/** CLI; DS = SS = 0, SP = 7C00h; DI = RESULT. */
const prologue = [0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0xbf, low(RESULT), high(RESULT)];
/** Both interrupt controllers as the BIOS has them, nothing masked: vectors 08h and 70h. */
export const programPics = [
  [0x20, 0x11],
  [0x21, 0x08],
  [0x21, 0x04],
  [0x21, 0x01],
  [0x21, 0x00],
  [0xa0, 0x11],
  [0xa1, 0x70],
  [0xa1, 0x02],
  [0xa1, 0x01],
  [0xa1, 0x00],
].flatMap(([port, value]) => out(port as number, value as number));
const STI = 0xfb;
/** Interrupts on, then nothing but HLT. */
export const haltForEver = [STI, 0xf4, 0xeb, 0xfd];
/** Interrupts on, then a loop. */
export const spinForEver = [STI, 0xeb, 0xfe];
/** EOI to the master. */
export const endOfInterrupt = out(0x20, 0x20);
/** EOI to slave and master. */
export const endOfSlaveInterrupt = [...out(0xa0, 0x20), ...endOfInterrupt];
/** PUSH AX; PUSH DX; …; POP DX; POP AX; IRET */
export const handlerOf = (...code: number[]): number[] => [0x50, 0x52, ...code, 0x5a, 0x58, 0xcf];
/** INC WORD [RESULT] */
export const countUp = [0xff, 0x06, low(RESULT), high(RESULT)];
/** MOV [DI],AL; INC DI */
export const storeByte = [0x88, 0x05, 0x47];

/** A guest in its machine, and what came of it. */
export interface Guest {
  readonly machine: Machine;
  /** `time channel text` of each output. */
  readonly outputs: { readonly time: number; readonly channel: string; readonly byte: number }[];
  runUntil(time: number): RunResult;
  words(count: number): number[];
  bytes(count: number): string;
}

/** A machine whose ROM holds `main` at F000:0000, where it starts, and `handler` at F000:8000. */
export function guest(
  main: readonly number[],
  handler: readonly number[] = [],
  changes: Partial<MachineConfig> = {},
): Guest {
  const rom = new Uint8Array(ROM_SIZE);
  rom.set([...prologue, ...main]);
  rom.set(handler, HANDLER);
  rom.set([0xea, 0x00, 0x00, 0x00, 0xf0], 0xfff0);
  const machine = createMachine({
    machineType: 'isa-1',
    cpuModel: '386',
    memorySize: 2 * 1024 * 1024,
    firmware: rom,
    exitDevice: true,
    startTimeMs: 0,
    ...changes,
  });
  const outputs: Guest['outputs'] = [];
  machine.onOutput = (_device, channel, bytes) => {
    for (const byte of bytes) outputs.push({ time: machine.time, channel, byte });
  };
  const bytesAt = (count: number): Uint8Array => machine.memory.read(RESULT, count);
  return {
    machine,
    outputs,
    runUntil(time) {
      for (;;) {
        const left = time - machine.time;
        const result = machine.run({ instructionsMax: Math.max(left, 0), timeMax: time });
        if (result.reason !== 'limit' || machine.time >= time) return result;
      }
    },
    words: (count) => [...new Uint16Array(bytesAt(count * 2).buffer)],
    bytes: (count) => [...bytesAt(count)].map(hex).join(' '),
  };
}
