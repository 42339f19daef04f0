/**
 * Model-specific registers, one row each (SDM vol. 4; AMD64 manual vol. 2 appendix A for C0010010h and C0010015h). The
 * registers that a debugger shows, RDMSR and WRMSR are derived from this table. (A table: exempt from the length limit.)
 */

/** How the register answers and takes values, beyond its reset value and the bits that can be written. */
export type MsrBehaviour =
  /** Software cannot write it. */
  | 'read-only'
  /** Software cannot read it. */
  | 'write-only'
  /** Counts virtual time: a write moves the count. */
  | 'time-stamp'
  /** Moves the count with itself. */
  | 'time-stamp-adjust'
  /** Eight memory types. */
  | 'memory-types'
  /** Eight memory types without UC-. */
  | 'range-types'
  /** A memory type and a physical address, as wide as the processor's. */
  | 'range-base'
  /** A physical address of that width. */
  | 'physical-address'
  /** Such an address, and the mode of the local APIC, which cannot change from each to each. */
  | 'apic-base'
  /** A value of the time-stamp counter; zero, and writes ignored, unless the timer of the local APIC waits for one. */
  | 'apic-deadline'
  /** Only zero can be written. */
  | 'clear-only'
  /** Details of an error: software may clear them, on AMD's processors write them (SDM vol. 3B §15.3.2.3, §15.3.2.4). */
  | 'error-details'
  /** A linear address: canonical where there are 64 bits. */
  | 'linear-address'
  /** Its upper half is what CPUID has left there. */
  | 'microcode-revision'
  /** LME cannot change while paging is on; LMA is the processor's. */
  | 'extended-features'
  /** What pages may be used by depends on it. */
  | 'protection-keys'
  /** Belongs to the performance counters, which say how (cpu/performance). */
  | 'performance'
  /** Which bits there are depends on the model. */
  | 'miscellaneous'
  | 'debug-control'
  | 'branch-top'
  | 'branch-select'
  /** An address with what the model's format of branch records puts above it. */
  | 'branch-source';

/** Groups in which views show them. */
export type MsrGroup = 'system-call' | 'msr' | 'mtrr' | 'machine-check' | 'performance' | 'branches';

export interface MsrRow {
  readonly number: number;
  /** The manual's name. */
  readonly name: string;
  readonly group: MsrGroup;
  /** Name of the processor feature that brings it (isa/cpu-feature.ts). */
  readonly feature: string;
  /** Of this vendor's processors only. */
  /** Processors with this feature have it in another number. */
  readonly unless?: string;
  readonly vendor?: 'GenuineIntel' | 'AuthenticAMD';
  readonly reset: bigint;
  /** Bits that can be written; a write that changes others is #GP. */
  readonly writable: bigint;
  readonly behaviour?: MsrBehaviour;
  /** The register of the register table that it is, where the model has that; without it the table has one of the row's name. */
  readonly register?: string;
  readonly description: string;
}

const ALL = 0xffff_ffff_ffff_ffffn;
const LOW = 0xffff_ffffn;
/** Physical addresses of pages, before they are cut to the processor's width. */
const PAGES = 0x000f_ffff_ffff_f000n;

const RANGES = 8;
const BANKS = 4;

const counted = (count: number) => Array.from({ length: count }, (_, n) => n);

type Rest = Partial<Omit<MsrRow, 'number' | 'name' | 'feature' | 'group' | 'description'>>;

/** Rows of one group. Unless they say otherwise they are zero after RESET and all their bits can be written. */
const rowsOf =
  (group: MsrGroup) =>
  <const F extends string>(number: number, name: string, feature: F, description: string, rest: Rest = {}) => ({
    ...{ number, name, group, feature, description, reset: 0n, writable: ALL },
    ...rest,
  });

const system = rowsOf('msr');
const call = rowsOf('system-call');
const memory = rowsOf('mtrr');
const machine = rowsOf('machine-check');
const branch = rowsOf('branches');

const ofCounters = <const F extends string>(
  number: number,
  name: string,
  feature: F,
  description: string,
  rest: Rest = {},
) => rowsOf('performance')(number, name, feature, description, { behaviour: 'performance', ...rest });

