/** What topologies are possible. */
import { describe, expect, it } from 'vitest';
import { modelFacts } from '../isa/cpu-model.ts';
import { cpuCount, requireTopology } from './topology.ts';

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
