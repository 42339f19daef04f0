/**
 * One virtual processor: state, translations, decoded and generated code, and what system operations see of it. It executes
 * a number of instructions at most and says why it came back; events are the run loop's business.
 */
import { type Cpu, type CpuMemory, EXIT, FAULT, GuestFault, NEXT, type PortSpace, BRANCH } from '../cpu/cpu.ts';
import { type Delivery, deliver } from '../cpu/exceptions.ts';
import type { CpuEvent } from '../cpu/interrupt-entry.ts';
import { codeAddressOf, is64BitMode } from '../cpu/mode.ts';
import type { Topology } from '../cpu/topology.ts';
import { type CpuModelFacts, chosenFacts } from '../isa/cpu-model.ts';
import type { GuestEvent } from '../machine/machine.ts';
import type { CpuMode } from '../machine/vcpu.ts';
import { cpuBase } from '../memory/layout.ts';
import type { LinearMemory } from '../memory/linear-memory.ts';
import type { PhysicalMap } from '../memory/physical-map.ts';
import type { Translator } from '../memory/translator.ts';
import { type Address, plus } from '../state/address.ts';
import { CpuState } from '../state/cpu-state.ts';
import { CS, internal, SEGMENT_ENTRY_SIZE, type SegmentIndex } from '../state/layout.ts';
import type { Compiler } from './compiler/compiler.ts';
import { callEffects } from './call-effects.ts';
import { CallShadow } from './call-shadow.ts';
import { CodeCache } from './code-cache.ts';
import * as derived from './derived-state.ts';
import { checkSegment } from './cpu-memory.ts';
import { DataPaths } from './data-paths.ts';
import { createCounters } from './execution-progress.ts';
import { Execution } from './execution.ts';
import { EventReports, reportingPorts } from './event-reports.ts';
import { HardwareBreakpoints } from './hardware-breakpoints.ts';
import { createMemoryUnit, type MemoryUnit } from './memory-unit.ts';
import type { MonitoredLine } from './monitored-line.ts';
import { ModeReports } from './mode-reports.ts';
import { writeModelFields } from './model-fields.ts';
import { deriveTranslation } from './paging-unit.ts';
import { settle } from './operation-outcome.ts';
import { QuickEvents } from './events/quick-events.ts';
import { operationsByRow } from './operations-by-row.ts';
import { createBranchRing } from './processor-branches.ts';
import { createProcessorApic } from './processor-apic.ts';
import type { SlowPathImports } from './slow-paths.ts';
import { stopsAtInterrupt } from './software-interrupt-stop.ts';
import { type ProcessorSurroundings, REPEAT_MAX, TICKS_PER_SECOND } from './surroundings.ts';
import { TraceRing } from './trace-ring.ts';
import { deriveUnits } from './units.ts';
import { WatchList } from './watch-list.ts';
import { RandomBits } from './random-bits.ts';
import { InstructionPlace } from './instruction-place.ts';
import { Unfinished } from './unfinished.ts';
import * as record from './record.ts';

export class Processor implements Cpu {
  readonly index: number;
  readonly topology: Topology | undefined;
  readonly state: CpuState;
  readonly model: CpuModelFacts;
  readonly ticksPerSecond: number;
  readonly quick: QuickEvents;
  readonly counters: ReturnType<typeof createCounters>;
  readonly linear: LinearMemory;
  readonly localApic: ReturnType<typeof createProcessorApic>;
  readonly memory: CpuMemory;
  readonly ports: PortSpace;
  readonly code: CodeCache;
  readonly translations: Translator;
  /** The fault that ended the last execution, until the run loop has delivered it. */
  pendingFault: GuestFault | undefined;
  /** Text of what the guest used that is not modelled; EIP is at the instruction. */
  unsupportedText: string | undefined;
  readonly breakpoints: HardwareBreakpoints;
  readonly watches: WatchList;
  readonly reports: EventReports;
  readonly unfinished: Unfinished;
  /** Where there are other vCPUs. */
  monitored: MonitoredLine | undefined;
  readonly callShadow: CallShadow;
  readonly trace: TraceRing;
  /** Hears of each branch that is taken. */
  readonly branches: ReturnType<typeof createBranchRing>;
  readonly randomBits: RandomBits;
  readonly random = (): number => this.randomBits.next();
  /** Linear address of an INT n that was reported and now goes through. */
  passInterruptAt: Address | undefined;
  /** Asked at each hook that is met, with EIP at it: true if execution may go on without leaving the code. */
  onHook: () => boolean = () => false;
  /** Instructions retired since `execute` began, exact within slow paths too; and with what was delivered meanwhile. */
  readonly executed = (): number => this.#place.executed();
  readonly ticks = (): number => this.#place.ticks();
  readonly acknowledgeInterrupt = (): number => this.localApic.apic.acknowledge();
  readonly interruptPending = (): boolean => this.localApic.apic.interruptPending();
  readonly #unit: MemoryUnit;
  readonly #surroundings: ProcessorSurroundings;
  readonly #place: InstructionPlace;
  readonly #execution: Execution;
  readonly #data: DataPaths;
  readonly #mode: ModeReports;
  #codeFlushWanted = false;

