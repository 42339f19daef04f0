/**
 * Every register of the processor, one row each (SDM vol. 1 §3.4, vol. 3A §2). The layout in memory, access by tag, the
 * debug sidebar, snapshots and state differences are derived from this table. (A table: exempt from the length limit.)
 */
import { apicRows } from './apic-table.ts';
import { msrFields } from './msr-fields.ts';
import { msrRows } from './msr-table.ts';
import { vectorRegisters, x87Registers } from './unit-register-rows.ts';

/** Groups in the order in which views show them. */
export const registerSets = [
  'general',
  'pointer',
  'segment',
  'table',
  'control',
  'debug',
  'event',
  'x87',
  'mmx',
  'vector',
  'system-call',
  'msr',
  'mtrr',
  'machine-check',
  'performance',
  'branches',
  'apic',
] as const;
export type RegisterSet = (typeof registerSets)[number];

/** `host-writable`: the guest cannot write it by an instruction, the debugger can. */
export type RegisterAttributes = 'read-write' | 'read-only' | 'host-writable';

/** Bits `low`…`low + width - 1` of a register. */
export interface BitField {
  readonly name: string;
  readonly low: number;
  readonly width: number;
  readonly description: string;
}

/** What the table says of one register. */
export interface RegisterRow {
  readonly set: RegisterSet;
  readonly name: string;
  /** Bytes that are meaningful; the slot in memory is a multiple of 8 bytes. */
  readonly size: 1 | 2 | 4 | 8 | 10 | 16 | 32;
  /** Bytes that are meaningful in long mode, where they are more. */
  readonly longSize?: 8;
  readonly attributes: RegisterAttributes;
  readonly description: string;
  readonly fields?: readonly BitField[];
  /** There for processors that have 64-bit mode. */
  readonly isLong?: true;
  /** The register whose slot this one shares: that is the lower half of it. */
  readonly wholeOf?: string;
  /** There for processors of this feature (isa/cpu-feature.ts), or of this vendor, only. */
  readonly feature?: string;
  readonly vendor?: string;
}

const bit = (name: string, low: number, description: string): BitField => ({ name, low, width: 1, description });

const EFLAGS_FIELDS: readonly BitField[] = [
  bit('CF', 0, 'carry'),
  bit('PF', 2, 'parity of the low byte'),
  bit('AF', 4, 'carry out of bit 3'),
  bit('ZF', 6, 'zero'),
  bit('SF', 7, 'sign'),
  bit('TF', 8, 'single-step trap'),
  bit('IF', 9, 'maskable interrupts enabled'),
  bit('DF', 10, 'string instructions go down'),
  bit('OF', 11, 'signed overflow'),
  { name: 'IOPL', low: 12, width: 2, description: 'I/O privilege level' },
  bit('NT', 14, 'nested task'),
  bit('RF', 16, 'resume: instruction breakpoints off for one instruction'),
  bit('VM', 17, 'virtual-8086 mode'),
  bit('AC', 18, 'alignment check at level 3, with CR0.AM'),
  bit('VIF', 19, 'virtual interrupt flag'),
  bit('VIP', 20, 'virtual interrupt pending'),
  bit('ID', 21, 'can be changed: CPUID is there'),
];

const CR0_FIELDS: readonly BitField[] = [
  bit('PE', 0, 'protected mode'),
  bit('MP', 1, 'WAIT obeys TS'),
  bit('EM', 2, 'no x87: its instructions fault'),
  bit('TS', 3, 'task switched'),
  bit('ET', 4, '80387 present'),
  bit('NE', 5, 'x87 errors as #MF'),
  bit('WP', 16, 'the supervisor cannot write to read-only pages'),
  bit('AM', 18, 'EFLAGS.AC checks alignment'),
  bit('NW', 29, 'cache: not write-through'),
  bit('CD', 30, 'cache off'),
  bit('PG', 31, 'paging'),
];