const intel: Rest = { vendor: 'GenuineIntel' };
const amd: Rest = { vendor: 'AuthenticAMD' };
const readOnly: Rest = { writable: 0n, behaviour: 'read-only' };
const address: Rest = { behaviour: 'linear-address' };
const onlyLow: Rest = { writable: LOW };

const fixedRanges: readonly (readonly [number: number, name: string])[] = [
  [0x250, '64K_00000'],
  [0x258, '16K_80000'],
  [0x259, '16K_A0000'],
  ...counted(8).map((n) => [0x268 + n, `4K_${(0xc0000 + n * 0x8000).toString(16).toUpperCase()}`] as const),
];

/** The counters of Intel's processors: the first two came with the P6 family, more later. */
const programmable = [
  ...([0, 1] as const).map((n) => ({ n, feature: 'PMC2' as const })),
  ...([2, 3] as const).map((n) => ({ n, feature: 'PERFMON3' as const })),
  ...([4, 5, 6, 7] as const).map((n) => ({ n, feature: 'PMC8' as const })),
];
const FIXED_EVENTS = ['instructions retired', 'cycles', 'cycles of the time-stamp counter'];
/** Of AMD's processors with the extension for cores; the first four have older numbers, too. */
const CORE_COUNTERS = 6;
const OLD_CORE_COUNTERS = 4;
const extended = 'PerfCtrExtCore';

const counters = [
  ...programmable.flatMap(({ n, feature }) => [
    ofCounters(0xc1 + n, `IA32_PMC${n}`, feature, `counter ${n}; a write takes 32 bits with their sign`, intel),
    ofCounters(0x186 + n, `IA32_PERFEVTSEL${n}`, feature, `counter ${n}: what it counts`, intel),
  ]),
  // The eight alias numbers come with the right to write whole values: a model with it has as many of them as counters.
  ...programmable.map(({ n, feature }) =>
    ofCounters(0x4c1 + n, `IA32_A_PMC${n}`, feature === 'PMC8' ? 'PMC8' : 'FW_WRITE', `counter ${n}, whole`, {
      ...intel,
      register: `IA32_PMC${n}`,
    }),
  ),
  ...FIXED_EVENTS.map((event, n) => ofCounters(0x309 + n, `IA32_FIXED_CTR${n}`, 'PERFMON2', event, intel)),
  ofCounters(0x345, 'IA32_PERF_CAPABILITIES', 'PDCM', 'what the performance counters can', { ...intel, writable: 0n }),
  ofCounters(0x38d, 'IA32_FIXED_CTR_CTRL', 'PERFMON2', 'fixed counters: when they count', intel),
  ofCounters(0x38e, 'IA32_PERF_GLOBAL_STATUS', 'PERFMON2', 'counters that have overflowed', intel),
  ofCounters(0x38f, 'IA32_PERF_GLOBAL_CTRL', 'PERFMON2', 'counters that are on', intel),
  ofCounters(0x390, 'IA32_PERF_GLOBAL_STATUS_RESET', 'PERFMON2', 'clears bits of the status', intel),
  ofCounters(0x391, 'IA32_PERF_GLOBAL_STATUS_SET', 'PERFMON4', 'sets bits of the status', intel),
  ofCounters(0x392, 'IA32_PERF_GLOBAL_INUSE', 'PERFMON4', 'counters that are set up', intel),
  ...counted(CORE_COUNTERS).flatMap((n) => [
    ofCounters(0xc001_0200 + 2 * n, `PERF_CTL${n}`, extended, `counter ${n}: what it counts`, amd),
    ofCounters(0xc001_0201 + 2 * n, `PERF_CTR${n}`, extended, `counter ${n}`, amd),
  ]),
  ...counted(OLD_CORE_COUNTERS).flatMap((n) => [
    ofCounters(0xc001_0000 + n, `PERF_LEGACY_CTL${n}`, extended, `counter ${n}: what it counts`, {
      ...amd,
      register: `PERF_CTL${n}`,
    }),
    ofCounters(0xc001_0004 + n, `PERF_LEGACY_CTR${n}`, extended, `counter ${n}`, {
      ...amd,
      register: `PERF_CTR${n}`,
    }),
  ]),
];

