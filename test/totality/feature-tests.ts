/**
 * Tests of processor features that are more than instructions and model-specific registers: what the feature does is looked
 * at by a test whose title has these words. (A table: exempt from the length limit.)
 */
import type { CpuFeature } from '../../vm-core/isa/cpu-feature.ts';

/** A test of a feature. */
export interface FeatureTest {
  readonly feature: CpuFeature;
  readonly file: string;
  /** Of the title of a test, or of a group of tests, in the file. */
  readonly words: string;
}

export const featureTests: readonly FeatureTest[] = [
  { feature: 'HTT', file: 'vm-core/cpu/topology.test.ts', words: 'tells the number and the count in leaf 1' },
  { feature: 'CmpLegacy', file: 'vm-core/cpu/topology.test.ts', words: 'tells cores in the leaves of AMD' },
  { feature: '486', file: 'vm-core/engine/models.test.ts', words: 'the test by which software tells processors apart' },
  {
    feature: 'BufferTest',
    file: 'vm-core/cpu/operations/test-registers.test.ts',
    words: 'the look-aside buffer of the %s',
  },
  { feature: 'CacheTest', file: 'vm-core/cpu/operations/test-registers.test.ts', words: 'the cache of the 486' },
  { feature: 'CPUID', file: 'vm-core/cpu/cpuid.test.ts', words: 'EFLAGS.ID' },
  { feature: 'VME', file: 'vm-core/cpu/virtual-8086.test.ts', words: 'are the monitor’s without CR4.VME' },
  { feature: 'DE', file: 'vm-core/cpu/operations/control-registers.test.ts', words: 'makes DR4 and DR5 invalid' },
  { feature: 'PSE', file: 'test/against-qemu/monitor.test.ts', words: 'say the same in $mode paging' },
  { feature: 'TSC', file: 'vm-core/cpu/model-specific-registers.test.ts', words: 'the time-stamp counter' },
  { feature: 'PAE', file: 'vm-core/machine/high-memory.test.ts', words: 'by PAE, with its tables there too' },
  { feature: 'MCE', file: 'vm-core/cpu/control-bits.test.ts', words: 'takes bit %d if the feature is there' },
  { feature: 'APIC', file: 'vm-core/cpu/local-apic/apic-guests.test.ts', words: 'guests that program the local APIC' },
  { feature: 'SEP', file: 'vm-core/cpu/operations/fast-calls.test.ts', words: 'SYSENTER' },
  { feature: 'PGE', file: 'vm-core/engine/translation-buffers.test.ts', words: 'of a global page is not seen before' },
  { feature: 'MmxExt', file: 'vm-core/engine/packed.test.ts', words: '$name computes MMX registers' },
  { feature: 'PSE-36', file: 'vm-core/machine/high-memory.test.ts', words: 'by PSE-36' },
  { feature: 'CMPXCHG16B', file: 'test/native-oracle/native-oracle.test.ts', words: 'agrees on every form' },
  { feature: 'x2APIC', file: 'vm-core/cpu/local-apic/x2apic.test.ts', words: 'the registers of x2APIC mode' },
  { feature: 'TSC-Deadline', file: 'vm-core/cpu/local-apic/apic-timer.test.ts', words: 'TSC-deadline mode' },
  { feature: 'PCID', file: 'vm-core/cpu/paging-registers.test.ts', words: 'takes PCIDE there only' },
  { feature: 'TSC_ADJUST', file: 'vm-core/cpu/model-specific-registers.test.ts', words: 'moves with its adjustment' },
  { feature: 'SMEP', file: 'vm-core/engine/translation-buffers.test.ts', words: 'CR4.SMEP is set' },
  { feature: 'ERMS', file: 'test/native-oracle/native-oracle.test.ts', words: 'agrees on every form' },
  {
    feature: 'SMAP',
    file: 'test/against-qemu/paging.test.ts',
    words: 'give what the plain walk gives on this machine',
  },
  { feature: 'UMIP', file: 'vm-core/cpu/operations/table-registers.test.ts', words: 'CR4.UMIP' },
  { feature: 'PKU', file: 'vm-core/cpu/operations/memory-protection.test.ts', words: 'RDPKRU and WRPKRU' },
  { feature: 'LA57', file: 'vm-core/engine/wide-addresses.test.ts', words: 'the canonical hole with 5 levels' },
  { feature: 'PKS', file: 'test/against-qemu/paging.test.ts', words: 'give what the plain walk gives on this machine' },
  { feature: 'FSRM', file: 'test/native-oracle/native-oracle.test.ts', words: 'agrees on every form' },
  { feature: 'FXSR', file: 'vm-core/engine/extended-state.test.ts', words: 'writes the legacy area' },
  { feature: 'FFXSR', file: 'vm-core/engine/extended-state.test.ts', words: 'XMM alone with EFER.FFXSR at level 0' },
  { feature: 'LBRCallStack', file: 'vm-core/engine/last-branches.test.ts', words: 'with EN_CALLSTACK' },
  { feature: 'DTES64', file: 'test/branches/recording.test.ts', words: 'finds in 32-bit mode on %s what it should' },
  { feature: 'DS-CPL', file: 'test/branches/recording.test.ts', words: 'finds in 64-bit mode on %s what it should' },
  { feature: 'XGETBV1', file: 'vm-core/engine/extended-state.test.ts', words: 'with 1 as far as states are in use' },
  { feature: 'LAHF-SAHF', file: 'test/native-oracle/native-oracle.test.ts', words: 'agrees on every form' },
  { feature: 'AltMovCr8', file: 'vm-core/isa/alternate-cr8.test.ts', words: 'names CR8 on AMD' },
  { feature: 'NX', file: 'test/against-qemu/paging.test.ts', words: 'give what the plain walk gives on this machine' },
  {
    feature: 'Page1GB',
    file: 'test/against-qemu/paging.test.ts',
    words: 'give what the plain walk gives on this machine',
  },
  {
    feature: 'LM',
    file: 'test/against-qemu/long-mode.test.ts',
    words: 'does what the manual asks where QEMU does not',
  },
  {
    feature: 'InvariantTSC',
    file: 'vm-core/cpu/model-specific-registers.test.ts',
    words: 'goes on from where it was put',
  },
  {
    feature: 'WBNOINVD',
    file: 'test/decoder/decoder-against-iced.test.ts',
    words: 'agrees with iced-x86 on prefixes × opcodes × ModR/M',
  },
  { feature: 'PMC2', file: 'vm-core/cpu/performance/p6-counters.test.ts', words: 'the counters of the P6 family' },
  {
    feature: 'PERFMON2',
    file: 'vm-core/cpu/performance/performance-counters.test.ts',
    words: 'of fixed counters interrupt',
  },
  {
    feature: 'PERFMON3',
    file: 'vm-core/cpu/performance/performance-counters.test.ts',
    words: 'wrap the counter at its width',
  },
  {
    feature: 'PERFMON4',
    file: 'vm-core/cpu/performance/performance-counters.test.ts',
    words: 'CTR_FRZ stops all counters',
  },
  {
    feature: 'PERFMON5',
    file: 'vm-core/cpu/msr-properties.test.ts',
    words: 'take what they may, give it back, and are left alone by what they refuse',
  },
  {
    feature: 'PMC8',
    file: 'vm-core/cpu/performance/performance-counters.test.ts',
    words: 'is #GP for counters that are not there',
  },
  { feature: 'PerfCtrExtCore', file: 'vm-core/cpu/performance/performance-counters.test.ts', words: 'counters of AMD' },
];