const CR4_FIELDS: readonly BitField[] = [
  bit('VME', 0, 'virtual-8086 extensions'),
  bit('PVI', 1, 'virtual interrupt flag in protected mode'),
  bit('TSD', 2, 'RDTSC for level 0 only'),
  bit('DE', 3, 'breakpoints on ports; DR4 and DR5 are invalid'),
  bit('PSE', 4, 'large pages'),
  bit('PAE', 5, 'physical-address extension'),
  bit('MCE', 6, 'machine-check exception'),
  bit('PGE', 7, 'global pages'),
  bit('PCE', 8, 'RDPMC at every level'),
  bit('OSFXSR', 9, 'FXSAVE and SSE in use'),
  bit('OSXMMEXCPT', 10, 'SSE exceptions as #XM'),
  bit('UMIP', 11, 'SGDT, SIDT, SLDT, STR, SMSW for level 0 only'),
  bit('LA57', 12, '5-level paging'),
  bit('VMXE', 13, 'VMX'),
  bit('SMXE', 14, 'SMX'),
  bit('FSGSBASE', 16, 'RDFSBASE and its like'),
  bit('PCIDE', 17, 'process-context identifiers'),
  bit('OSXSAVE', 18, 'XSAVE in use'),
  bit('SMEP', 20, 'no execution of user pages by the supervisor'),
  bit('SMAP', 21, 'no access to user pages by the supervisor'),
  bit('PKE', 22, 'protection keys of user pages'),
  bit('PKS', 24, 'protection keys of supervisor pages'),
];

const EFER_FIELDS: readonly BitField[] = [
  bit('SCE', 0, 'SYSCALL and SYSRET'),
  bit('LME', 8, 'long mode wanted'),
  bit('LMA', 10, 'long mode active'),
  bit('NXE', 11, 'execute-disable bits in page tables'),
  bit('FFXSR', 14, 'FXSAVE of level 0 leaves the XMM registers out'),
];

const PDPTE_FIELDS: readonly BitField[] = [
  bit('P', 0, 'present'),
  bit('PWT', 3, 'write-through'),
  bit('PCD', 4, 'not cached'),
  { name: 'frame', low: 12, width: 40, description: 'physical page of the page directory' },
];

const DR6_FIELDS: readonly BitField[] = [
  bit('B0', 0, 'breakpoint 0 met'),
  bit('B1', 1, 'breakpoint 1 met'),
  bit('B2', 2, 'breakpoint 2 met'),
  bit('B3', 3, 'breakpoint 3 met'),
  bit('BD', 13, 'debug-register access under DR7.GD'),
  bit('BS', 14, 'single step'),
  bit('BT', 15, 'task switch'),
];

const DR7_FIELDS: readonly BitField[] = [
  ...[0, 1, 2, 3].flatMap((n) => [
    bit(`L${n}`, n * 2, `breakpoint ${n} on in this task`),
    bit(`G${n}`, n * 2 + 1, `breakpoint ${n} on in all tasks`),
  ]),
  bit('LE', 8, 'exact, this task'),
  bit('GE', 9, 'exact, all tasks'),
  bit('GD', 13, 'debug registers guarded'),
  ...[0, 1, 2, 3].flatMap((n) => [
    { name: `R/W${n}`, low: 16 + n * 4, width: 2, description: '0 execute, 1 write, 2 I/O, 3 read or write' },
    { name: `LEN${n}`, low: 18 + n * 4, width: 2, description: '0: 1 byte, 1: 2 bytes, 3: 4 bytes' },
  ]),
];

const ATTRIBUTE_FIELDS: readonly BitField[] = [
  { name: 'type', low: 0, width: 4, description: 'segment or system-descriptor type' },
  bit('S', 4, 'code or data (0: system)'),
  { name: 'DPL', low: 5, width: 2, description: 'descriptor privilege level' },
  bit('P', 7, 'present'),
  bit('AVL', 8, 'for software'),
  bit('L', 9, '64-bit code'),
  bit('D/B', 10, 'default operation size 32'),
  bit('G', 11, 'limit counted in 4 KiB units'),
];

/** Order of the hardware's segment encodings. */
export const segmentNames = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'] as const;
export type SegmentName = (typeof segmentNames)[number];

/** Order of the hardware's register encodings. */
export const generalNames = ['EAX', 'ECX', 'EDX', 'EBX', 'ESP', 'EBP', 'ESI', 'EDI'] as const;
export type GeneralName = (typeof generalNames)[number];

const general: readonly RegisterRow[] = generalNames.map((name) => ({
  set: 'general',
  name,
  size: 4,
  attributes: 'read-write',
  description: 'general-purpose register',
}));

/** Registers of 64-bit mode: those whose lower halves are in the table, and those that are new. */
const longNames = ['R8', 'R9', 'R10', 'R11', 'R12', 'R13', 'R14', 'R15'] as const;
const long: readonly RegisterRow[] = [
  ...generalNames.map((name) => whole('general', name, 'general-purpose register')),
  ...longNames.map(
    (name): RegisterRow => ({
      set: 'general',
      name,
      size: 8,
      attributes: 'read-write',
      description: 'general-purpose register',
      isLong: true,
    }),
  ),
  whole('pointer', 'EIP', 'instruction pointer'),
  { ...whole('pointer', 'EFLAGS', 'flags'), fields: EFLAGS_FIELDS },
];

