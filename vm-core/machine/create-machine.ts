/** Puts a machine together from its configuration: memory, map, devices, processor, firmware. */
import type { Device, DirectMemory, MachineRequest } from '../devices/device.ts';
import { createEventQueue, type EventQueue } from '../devices/event-queue.ts';
import { InterruptBus } from '../devices/interrupt-bus.ts';
import { createDisplay } from '../devices/vga/display.ts';
import type { Vga } from '../devices/vga/vga.ts';
import type { Processor } from '../engine/processor.ts';
import { Scheduler } from '../engine/scheduler.ts';
import { TICKS_PER_SECOND } from '../engine/surroundings.ts';
import { BOOT_ADDRESS, createBuiltinBios } from '../firmware/builtin/builtin-bios.ts';
import type { Firmware, FirmwareContext } from '../firmware/firmware.ts';
import { chosenFacts, modelFacts } from '../isa/cpu-model.ts';
import { accessText } from '../memory/access-log.ts';
import { guestRam } from '../memory/guest-ram.ts';
import { createMemory, PAGE_SIZE, RAM_BASE } from '../memory/layout.ts';
import { entryOf, type KernelPlan, planKernel } from '../firmware/kernel/kernel-boot.ts';
import { PhysicalMap } from '../memory/physical-map.ts';
import { requireFirmware, requireFloppySize, requireMemorySize, requireTicksPerSecond } from './config-limits.ts';
import type { CompiledCode } from './compiled-code.ts';
import { createDeviceBus, type DeviceBus, type MachineServices } from './device-bus.ts';
import { createInputLog, type InputLog } from './input-log.ts';
import { isaPc } from './isa-pc.ts';
import type {
  BootPlace,
  Breakpoint,
  Display,
  InputRecord,
  Machine,
  MachineConfig,
  DirtyLogView,
  PhysicalMemoryView,
  RunLimit,
  RunResult,
  Watchpoint,
} from './machine.ts';
import { physicalMemoryView } from './memory-view.ts';
import { Processors } from './processors.ts';
import { ONE_CPU, requireTopology } from '../cpu/topology.ts';
import type { Vcpu } from './vcpu.ts';
import { vcpuView } from './vcpu-view.ts';

const FIRMWARE_SIZE_MAX = 0x40000;
const MEBIBYTE = 0x100000;
/** For all devices together; the display adapter's linear pictures need it. */
const DIRECT_MEMORY_SIZE = 16 * MEBIBYTE;
const EMPTY_PAGES_NAMED_MAX = 16;
const OPTION_ROM = 0xc0000;
const OPTION_ROM_STEP = 0x200;
const OPTION_ROM_SIZE_MAX = 0x10000;

/** Makes a machine at power-on. Throws an Error that names the setting if the configuration is not possible. */
export function createMachine(config: MachineConfig): Machine {
  requireMemorySize(config.memorySize, config.memoryLowSize);
  requireTicksPerSecond(config.ticksPerSecond ?? TICKS_PER_SECOND);
  requireTopology(config.topology ?? ONE_CPU, chosenFacts(config));
  if (config.floppy) requireFloppySize(config.floppy);
  return new PcMachine(config);
}

const hex = (value: number): string => `${value.toString(16).toUpperCase()}h`;
const hexPage = (physicalAddress: number): string => hex(Math.floor(physicalAddress / PAGE_SIZE) * PAGE_SIZE);

function planOf(config: MachineConfig): KernelPlan | undefined {
  const { kernel, firmware, cpuModel } = config;
  if (kernel === undefined) return undefined;
  if (firmware === 'builtin') {
    if (kernel.entry === '64-bit' && !modelFacts(cpuModel).features.has('LM')) {
      throw new Error(`kernel: a ${cpuModel} has no 64-bit mode for the 64-bit entry; choose another cpu or entry`);
    }
    return planKernel(kernel, guestRam(config));
  }
  throw new Error('kernel: only the built-in BIOS boots a kernel directly; leave firmware away, or boot from a drive');
}

