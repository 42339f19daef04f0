/** What MOV to CR0, CR3 and CR4 refuses, loads and forgets (SDM vol. 3A §2.5, §4.4.1, §4.10.4.1). */
import { describe, expect, it } from 'vitest';
import { CR0_CD, CR0_WP, CR4_PAE, CR4_PCIDE, CR4_PGE, CR4_PSE, CR4_SMEP, EFER_LMA } from '../state/control-bits.ts';
import { slot } from '../state/layout.ts';
import { SLOT_SIZE } from '../state/register-table.ts';
import { VECTOR_GP } from './cpu.ts';
import { execute, type FakeCpu, faultOf, protectedCpu, withModel } from './fake-cpu.ts';

const POINTERS = 0x5020;
const PAGING = 0x8000_0001;

const write = (cpu: FakeCpu, reg: number, value: number) => {
  cpu.state.write32(slot.EAX, value);
  return execute(cpu, 'MOV_TO_CR', { reg });
};

/** A processor that is ready for PAE paging, with four pointers at 5020h. */
function paeCpu(pointers: readonly bigint[] = [0x6001n, 0x7001n, 0n, 0x8001n]): FakeCpu {
  const cpu = withModel(protectedCpu(), 'pentium3');
  pointers.forEach((pointer, n) => {
    cpu.view.setBigUint64(POINTERS + n * 8, pointer, true);
  });
  cpu.state.write32(slot.CR4, CR4_PAE);
  cpu.state.write32(slot.CR3, POINTERS);
  return cpu;
}

const pointersOf = (cpu: FakeCpu) =>
  [0, 1, 2, 3].map((n) => cpu.state.view.getBigUint64(slot.PDPTE0 + n * SLOT_SIZE, true));

describe('the pointers of PAE paging', () => {
  it('are loaded when paging is turned on, and when CR3 is written', () => {
    const cpu = paeCpu();
    expect(pointersOf(cpu)).toEqual([0n, 0n, 0n, 0n]);
    write(cpu, 0, PAGING);
    expect(pointersOf(cpu)).toEqual([0x6001n, 0x7001n, 0n, 0x8001n]);
    cpu.view.setBigUint64(POINTERS + 0x20, 0xf_0000_9001n, true);
    write(cpu, 3, POINTERS + 0x20);
    expect(pointersOf(cpu)[0]).toBe(0xf_0000_9001n);
  });

  it.each([CR4_PSE, CR4_PGE])('are loaded when bits %d of CR4 change', (bits) => {
    const cpu = paeCpu();
    write(cpu, 0, PAGING);
    cpu.view.setBigUint64(POINTERS, 0x1_2001n, true);
    write(cpu, 4, CR4_PAE | bits);
    expect(pointersOf(cpu)[0]).toBe(0x1_2001n);
  });

  it('are loaded when CR0.CD changes, and not for other bits of CR0', () => {
    const cpu = paeCpu();
    write(cpu, 0, PAGING);
    cpu.view.setBigUint64(POINTERS, 0x1_2001n, true);
    write(cpu, 0, PAGING | CR0_WP);
    expect(pointersOf(cpu)[0]).toBe(0x6001n);
    write(cpu, 0, PAGING | CR0_WP | CR0_CD);
    expect(pointersOf(cpu)[0]).toBe(0x1_2001n);
  });

  it.each([
    { what: 'bit 1', pointer: 0x6003n },
    { what: 'bit 5', pointer: 0x6021n },
    { what: 'a frame beyond MAXPHYADDR', pointer: 0x10_0000_6001n },
    { what: 'bit 63', pointer: 0x8000_0000_0000_6001n },
  ])('with $what set are #GP(0), and nothing is loaded', ({ pointer }) => {
    const cpu = paeCpu([0x1_1001n, pointer]);
    expect(faultOf(() => write(cpu, 0, PAGING))).toEqual([VECTOR_GP, 0]);
    expect([cpu.state.read32(slot.CR0), ...pointersOf(cpu)]).toEqual([1, 0n, 0n, 0n, 0n]);
    cpu.state.write32(slot.CR0, PAGING);
    cpu.state.write32(slot.CR3, 0);
    expect(faultOf(() => write(cpu, 3, POINTERS))).toEqual([VECTOR_GP, 0]);
    expect(cpu.state.read32(slot.CR3)).toBe(0);
  });

  it('may hold anything while they are not present', () => {
    const cpu = paeCpu([0x6001n, 0xffff_ffff_ffff_fffen]);
    write(cpu, 0, PAGING);
    expect(pointersOf(cpu)[1]).toBe(0xffff_ffff_ffff_fffen);
  });
});

describe('CR4', () => {
  it('takes bits of the features that the processor has', () => {
    const cpu = withModel(protectedCpu(), 'pentium');
    write(cpu, 4, CR4_PSE);
    expect(cpu.state.read32(slot.CR4)).toBe(CR4_PSE);
    expect(cpu.derivedChanges).toContain(slot.CR4);
    expect(faultOf(() => write(cpu, 4, CR4_SMEP))).toEqual([VECTOR_GP, 0]);
  });

  it('keeps PAE in long mode, and takes PCIDE there only, with CR3 naming context 0', () => {
    const cpu = withModel(protectedCpu(), 'pentium3');
    const all = { features: new Set([...cpu.model.features, 'PCID' as const]) };
    cpu.model = { ...cpu.model, ...all };
    expect(faultOf(() => write(cpu, 4, CR4_PAE | CR4_PCIDE))).toEqual([VECTOR_GP, 0]);
    cpu.state.write32(slot.CR4, CR4_PAE);
    cpu.state.write32(slot.EFER, EFER_LMA);
    cpu.state.write32(slot.CR0, PAGING);
    expect(faultOf(() => write(cpu, 4, 0))).toEqual([VECTOR_GP, 0]);
    cpu.state.write32(slot.CR3, 0x5001);
    expect(faultOf(() => write(cpu, 4, CR4_PAE | CR4_PCIDE))).toEqual([VECTOR_GP, 0]);
    cpu.state.write32(slot.CR3, 0x5000);
    write(cpu, 4, CR4_PAE | CR4_PCIDE);
    expect(faultOf(() => write(cpu, 0, 1))).toEqual([VECTOR_GP, 0]);
  });
});

it('INVLPG forgets one page and looks at no segment limit', () => {
  const cpu = protectedCpu();
  execute(cpu, 'INVLPG', { at: 0xffff_1234 });
  expect(cpu.translationCalls).toEqual(['page ffff1234 -1 true']);
});
