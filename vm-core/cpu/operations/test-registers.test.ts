import { describe, expect, it } from 'vitest';
import type { CpuModel } from '../../isa/cpu-model.ts';
import { slot } from '../../state/layout.ts';
import { VECTOR_GP, VECTOR_UD } from '../cpu.ts';
import { execute, type FakeCpu, faultOf, protectedCpu, realCpu, withModel } from '../fake-cpu.ts';

function write(cpu: FakeCpu, reg: number, value: number): void {
  cpu.state.write32(slot.EAX, value);
  execute(cpu, 'MOV_TO_TR', { reg, rmSlot: slot.EAX });
}

function read(cpu: FakeCpu, reg: number): number {
  execute(cpu, 'MOV_FROM_TR', { reg, rmSlot: slot.EAX });
  return cpu.state.read32(slot.EAX);
}

describe('which test registers there are', () => {
  it.each([
    { model: '386', there: [6, 7] },
    { model: '486', there: [3, 4, 5, 6, 7] },
    { model: 'pentium', there: [] },
    { model: 'x86-64-v3', there: [] },
  ] as const)('on a $model', ({ model, there }) => {
    for (const name of ['MOV_FROM_TR', 'MOV_TO_TR']) {
      const found = [0, 1, 2, 3, 4, 5, 6, 7].filter((reg) => {
        const fault = faultOf(() => execute(withModel(realCpu(), model), name, { reg }));
        expect([undefined, VECTOR_UD]).toContain(fault?.[0]);
        return fault === undefined;
      });
      expect(found).toEqual(there);
    }
  });

  it('they are for level 0', () => {
    for (const reg of [6, 7]) {
      expect(faultOf(() => execute(protectedCpu(3), 'MOV_TO_TR', { reg }))).toEqual([VECTOR_GP, 0]);
      expect(faultOf(() => execute(protectedCpu(3), 'MOV_FROM_TR', { reg }))).toEqual([VECTOR_GP, 0]);
    }
  });
});

const VALID = 1 << 11;
const HIT = 1 << 4;
/** Clear dirty, set user, clear writable, as pairs. */
const FLAGS = (1 << 9) | (1 << 8) | (1 << 5);

describe.each(['386', '486'] as const satisfies readonly CpuModel[])('the look-aside buffer of the %s', (model) => {
  const fill = (cpu: FakeCpu, linear: number, physical: number, way: number) => {
    write(cpu, 7, physical | HIT | (way << 2));
    write(cpu, 6, linear | VALID | FLAGS);
  };
  const lookUp = (cpu: FakeCpu, linear: number, flags = FLAGS) => {
    write(cpu, 6, linear | VALID | flags | 1);
    return read(cpu, 7);
  };

  it('finds what was filled, in the way that was named', () => {
    const cpu = withModel(realCpu(), model);
    for (let way = 0; way < 4; way++) fill(cpu, 0x1234_5000 + way * 0x8000, 0xfed0_0000 + way * 0x1000, way);
    for (let way = 0; way < 4; way++) {
      const found = lookUp(cpu, 0x1234_5000 + way * 0x8000);
      expect([found & 0xffff_f000, found & HIT, (found >>> 2) & 3]).toEqual([
        (0xfed0_0000 + way * 0x1000) | 0,
        HIT,
        way,
      ]);
    }
    expect(lookUp(cpu, 0x1234_4000) & HIT).toBe(0);
    fill(cpu, 0x7000_5000, 0x1000, 2);
    expect([lookUp(cpu, 0x1234_5000 + 2 * 0x8000) & HIT, lookUp(cpu, 0x7000_5000) & HIT]).toEqual([0, HIT]);
  });

  it('compares attributes by their pairs', () => {
    const cpu = withModel(realCpu(), model);
    fill(cpu, 0x5000, 0x9000, 0);
    const pair = (at: number, bits: number) => (FLAGS & ~(3 << at)) | (bits << at);
    // Dirty is clear (01), user is set (10), writable is clear (01).
    const hits = (at: number) => [0, 1, 2, 3].map((bits) => (lookUp(cpu, 0x5000, pair(at, bits)) & HIT) !== 0);
    expect([hits(9), hits(7), hits(5)]).toEqual([
      [false, true, false, true],
      [false, false, true, true],
      [false, true, false, true],
    ]);
  });

  it('is emptied by a write of CR3', () => {
    const cpu = withModel(realCpu(), model);
    fill(cpu, 0x5000, 0x9000, 0);
    execute(cpu, 'MOV_TO_CR', { reg: 3, rmSlot: slot.EBX });
    expect(lookUp(cpu, 0x5000) & HIT).toBe(0);
  });
});

describe('the cache of the 486', () => {
  const tag = (page: number) => (page << 11) | (1 << 10);

  function fillLine(cpu: FakeCpu, set: number, way: number, page: number, first: number): void {
    for (let n = 0; n < 4; n++) {
      write(cpu, 5, n << 2);
      write(cpu, 3, first + n);
    }
    write(cpu, 4, tag(page));
    write(cpu, 5, (set << 4) | (way << 2) | 1);
  }

  function readLine(cpu: FakeCpu, set: number, way: number) {
    write(cpu, 5, (set << 4) | (way << 2) | 2);
    const words = [0, 1, 2, 3].map((n) => {
      write(cpu, 5, n << 2);
      return read(cpu, 3);
    });
    const status = read(cpu, 4);
    return { words, page: status >>> 11, valid: (status >>> 10) & 1, ways: (status >>> 3) & 15 };
  }

  it('holds lines by set and way', () => {
    const cpu = withModel(realCpu(), '486');
    fillLine(cpu, 5, 0, 0x12345, 100);
    fillLine(cpu, 5, 3, 0x54321, 200);
    fillLine(cpu, 127, 1, 7, 300);
    expect(readLine(cpu, 5, 0)).toEqual({ words: [100, 101, 102, 103], page: 0x12345, valid: 1, ways: 0b1001 });
    expect(readLine(cpu, 5, 3)).toEqual({ words: [200, 201, 202, 203], page: 0x54321, valid: 1, ways: 0b1001 });
    expect(readLine(cpu, 127, 1)).toEqual({ words: [300, 301, 302, 303], page: 7, valid: 1, ways: 0b0010 });
    expect(readLine(cpu, 126, 1)).toMatchObject({ valid: 0, ways: 0 });
  });

  it.each(['command', 'INVD', 'WBINVD'])('is emptied by %s', (by) => {
    const cpu = withModel(realCpu(), '486');
    fillLine(cpu, 5, 2, 0x12345, 100);
    expect(readLine(cpu, 5, 2).valid).toBe(1);
    if (by === 'command') write(cpu, 5, 3);
    else execute(cpu, by);
    expect(readLine(cpu, 5, 2)).toMatchObject({ valid: 0, ways: 0 });
  });

  it('chooses the way that was used least where the look-aside buffer may', () => {
    const cpu = withModel(realCpu(), '486');
    // Without PL in TR7 the processor chooses.
    const fills = [0, 1, 2, 3, 4].map((n) => {
      write(cpu, 7, 0x10_0000 + n * 0x1000);
      write(cpu, 6, (n * 0x8000) | VALID | FLAGS);
      write(cpu, 6, (n * 0x8000) | VALID | FLAGS | 1);
      return (read(cpu, 7) >>> 2) & 3;
    });
    expect(new Set(fills.slice(0, 4)).size).toBe(4);
    expect(fills[4]).toBe(fills[0]);
  });
});
