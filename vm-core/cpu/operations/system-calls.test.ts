import { describe, expect, it } from 'vitest';
import type { CpuModel } from '../../isa/cpu-model.ts';
import { EFER_LMA, EFER_SCE } from '../../state/control-bits.ts';
import { CS, internal, SS, slot } from '../../state/layout.ts';
import { CF, IF, RF, VM } from '../../state/lazy-flags.ts';
import { EXIT, VECTOR_GP, VECTOR_UD } from '../cpu.ts';
import { execute, type FakeCpu, faultOf, protectedCpu, realCpu, withModel } from '../fake-cpu.ts';

type Mode = 'real' | 'protected' | 'compatibility' | '64-bit';

function inMode(model: CpuModel, mode: Mode, level: 0 | 3 = 3): FakeCpu {
  const cpu = withModel(mode === 'real' ? realCpu() : protectedCpu(level), model);
  const { state } = cpu;
  state.write64(slot.STAR, 0x0033_0010_0040_1234n);
  state.write64(slot.LSTAR, 0xffff_8000_0000_1000n);
  state.write64(slot.CSTAR, 0xffff_8000_0000_2000n);
  state.write32(slot.FMASK, CF);
  state.write32(internal.CANONICAL_SHIFT, 16);
  const isLong = mode === 'compatibility' || mode === '64-bit';
  state.write32(slot.EFER, EFER_SCE | (isLong ? EFER_LMA : 0));
  if (mode === '64-bit') state.setSegment(CS, { ...state.segment(CS), attributes: 0xafb });
  state.write64(slot.EIP, 0x5_0000_5678n & (mode === '64-bit' ? 0xff_ffff_ffffn : 0xffff_ffffn));
  state.eflags = IF | CF | RF;
  return cpu;
}

const hex = (cpu: FakeCpu, offset: number) => cpu.state.read64(offset).toString(16);

describe('SYSCALL', () => {
  it.each([
    { model: 'x86-64-v3', there: ['64-bit'] },
    { model: 'amd-zen', there: ['real', 'protected', 'compatibility', '64-bit'] },
  ] as const)('of $model is there in $there', ({ model, there }) => {
    const modes: readonly Mode[] = ['real', 'protected', 'compatibility', '64-bit'];
    for (const name of ['SYSCALL', 'SYSRET']) {
      const valid = modes.filter(
        (mode) => faultOf(() => execute(inMode(model, mode, 0), name, { operandSize: 32 }))?.[0] !== VECTOR_UD,
      );
      expect(valid).toEqual(there);
    }
    const off = inMode(model, '64-bit');
    off.state.write32(slot.EFER, EFER_LMA);
    expect(faultOf(() => execute(off, 'SYSCALL'))).toEqual([VECTOR_UD, undefined]);
  });

  it.each(['x86-64-v3', 'amd-zen'] as const)('of 64-bit mode goes to LSTAR (%s)', (model) => {
    const cpu = inMode(model, '64-bit');
    expect(execute(cpu, 'SYSCALL')).toBe(EXIT);
    const { state } = cpu;
    expect([hex(cpu, slot.EIP), hex(cpu, slot.ECX)]).toEqual(['ffff800000001000', '500005678']);
    expect(state.read64(slot.R11)).toBe(BigInt(2 | IF | CF | (model === 'amd-zen' ? 0 : RF)));
    expect([state.eflags, state.read8(slot.CPL)]).toEqual([2 | IF, 0]);
    expect([state.segment(CS), state.segment(SS)]).toEqual([
      { selector: 0x10, base: 0, limit: 0xffff_ffff, attributes: 0xa9b },
      { selector: 0x18, base: 0, limit: 0xffff_ffff, attributes: 0xc93 },
    ]);
  });

  it('of compatibility mode goes to CSTAR on AMD', () => {
    const cpu = inMode('amd-zen', 'compatibility');
    execute(cpu, 'SYSCALL');
    expect([hex(cpu, slot.EIP), hex(cpu, slot.ECX)]).toEqual(['ffff800000002000', '5678']);
    expect(cpu.state.segment(CS)).toMatchObject({ selector: 0x10, attributes: 0xa9b });
    expect(cpu.state.eflags).toBe(2 | IF);
  });

  it.each(['real', 'protected'] as const)('of %s mode goes to 32-bit code at the EIP in STAR, on AMD', (mode) => {
    const cpu = inMode('amd-zen', mode);
    if (mode === 'protected') cpu.state.eflags |= VM;
    const r11 = cpu.state.read64(slot.R11);
    execute(cpu, 'SYSCALL');
    const { state } = cpu;
    expect([hex(cpu, slot.EIP), hex(cpu, slot.ECX), state.read8(slot.CPL)]).toEqual(['401234', '5678', 0]);
    // The mask is for long mode.
    expect([state.eflags, state.read64(slot.R11)]).toEqual([2 | CF, r11]);
    expect([state.segment(CS), state.segment(SS)]).toMatchObject([
      { selector: 0x10, base: 0, limit: 0xffff_ffff, attributes: 0xc9b },
      { selector: 0x18, base: 0, limit: 0xffff_ffff, attributes: 0xc93 },
    ]);
  });
});

