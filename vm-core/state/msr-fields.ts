/** The fields of model-specific registers, by name (SDM vol. 4 §2.1, vol. 3A §11.11, §15.3). (A table: exempt from the length limit.) */

/** As `BitField` of the register table. */
interface Field {
  readonly name: string;
  readonly low: number;
  readonly width: number;
  readonly description: string;
}

const bits = (name: string, low: number, width: number, description: string): Field => ({
  ...{ name, low, width, description },
});
const bit = (name: string, low: number, description: string): Field => bits(name, low, 1, description);

const MEMORY_TYPE = '0 UC, 1 WC, 4 WT, 5 WP, 6 WB';
const PAGE_TYPE = `${MEMORY_TYPE}, 7 UC-`;
const address = bits('address', 12, 40, 'physical address of the page');

const eight = (name: (n: number) => string, description: string): readonly Field[] =>
  [0, 1, 2, 3, 4, 5, 6, 7].map((n) => bits(name(n), n * 8, 8, description));

const ERROR_FIELDS: readonly Field[] = [
  bits('MCA', 0, 16, 'error code'),
  bits('model', 16, 16, 'error code of the model'),
  bit('PCC', 57, 'the state of the processor may be damaged'),
  bit('ADDRV', 58, 'the address is valid'),
  bit('MISCV', 59, 'more of it is valid'),
  bit('EN', 60, 'it was to be reported'),
  bit('UC', 61, 'not corrected'),
  bit('OVER', 62, 'another one was lost'),
  bit('VAL', 63, 'there is an error'),
];

const COUNTERS_MAX = 8;
const each = (count: number, name: (n: number) => string, low: number, description: string): readonly Field[] =>
  Array.from({ length: count }, (_, n) => bit(name(n), low + n, description));

/** A bit for each counter, the fixed ones from 32 on. */
const counterBits = (description: string): readonly Field[] => [
  ...each(COUNTERS_MAX, (n) => `PMC${n}`, 0, description),
  ...each(3, (n) => `FIXED${n}`, 32, description),
];

const EVENT_SELECT_FIELDS: readonly Field[] = [
  bits('event', 0, 8, 'what is counted'),
  bits('unit mask', 8, 8, 'which kind of it'),
  bit('USR', 16, 'at levels 1 to 3'),
  bit('OS', 17, 'at level 0'),
  bit('edge', 18, 'how often it begins'),
  bit('PC', 19, 'tells on a pin'),
  bit('INT', 20, 'an interrupt at an overflow'),
  bit('ANY', 21, 'of all threads of the core'),
  bit('EN', 22, 'counts'),
  bit('INV', 23, 'ticks with less than CMASK of it'),
  bits('CMASK', 24, 8, 'not 0: ticks with at least so much of it'),
];

const FREEZE_FIELDS: readonly Field[] = [
  bit('LBR_FRZ', 58, 'branch records stand since an interrupt of a counter'),
  bit('CTR_FRZ', 59, 'counters stand since an interrupt of one of them'),
];

const LBR_AND_BTF: readonly Field[] = [
  bit('LBR', 0, 'branches are recorded; a debug exception clears it'),
  bit('BTF', 1, 'with TF: a debug exception after branches only, which clears it'),
];
const PINS: readonly Field[] = [0, 1, 2, 3].map((n) => bit(`PB${n}`, 2 + n, 'what a pin tells'));

/** TR, BTS, BTINT and those behind them, which begin at different bits. */
const traceFields = (trace: number, store: number): readonly Field[] => [
  bit('TR', trace, 'branches are told on the bus'),
  bit('BTS', store, 'branches that are told go to memory instead, as IA32_DS_AREA says'),
  bit('BTINT', store + 1, 'there until it is full, with an interrupt; otherwise in a ring'),
  bit('BTS_OFF_OS', store + 2, 'not those of level 0'),
  bit('BTS_OFF_USR', store + 3, 'not those of levels 1 to 3'),
];

