/**
 * Where a vCPU's state lies in the machine's memory: the slots of the register table, then the engine's own fields.
 * Offsets are in bytes from the vCPU's base.
 */
import { generalNames, longGeneralNames, offsetOf, REGISTERS_SIZE, segmentNames } from './register-table.ts';
import { mmxNames, vectorNames } from './unit-register-rows.ts';

/** Slots of the registers that code addresses by name. */
export const slot = {
  EAX: offsetOf('EAX'),
  ECX: offsetOf('ECX'),
  EDX: offsetOf('EDX'),
  EBX: offsetOf('EBX'),
  ESP: offsetOf('ESP'),
  EBP: offsetOf('EBP'),
  ESI: offsetOf('ESI'),
  EDI: offsetOf('EDI'),
  R11: offsetOf('R11'),
  EIP: offsetOf('EIP'),
  EFLAGS: offsetOf('EFLAGS'),
  CR0: offsetOf('CR0'),
  CR2: offsetOf('CR2'),
  CR3: offsetOf('CR3'),
  CR4: offsetOf('CR4'),
  CR8: offsetOf('CR8'),
  EFER: offsetOf('EFER'),
  PDPTE0: offsetOf('PDPTE0'),
  PKRU: offsetOf('PKRU'),
  PKRS: offsetOf('IA32_PKRS'),
  TIME_STAMP_OFFSET: offsetOf('IA32_TIME_STAMP_COUNTER'),
  SYSENTER_CS: offsetOf('IA32_SYSENTER_CS'),
  SYSENTER_ESP: offsetOf('IA32_SYSENTER_ESP'),
  SYSENTER_EIP: offsetOf('IA32_SYSENTER_EIP'),
  STAR: offsetOf('IA32_STAR'),
  LSTAR: offsetOf('IA32_LSTAR'),
  CSTAR: offsetOf('IA32_CSTAR'),
  FMASK: offsetOf('IA32_FMASK'),
  KERNEL_GS_BASE: offsetOf('IA32_KERNEL_GS_BASE'),
  TSC_AUX: offsetOf('IA32_TSC_AUX'),
  MISC_ENABLE: offsetOf('IA32_MISC_ENABLE'),
  BIOS_SIGN_ID: offsetOf('IA32_BIOS_SIGN_ID'),
  DR0: offsetOf('DR0'),
  DR6: offsetOf('DR6'),
  DR7: offsetOf('DR7'),
  TR3: offsetOf('TR3'),
  GDTR_BASE: offsetOf('GDTR.base'),
  GDTR_LIMIT: offsetOf('GDTR.limit'),
  IDTR_BASE: offsetOf('IDTR.base'),
  IDTR_LIMIT: offsetOf('IDTR.limit'),
  LDTR: offsetOf('LDTR'),
  TR: offsetOf('TR'),
  CPL: offsetOf('CPL'),
  HALTED: offsetOf('HALTED'),
  FPR0: offsetOf('FPR0'),
  FCW: offsetOf('FCW'),
  FSW: offsetOf('FSW'),
  FTW: offsetOf('FTW'),
  FOP: offsetOf('FOP'),
  FIP: offsetOf('FIP'),
  FCS: offsetOf('FCS'),
  FDP: offsetOf('FDP'),
  FDS: offsetOf('FDS'),
  MXCSR: offsetOf('MXCSR'),
  XCR0: offsetOf('XCR0'),
  INTERRUPT_SHADOW: offsetOf('INTERRUPT_SHADOW'),
  NMI_BLOCKED: offsetOf('NMI_BLOCKED'),
  NMI_PENDING: offsetOf('NMI_PENDING'),
  INIT_PENDING: offsetOf('INIT_PENDING'),
  WAITS_FOR_STARTUP: offsetOf('WAITS_FOR_STARTUP'),
  STARTUP_PENDING: offsetOf('STARTUP_PENDING'),
  APIC_BASE: offsetOf('IA32_APIC_BASE'),
  TSC_DEADLINE: offsetOf('IA32_TSC_DEADLINE'),
  INTERRUPT_REQUESTED: offsetOf('INTERRUPT_REQUESTED'),
  PENDING_DEBUG: offsetOf('PENDING_DEBUG'),
  PENDING_EXCEPTION: offsetOf('PENDING_EXCEPTION'),
  PENDING_ERROR_CODE: offsetOf('PENDING_ERROR_CODE'),
} as const;

