/** The tags of the translation tables: whole linear addresses, in 64-bit mode too. */
import { expect, it } from 'vitest';
import { CpuState } from '../state/cpu-state.ts';
import { cpuBase, createMemory, ENTRY_ADDEND, RAM_BASE, TLB_ENTRY_SIZE, TLB_READ } from './layout.ts';
import { Tlb } from './tlb.ts';

function filled(linear: number, host: number): { readonly tag: bigint; readonly addend: number } {
  const state = new CpuState(createMemory(0x100000), cpuBase(0));
  new Tlb(state).allowReads(linear, host);
  const page = Number(BigInt.asUintN(12, BigInt(linear) >> 12n));
  const entry = state.base + TLB_READ + page * TLB_ENTRY_SIZE;
  return { tag: state.view.getBigUint64(entry, true), addend: state.view.getInt32(entry + ENTRY_ADDEND, true) };
}

it('zero-extends addresses of 32 bits and keeps those of 64 bits whole', () => {
  const host = RAM_BASE + 0x5123;
  expect(filled(0xfffff123, host).tag).toBe(0xffff_f004n);
  expect(filled(0x7fff_1234_5123, host).tag).toBe(0x7fff_1234_5004n);
  expect(filled(-0x8000_0000_0000 + 0x5123, host).tag).toBe(0xffff_8000_0000_5004n);
});

it('maps the low half of an address to the host', () => {
  const linear = -0x8000_0000_0000 + 0x4123;
  const { addend } = filled(linear, RAM_BASE + 0x5123);
  expect((addend + (linear | 0)) >>> 0).toBe(RAM_BASE + 0x5123);
});
