/** Processor models by name: which instructions there are depends on them. */

/**
 * In the order in which they came out; each has the instructions of those before it. Of the 486 these are all but its
 * x87; flags and control bits by which software would find it are not there yet, so that it is taken for a fast 386.
 */
export const cpuModels = ['386', '486'] as const;

export type CpuModel = (typeof cpuModels)[number];

/** Whether `model` is `since` or a later one. */
export function isAtLeast(model: CpuModel, since: CpuModel): boolean {
  return cpuModels.indexOf(model) >= cpuModels.indexOf(since);
}