/** Slots of the local APIC's registers, which lie together behind all others. */
export const apicSlot = {
  ID: offsetOf('APIC_ID'),
  VERSION: offsetOf('APIC_VERSION'),
  TPR: offsetOf('APIC_TPR'),
  APR: offsetOf('APIC_APR'),
  PPR: offsetOf('APIC_PPR'),
  LDR: offsetOf('APIC_LDR'),
  DFR: offsetOf('APIC_DFR'),
  SVR: offsetOf('APIC_SVR'),
  ISR0: offsetOf('APIC_ISR0'),
  TMR0: offsetOf('APIC_TMR0'),
  IRR0: offsetOf('APIC_IRR0'),
  ESR: offsetOf('APIC_ESR'),
  ICR: offsetOf('APIC_ICR'),
  LVT_TIMER: offsetOf('APIC_LVT_TIMER'),
  LVT_THERMAL: offsetOf('APIC_LVT_THERMAL'),
  LVT_PERF: offsetOf('APIC_LVT_PERF'),
  LVT_LINT0: offsetOf('APIC_LVT_LINT0'),
  LVT_LINT1: offsetOf('APIC_LVT_LINT1'),
  LVT_ERROR: offsetOf('APIC_LVT_ERROR'),
  TIMER_INITIAL: offsetOf('APIC_TIMER_INITIAL'),
  TIMER_CURRENT: offsetOf('APIC_TIMER_CURRENT'),
  TIMER_DIVIDE: offsetOf('APIC_TIMER_DIVIDE'),
  TIMER_START: offsetOf('APIC_TIMER_START'),
  ERRORS: offsetOf('APIC_ERRORS'),
  PINS: offsetOf('APIC_PINS'),
} as const;

/** Bits of `slot.INTERRUPT_SHADOW`: what holds events off for one instruction. */
export const SHADOW_STI = 1 << 0;
export const SHADOW_MOV_SS = 1 << 1;

/** Slots of the general registers and of the selectors, in the hardware's encoding order. */
export const generalSlots: readonly number[] = generalNames.map(offsetOf);
/** The same with R8 to R15. */
export const longGeneralSlots: readonly number[] = longGeneralNames.map(offsetOf);
export const segmentSlots: readonly number[] = segmentNames.map(offsetOf);
/** Of YMM0 to YMM15, whose lower halves are the XMM registers; of MM0 to MM7, which are parts of the x87 registers. */
export const vectorSlots: readonly number[] = vectorNames.map(offsetOf);
export const mmxSlots: readonly number[] = mmxNames.map(offsetOf);

/** Distances from a selector's slot to its hidden part (also for LDTR and TR). */
export const SEGMENT_BASE = 8;
export const SEGMENT_LIMIT = 16;
export const SEGMENT_ATTRIBUTES = 24;

/** Segment numbers as instructions encode them. */
export const ES = 0;
export const CS = 1;
export const SS = 2;
export const DS = 3;
export const FS = 4;
export const GS = 5;
export type SegmentIndex = 0 | 1 | 2 | 3 | 4 | 5;

let next = REGISTERS_SIZE;
const field = (size = 8): number => {
  const offset = next;
  next += size;
  return offset;
};

