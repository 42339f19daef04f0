import { describe, expect, it } from 'vitest';
import { EFER_LMA } from '../../state/control-bits.ts';
import { CS, internal, SS, slot } from '../../state/layout.ts';
import { IF } from '../../state/lazy-flags.ts';
import { EXIT, VECTOR_GP } from '../cpu.ts';
import { execute, type FakeCpu, faultOf, protectedCpu, realCpu } from '../fake-cpu.ts';

function prepared(level: 0 | 3): FakeCpu {
  const cpu = protectedCpu(level);
  cpu.state.write32(slot.SYSENTER_CS, 0x103);
  cpu.state.write32(slot.SYSENTER_ESP, 0x9abc);
  cpu.state.write32(slot.SYSENTER_EIP, 0x1_2345);
  return cpu;
}

describe('SYSENTER', () => {
  it('enters level 0 at what the registers say, with interrupts off', () => {
    const cpu = prepared(3);
    cpu.state.eflags = IF;
    expect(execute(cpu, 'SYSENTER')).toBe(EXIT);
    const { state } = cpu;
    expect([state.eip, state.read32(slot.ESP), state.eflags & IF, state.read8(slot.CPL)]).toEqual([
      0x1_2345, 0x9abc, 0, 0,
    ]);
    expect(state.segment(CS)).toEqual({ selector: 0x100, base: 0, limit: 0xffff_ffff, attributes: 0xc9b });
    expect(state.segment(SS)).toEqual({ selector: 0x108, base: 0, limit: 0xffff_ffff, attributes: 0xc93 });
  });

  it('is #GP in real mode and with a null selector', () => {
    const real = realCpu();
    real.state.write32(slot.SYSENTER_CS, 8);
    expect(faultOf(() => execute(real, 'SYSENTER'))).toEqual([VECTOR_GP, 0]);
    const cpu = prepared(0);
    cpu.state.write32(slot.SYSENTER_CS, 3);
    expect(faultOf(() => execute(cpu, 'SYSENTER'))).toEqual([VECTOR_GP, 0]);
    expect(faultOf(() => execute(cpu, 'SYSEXIT'))).toEqual([VECTOR_GP, 0]);
  });
});

describe('SYSEXIT', () => {
  it('goes to level 3 at EDX with the stack at ECX', () => {
    const cpu = prepared(0);
    cpu.state.write32(slot.EDX, 0x4000);
    cpu.state.write32(slot.ECX, 0x7000);
    expect(execute(cpu, 'SYSEXIT')).toBe(EXIT);
    const { state } = cpu;
    expect([state.eip, state.read32(slot.ESP), state.read8(slot.CPL)]).toEqual([0x4000, 0x7000, 3]);
    expect(state.segment(CS)).toEqual({ selector: 0x113, base: 0, limit: 0xffff_ffff, attributes: 0xcfb });
    expect(state.segment(SS)).toEqual({ selector: 0x11b, base: 0, limit: 0xffff_ffff, attributes: 0xcf3 });
  });

  it('is for level 0', () => {
    expect(faultOf(() => execute(prepared(3), 'SYSEXIT'))).toEqual([VECTOR_GP, 0]);
  });
});

describe('in long mode', () => {
  function long(): FakeCpu {
    const cpu = prepared(0);
    cpu.state.write32(slot.EFER, EFER_LMA);
    cpu.state.write32(internal.CANONICAL_SHIFT, 16);
    return cpu;
  }

  it('SYSENTER enters 64-bit code with whole registers', () => {
    const cpu = long();
    cpu.state.write64(slot.SYSENTER_EIP, 0xffff_8000_0000_1234n);
    cpu.state.write64(slot.SYSENTER_ESP, 0xffff_8000_0000_9000n);
    execute(cpu, 'SYSENTER');
    expect([cpu.state.read64(slot.EIP), cpu.state.read64(slot.ESP)]).toEqual([
      0xffff_8000_0000_1234n,
      0xffff_8000_0000_9000n,
    ]);
    expect(cpu.state.segment(CS)).toMatchObject({ selector: 0x100, attributes: 0xa9b });
  });

  it('SYSEXIT goes to 64-bit or to compatibility mode', () => {
    const cpu = long();
    cpu.state.write64(slot.EDX, 0x7fff_0000_4000n);
    cpu.state.write64(slot.ECX, 0x7fff_0000_7000n);
    execute(cpu, 'SYSEXIT', { operandSize: 64 });
    expect([cpu.state.read64(slot.EIP), cpu.state.read64(slot.ESP)]).toEqual([0x7fff_0000_4000n, 0x7fff_0000_7000n]);
    expect([cpu.state.segment(CS), cpu.state.segment(SS)]).toMatchObject([
      { selector: 0x123, attributes: 0xafb },
      { selector: 0x12b, attributes: 0xcf3 },
    ]);
    const compatible = long();
    compatible.state.write64(slot.EDX, 0x7fff_0000_4000n);
    compatible.state.write64(slot.ECX, 0x7fff_0000_7000n);
    execute(compatible, 'SYSEXIT', { operandSize: 32 });
    expect([compatible.state.read64(slot.EIP), compatible.state.read64(slot.ESP)]).toEqual([0x4000n, 0x7000n]);
    expect(compatible.state.segment(CS)).toMatchObject({ selector: 0x113, attributes: 0xcfb });
  });

  it('SYSEXIT refuses addresses that are not canonical', () => {
    const cpu = long();
    cpu.state.write64(slot.EDX, 0x8000_0000_0000n);
    expect(faultOf(() => execute(cpu, 'SYSEXIT', { operandSize: 64 }))).toEqual([VECTOR_GP, 0]);
  });
});