describe('SYSRET', () => {
  it('takes an RIP that is not canonical on AMD, and is #GP(0) on Intel', () => {
    const prepare = (model: CpuModel) => {
      const cpu = inMode(model, '64-bit', 0);
      cpu.state.write64(slot.ECX, 0x8000_0000_0000n);
      return cpu;
    };
    expect(faultOf(() => execute(prepare('x86-64-v3'), 'SYSRET', { operandSize: 64 }))).toEqual([VECTOR_GP, 0]);
    const amd = prepare('amd-zen');
    expect(execute(amd, 'SYSRET', { operandSize: 64 })).toBe(EXIT);
    expect([hex(amd, slot.EIP), amd.state.read8(slot.CPL)]).toEqual(['800000000000', 3]);
  });

  it('leaves what SS caches on AMD', () => {
    const stackAfter = (model: CpuModel) => {
      const cpu = inMode(model, '64-bit', 0);
      cpu.state.setSegment(SS, { selector: 0, base: 0, limit: 0, attributes: 0 });
      cpu.state.write64(slot.ECX, 0x1000n);
      execute(cpu, 'SYSRET', { operandSize: 64 });
      return cpu.state.segment(SS);
    };
    expect(stackAfter('x86-64-v3')).toMatchObject({ selector: 0x3b, limit: 0xffff_ffff, attributes: 0xcf3 });
    expect(stackAfter('amd-zen')).toMatchObject({ selector: 0x3b, limit: 0, attributes: 0 });
  });

  it('of legacy mode returns to ECX with interrupts on, on AMD', () => {
    const cpu = inMode('amd-zen', 'protected', 0);
    cpu.state.eflags = CF;
    cpu.state.write64(slot.R11, 0n);
    cpu.state.write64(slot.ECX, 0x1_0000_4444n);
    execute(cpu, 'SYSRET', { operandSize: 32 });
    const { state } = cpu;
    expect([hex(cpu, slot.EIP), state.eflags, state.read8(slot.CPL)]).toEqual(['4444', 2 | CF | IF, 3]);
    expect(state.segment(CS)).toMatchObject({ selector: 0x33, base: 0, attributes: 0xcfb });
  });

  it('is for level 0, and on AMD for protected mode', () => {
    expect(faultOf(() => execute(inMode('amd-zen', 'real'), 'SYSRET'))).toEqual([VECTOR_GP, 0]);
    for (const model of ['amd-zen', 'x86-64-v3'] as const) {
      expect(faultOf(() => execute(inMode(model, '64-bit', 3), 'SYSRET'))).toEqual([VECTOR_GP, 0]);
    }
  });
});

describe('SYSENTER and SYSEXIT', () => {
  it.each(['SYSENTER', 'SYSEXIT'])('%s is #UD in long mode on AMD', (name) => {
    for (const mode of ['compatibility', '64-bit'] as const) {
      expect(faultOf(() => execute(inMode('amd-zen', mode, 0), name))).toEqual([VECTOR_UD, undefined]);
    }
    expect(faultOf(() => execute(inMode('amd-zen', 'protected', 0), name))).toEqual([VECTOR_GP, 0]);
  });
});
