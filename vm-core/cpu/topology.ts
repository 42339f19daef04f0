/** How the virtual processors of a machine are arranged, as CPUID shows it (SDM vol. 3A §9.9). */
import { type CpuModelFacts, modelFacts } from '../isa/cpu-model.ts';

/** Packages of cores of threads; each thread is one vCPU. */
export interface Topology {
  readonly packages: number;
  readonly coresPerPackage: number;
  readonly threadsPerCore: number;
}

export const ONE_CPU: Topology = { packages: 1, coresPerPackage: 1, threadsPerCore: 1 };

/** vCPUs of a machine at most; there is room for so many in its memory. */
export const CPUS_MAX = 16;

/** vCPUs in all. */
export function cpuCount({ packages, coresPerPackage, threadsPerCore }: Topology): number {
  return packages * coresPerPackage * threadsPerCore;
}

/** Bits of an APIC number that tell the threads of a core apart, and the cores of a package. */
export function topologyBits({ coresPerPackage, threadsPerCore }: Topology): { threads: number; cores: number } {
  const bitsFor = (count: number): number => 32 - Math.clz32(count - 1);
  return { threads: bitsFor(threadsPerCore), cores: bitsFor(coresPerPackage) };
}

/** The APIC number of a vCPU by its index: package, core and thread, each in bits of its own. */
export function apicNumberOf(topology: Topology, index: number): number {
  const { coresPerPackage, threadsPerCore } = topology;
  const { threads, cores } = topologyBits(topology);
  const core = Math.floor(index / threadsPerCore) % coresPerPackage;
  const inPackage = (core << threads) | (index % threadsPerCore);
  return (Math.floor(index / (threadsPerCore * coresPerPackage)) << (threads + cores)) | inPackage;
}

/** Whether CPUID of a model has something to tell cores and threads with: leaf 4 of Intel, and AMD's of its time. */
function tellsCores({ leafMax }: CpuModelFacts): boolean {
  return leafMax >= 4;
}

/** Throws an Error unless there can be such processors in a machine of a model. */
export function requireTopology(topology: Topology, model: CpuModelFacts): void {
  const { packages, coresPerPackage, threadsPerCore } = topology;
  for (const [name, value] of Object.entries({ packages, coresPerPackage, threadsPerCore })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new Error(`cpus: ${value} ${name} is not possible; give 1 to ${CPUS_MAX}`);
  }
  const count = cpuCount(topology);
  if (count > CPUS_MAX) throw new Error(`cpus: ${count} processors are not possible; give ${CPUS_MAX} at most`);
  if (count === 1) return;
  if (!model.features.has('APIC')) {
    if (modelFacts(model.name).features.has('APIC')) {
      throw new Error('cpus: with localApic "hidden" a processor is alone; leave it away, or give one processor');
    }
    throw new Error(`cpus: a ${model.name} has no local APIC, so it is alone; choose another cpu or one processor`);
  }
  if (coresPerPackage * threadsPerCore > 1 && !tellsCores(model)) {
    throw new Error(`cpus: a ${model.name} has one core of one thread; give packages, or choose another cpu`);
  }
}
