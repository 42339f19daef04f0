/** The rules of limits and rights that the differential run holds our processor to, on instructions known by heart. */
import { Decoder, DecoderOptions, InstructionInfoFactory } from 'iced-x86';
import { expect, it } from 'vitest';
import { createBareMachine } from '../../vm-core/engine/bare-machine.ts';
import type { CpuState } from '../../vm-core/state/cpu-state.ts';
import { DS, ES, SS, slot } from '../../vm-core/state/layout.ts';
import { accessesOf } from './accesses.ts';

const { processor } = createBareMachine(0x100000);
const factory = new InstructionInfoFactory();

function state(changes: Partial<Record<keyof typeof slot, number>>, protectedMode = false): CpuState {
  for (const index of [0, 2, 3, 4, 5]) {
    processor.state.setSegment(index, { selector: 0, base: 0x1000 * index, limit: 0xffff, attributes: 0x93 });
  }
  for (const name of ['EAX', 'ECX', 'EDX', 'EBX', 'ESP', 'EBP', 'ESI', 'EDI'] as const) {
    processor.state.write32(slot[name], changes[name] ?? 0);
  }
  processor.state.write32(slot.CR0, protectedMode ? 1 : 0);
  return processor.state;
}

/** Offset, size and whether it is allowed, of each access. */
function accesses(bits: 16 | 32, bytes: readonly number[], cpu: CpuState): unknown[] | undefined {
  const decoder = new Decoder(bits, Uint8Array.from(bytes), DecoderOptions.None);
  const instruction = decoder.decode();
  return accessesOf(cpu, instruction, factory.info(instruction))?.map((one) => [
    one.segment,
    one.offset,
    one.size,
    one.isWrite ? 'write' : 'read',
    one.allowed,
  ]);
}

it('counts 16-bit addresses modulo 64 KiB and forbids what goes beyond', () => {
  const cpu = state({ EBX: 0xfff0, ESI: 0x20 });
  expect(accesses(16, [0x8b, 0x00], cpu)).toEqual([[DS, 0x10, 2, 'read', true]]);
  expect(accesses(16, [0x8b, 0x40, 0xef], cpu)).toEqual([[DS, 0xffff, 2, 'read', false]]);
});

it('gives POP to memory the stack pointer behind the pop', () => {
  const cpu = state({ ESP: 0x100 });
  const [first] = accesses(32, [0x8f, 0x44, 0x24, 0x08], cpu) ?? [];
  expect(first).toEqual([SS, 0x10c, 4, 'write', true]);
});

it('moves bit strings by the bit offset, down too', () => {
  const cpu = state({ EBX: 0x100, EAX: 0xfff0 });
  expect(accesses(16, [0x0f, 0xab, 0x07], cpu)).toEqual([[DS, 0xfe, 2, 'write', true]]);
});

it('lists each element of a repeated string instruction, and gives up on too many', () => {
  const cpu = state({ ECX: 2, ESI: 0x10, EDI: 0xffff });
  expect(accesses(16, [0xf3, 0xa4], cpu)).toEqual([
    [ES, 0xffff, 1, 'write', true],
    [ES, 0, 1, 'write', true],
    [DS, 0x10, 1, 'read', true],
    [DS, 0x11, 1, 'read', true],
  ]);
  expect(accesses(16, [0xf3, 0xa4], state({ ECX: 0x8000 }))).toBeUndefined();
});

it('knows rights in protected mode only, and expand-down segments', () => {
  const write = [0x88, 0x07];
  const withSegment = (attributes: number, protectedMode: boolean) => {
    const cpu = state({ EBX: 0x20 }, protectedMode);
    cpu.setSegment(DS, { selector: 0, base: 0, limit: 0xff, attributes });
    return accesses(16, write, cpu);
  };
  expect(withSegment(0x91, false)).toEqual([[DS, 0x20, 1, 'write', true]]);
  expect(withSegment(0x91, true)).toEqual([[DS, 0x20, 1, 'write', false]]);
  expect(withSegment(0, true)).toEqual([[DS, 0x20, 1, 'write', false]]);
  expect(withSegment(0x97, true)).toEqual([[DS, 0x20, 1, 'write', false]]);
});