const LBR_MAX = 32;
/** Where the processors with few branch records have them. */
const FEW = 8;
const FLAGS_AND_CYCLES = 0xe000_0000_0000_ffffn;

const sized = (n: number) => (n < 4 ? 'LBR4' : n < 8 ? 'LBR8' : n < 16 ? 'LBR16' : 'LBR32');

/** Branch recording: SDM vol. 3B §17.4 (Core and later), §17.10–17.12 (NetBurst), §17.13 (P6); AMD64 manual vol. 2 §13.1. */
const branches = [
  branch(0x1d9, 'DEBUGCTLMSR', 'P6Branches', 'debug control, as the P6 family has it', { behaviour: 'debug-control' }),
  branch(0x1d9, 'MSR_DEBUGCTLA', 'NetBurstBranches', 'debug control, as the NetBurst family has it', {
    behaviour: 'debug-control',
  }),
  branch(0x1d9, 'IA32_DEBUGCTL', 'CoreBranches', 'debug control', { behaviour: 'debug-control' }),
  branch(0x1d9, 'DEBUGCTL', 'AMDBranches', 'debug control, as AMD has it', { behaviour: 'debug-control' }),
  branch(0x1db, 'LASTBRANCHFROMIP', 'LBRPair', 'last branch: its offset in the code segment', readOnly),
  branch(0x1dc, 'LASTBRANCHTOIP', 'LBRPair', 'last branch: where it led', readOnly),
  branch(0x1dd, 'LASTINTFROMIP', 'LBRPair', 'last branch before the last interrupt or exception', readOnly),
  branch(0x1de, 'LASTINTTOIP', 'LBRPair', 'last branch before that: where it led', readOnly),
  ...counted(4).map((n) =>
    branch(0x1db + n, `MSR_LASTBRANCH_${n}`, 'LBRPacked', 'a branch: from (0–31), to (32–63)', readOnly),
  ),
  branch(0x1c9, 'MSR_LASTBRANCH_TOS', 'LBRTop', 'number of the newest branch record', {
    behaviour: 'branch-top',
    unless: 'NetBurstBranches',
  }),
  branch(0x1da, 'MSR_LASTBRANCH_TOS', 'NetBurstBranches', 'number of the newest branch record', {
    ...readOnly,
    register: 'MSR_LASTBRANCH_TOS',
  }),
  ...(
    [
      [0x1dd, 0x1d7, 'MSR_LER_FROM_LIP', 'last branch before the last interrupt or exception'],
      [0x1de, 0x1d8, 'MSR_LER_TO_LIP', 'last branch before that: where it led'],
    ] as const
  ).flatMap(([number, earlier, name, description]) => [
    branch(number, name, 'LBRTop', description, { ...readOnly, unless: 'NetBurstBranches' }),
    branch(earlier, name, 'NetBurstBranches', description, { ...readOnly, register: name }),
  ]),
  branch(0x1c8, 'MSR_LBR_SELECT', 'LBRSelect', 'which branches are not recorded', { behaviour: 'branch-select' }),
  ...counted(LBR_MAX).flatMap((n) => [
    branch(0x680 + n, `MSR_LASTBRANCH_${n}_FROM_IP`, sized(n), 'a branch: from', {
      behaviour: 'branch-source',
      unless: 'LBRat40',
    }),
    branch(0x6c0 + n, `MSR_LASTBRANCH_${n}_TO_IP`, sized(n), 'a branch: to', { ...address, unless: 'LBRat40' }),
    branch(0xdc0 + n, `MSR_LBR_INFO_${n}`, 'LBRInfo', 'a branch: cycles since the one before it, and how it went', {
      writable: FLAGS_AND_CYCLES,
    }),
  ]),
  ...counted(FEW).flatMap((n) => [
    branch(0x40 + n, `MSR_LASTBRANCH_${n}_FROM_IP`, 'LBRat40', 'a branch: from', {
      behaviour: 'branch-source',
      register: `MSR_LASTBRANCH_${n}_FROM_IP`,
    }),
    branch(0x60 + n, `MSR_LASTBRANCH_${n}_TO_IP`, 'LBRat40', 'a branch: to', {
      ...address,
      register: `MSR_LASTBRANCH_${n}_TO_IP`,
    }),
  ]),
  branch(0x600, 'IA32_DS_AREA', 'DS', 'linear address of the area for branch records in memory', {
    ...intel,
    ...address,
  }),
];

