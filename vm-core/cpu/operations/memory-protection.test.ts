/** Protection keys and INVPCID: which registers and bits they insist on, and what is forgotten. */
import { describe, expect, it } from 'vitest';
import { CR4_PCIDE, CR4_PKE } from '../../state/control-bits.ts';
import { slot } from '../../state/layout.ts';
import { NEXT, VECTOR_GP, VECTOR_UD } from '../cpu.ts';
import { execute, type FakeCpu, faultOf, protectedCpu } from '../fake-cpu.ts';

describe('RDPKRU and WRPKRU', () => {
  it('move PKRU at every level while CR4.PKE is set', () => {
    const cpu = protectedCpu(3);
    expect(faultOf(() => execute(cpu, 'WRPKRU'))).toEqual([VECTOR_UD, undefined]);
    expect(faultOf(() => execute(cpu, 'RDPKRU'))).toEqual([VECTOR_UD, undefined]);
    cpu.state.write32(slot.CR4, CR4_PKE);
    cpu.state.write32(slot.EAX, 0x5555_5554);
    expect(execute(cpu, 'WRPKRU')).toBe(NEXT);
    expect(cpu.translationCalls).toEqual(['rules']);
    cpu.state.write32(slot.EAX, 0);
    cpu.state.write32(slot.EDX, 1);
    execute(cpu, 'RDPKRU');
    expect([cpu.state.read32(slot.EAX), cpu.state.read32(slot.EDX)]).toEqual([0x5555_5554, 0]);
  });

  it('want zeros in ECX and EDX', () => {
    const cpu = protectedCpu();
    cpu.state.write32(slot.CR4, CR4_PKE);
    cpu.state.write32(slot.EDX, 1);
    expect(faultOf(() => execute(cpu, 'WRPKRU'))).toEqual([VECTOR_GP, 0]);
    cpu.state.write32(slot.EDX, 0);
    cpu.state.write32(slot.ECX, 1);
    expect(faultOf(() => execute(cpu, 'WRPKRU'))).toEqual([VECTOR_GP, 0]);
    expect(faultOf(() => execute(cpu, 'RDPKRU'))).toEqual([VECTOR_GP, 0]);
    expect(cpu.state.read32(slot.PKRU)).toBe(0);
  });
});

/** INVPCID with a descriptor of four double words. */
function invalidate(cpu: FakeCpu, type: number, ...words: readonly number[]) {
  words.forEach((word, n) => {
    cpu.writeLinear(0x500 + n * 4, 4, word);
  });
  cpu.state.write32(slot.EBX, type);
  return execute(cpu, 'INVPCID', { at: 0x500, regSlot: slot.EBX });
}

describe('INVPCID', () => {
  it('forgets a page, a context, everything, or all that is not global', () => {
    const cpu = protectedCpu();
    cpu.state.write32(slot.CR4, CR4_PCIDE);
    for (const type of [0, 1, 2, 3]) expect(invalidate(cpu, type, 5, 0, 0x1234_5000, 0)).toBe(NEXT);
    expect(cpu.translationCalls).toEqual(['page 12345000 5 false', 'context 5', 'all', 'contexts']);
  });

  it.each([
    { what: 'a type beyond 3', type: 4, words: [0, 0, 0, 0] },
    { what: 'a bit beyond the identifier', type: 2, words: [0x1000, 0, 0, 0] },
    { what: 'a bit of the upper half', type: 3, words: [0, 1, 0, 0] },
    { what: 'a context while there is only one', type: 0, words: [5, 0, 0, 0] },
    { what: 'one context of which there is only one', type: 1, words: [5, 0, 0, 0] },
  ])('refuses $what', ({ type, words }) => {
    const cpu = protectedCpu();
    expect(faultOf(() => invalidate(cpu, type, ...words))).toEqual([VECTOR_GP, 0]);
    expect(cpu.translationCalls).toEqual([]);
  });

  it('is for level 0', () => {
    expect(faultOf(() => invalidate(protectedCpu(3), 2, 0, 0, 0, 0))).toEqual([VECTOR_GP, 0]);
  });
});
