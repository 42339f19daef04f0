/** Instructions that a later model has and an earlier one has not. */
import { describe, expect, it } from 'vitest';
import { CF, SF, ZF } from '../state/lazy-flags.ts';
import { slot } from '../state/layout.ts';
import { PROGRAM_START, programMachine } from './guest-program.ts';

const HLT = 0xf4;
const INVALID_OPCODE = 6;

interface Registers {
  readonly eax?: number;
  readonly ebx?: number;
  readonly ecx?: number;
}

/** Runs an instruction and HLT on a 486; gives EAX, EBX, ECX and the dword at 0500h. */
function run(code: readonly number[], { eax = 0, ebx = 0, ecx = 0 }: Registers, memory = 0) {
  const { loop, map, processor } = programMachine([...code, HLT], undefined, '486');
  const { state } = processor;
  state.write32(slot.EAX, eax);
  state.write32(slot.EBX, ebx);
  state.write32(slot.ECX, ecx);
  map.write(0x500, 4, memory);
  expect(loop.run({ instructionsMax: 10 }).reason).toBe('halted');
  expect(state.eip).toBe(PROGRAM_START + code.length + 1);
  const registers = [slot.EAX, slot.EBX, slot.ECX].map((at) => state.read32(at) >>> 0);
  return { registers, memory: map.read(0x500, 4), flags: state.eflags };
}

describe('the 486', () => {
  it('swaps bytes', () => {
    expect(run([0x66, 0x0f, 0xcb], { ebx: 0x12345678 }).registers[1]).toBe(0x78563412);
    expect(run([0x0f, 0xcb], { ebx: 0x12345678 }).registers[1]).toBe(0x12340000);
  });

  it('exchanges and adds', () => {
    // xadd ebx,ecx; xadd ax,ax; xadd [0500h],bl
    expect(run([0x66, 0x0f, 0xc1, 0xcb], { ebx: 7, ecx: 5 }).registers).toEqual([0, 12, 7]);
    expect(run([0x0f, 0xc1, 0xc0], { eax: 0x1_8001 }).registers[0]).toBe(0x1_0002);
    const sum = run([0x0f, 0xc0, 0x1e, 0x00, 0x05], { ebx: 0x12ff }, 0xaabb_cc02);
    expect([sum.registers[1], sum.memory, sum.flags & (CF | ZF)]).toEqual([0x1202, 0xaabb_cc01, CF]);
  });

  it('compares and exchanges', () => {
    // cmpxchg [0500h],bx; cmpxchg ecx,ebx
    const equal = run([0x0f, 0xb1, 0x1e, 0x00, 0x05], { eax: 0x1234, ebx: 0x5678 }, 0x9999_1234);
    expect([equal.memory, equal.registers[0], equal.flags & ZF]).toEqual([0x9999_5678, 0x1234, ZF]);
    const other = run([0x66, 0x0f, 0xb1, 0xd9], { eax: 1, ebx: 2, ecx: 3 });
    expect([other.registers, other.flags & (ZF | CF | SF)]).toEqual([[3, 2, 3], CF | SF]);
    expect(run([0x0f, 0xb0, 0xd8], { eax: 0x11, ebx: 0x22 }).registers[0]).toBe(0x22);
  });

  it.each([
    { name: 'INVD', code: [0x0f, 0x08] },
    { name: 'WBINVD', code: [0x0f, 0x09] },
    { name: 'INVLPG', code: [0x0f, 0x01, 0x3e, 0x00, 0x05] },
  ])('has $name', ({ code }) => {
    expect(run(code, { eax: 1 }).registers).toEqual([1, 0, 0]);
  });
});

/** Runs code with interrupts off up to its HLT; gives the state. */
function stateAfter(code: readonly number[], model: '386' | '486') {
  const { loop, processor } = programMachine([...code, HLT], undefined, model);
  expect(loop.run({ instructionsMax: 50 }).reason).toBe('halted');
  return processor.state;
}

/** pushfd; pop eax; mov ecx,eax; xor eax,mask; push eax; popfd; pushfd; pop eax; xor eax,ecx */
const flip = (mask: number): number[] => [
  ...[0x66, 0x9c, 0x66, 0x58, 0x66, 0x89, 0xc1, 0x66, 0x35],
  ...[mask, mask >> 8, mask >> 16, mask >> 24].map((byte) => byte & 0xff),
  ...[0x66, 0x50, 0x66, 0x9d, 0x66, 0x9c, 0x66, 0x58, 0x66, 0x31, 0xc8],
];

