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
    bit('no BTS', 11, 'no branch trace storage'),
    bit('no PEBS', 12, 'no precise event sampling'),
    bit('MONITOR', 18, 'MONITOR and MWAIT'),
    bit('limit CPUID', 22, 'CPUID has basic leaves up to 2'),
    bit('no XD', 34, 'CPUID does not tell of NX, and EFER.NXE cannot be set'),
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
  IA32_PAT: eight((n) => `PA${n}`, PAGE_TYPE),
};

/** Those of registers of which there are several. */
const byPattern: readonly (readonly [RegExp, readonly Field[]])[] = [
  [/^IA32_MTRR_PHYSBASE\d$/, [bits('type', 0, 8, MEMORY_TYPE), address]],
  [/^IA32_MTRR_PHYSMASK\d$/, [bit('V', 11, 'the range is on'), { ...address, name: 'mask' }]],
  [/^IA32_MTRR_FIX/, eight((n) => `piece ${n}`, MEMORY_TYPE)],
  [/^IA32_MC\d_STATUS$/, ERROR_FIELDS],
];

/** The fields of a register; undefined where it is one number. */
export function msrFields(name: string): readonly Field[] | undefined {
  return byName[name] ?? byPattern.find(([pattern]) => pattern.test(name))?.[1];
}