/** The parts that every machine has, in the order in which they depend on each other. */
class PcMachine implements Machine {
  readonly config: MachineConfig;
  readonly cpus: readonly [Vcpu, ...Vcpu[]];
  readonly memory: PhysicalMemoryView;
  readonly dirtyLog: DirtyLogView;
  readonly display: Display;
  readonly compiledCode: CompiledCode | undefined;
  readonly ticksPerSecond: number;
  onOutput: Machine['onOutput'] = () => {};
  onLog: Machine['onLog'] = () => {};
  readonly #map: PhysicalMap;
  /** Memory of devices that the processor reaches directly, as far as it is not given away. */
  #direct: Uint8Array;
  readonly #events: EventQueue = createEventQueue();
  readonly #interruptBus = new InterruptBus();
  readonly #bus: DeviceBus;
  readonly #processors: Processors;
  readonly #loop: Scheduler;
  readonly #inputLog: InputLog;
  readonly #firmware: Firmware;
  readonly #kernel: KernelPlan | undefined;
  /** By the index of the vCPU that is at a hook. */
  readonly #firmwareContexts: readonly FirmwareContext[];
  readonly #messages = new Set<string>();
  readonly #emptyPages = new Set<number>();
  #request: MachineRequest | undefined;

  constructor(config: MachineConfig) {
    this.config = config;
    this.ticksPerSecond = config.ticksPerSecond ?? TICKS_PER_SECOND;
    this.#kernel = planOf(config);
    const memory = createMemory(config.memorySize + DIRECT_MEMORY_SIZE);
    this.#direct = new Uint8Array(memory.buffer, RAM_BASE + config.memorySize, DIRECT_MEMORY_SIZE);
    const { low, high } = guestRam(config);
    this.#map = new PhysicalMap(memory, low, { highRamSize: high });
    this.memory = physicalMemoryView(this.#map, (physical, size) => this.#running.codeWritten(physical, size));
    this.dirtyLog = this.#map.dirty;
    this.#bus = createDeviceBus(isaPc, config, this.#deviceServices());
    for (const window of this.#bus.memory) this.#map.addWindow(window);
    this.#firmware =
      config.firmware === 'builtin'
        ? createBuiltinBios({ machine: config })
        : { rom: config.firmware, hooks: new Map() };
    this.#addRoms(config);
    this.#processors = new Processors(memory, this.#map, config.topology ?? ONE_CPU, {
      model: config.cpuModel,
      localApic: config.localApic,
      ticksPerSecond: this.ticksPerSecond,
      randomSeed: config.startTimeMs,
      engine: config.engine,
      log: (message) => this.#logOnce(message),
      ports: this.#bus.ports,
      acknowledgeInterrupt: () => this.#bus.acknowledgeInterrupt(),
      interruptPending: () => this.#bus.interruptPending(),
      interruptBus: this.#interruptBus,
      timer: (name, callback) => this.#events.timer(name, callback),
      startTime: () => this.#loop.time,
    });
    this.compiledCode = this.#processors.compiledCode;
    this.#loop = new Scheduler(this.#processors.all, {
      events: this.#events,
      takeRequest: () => this.#takeRequest(),
      raiseFloatError: () => this.#bus.raiseFloatError(),
      hasFirmwareHook: (physical) => this.#firmware.hooks.has(physical),
      firmwareHook: (physical) =>
        this.#firmware.hooks.get(physical)?.(this.#firmwareContexts[this.#running.index] as FirmwareContext),
    });
    this.#processors.running = () => this.#loop.running;
    const [first, ...others] = this.#processors.all;
    first.code.isHooked = (linear, physical) =>
      this.#firmware.hooks.has(physical) || this.#loop.hasBreakpoint(linear, physical);
    this.#firmwareContexts = this.#processors.all.map((processor) => this.#makeFirmwareContext(processor));
    this.#inputLog = createInputLog({
      now: () => this.#now(),
      isInTheMiddle: () => this.#loop.isInTheMiddle,
      events: this.#events,
      deliver: (device, channel, bytes) => {
        if (device === 'processor' && channel === 'random') first.randomBits.add(bytes);
        else this.#bus.input(device, channel, bytes);
      },
    });
    this.#map.accesses.answers = {
      ...this.#inputLog.answers,
      failed: (access, error) => this.onLog(`the host failed to answer ${accessText(access)}: ${error}`),
    };
    this.display = createDisplay(this.#bus.devices.get('vga') as Vga, { now: () => this.time });
    const view = (processor: Processor): Vcpu => vcpuView(processor, () => this.#loop.retiredBy(processor.index));
    this.cpus = [view(first), ...others.map(view)];
    this.reset();
  }

  get devices(): ReadonlyMap<string, Device> {
    return this.#bus.devices;
  }

  get boot(): BootPlace {
    if (this.#kernel) return { entry: entryOf(this.#kernel), loadAddress: this.#kernel.loadAddress };
    return { entry: BOOT_ADDRESS, loadAddress: BOOT_ADDRESS };
  }

  get time(): number {
    return this.#loop.time;
  }

  get retired(): number {
    return this.#loop.retired;
  }

  get inputLog(): readonly InputRecord[] {
    return this.#inputLog.records;
  }

  get stopOnExceptions(): ReadonlySet<number> {
    return this.#loop.stopOnExceptions;
  }

  set stopOnExceptions(vectors: ReadonlySet<number>) {
    this.#loop.stopOnExceptions = vectors;
  }

  run(limit: RunLimit): RunResult {
    const outcome = this.#loop.run(limit);
    return { ...outcome, cpu: this.#loop.about };
  }

  stop(): void {
    this.#loop.stop();
  }

  reset(): void {
    this.#request = undefined;
    this.#bus.reset();
    this.#map.reloadShadows();
    this.#processors.reset();
    this.#loop.reset();
  }

  addBreakpoint(breakpoint: Breakpoint): void {
    this.#loop.addBreakpoint(breakpoint);
  }

  removeBreakpoint(breakpoint: Breakpoint): void {
    this.#loop.removeBreakpoint(breakpoint);
  }

  addWatchpoint(watchpoint: Watchpoint): void {
    this.#processors.addWatchpoint(watchpoint);
  }

  removeWatchpoint(watchpoint: Watchpoint): void {
    this.#processors.removeWatchpoint(watchpoint);
  }

  get recordsCalls(): boolean {
    return this.#processors.recordsCalls;
  }

  set recordsCalls(on: boolean) {
    this.#processors.recordsCalls = on;
  }

  get recordsTrace(): boolean {
    return this.#processors.recordsTrace;
  }

  set recordsTrace(on: boolean) {
    this.#processors.recordsTrace = on;
  }

  get recordsBranches(): boolean {
    return this.#processors.recordsBranches;
  }

  set recordsBranches(on: boolean) {
    this.#processors.recordsBranches = on;
  }

  get onEvent(): Machine['onEvent'] {
    return this.#processors.onEvent;
  }

  set onEvent(listener: Machine['onEvent']) {
    this.#processors.onEvent = listener;
  }

  input(device: string, channel: string, bytes: Uint8Array): void {
    this.#inputLog.input(device, channel, bytes);
  }

  replay(records: readonly InputRecord[]): void {
    this.#inputLog.replay(records);
  }

  #deviceServices(): MachineServices {
    return {
      now: () => this.#now(),
      ticksPerSecond: this.ticksPerSecond,
      startTimeMs: this.config.startTimeMs,
      timer: (name, callback) => this.#events.timer(name, callback),
      dma: {
        read: (physicalAddress, length) => this.memory.read(physicalAddress, length),
        write: (physicalAddress, bytes) => this.#writeAsBusMaster(physicalAddress, bytes),
      },
      directMemory: (size) => this.#takeDirectMemory(size),
      accesses: this.#map.accesses,
      output: (device, channel, bytes) => this.onOutput(device, channel, bytes),
      request: (request) => this.#ask(request),
      log: (message) => this.#logOnce(message),
      setA20: (open) => this.#setA20(open),
      setInterruptPending: (pending) => this.#processors?.all[0].localApic.apic.setPin(0, pending),
      setNonMaskableInterrupt: (high) => {
        for (const { localApic } of this.#processors?.all ?? []) localApic.apic.setPin(1, high);
      },
      interruptBus: this.#interruptBus,
      ignoreFloatErrors: (ignore) => {
        if (ignore) this.#processors.ignoreFloatErrors();
      },
    };
  }

  #takeDirectMemory(size: number): DirectMemory {
    const bytes = this.#direct.subarray(0, size);
    if (bytes.length < size) throw new Error(`no ${size} bytes of direct memory are left for devices`);
    this.#direct = this.#direct.subarray(size);
    const { byteOffset: start } = bytes;
    return { bytes, revoke: () => this.#processors?.dropHosts(start, start + size) };
  }

  get #running(): Processor {
    return this.#loop.running;
  }

  /** Devices are made, and reset, before the processor is there. */
  #now(): number {
    return this.#processors === undefined ? 0 : this.#running.now();
  }

  #setA20(open: boolean): void {
    this.#map.a20Mask = open ? 0xffffffff : ~MEBIBYTE;
    this.#processors?.forgetShortcuts();
    this.#processors?.running().requestExit();
  }

  #ask(request: MachineRequest): void {
    this.#request ??= request;
    this.#running.requestExit();
  }

  #takeRequest(): MachineRequest | undefined {
    const request = this.#request;
    this.#request = undefined;
    return request;
  }

  #logOnce(message: string): void {
    if (this.#messages.has(message)) return;
    this.#messages.add(message);
    this.onLog(message);
  }

  #addRoms({ vgaFirmware, firmware }: MachineConfig): void {
    if (firmware !== 'builtin') requireFirmware('firmware', firmware, PAGE_SIZE, FIRMWARE_SIZE_MAX);
    const { rom } = this.#firmware;
    if (firmware === 'builtin') this.#map.addRom(MEBIBYTE - rom.length, rom);
    else this.#map.addShadowedFirmware(rom);
    if (vgaFirmware) {
      requireFirmware('VGA firmware', vgaFirmware, OPTION_ROM_STEP, OPTION_ROM_SIZE_MAX);
      this.#map.addShadowedRom(OPTION_ROM, vgaFirmware);
    }
    this.#map.onRomWrite = (physicalAddress, size, value) => this.#romWritten(physicalAddress, size, value);
    this.#map.onUnclaimed = (physicalAddress, direction) => this.#foundNothing(physicalAddress, direction);
  }

  #romWritten(physicalAddress: number, size: number, value: number): void {
    this.#logOnce(`the guest wrote to ROM, which keeps what it has (page ${hexPage(physicalAddress)})`);
    const { reports } = this.#running;
    if (reports.report(() => ({ kind: 'rom-write', physicalAddress, size, value }))) this.#running.requestExit();
  }

  /** Told for the first few pages: a guest that looks for the end of its memory tries many. All look for option ROMs. */
  #foundNothing(physicalAddress: number, direction: 'read' | 'write'): void {
    const page = Math.floor(physicalAddress / PAGE_SIZE);
    if (direction === 'read' && physicalAddress >= OPTION_ROM && physicalAddress < MEBIBYTE) return;
    if (this.#emptyPages.has(page) || this.#emptyPages.size > EMPTY_PAGES_NAMED_MAX) return;
    this.#emptyPages.add(page);
    const isLast = this.#emptyPages.size > EMPTY_PAGES_NAMED_MAX;
    const where = isLast ? 'many more addresses, which are not named' : `physical address ${hex(physicalAddress)}`;
    this.#logOnce(`no memory and no device at ${where}${isLast ? '' : ` (first access: ${direction})`}`);
  }

  #makeFirmwareContext(processor: Processor): FirmwareContext {
    const map = this.#map;
    return {
      state: processor.state,
      topology: this.config.topology,
      ports: this.#bus.ports,
      memory: {
        read: (physicalAddress, size) => map.read(physicalAddress, size),
        write: (physicalAddress, size, value) => {
          map.write(physicalAddress, size, value);
          processor.busWritten(physicalAddress, size);
        },
        readBytes: (physicalAddress, length) => Uint8Array.from({ length }, (_, n) => map.read(physicalAddress + n, 1)),
        writeBytes: (physicalAddress, bytes) => this.#writeAsBusMaster(physicalAddress, bytes),
      },
      load: (physicalAddress, bytes) => this.#writeAsBusMaster(physicalAddress, bytes),
      ram: guestRam(this.config),
      floppy: this.config.floppy,
      disk: this.config.disk,
      cdrom: this.config.cdrom,
      kernel: this.#kernel,
      now: () => this.time,
      ticksPerSecond: this.ticksPerSecond,
      request: (request) => this.#ask(request),
      logOnce: (message) => this.#logOnce(message),
    };
  }

  /** Reaches RAM and device windows; ROM keeps what it has. */
  #writeAsBusMaster(physicalAddress: number, bytes: Uint8Array): void {
    const written = this.#map.writeBytes(physicalAddress, bytes);
    this.#running.busWritten(physicalAddress, written);
  }
}