describe('the test by which software tells processors apart', () => {
  const AC = 0x40000;
  const ID = 0x200000;

  it.each([
    { model: '386', mask: AC, changed: 0 },
    { model: '386', mask: ID, changed: 0 },
    { model: '486', mask: AC, changed: AC },
    { model: '486', mask: ID, changed: ID },
    // Bits that no processor of the time has stay as they are.
    { model: '486', mask: 0xffc0_8028 | 0x0018_0000, changed: 0 },
  ] as const)('flips $mask in EFLAGS on a $model', ({ model, mask, changed }) => {
    expect(stateAfter(flip(mask), model).read32(slot.EAX)).toBe(changed);
  });

  it('leaves AC alone with 16-bit operands, and the interrupt of real mode clears it', () => {
    // popf with FFFFh below it keeps what is above bit 15; INT 5 has a HLT for its handler.
    const kept = stateAfter([...flip(AC), 0x6a, 0x02, 0x9d, 0x66, 0x9c, 0x66, 0x5b], '486');
    expect(kept.read32(slot.EBX) & AC).toBe(AC);
    const { loop, processor } = programMachine([...flip(AC), 0xcd, 5], undefined, '486');
    loop.run({ instructionsMax: 50 });
    expect([processor.state.eip, processor.state.eflags & AC]).toEqual([0x606, 0]);
  });
});

describe('CR0', () => {
  /** mov eax,value; mov cr0,eax; mov eax,cr0 */
  const write = (value: number): number[] => [
    ...[0x66, 0xb8, value & 0xff, (value >> 8) & 0xff, (value >> 16) & 0xff, (value >>> 24) & 0xff],
    ...[0x0f, 0x22, 0xc0, 0x0f, 0x20, 0xc0],
  ];

  it('after reset says that the cache is off', () => {
    expect(stateAfter([0x0f, 0x20, 0xc0], '486').read32(slot.EAX) >>> 0).toBe(0x6000_0010);
    expect(stateAfter([0x0f, 0x20, 0xc0], '386').read32(slot.EAX)).toBe(0);
  });

  it.each([
    { model: '486', value: 0x7fff_fffe, left: 0x6005_003e },
    { model: '486', value: 0, left: 0x10 },
    { model: '386', value: 0x7fff_fffe, left: 0x1e },
    { model: '386', value: 0, left: 0 },
  ] as const)('of a $model keeps $left of $value', ({ model, value, left }) => {
    expect(stateAfter(write(value), model).read32(slot.EAX) >>> 0).toBe(left);
  });

  it('takes no write-back off without the cache off', () => {
    const { loop, processor } = programMachine([...write(0x2000_0010), HLT], undefined, '486');
    loop.stopOnExceptions = new Set([13]);
    expect(loop.run({ instructionsMax: 50 })).toMatchObject({ reason: 'exception', event: { vector: 13 } });
    expect(processor.state.read32(slot.CR0) >>> 0).toBe(0x6000_0010);
  });

  it('keeps its upper bits when LMSW writes the lower ones', () => {
    // lmsw ax with AX = FFF0h
    expect(stateAfter([0xb8, 0xf0, 0xff, 0x0f, 0x01, 0xf0, 0x0f, 0x20, 0xc0], '486').read32(slot.EAX) >>> 0).toBe(
      0x6000_0010,
    );
  });
});

describe('the 386', () => {
  it.each([
    { name: 'BSWAP', code: [0x66, 0x0f, 0xcb] },
    { name: 'XADD', code: [0x0f, 0xc1, 0xc8] },
    { name: 'CMPXCHG', code: [0x0f, 0xb1, 0xc8] },
    { name: 'LOCK CMPXCHG', code: [0xf0, 0x0f, 0xb0, 0x1e, 0x00, 0x05] },
    { name: 'INVD', code: [0x0f, 0x08] },
    { name: 'INVLPG', code: [0x0f, 0x01, 0x3e, 0x00, 0x05] },
  ])('does not know $name', ({ code }) => {
    const { loop, processor } = programMachine(code);
    loop.stopOnExceptions = new Set([INVALID_OPCODE]);
    expect(loop.run({ instructionsMax: 10 })).toMatchObject({ reason: 'exception', event: { vector: INVALID_OPCODE } });
    expect(processor.state.eip).toBe(PROGRAM_START);
  });
});
