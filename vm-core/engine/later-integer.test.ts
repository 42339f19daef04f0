/** Integer instructions after the 486 where a run on the processor's own registers shows them; the rest is the oracle's. */
import { describe, expect, it } from 'vitest';
import type { CpuModel } from '../isa/cpu-model.ts';
import { slot } from '../state/layout.ts';
import { ZF } from '../state/lazy-flags.ts';
import { PROGRAM_START, programMachine } from './guest-program.ts';

const HLT = 0xf4;
const INVALID_OPCODE = 6;
const GENERAL_PROTECTION = 13;

/** Runs 16-bit code in real mode and gives the machine behind it, or the vector at which it stopped. */
function run(code: readonly number[], model: CpuModel, prepare: (machine: ReturnType<typeof programMachine>) => void) {
  const machine = programMachine([...code, HLT], undefined, model);
  prepare(machine);
  machine.loop.stopOnExceptions = new Set([INVALID_OPCODE, GENERAL_PROTECTION]);
  const result = machine.loop.run({ instructionsMax: 10 });
  return { ...machine, vector: result.reason === 'exception' ? result.event.vector : undefined };
}

const nothing = () => {};

describe('an instruction outside the model is #UD', () => {
  it.each([
    { name: 'CPUID', code: [0x0f, 0xa2], first: '486', before: '386' },
    { name: 'RDTSC', code: [0x0f, 0x31], first: 'pentium', before: '486' },
    { name: 'CMPXCHG8B', code: [0x0f, 0xc7, 0x0e, 0, 5], first: 'pentium', before: '486' },
    { name: 'CMOVZ', code: [0x0f, 0x44, 0xc1], first: 'pentium3', before: 'pentium' },
    { name: 'NOP of several bytes', code: [0x0f, 0x1f, 0x40, 0], first: 'pentium3', before: 'pentium' },
    { name: 'SFENCE', code: [0x0f, 0xae, 0xf8], first: 'pentium3', before: 'pentium' },
    { name: 'CLFLUSH', code: [0x0f, 0xae, 0x3e, 0, 5], first: 'core2', before: 'pentium3' },
    { name: 'MFENCE', code: [0x0f, 0xae, 0xf0], first: 'core2', before: 'pentium3' },
    { name: 'LFENCE', code: [0x0f, 0xae, 0xe8], first: 'core2', before: 'pentium3' },
    { name: 'MONITOR', code: [0x0f, 0x01, 0xc8], first: 'core2', before: 'pentium3' },
    { name: 'POPCNT', code: [0xf3, 0x0f, 0xb8, 0xc1], first: 'x86-64-v2', before: 'core2' },
    { name: 'CRC32', code: [0xf2, 0x0f, 0x38, 0xf0, 0xc1], first: 'x86-64-v2', before: 'core2' },
    { name: 'MOVBE', code: [0x0f, 0x38, 0xf0, 0x06, 0, 5], first: 'x86-64-v3', before: 'x86-64-v2' },
    { name: 'CLFLUSHOPT', code: [0x66, 0x0f, 0xae, 0x3e, 0, 5], first: 'max', before: 'x86-64-v3' },
    { name: 'CLWB', code: [0x66, 0x0f, 0xae, 0x36, 0, 5], first: 'max', before: 'x86-64-v3' },
    { name: 'ADCX', code: [0x66, 0x0f, 0x38, 0xf6, 0xc1], first: 'amd-zen', before: 'x86-64-v3' },
    { name: 'PREFETCHW', code: [0x0f, 0x0d, 0x0e, 0, 5], first: 'amd-zen', before: 'x86-64-v3' },
  ] as const)('$name: a $first has it, a $before has not', ({ code, first, before }) => {
    expect(run(code, first, nothing).vector).toBeUndefined();
    const { vector, processor } = run(code, before, nothing);
    expect([vector, processor.state.eip]).toEqual([INVALID_OPCODE, PROGRAM_START]);
  });

  it.each([
    { name: 'TZCNT is BSF', code: [0xf3, 0x0f, 0xbc, 0xc1], model: 'x86-64-v2', ax: 0x1234 },
    { name: 'TZCNT is there', code: [0xf3, 0x0f, 0xbc, 0xc1], model: 'x86-64-v3', ax: 16 },
    { name: 'LZCNT is BSR', code: [0xf3, 0x0f, 0xbd, 0xc1], model: 'x86-64-v2', ax: 0x1234 },
    { name: 'LZCNT is there', code: [0xf3, 0x0f, 0xbd, 0xc1], model: 'amd-zen', ax: 16 },
  ] as const)('$name on $model', ({ code, model, ax }) => {
    const { processor } = run(code, model, ({ processor: { state } }) => {
      state.write16(slot.EAX, 0x1234);
      state.write16(slot.ECX, 0);
    });
    expect(processor.state.read16(slot.EAX)).toBe(ax);
  });

  it.each(['UD2 0f0b', 'UD1 0fb9c0', 'UD0 0fffc0', 'ANDN in real mode c4e270f2c1', 'RSM 0faa'])('%s', (text) => {
    const code = [...Buffer.from(text.split(' ').at(-1) as string, 'hex')];
    expect(run(code, 'max', nothing).vector).toBe(INVALID_OPCODE);
  });
});