/** `EAX` → RAX. */
function whole(set: RegisterSet, half: string, description: string): RegisterRow {
  const name = `R${half.slice(1)}`;
  return { set, name, size: 8, attributes: 'read-write', description, isLong: true, wholeOf: half };
}

/** A selector with its hidden part: the descriptor cache. */
const withCache = (set: RegisterSet, name: string, description: string): readonly RegisterRow[] => [
  { set, name, size: 2, attributes: 'read-write', description },
  {
    ...{ set, name: `${name}.base`, size: 4, longSize: 8, attributes: 'host-writable' },
    description: `${name}: cached linear base`,
  },
  { set, name: `${name}.limit`, size: 4, attributes: 'host-writable', description: `${name}: cached limit, in bytes` },
  {
    set,
    name: `${name}.attributes`,
    size: 2,
    attributes: 'host-writable',
    description: `${name}: cached access rights (descriptor bits 40–47 and 52–55)`,
    fields: ATTRIBUTE_FIELDS,
  },
];

const control = (name: string, description: string, fields?: readonly BitField[]): RegisterRow => ({
  set: 'control',
  name,
  size: 4,
  attributes: 'read-write',
  description,
  ...(fields ? { fields } : {}),
});

const debug = (name: string, description: string, fields?: readonly BitField[]): RegisterRow => ({
  ...control(name, description, fields),
  set: 'debug',
});

const tableRegister = (name: string): readonly RegisterRow[] => [
  {
    ...{ set: 'table', name: `${name}.base`, size: 4, longSize: 8, attributes: 'read-write' },
    description: `${name}: linear base`,
  },
  { set: 'table', name: `${name}.limit`, size: 2, attributes: 'read-write', description: `${name}: limit, in bytes` },
];

const event = (
  name: string,
  size: 1 | 4 | 8,
  description: string,
  attributes: RegisterAttributes = 'host-writable',
  fields?: readonly BitField[],
): RegisterRow => ({ set: 'event', name, size, attributes, description, ...(fields ? { fields } : {}) });

const ordinals = ['first', 'second', 'third', 'fourth'] as const;

/** The model-specific registers that are not registers of another name. */
const modelSpecific: readonly RegisterRow[] = msrRows
  .filter(({ register }) => register === undefined)
  .map(({ name, group, description, feature, vendor, number }) => ({
    set: group,
    name,
    size: 8,
    attributes: 'host-writable',
    description: `${number.toString(16).toUpperCase()}h: ${description}`,
    feature,
    ...(vendor === undefined ? {} : { vendor }),
    ...fieldsOf(name),
  }));

function fieldsOf(name: string): { readonly fields?: readonly BitField[] } {
  const fields = msrFields(name);
  return fields ? { fields } : {};
}

const localApic: readonly RegisterRow[] = apicRows.map(({ name, size, description, fields }) => ({
  ...{ set: 'apic', name, size, attributes: 'host-writable', description, feature: 'APIC' },
  ...(fields ? { fields } : {}),
}));

