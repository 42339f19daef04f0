import { describe, expect, it } from 'vitest';
import { slot } from '../../state/layout.ts';
import { AC, IF } from '../../state/lazy-flags.ts';
import { EXIT, NEXT, VECTOR_GP, VECTOR_UD } from '../cpu.ts';
import { execute, faultOf, protectedCpu, realCpu } from '../fake-cpu.ts';

describe('MONITOR and MWAIT', () => {
  it('wait like HLT with interrupts on and do nothing with them off', () => {
    const cpu = protectedCpu(0);
    expect(execute(cpu, 'MONITOR')).toBe(NEXT);
    expect([execute(cpu, 'MWAIT'), cpu.state.read8(slot.HALTED)]).toEqual([NEXT, 0]);
    cpu.state.eflags = IF;
    expect([execute(cpu, 'MWAIT'), cpu.state.read8(slot.HALTED)]).toEqual([EXIT, 1]);
  });

  it('are invalid at level 3, and know no extensions but the first', () => {
    const user = protectedCpu(3);
    expect(faultOf(() => execute(user, 'MONITOR'))).toEqual([VECTOR_UD, undefined]);
    expect(faultOf(() => execute(user, 'MWAIT'))).toEqual([VECTOR_UD, undefined]);
    const cpu = protectedCpu(0);
    cpu.state.write32(slot.ECX, 1);
    expect(faultOf(() => execute(cpu, 'MONITOR'))).toEqual([VECTOR_GP, 0]);
    expect(faultOf(() => execute(cpu, 'MWAIT'))).toBeUndefined();
    cpu.state.write32(slot.ECX, 2);
    expect(faultOf(() => execute(cpu, 'MWAIT'))).toEqual([VECTOR_GP, 0]);
  });

  it('check the address as a load does', () => {
    const cpu = realCpu();
    cpu.state.write32(slot.EAX, 0x1_0000);
    expect(faultOf(() => execute(cpu, 'MONITOR', { addressSize: 32 }))).toEqual([VECTOR_GP, 0]);
    expect(faultOf(() => execute(cpu, 'MONITOR'))).toBeUndefined();
  });
});

describe('CLAC and STAC', () => {
  it('change EFLAGS.AC at level 0', () => {
    const cpu = protectedCpu(0);
    expect([execute(cpu, 'STAC'), cpu.state.eflags & AC]).toEqual([EXIT, AC]);
    expect([execute(cpu, 'CLAC'), cpu.state.eflags & AC]).toEqual([EXIT, 0]);
    expect(faultOf(() => execute(protectedCpu(3), 'STAC'))).toEqual([VECTOR_UD, undefined]);
    expect(faultOf(() => execute(protectedCpu(3), 'CLAC'))).toEqual([VECTOR_UD, undefined]);
  });
});
