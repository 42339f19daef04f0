/** What topologies are possible, and how CPUID tells of them. */
import { describe, expect, it } from 'vitest';
import { type CpuModel, modelFacts } from '../isa/cpu-model.ts';
import { cpuid } from './cpuid.ts';
import { apicNumberOf, cpuCount, requireTopology, type Topology } from './topology.ts';

const of = (packages: number, coresPerPackage = 1, threadsPerCore = 1) => ({
  ...{ packages, coresPerPackage, threadsPerCore },
});

describe('a topology', () => {
  it('counts its threads', () => {
    expect([cpuCount(of(1)), cpuCount(of(2, 4, 2))]).toEqual([1, 16]);
  });

  it('has limits, which are named', () => {
    const max = modelFacts('max');
    expect(() => requireTopology(of(2, 4, 2), max)).not.toThrow();
    expect(() => requireTopology(of(17), max)).toThrow('cpus: 17 processors are not possible; give 16 at most');
    expect(() => requireTopology(of(0), max)).toThrow('cpus: 0 packages is not possible; give 1 to 16');
    expect(() => requireTopology(of(1, 1.5), max)).toThrow('cpus: 1.5 coresPerPackage is not possible');
  });

  it('depends on the model', () => {
    expect(() => requireTopology(of(1), modelFacts('386'))).not.toThrow();
    expect(() => requireTopology(of(2), modelFacts('486'))).toThrow(/a 486 has no local APIC/);
    expect(() => requireTopology(of(2), modelFacts('pentium3'))).not.toThrow();
    expect(() => requireTopology(of(1, 2), modelFacts('pentium3'))).toThrow(
      /has one core of one thread; give packages/,
    );
  });
});

describe('APIC numbers', () => {
  it('have bits of their own for packages, cores and threads', () => {
    const numbers = (topology: Topology) =>
      Array.from({ length: cpuCount(topology) }, (_, index) => apicNumberOf(topology, index));
    expect(numbers(of(4))).toEqual([0, 1, 2, 3]);
    expect(numbers(of(1, 3, 2))).toEqual([0, 1, 2, 3, 4, 5]);
    expect(numbers(of(2, 3, 2))).toEqual([0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13]);
    expect(numbers(of(2, 1, 3))).toEqual([0, 1, 2, 4, 5, 6]);
  });
});

describe('CPUID', () => {
  const ask = (model: CpuModel, leaf: number, subleaf: number, topology: Topology, apicNumber: number) =>
    cpuid(modelFacts(model), leaf, subleaf, { control4: 0, ticksPerSecond: 1, topology, apicNumber });
  const HTT = 1 << 28;

  it('tells the number and the count in leaf 1', () => {
    const several = ask('max', 1, 0, of(2, 3, 2), 11);
    expect([several.EBX >>> 24, (several.EBX >>> 16) & 0xff, several.EDX & HTT]).toEqual([11, 6, HTT]);
    const alone = ask('pentium3', 1, 0, of(4), 3);
    expect([alone.EBX >>> 24, (alone.EBX >>> 16) & 0xff, alone.EDX & HTT]).toEqual([3, 0, 0]);
  });

  it('tells the levels and their shifts in leaf 0Bh, what caches are shared in leaf 4', () => {
    const levels = [0, 1, 2].map((subleaf) => ask('max', 0xb, subleaf, of(2, 3, 2), 11));
    expect(levels.map(({ EAX, EBX, ECX, EDX }) => [EAX, EBX, ECX, EDX])).toEqual([
      ...[
        [1, 2, 0x100, 11],
        [3, 6, 0x201, 11],
        [0, 0, 2, 11],
      ],
    ]);
    const shared = [0, 2, 3].map((subleaf) => ask('max', 4, subleaf, of(2, 3, 2), 0).EAX >>> 14);
    expect(shared.map((bits) => [bits & 0xfff, bits >>> 12])).toEqual([
      [1, 3],
      [1, 3],
      [7, 3],
    ]);
  });

  it('tells cores in the leaves of AMD', () => {
    const sizes = ask('amd-zen', 0x8000_0008, 0, of(1, 4, 2), 0);
    expect([sizes.ECX & 0xff, (sizes.ECX >>> 12) & 15]).toEqual([7, 3]);
    expect(ask('amd-zen', 0x8000_0001, 0, of(1, 4, 2), 0).ECX & 2).toBe(2);
    expect(ask('amd-zen', 0x8000_0001, 0, of(8), 0).ECX & 2).toBe(0);
  });
});