  constructor(memory: WebAssembly.Memory, map: PhysicalMap, surroundings: ProcessorSurroundings) {
    const { index = 0, shared } = surroundings;
    this.index = index;
    this.topology = surroundings.topology;
    this.state = new CpuState(memory, cpuBase(index));
    this.reports = new EventReports(index);
    this.watches = new WatchList(index);
    this.breakpoints = new HardwareBreakpoints(this.state);
    this.callShadow = new CallShadow(this.state);
    this.trace = new TraceRing(this.state);
    this.#surroundings = surroundings;
    const met = (port: number, size: number) => this.breakpoints.noteIo(port, size);
    this.ports = reportingPorts(surroundings.ports, this.reports, met, () => this.requestExit());
    this.randomBits = shared?.randomBits ?? new RandomBits(surroundings.randomSeed ?? 0);
    this.model = chosenFacts({ cpuModel: surroundings.model ?? '386', localApic: surroundings.localApic });
    writeModelFields(this);
    this.ticksPerSecond = surroundings.ticksPerSecond ?? TICKS_PER_SECOND;
    this.code = shared?.code ?? new CodeCache(memory, this.model.name, surroundings.codeCacheSize);
    this.unfinished = new Unfinished(this.state, map, this.reports, this);
    this.#mode = new ModeReports(this.state, this.reports);
    this.#unit = createMemoryUnit(this.state, map, this.model, this.code, {
      codeWritten: (physical, size) => this.codeWritten(physical, size),
      overwrites: (physical, size) => this.unfinished.overwrites(physical, size),
      accessed: (linear, physical, size, kind) => this.#accessed(linear, physical, size, kind),
      isInstruction: () => this.#place.current !== 0,
      watches: this.watches,
      breakpoints: this.breakpoints,
    });
    ({ translations: this.translations, linear: this.linear, memory: this.memory } = this.#unit);
    this.#data = new DataPaths(this.state, this.linear, (fault) => this.#raise(fault));
    this.#place = new InstructionPlace(this.state);
    this.localApic = createProcessorApic(this, surroundings);
    this.counters = createCounters(this, this.#place);
    this.branches = createBranchRing(this, this.#place, map);
    this.state.onDerivedChange = (offset) => this.#derive(offset);
    this.setSingleStep(false);
    const imports: SlowPathImports = {
      read: (linear, size, at) => this.#read(linear, size, at, false),
      readForWrite: (linear, size, at) => this.#read(linear, size, at, true),
      write: (linear, value, size, at) => this.#write(linear, value, size, at),
      segment: (entry, offset, size, isWrite) => this.#segmentAccess(entry, offset, size, isWrite !== 0),
      raise: (vector, errorCode) => this.#raise(new GuestFault(vector, errorCode < 0 ? undefined : errorCode)),
      system: (at) => this.#system(at),
      callsOver: (at, pushed) => this.callShadow.callsOver(at, pushed),
      stackLoaded: (before) => this.callShadow.stackLoaded(before),
      branched: (at) => this.branches.branched(at),
      interruptPending: (at) => (this.#place.during(at, this.interruptPending) ? 1 : 0),
      hook: () => (this.onHook() && !this.exitRequested ? NEXT : record.STATUS_HOOK),
    };
    this.#execution = new Execution(this, memory, imports, surroundings.engine);
    this.quick = new QuickEvents(this.state, this.#execution.enterOf);
    this.refresh();
  }

  get compiler(): Compiler | undefined {
    return this.#execution.tiers?.compiler;
  }

  get calls(): CallShadow | undefined {
    return this.callShadow.isOn ? this.callShadow : undefined;
  }

  get codeSize(): 16 | 32 | 64 {
    return derived.codeSizeOf(this.state);
  }

  get modeName(): CpuMode {
    return derived.modeNameOf(this.state);
  }

  get linearEip(): Address {
    return codeAddressOf(this.state, this.state.rip);
  }

  /** The physical address of code that is being executed, without side effects; -1 if it is not mapped any more. */
  physicalOf(linear: Address): number {
    return this.translations.peek(linear) ?? -1;
  }

  now(): number {
    return this.#surroundings.startTime() + this.ticks();
  }

  trap(reasons: number): void {
    this.breakpoints.pending |= reasons;
    this.requestExit();
  }

  report(makeEvent: () => GuestEvent): void {
    if (this.reports.report(makeEvent)) this.requestExit();
  }

  log(message: string): void {
    this.#surroundings.log?.(message);
  }

  unsupported(what: string): void {
    this.unsupportedText ??= what;
  }

  /** There is more, or less, for a debugger or a device to notice. What the guest has of translations stays. */
  forgetShortcuts(): void {
    this.#unit.forgetShortcuts();
  }

  get exitRequested(): boolean {
    return this.state.read32(internal.EXIT_REQUEST) !== 0;
  }

  /** Makes the engine come back before the next block or store. */
  requestExit(): void {
    this.state.write32(internal.EXIT_REQUEST, EXIT);
  }

  /** Decoded code is dropped before the next execution: breakpoints or hooks have changed. */
  invalidateCode(): void {
    this.#codeFlushWanted = true;
    this.requestExit();
  }

  /** What is to be asked before the instruction at an address has changed. */
  invalidateCodeAt(space: 'linear' | 'physical', address: Address): void {
    if (this.code.dropAt(space, address)) this.requestExit();
  }

  /** Memory was written on the guest's behalf, by firmware or a bus master. */
  busWritten(physical: number, size: number): void {
    this.codeWritten(physical, size);
    if (!this.watches.isEmpty) this.watches.noteBusWrite(physical, size, Number(this.linearEip));
  }

  /** RAM under decoded code was written, by the guest, a device or the debugger. */
  codeWritten(physical: number, size: number): void {
    if (this.code.written(physical, size, this.#place.current)) this.requestExit();
  }

  /** Derives again what depends on control and debug registers; called whenever code has left for the run loop. */
  refresh(): void {
    this.#unit.privilegeChanged();
    deriveUnits(this.state);
    this.#mode.refresh();
    this.branches.refresh();
    if (this.breakpoints.refresh()) this.invalidateCode();
  }

  /**
   * Executes at most `budget` instructions; returns the status that ended it, with EIP exact. With `passHook`, a hook at the
   * first instruction is not reported again; with `continues` that is the one which was stopped in the middle.
   */
  execute(budget: number, passHook: boolean, continues = false): number {
    this.state.write32(internal.EXIT_REQUEST, 0);
    if (this.unfinished.isPossible) this.unfinished.executionBegins(continues);
    this.#place.executionBegins(budget, this.#surroundings.startTime());
    const block =
      (!passHook && !this.#codeFlushWanted && this.#unit.fetch.knownAt(this.linearEip)) || this.#findBlock();
    const status = this.#execution.run(block, passHook ? record.BLOCK_FIRST : record.BLOCK_ENTRY, this.#findBlock);
    this.pendingFault ??= this.#place.finish();
    return status;
  }

  /** The run loop has counted what was executed: until the next execution, `now` is its start. */
  endExecution(): void {
    this.#place.executionEnds();
  }

  /** With the trap flag set, a repeated instruction traps after each iteration. */
  setSingleStep(on: boolean): void {
    this.state.write32(internal.REPEAT_MAX, on ? 1 : REPEAT_MAX);
  }

  /** Delivers an event between two instructions; undefined if a device lets it wait, to be called again. */
  deliver(event: CpuEvent): Delivery | undefined {
    return this.unfinished.isPossible ? this.unfinished.deliver(() => deliver(this, event)) : deliver(this, event);
  }

  /** Name of the row of the first instruction in the block that ran last. */
  lastBlockRowName(): string {
    return this.#place.lastBlockRowName();
  }

  /** Address of the block at EIP; 0 where its first instruction cannot be fetched. */
  readonly #findBlock = (): number => {
    if (this.#codeFlushWanted) {
      this.#codeFlushWanted = false;
      this.code.flush();
      this.forgetShortcuts();
    }
    this.#begin(0);
    try {
      const block = this.breakpoints.fetching(this.state, this.linearEip, (at) => this.#unit.fetch.blockAt(at));
      this.#execution.tiers?.found(block);
      return block.address;
    } catch (error) {
      this.#caught(error);
      return 0;
    } finally {
      this.#end();
    }
  };

  /** What follows is done for the instruction of a record; 0 while its code is fetched. */
  #begin(at: number): void {
    this.#place.current = at;
    if (this.unfinished.isPossible) this.unfinished.open(this.ticks(), at);
  }

  #end(): void {
    this.#place.current = 0;
    if (this.unfinished.isPossible) this.unfinished.close();
  }

  #segmentAccess(entry: number, offset: number, size: number, isWrite: boolean): number {
    const index = ((entry - internal.SEGMENTS) / SEGMENT_ENTRY_SIZE) as SegmentIndex;
    try {
      return Number(checkSegment(this.state, index, offset >>> 0, size, isWrite));
    } catch (error) {
      return this.#caught(error);
    }
  }

  #read(linear: number, sizeAndKind: number, at: number, willWrite: boolean): number {
    this.#begin(at);
    try {
      return this.#data.read(linear, sizeAndKind, at, willWrite);
    } catch (error) {
      return this.#caught(error);
    } finally {
      this.#end();
    }
  }

  #write(linear: number, value: number, sizeAndKind: number, at: number): void {
    this.#begin(at);
    try {
      this.#data.write(linear, value, sizeAndKind, at);
    } catch (error) {
      this.#caught(error);
    } finally {
      this.#end();
    }
  }

  #system(at: number): number {
    const { instruction } = this.#place;
    instruction.address = at;
    const operation = operationsByRow[instruction.rowIndex];
    if (!operation) throw new Error(`no system operation ${instruction.name}`);
    const entry = this.state.rip;
    const sum = plus(entry, instruction.nextOffset);
    const next = is64BitMode(this.state) ? sum : Number(sum) >>> 0;
    if (this.reports.onEvent && stopsAtInterrupt(this, instruction, entry)) return FAULT;
    this.#begin(at);
    this.state.eip = next;
    this.#place.entryEip = entry;
    const calls = this.callShadow.isOn && callEffects[instruction.rowIndex] ? this.callShadow : undefined;
    calls?.note();
    try {
      const outcome = operation(this, instruction);
      if (this.unsupportedText !== undefined) {
        this.state.eip = entry;
        return FAULT;
      }
      if (calls) callEffects[instruction.rowIndex]?.(calls, instruction);
      return settle(this.state, instruction.rowIndex, outcome, entry, next);
    } catch (error) {
      const ofNewTask = error instanceof GuestFault && error.isOfNewTask;
      if (!ofNewTask) this.state.eip = entry;
      this.#caught(error);
      return ofNewTask ? EXIT | BRANCH : FAULT;
    } finally {
      this.#place.entryEip = undefined;
      this.#end();
    }
  }

  #caught(error: unknown): number {
    if (error instanceof GuestFault) this.#raise(error);
    else if (this.unfinished.stoppedBy(error)) this.state.write32(internal.FAULT, 1);
    else throw error;
    return 0;
  }

  #raise(fault: GuestFault): void {
    this.pendingFault = fault;
    this.state.write32(internal.FAULT, 1);
  }

  #derive(offset: number): void {
    const segment = derived.segmentOfSlot[offset] ?? -1;
    if (segment < 0) this.localApic.changed(offset);
    if (segment < 0) this.counters.changed(offset);
    if (segment < 0) deriveTranslation(this.translations, this.state, offset);
    else derived.deriveSegment(this.state, segment);
    if (segment === CS) derived.deriveCodeSize(this.state);
  }

  #accessed(linear: Address, physical: number, size: number, kind: 'read' | 'write'): void {
    const [linearAddress, instruction] = [Number(linear), Number(this.#place.linearAddress())];
    const watched = this.watches.note({ kind, linearAddress, physicalAddress: physical, size, instruction });
    if (this.breakpoints.note(kind, linear, size) || watched) this.requestExit();
  }
}