const rows = [
  ...counters,
  ...branches,
  machine(0x0, 'IA32_P5_MC_ADDR', 'MCE', 'address of the last machine check, as the Pentium has it'),
  machine(0x1, 'IA32_P5_MC_TYPE', 'MCE', 'kind of the last machine check, as the Pentium has it'),
  system(0x10, 'IA32_TIME_STAMP_COUNTER', 'TSC', 'distance of the time-stamp counter from virtual time', {
    behaviour: 'time-stamp',
  }),
  system(0x17, 'IA32_PLATFORM_ID', 'PAT', 'platform for which microcode is meant', { ...intel, ...readOnly }),
  system(0x1b, 'IA32_APIC_BASE', 'APIC', 'place and state of the local APIC', {
    reset: 0xfee0_0900n,
    writable: PAGES | 0xd00n,
    behaviour: 'apic-base',
  }),
  system(0x3b, 'IA32_TSC_ADJUST', 'TSC_ADJUST', 'sum of what writes have moved the time-stamp counter', {
    behaviour: 'time-stamp-adjust',
  }),
  system(0x79, 'IA32_BIOS_UPDT_TRIG', 'PAT', 'microcode update: taken and forgotten', {
    ...intel,
    behaviour: 'write-only',
  }),
  system(0x8b, 'IA32_BIOS_SIGN_ID', 'PAT', 'microcode revision in the upper half after CPUID', {
    ...intel,
    behaviour: 'microcode-revision',
  }),
  system(0x8b, 'PATCH_LEVEL', 'PAT', 'microcode revision', { ...amd, writable: 0n, reset: 0x0800_1138n }),
  call(0x174, 'IA32_SYSENTER_CS', 'SEP', 'SYSENTER: selector of the code segment', onlyLow),
  call(0x175, 'IA32_SYSENTER_ESP', 'SEP', 'SYSENTER: stack pointer', address),
  call(0x176, 'IA32_SYSENTER_EIP', 'SEP', 'SYSENTER: instruction pointer', address),
  machine(0x179, 'IA32_MCG_CAP', 'MCA', 'number of machine-check banks; bit 8: IA32_MCG_CTL is there', {
    ...readOnly,
    reset: 0x100n + BigInt(BANKS),
  }),
  machine(
    0x17a,
    'IA32_MCG_STATUS',
    'MCA',
    'machine check: restart address valid (0), error there (1), in progress (2)',
    {
      writable: 7n,
    },
  ),
  machine(0x17b, 'IA32_MCG_CTL', 'MCA', 'machine-check sources that are on', { reset: ALL }),
  system(
    0x1a0,
    'IA32_MISC_ENABLE',
    'DS',
    'fast strings (0), performance counters (7), MONITOR (18); no branch trace (11), no PEBS (12); CPUID limited (22), no XD (34)',
    {
      ...intel,
      reset: 0x1001n,
      writable: 0x4_0044_0001n,
      behaviour: 'miscellaneous',
    },
  ),
  ...counted(BANKS).flatMap((n) => [
    machine(0x400 + n * 4, `IA32_MC${n}_CTL`, 'MCA', `bank ${n}: errors that are reported`),
    machine(0x401 + n * 4, `IA32_MC${n}_STATUS`, 'MCA', `bank ${n}: the error`, { behaviour: 'clear-only' }),
    machine(0x402 + n * 4, `IA32_MC${n}_ADDR`, 'MCA', `bank ${n}: its address`, { behaviour: 'error-details' }),
    machine(0x403 + n * 4, `IA32_MC${n}_MISC`, 'MCA', `bank ${n}: more of it`, { behaviour: 'error-details' }),
  ]),
  memory(0xfe, 'IA32_MTRRCAP', 'MTRR', 'number of variable ranges; fixed ranges (8), WC (10)', {
    ...readOnly,
    reset: 0x500n + BigInt(RANGES),
  }),
  ...counted(RANGES).flatMap((n) => [
    memory(0x200 + n * 2, `IA32_MTRR_PHYSBASE${n}`, 'MTRR', `range ${n}: base, and memory type in bits 0–7`, {
      writable: PAGES | 0xffn,
      behaviour: 'range-base',
    }),
    memory(0x201 + n * 2, `IA32_MTRR_PHYSMASK${n}`, 'MTRR', `range ${n}: mask; on (11)`, {
      writable: PAGES | 0x800n,
      behaviour: 'physical-address',
    }),
  ]),
  ...fixedRanges.map(([number, name]) =>
    memory(number, `IA32_MTRR_FIX${name}`, 'MTRR', 'memory types of eight pieces from the address in its name', {
      behaviour: 'range-types',
    }),
  ),
  memory(0x277, 'IA32_PAT', 'PAT', 'memory types by the PAT, PCD and PWT bits of pages', {
    reset: 0x0007_0406_0007_0406n,
    behaviour: 'memory-types',
  }),
  memory(0x2ff, 'IA32_MTRR_DEF_TYPE', 'MTRR', 'type elsewhere (0–7); fixed ranges on (10), all ranges on (11)', {
    writable: 0xcffn,
    behaviour: 'range-base',
  }),
  system(0x6e1, 'IA32_PKRS', 'PKS', 'protection keys of supervisor pages', {
    writable: LOW,
    behaviour: 'protection-keys',
    register: 'IA32_PKRS',
  }),
  system(0xda0, 'IA32_XSS', 'XSAVES', 'states that XSAVES manages besides those of XCR0: there are none', {
    writable: 0n,
  }),
  system(
    0x6e0,
    'IA32_TSC_DEADLINE',
    'TSC-Deadline',
    'time-stamp counter at which the timer of the local APIC goes off',
    {
      behaviour: 'apic-deadline',
    },
  ),
  system(0xc000_0080, 'IA32_EFER', 'NX', 'extended features', {
    writable: 0x4d01n,
    behaviour: 'extended-features',
    register: 'EFER',
  }),
  call(0xc000_0081, 'IA32_STAR', 'SYSCALL', 'SYSCALL, SYSRET: selectors (32–63), EIP outside long mode (0–31)'),
  call(0xc000_0082, 'IA32_LSTAR', 'LM', 'SYSCALL: RIP for callers in 64-bit mode', address),
  call(0xc000_0083, 'IA32_CSTAR', 'LM', 'SYSCALL: RIP for callers in compatibility mode', address),
  call(0xc000_0084, 'IA32_FMASK', 'LM', 'SYSCALL: flags that are cleared', onlyLow),
  system(0xc000_0100, 'IA32_FS_BASE', 'LM', 'base of FS', { behaviour: 'linear-address', register: 'FS.base' }),
  system(0xc000_0101, 'IA32_GS_BASE', 'LM', 'base of GS', { behaviour: 'linear-address', register: 'GS.base' }),
  call(0xc000_0102, 'IA32_KERNEL_GS_BASE', 'LM', 'what SWAPGS puts into the base of GS', address),
  system(0xc000_0103, 'IA32_TSC_AUX', 'RDTSCP', 'what RDTSCP and RDPID give', onlyLow),
  memory(0xc001_0010, 'SYS_CFG', 'MTRR', 'what the types of fixed ranges mean: extensions on (18–22)', {
    ...amd,
    writable: 0x7c_0000n,
  }),
  system(0xc001_0015, 'HWCR', 'LM', 'hardware configuration', { ...amd, reset: 0x100_0010n, writable: LOW }),
];

/** By number, ascending. */
export const msrRows: readonly (MsrRow & { readonly feature: (typeof rows)[number]['feature'] })[] = rows.sort(
  (a, b) => a.number - b.number,
);