const byName: Readonly<Record<string, readonly Field[]>> = {
  IA32_APIC_BASE: [
    bit('BSP', 8, 'bootstrap processor'),
    bit('EXTD', 10, 'x2APIC mode'),
    bit('EN', 11, 'the local APIC is on'),
    address,
  ],
  IA32_SYSENTER_CS: [bits('CS', 0, 16, 'code of level 0; SS, and those of level 3, follow in the table')],
  IA32_STAR: [
    bits('EIP', 0, 32, 'SYSCALL outside long mode goes there'),
    bits('SYSCALL', 32, 16, 'CS of SYSCALL; SS is 8 more'),
    bits('SYSRET', 48, 16, 'CS of SYSRET to 32 bits; 16 more to 64 bits; SS is 8 more'),
  ],
  IA32_MISC_ENABLE: [
    bit('fast strings', 0, 'fast string instructions'),
    bit('counters', 7, 'performance counters are there'),
    bit('no BTS', 11, 'no branch trace storage'),
    bit('no PEBS', 12, 'no precise event sampling'),
    bit('MONITOR', 18, 'MONITOR and MWAIT'),
    bit('limit CPUID', 22, 'CPUID has basic leaves up to 2'),
    bit('no XD', 34, 'CPUID does not tell of NX, and EFER.NXE cannot be set'),
  ],
  DEBUGCTLMSR: [...LBR_AND_BTF, ...PINS, bit('TR', 6, 'branches are told on the bus')],
  MSR_DEBUGCTLA: [...LBR_AND_BTF, ...traceFields(2, 3)],
  IA32_DEBUGCTL: [
    ...LBR_AND_BTF,
    ...traceFields(6, 7),
    bit('FREEZE_LBRS_ON_PMI', 11, 'an interrupt of the performance counters stops the recording'),
    bit('FREEZE_PERFMON_ON_PMI', 12, 'it stops the counters'),
    bit('UNC_PMI_EN', 13, 'counters outside of the core may interrupt'),
    bit('FREEZE_WHILE_SMM', 14, 'no counting and recording in system management mode'),
    bit('RTM_DEBUG', 15, 'debugging of transactions'),
  ],
  DEBUGCTL: [...LBR_AND_BTF, ...PINS],
  MSR_LBR_SELECT: [
    bit('CPL_EQ_0', 0, 'not those that end in level 0'),
    bit('CPL_NEQ_0', 1, 'not those that end in levels 1 to 3'),
    bit('JCC', 2, 'no conditional jumps'),
    bit('NEAR_REL_CALL', 3, 'no calls, but indirect ones'),
    bit('NEAR_IND_CALL', 4, 'no indirect calls'),
    bit('NEAR_RET', 5, 'no returns'),
    bit('NEAR_IND_JMP', 6, 'no indirect jumps'),
    bit('NEAR_REL_JMP', 7, 'no jumps, but indirect ones'),
    bit('FAR_BRANCH', 8, 'nothing far: interrupts, exceptions, system calls'),
    bit('EN_CALLSTACK', 9, 'a return takes away the record of its call'),
  ],
  IA32_MCG_CAP: [bits('count', 0, 8, 'banks'), bit('CTL_P', 8, 'IA32_MCG_CTL is there')],
  IA32_MCG_STATUS: [
    bit('RIPV', 0, 'the program can go on'),
    bit('EIPV', 1, 'the instruction pointer is that of the error'),
    bit('MCIP', 2, 'a machine check is being handled'),
  ],
  IA32_MTRRCAP: [
    bits('VCNT', 0, 8, 'variable ranges'),
    bit('FIX', 8, 'fixed ranges are there'),
    bit('WC', 10, 'write combining is there'),
  ],
  IA32_MTRR_DEF_TYPE: [
    bits('type', 0, 8, MEMORY_TYPE),
    bit('FE', 10, 'fixed ranges are on'),
    bit('E', 11, 'ranges are on'),
  ],
  IA32_FIXED_CTR_CTRL: [0, 1, 2].flatMap((n) => [
    bits(`EN${n}`, n * 4, 2, 'counts at level 0 (1), at levels 1 to 3 (2), at all (3)'),
    bit(`ANY${n}`, n * 4 + 2, 'of all threads of the core'),
    bit(`PMI${n}`, n * 4 + 3, 'an interrupt at an overflow'),
  ]),
  IA32_PERF_GLOBAL_STATUS: [...counterBits('has overflowed'), ...FREEZE_FIELDS],
  IA32_PERF_GLOBAL_CTRL: counterBits('is on'),
  IA32_PERF_GLOBAL_INUSE: [...counterBits('is set up'), bit('PMI', 63, 'an interrupt is set up')],
  IA32_PERF_CAPABILITIES: [
    bits('LBR_FMT', 0, 6, 'format of branch records'),
    bit('SMM_FREEZE', 12, 'DEBUGCTL.FREEZE_WHILE_SMM is there'),
    bit('FW_WRITE', 13, 'counters can be written whole, at 4C1h and on'),
  ],
  IA32_PAT: eight((n) => `PA${n}`, PAGE_TYPE),
};

/** Those of registers of which there are several. */
const byPattern: readonly (readonly [RegExp, readonly Field[]])[] = [
  [/^IA32_MTRR_PHYSBASE\d$/, [bits('type', 0, 8, MEMORY_TYPE), address]],
  [/^IA32_MTRR_PHYSMASK\d$/, [bit('V', 11, 'the range is on'), { ...address, name: 'mask' }]],
  [/^IA32_MTRR_FIX/, eight((n) => `piece ${n}`, MEMORY_TYPE)],
  [/^IA32_MC\d_STATUS$/, ERROR_FIELDS],
  [/^IA32_PERFEVTSEL\d$/, EVENT_SELECT_FIELDS],
  [
    /^PERF_CTL\d$/,
    [
      ...EVENT_SELECT_FIELDS.filter(({ name }) => name !== 'PC' && name !== 'ANY'),
      bits('event, upper part', 32, 4, 'what is counted'),
      bit('guest only', 40, 'in guests of SVM'),
      bit('host only', 41, 'outside of guests of SVM'),
    ],
  ],
  [/^MSR_LASTBRANCH_\d$/, [bits('from', 0, 32, 'linear address'), bits('to', 32, 32, 'linear address')]],
  [
    /^MSR_LBR_INFO_\d+$/,
    [
      bits('cycles', 0, 16, 'ticks since the record before, FFFFh at most'),
      bit('TSX_ABORT', 61, 'a transaction failed'),
      bit('IN_TSX', 62, 'in a transaction'),
      bit('MISPRED', 63, 'predicted wrongly'),
    ],
  ],
];

/** The fields of a register; undefined where it is one number. */
export function msrFields(name: string): readonly Field[] | undefined {
  return byName[name] ?? byPattern.find(([pattern]) => pattern.test(name))?.[1];
}
