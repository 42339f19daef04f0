import { describe, expect, it } from 'vitest';
import { EFER_LMA } from '../../state/control-bits.ts';
import { CS, FS, GS, SEGMENT_BASE, segmentSlots, slot } from '../../state/layout.ts';
import { NEXT, VECTOR_GP } from '../cpu.ts';
import { execute, type FakeCpu, faultOf, protectedCpu, withModel } from '../fake-cpu.ts';
import { dropInnerSegments } from '../segments.ts';

const [FS_BASE, GS_BASE] = [FS, GS].map((index) => (segmentSlots[index] as number) + SEGMENT_BASE) as [number, number];

function longCpu(level: 0 | 3): FakeCpu {
  const cpu = withModel(protectedCpu(level), 'x86-64-v3');
  cpu.state.write32(slot.EFER, EFER_LMA);
  cpu.state.setSegment(CS, { ...cpu.state.segment(CS), attributes: level === 0 ? 0xa9b : 0xafb });
  return cpu;
}

describe('SWAPGS', () => {
  it('exchanges the base of GS with the kernel’s, all 64 bits of both', () => {
    const cpu = longCpu(0);
    cpu.state.write64(GS_BASE, 0xffff_8000_1234_5678n);
    cpu.state.write64(slot.KERNEL_GS_BASE, 0x7fff_9abc_def0n);
    expect(execute(cpu, 'SWAPGS')).toBe(NEXT);
    expect([cpu.state.read64(GS_BASE), cpu.state.read64(slot.KERNEL_GS_BASE)]).toEqual([
      0x7fff_9abc_def0n,
      0xffff_8000_1234_5678n,
    ]);
    execute(cpu, 'SWAPGS');
    expect(cpu.state.read64(GS_BASE)).toBe(0xffff_8000_1234_5678n);
  });

  it('is for level 0', () => {
    const cpu = longCpu(3);
    cpu.state.write64(slot.KERNEL_GS_BASE, 1n);
    expect(faultOf(() => execute(cpu, 'SWAPGS'))).toEqual([VECTOR_GP, 0]);
    expect(cpu.state.read64(slot.KERNEL_GS_BASE)).toBe(1n);
  });
});

describe('a return to an outer level', () => {
  it('takes the level out of null selectors and leaves their bases, and drops segments of inner levels', () => {
    const { state } = longCpu(3);
    state.setSegment(FS, { selector: 3, base: 0x1_2345_0000, limit: 0, attributes: 0 });
    state.setSegment(GS, { selector: 0x18, base: 0x5000, limit: 0xffff_ffff, attributes: 0xc93 });
    dropInnerSegments(state, [FS, GS]);
    expect([state.segment(FS).selector, state.read64(FS_BASE)]).toEqual([0, 0x1_2345_0000n]);
    expect([state.segment(GS).selector, state.segment(GS).attributes & 0x80]).toEqual([0, 0]);
  });
});