const rows: readonly RegisterRow[] = [
  ...general,
  { set: 'pointer', name: 'EIP', size: 4, attributes: 'read-write', description: 'instruction pointer' },
  { set: 'pointer', name: 'EFLAGS', size: 4, attributes: 'read-write', description: 'flags', fields: EFLAGS_FIELDS },
  ...segmentNames.flatMap((name) => withCache('segment', name, 'segment selector')),
  ...tableRegister('GDTR'),
  ...tableRegister('IDTR'),
  ...withCache('table', 'LDTR', 'local descriptor table selector'),
  ...withCache('table', 'TR', 'task register'),
  control('CR0', 'operating mode', CR0_FIELDS),
  { ...control('CR2', 'page-fault linear address'), longSize: 8 },
  { ...control('CR3', 'page-directory base'), longSize: 8 },
  { ...control('CR4', 'extensions', CR4_FIELDS), feature: 'CPUID' },
  { ...control('CR8', 'task priority'), isLong: true, feature: 'LM' },
  { ...control('EFER', 'extended features', EFER_FIELDS), size: 8, feature: 'NX' },
  ...[0, 1, 2, 3].map(
    (n): RegisterRow => ({
      ...control(`PDPTE${n}`, `PAE paging: the directory of the ${ordinals[n]} GiB`, PDPTE_FIELDS),
      size: 8,
      attributes: 'host-writable',
      feature: 'PAE',
    }),
  ),
  {
    ...control('PKRU', 'protection keys of user pages: bit 2n forbids access by key n, bit 2n + 1 writes'),
    feature: 'PKU',
  },
  { ...control('IA32_PKRS', 'protection keys of supervisor pages, as PKRU'), feature: 'PKS' },
  ...[0, 1, 2, 3].map((n): RegisterRow => ({ ...debug(`DR${n}`, `breakpoint ${n} linear address`), longSize: 8 })),
  debug('DR6', 'debug status', DR6_FIELDS),
  debug('DR7', 'debug control', DR7_FIELDS),
  { ...debug('TR3', 'cache test: data'), feature: 'CacheTest' },
  { ...debug('TR4', 'cache test: tag, valid, use'), feature: 'CacheTest' },
  { ...debug('TR5', 'cache test: set, way, command'), feature: 'CacheTest' },
  { ...debug('TR6', 'look-aside buffer test: linear page, attributes, command'), feature: 'BufferTest' },
  { ...debug('TR7', 'look-aside buffer test: physical page, way, hit'), feature: 'BufferTest' },
  event('CPL', 1, 'current privilege level', 'read-only'),
  event('HALTED', 1, '1 while HLT waits for an interrupt'),
  event('INTERRUPT_SHADOW', 1, 'what holds interrupts off for one instruction', 'host-writable', [
    bit('STI', 0, 'STI: maskable interrupts and NMIs'),
    bit('MOV_SS', 1, 'MOV SS or POP SS: those and debug traps'),
  ]),
  event('NMI_BLOCKED', 1, '1 from the delivery of an NMI to the next IRET'),
  event('NMI_PENDING', 1, '1 while an NMI waits to be delivered'),
  event('INIT_PENDING', 1, '1 while an INIT waits to be carried out'),
  event('WAITS_FOR_STARTUP', 1, '1 from an INIT to the start-up message, unless this is the bootstrap processor'),
  event('STARTUP_PENDING', 4, '100h and the vector of a start-up message that waits to be carried out'),
  { ...event('LBR_UPDATED', 8, 'virtual time of the newest branch record'), feature: 'LBRInfo' },
  event(
    'INTERRUPT_REQUESTED',
    1,
    '1 while the interrupt controller asked for an interrupt (INTR) at the last stop',
    'read-only',
  ),
  event('PENDING_DEBUG', 4, 'reasons of a #DB that waits, as DR6 will have them', 'host-writable', DR6_FIELDS),
  event('PENDING_EXCEPTION', 4, 'an exception that is delivered before the next instruction', 'host-writable', [
    { name: 'vector', low: 0, width: 8, description: 'its vector' },
    bit('error', 11, 'with the error code of PENDING_ERROR_CODE'),
    bit('valid', 31, 'it is there'),
  ]),
  event('PENDING_ERROR_CODE', 4, 'the error code of PENDING_EXCEPTION'),
  ...long,
  ...vectorRegisters,
  ...x87Registers,
  ...modelSpecific,
  ...localApic,
];

/** One register of the table; `offset` is the byte offset of its slot in a vCPU's state. */
export interface Register extends RegisterRow {
  readonly number: number;
  readonly offset: number;
}

/** The slot of a register of up to 8 bytes; larger ones have multiples of it. */
export const SLOT_SIZE = 8;

const wholeSizes: ReadonlyMap<string | undefined, number> = new Map(rows.map(({ wholeOf, size }) => [wholeOf, size]));
const slotOffsets = new Map<string, number>();
let end = 0;
for (const { name, size, wholeOf } of rows) {
  if (wholeOf !== undefined) continue;
  slotOffsets.set(name, end);
  end += Math.ceil((wholeSizes.get(name) ?? size) / SLOT_SIZE) * SLOT_SIZE;
}

export const registers: readonly Register[] = rows.map((row, number) => ({
  ...row,
  number,
  offset: slotOffsets.get(row.wholeOf ?? row.name) as number,
}));

/** Bytes that the architectural registers take in a vCPU's state; the engine's own fields follow. */
export const REGISTERS_SIZE: number = end;

/** The general registers of 64-bit mode in the order of the hardware's encodings. */
export const longGeneralNames: readonly string[] = [...generalNames, ...longNames];

const byName: ReadonlyMap<string, Register> = new Map(registers.map((register) => [register.name, register]));

/** Finds a register by its table name (`EAX`, `CS.base` …), or undefined. Names are upper case as in the table. */
export function findRegister(name: string): Register | undefined {
  return byName.get(name);
}

/** The offset of a register that the code names itself; an unknown name is our mistake. */
export function offsetOf(name: string): number {
  const register = byName.get(name);
  if (!register) throw new Error(`no register ${name} in the table`);
  return register.offset;
}