/** The engine's own fields of a vCPU's state; never shown, never in a snapshot, always derivable except the flags pair. */
export const internal = {
  /** i64: the last arithmetic result, sign-extended; see lazy-flags.ts. */
  FLAGS_RESULT: field(),
  /** i32: carries and corrections of the lazy flags. */
  FLAGS_AUX: field(),
  /** i64: always zero; stands for "no base" and "no index" in decoded address forms. */
  ZERO: field(),
  /** i64: always 2^31; an index where RIP, the displacement and the way to the next instruction need 33 bits. */
  TWO_GIBIBYTES: field(),
  /** i32: ticks left in this run of the engine, as of the entry of the current block. */
  BUDGET: field(),
  /** i32: address of the block that is being executed. */
  BLOCK: field(),
  /** i32: how many iterations a repeated string instruction may make before it yields. */
  REPEAT_MAX: field(),
  /** i32: the context's number that valid tags of the TLB carry in their low 11 bits, for loads and for stores. */
  TLB_GENERATION: field(),
  TLB_WRITE_GENERATION: field(),
  /** i32: the same of the supervisor in this address space, whoever runs. */
  TLB_SYSTEM_GENERATION: field(),
  TLB_SYSTEM_WRITE_GENERATION: field(),
  /** i32: the class of the privilege (see tlb.ts), with paging off, too. */
  PRIVILEGE: field(),
  /** i32: the last numbers that contexts of loads and of stores have got (see tlb.ts). */
  TLB_READ_NUMBER: field(),
  TLB_WRITE_NUMBER: field(),
  /** i32: up to these numbers all have been forgotten. */
  TLB_READ_FLOOR: field(),
  TLB_WRITE_FLOOR: field(),
  /** i32: the address space that is current (see tlb.ts). */
  TLB_SPACE: field(),
  /** i32: the rules of paging where generated code knows them, see memory/paging-rules.ts; 0: TypeScript translates. */
  PAGING: field(),
  /** i32: bits of the upper half of a table entry with which TypeScript has to do. */
  RESERVED_HIGH: field(),
  /** i32: bytes of RAM below 4 GiB, with the hole below 1 MiB. */
  PLAIN_RAM: field(),
  /** i32: not 0 while accesses have to be noticed that generated code would not notice. */
  SHORTCUTS_OFF: field(),
  /** i32: the error code of a page fault that generated code has found, and 1; or 0. */
  QUICK_FAULT: field(),
  /** i32: while one instruction is executed with RF set, the rest of the budget and 1; otherwise 0. */
  BUDGET_BEHIND: field(),
  /** i32: not 0 while somebody hears of exceptions. */
  FAULTS_HEARD: field(),
  /** i32: events that generated code has delivered since the execution began; each is a tick of the budget. */
  DELIVERED: field(),
  /** i64: virtual time at which the budget of the execution will be used up. */
  TIME_END: field(),
  /** i32: what was left of the budget behind an STI that holds interrupts off if the execution ends there; -1 without one. */
  STI_LEFT: field(),
  /** i32: not 0 while somebody hears of software interrupts before they happen; while levels are counted apart. */
  INTERRUPTS_HEARD: field(),
  LEVELS_HEARD: field(),
  /** i32: bits of EFLAGS that IRET loads at every level because of the processor's model, and those at level 0. */
  MODEL_FLAGS: field(),
  MODEL_SYSTEM_FLAGS: field(),
  /** i32: bits that CR3 has below 4 GiB; not 0 where a write of it empties the buffer of the test registers, too. */
  ROOT_MASK: field(),
  HAS_TEST_BUFFER: field(),
  /** i32: not 0 for a processor of AMD. */
  IS_AMD: field(),
  /** i32: set to leave the block after the current instruction (code modified, event raised). */
  EXIT_REQUEST: field(),
  /** i32: 1 when the last slow-path access faulted; the fault itself is kept by the cpu layer. */
  FAULT: field(),
  /** i32: mode of the code that is being executed and generation of its translations: part of the key of a block. */
  MODE_KEY: field(),
  /** i32: FFFFh or FFFFFFFFh, by the B bit of the stack segment. */
  STACK_MASK: field(),
  /** What a slow path has read or is to write, where that is more than 32 bits: up to 256. */
  WIDE_VALUE: field(32),
  /** i32: what the last operation on floating-point numbers has raised; see isa/float/formats.ts. */
  FLOAT_EXCEPTIONS: field(),
  /** i32: 1 while x87 instructions go on in spite of an exception that waits (IGNNE#). */
  FLOAT_ERRORS_IGNORED: field(),
  /** i32: which units may not be used now; see units.ts. */
  UNITS: field(),
  /** i32: bits of MXCSR that the processor model does not know. */
  MXCSR_RESERVED: field(),
  /** i32: 1 while a gather has loaded an element and is not done. */
  GATHERED: field(),
  /** i64: the address that a slow path of 64-bit mode was called for; what it gets as a number may be rounded. */
  WIDE_ADDRESS: field(),
  /** i32: how far an address is shifted left and back to make it canonical: 16, with 5-level paging 7. */
  CANONICAL_SHIFT: field(),
  /** i32: the highest offset in the code segment. */
  CODE_LIMIT: field(),
  /** i32: address of the innermost entry of the call shadow; 0 while calls are not recorded. */
  CALLS_TOP: field(),
  /** i32: not 0 while TypeScript must be asked at hooks whose filter does not hold, too. */
  HOOKS_ASK: field(),
  /** i32: address of the newest entry of the ring of executed code; 0 while that is not kept. */
  TRACE_NEWEST: field(),
  /** i32: where in the ring of branches the next entry goes; not 0 while TypeScript wants to hear of each branch. */
  BRANCH_NEXT: field(),
  BRANCHES_HEARD: field(),
  /** i32: the number that its local APIC has after RESET. */
  APIC_NUMBER: field(),
  /** i32: while PAUSE is to end the turn of the vCPU, as there are others, the status to leave with; not 0 when it has. */
  YIELDS: field(),
  YIELDED: field(),
  /** i32: not 0 while these are counted for the performance counters: repeated instructions that were only continued,
   * branch instructions, and those of them that were taken, since the execution began. */
  COUNTS: field(),
  REPEATS: field(),
  BRANCHES: field(),
  BRANCHES_TAKEN: field(),
  /** i32: what compiled code may take for granted about segments; see engine/compiler/segment-facts.ts. */
  SEGMENT_FACTS: field(),
  /** i32: the record in the middle of the block at which a region was left; 0: it was left between two blocks. */
  REGION_RECORD: field(),
  /** i32: the number of the region that was left last. */
  REGION_LEFT: field(),
  /** i32: what was left of the budget when a region was left last. */
  REGION_BUDGET: field(),
  /** i32: the loop comes back between two blocks once no more of the budget than this is left, for a sample; or 0. */
  SAMPLE_AT: field(),
  /** i64: the tag that was found where compiled code had no entry for an access; see engine/compiler/compiled-memory.ts. */
  TLB_FOUND: field(),
  /** i64: what compiled code has executed since power-on, in instructions. */
  COMPILED: field(),
  /** For each segment, 32 bytes: base, and the exclusive upper ends of offsets that may be read and written (i64). */
  SEGMENTS: field(6 * 32),
  /** f64: while calls are recorded, where the current stack begins; infinite if that is not known. */
  CALLS_BEGIN: field(),
  /** i32: not 0 while TypeScript is to record what returns and interrupts do, see engine/call-shadow.ts. */
  CALLS_ASK: field(),
} as const;

/** Inside one segment's entry of `internal.SEGMENTS`. */
export const SEGMENT_ENTRY_SIZE = 32;
export const ENTRY_BASE = 0;
export const ENTRY_READ_END = 8;
export const ENTRY_WRITE_END = 16;

export const CPU_STATE_SIZE: number = next;