describe('CMPXCHG8B', () => {
  const exchange = [0x0f, 0xc7, 0x0e, 0x00, 0x05];
  const prepare = (high: number) => (machine: ReturnType<typeof programMachine>) => {
    const { state } = machine.processor;
    machine.map.write(0x500, 4, 0x1111_1111);
    machine.map.write(0x504, 4, high);
    state.write32(slot.EAX, 0x1111_1111);
    state.write32(slot.EDX, 0x2222_2222);
    state.write32(slot.EBX, 0x3333_3333);
    state.write32(slot.ECX, 0x4444_4444);
  };

  it('exchanges where both halves are equal', () => {
    const { map, processor } = run(exchange, 'pentium', prepare(0x2222_2222));
    expect([map.read(0x500, 4), map.read(0x504, 4)]).toEqual([0x3333_3333, 0x4444_4444]);
    expect(processor.state.eflags & ZF).toBe(ZF);
  });

  it('loads EDX:EAX where one is not', () => {
    const { map, processor } = run(exchange, 'pentium', prepare(0x5555_5555));
    const { state } = processor;
    expect([map.read(0x500, 4), map.read(0x504, 4)]).toEqual([0x1111_1111, 0x5555_5555]);
    expect([state.read32(slot.EAX), state.read32(slot.EDX), state.eflags & ZF]).toEqual([0x1111_1111, 0x5555_5555, 0]);
  });

  it('leaves memory alone where its second half lies beyond the segment', () => {
    const atEnd = [0x0f, 0xc7, 0x0e, 0xfa, 0xff];
    const { map, vector } = run(atEnd, 'pentium', (machine) => {
      prepare(0)(machine);
      machine.map.write(0xfffa, 4, 0x1111_1111);
    });
    expect([vector, map.read(0xfffa, 4)]).toEqual([GENERAL_PROTECTION, 0x1111_1111]);
  });
});

it('CMOVcc reads its source although the condition does not hold', () => {
  // cmovz eax,[ffffh] with ZF clear
  expect(run([0x0f, 0x44, 0x06, 0xff, 0xff], 'max', nothing).vector).toBe(GENERAL_PROTECTION);
});

it('CLFLUSH and its like fault as loads do, PREFETCH never', () => {
  const outside = [0x66, 0x67, 0x0f, 0xae, 0x3d, 0, 0, 1, 0];
  expect(run(outside, 'max', nothing).vector).toBe(GENERAL_PROTECTION);
  expect(run([0x67, 0x0f, 0xae, 0x3d, 0, 0, 1, 0], 'max', nothing).vector).toBe(GENERAL_PROTECTION);
  expect(run([0x66, 0x67, 0x0f, 0xae, 0x35, 0, 0, 1, 0], 'max', nothing).vector).toBe(GENERAL_PROTECTION);
  expect(run([0x67, 0x0f, 0x18, 0x0d, 0, 0, 1, 0], 'max', nothing).vector).toBeUndefined();
  expect(run([0x67, 0x0f, 0x0d, 0x0d, 0, 0, 1, 0], 'max', nothing).vector).toBeUndefined();
});

it('RDTSC counts instructions', () => {
  // rdtsc; mov ebx,eax; nop; rdtsc
  const { processor } = run([0x0f, 0x31, 0x66, 0x89, 0xc3, 0x90, 0x0f, 0x31], 'pentium', nothing);
  const { state } = processor;
  expect(state.read32(slot.EAX) - state.read32(slot.EBX)).toBe(3);
  expect(state.read32(slot.EDX)).toBe(0);
});
