/** The only door to the machine. */
export * from './machine/machine.ts';
export { apicNumberOf, CPUS_MAX, cpuCount, ONE_CPU, type Topology } from './cpu/topology.ts';
export type {
  CallRecord,
  CallStack,
  CodeCounters,
  CpuMode,
  PagingView,
  TraceEntry,
  Vcpu,
} from './machine/vcpu.ts';
export type {
  AccessCause,
  CompiledBlock,
  CompiledLine,
  CompiledRegion,
  RegionExit,
} from './machine/compiled-region.ts';
export type { BranchKind, BranchRecord } from './machine/branch-record.ts';
export type { CompiledCode, CompilerCounters } from './machine/compiled-code.ts';
export * from './machine/block-store.ts';
export type { DeviceRow } from './machine/device-bus.ts';
export type {
  Device,
  DeviceContext,
  DeviceDescription,
  DeviceRegister,
  DeviceState,
  MachineRequest,
  Region,
} from './devices/device.ts';
export { adoptInterpreter, interpreterBytes, prepareInterpreter } from './engine/interpreter.ts';
export { FLOPPY_SIZE_MAX, FLOPPY_SIZES, floppySizeProblem } from './devices/floppy-controller/media.ts';
export { encodeMouseEvent, type MouseEvent } from './devices/keyboard-controller/mouse.ts';
export {
  type ExplainedAccess,
  type ExplainedWalk,
  entryName,
  explainWalk,
  type WalkStep,
} from './inspect/explain-walk.ts';
export { type ShownRules, rulesWithRoot } from './inspect/given-root.ts';
export * from './inspect/page-tables.ts';
export { guestRam, HIGH_RAM } from './memory/guest-ram.ts';
export { accessText, type PendingAccess } from './memory/access-log.ts';
export { type TranslationNow, translationNow } from './inspect/translation.ts';
export type { PagingRules } from './memory/paging-rules.ts';
export type { CachedPage } from './memory/translation-cache.ts';
export { PIT_FREQUENCY } from './devices/pit/pit.ts';
export { decodeSpeakerSignal, type SpeakerSignal } from './devices/pit/speaker.ts';
export { type Address, addressOf, offsetInPage, pageStart, plus } from './state/address.ts';
export { CpuState, type SegmentState } from './state/cpu-state.ts';
export {
  findRegister,
  type BitField,
  type Register,
  type RegisterSet,
  registerSets,
  registers,
} from './state/register-table.ts';
export { MEMORY_SIZE_MAX, MEMORY_SIZE_MIN } from './machine/config-limits.ts';
export { createMachine } from './machine/create-machine.ts';
export { createOverlayStore, memorySource } from './machine/overlay-block-store.ts';
export { DISK_DRIVE, FLOPPY_DRIVE } from './firmware/builtin/builtin-bios.ts';
export type { KernelEntry, KernelImages, KernelModule } from './firmware/kernel/kernel-boot.ts';
export {
  chosenFacts,
  type CpuModel,
  type CpuModelFacts,
  cpuModels,
  hasRegister,
  type LocalApicChoice,
  modelFacts,
} from './isa/cpu-model.ts';
export { type CpuidRow, type CpuidValue, cpuidRows } from './cpu/cpuid-rows.ts';
export { type CpuidAnswer, cpuid, cpuidLeaves, featuresOfLeaf } from './cpu/cpuid.ts';
export { changedState, readState, type RegisterValue, writeState } from './state/state-access.ts';
