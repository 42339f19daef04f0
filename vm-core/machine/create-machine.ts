/** Puts a machine together from its configuration: memory, map, devices, processor, firmware. */
import { resetCpu } from '../cpu/reset.ts';
import { ignoreFloatErrors } from '../cpu/x87-errors.ts';
import type { Device, DirectMemory, MachineRequest } from '../devices/device.ts';
import { createEventQueue, type EventQueue } from '../devices/event-queue.ts';
import { InterruptBus } from '../devices/interrupt-bus.ts';
import { createDisplay } from '../devices/vga/display.ts';
import type { Vga } from '../devices/vga/vga.ts';
import { Processor } from '../engine/processor.ts';
import { Scheduler } from '../engine/scheduler.ts';
import { TICKS_PER_SECOND } from '../engine/surroundings.ts';
import { BOOT_ADDRESS, createBuiltinBios } from '../firmware/builtin/builtin-bios.ts';
import type { Firmware, FirmwareContext } from '../firmware/firmware.ts';
import { modelFacts } from '../isa/cpu-model.ts';
import { accessText } from '../memory/access-log.ts';
import { guestRam } from '../memory/guest-ram.ts';
import { createMemory, PAGE_SIZE, RAM_BASE } from '../memory/layout.ts';
import { entryOf, type KernelPlan, planKernel } from '../firmware/kernel/kernel-boot.ts';
import { PhysicalMap } from '../memory/physical-map.ts';
import { requireFirmware, requireFloppySize, requireMemorySize, requireTicksPerSecond } from './config-limits.ts';
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
import { cpuCount, ONE_CPU, requireTopology } from './topology.ts';
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
  const topology = config.topology ?? ONE_CPU;
  requireTopology(topology, modelFacts(config.cpuModel));
  if (cpuCount(topology) > 1) throw new Error('topology: a machine has one processor; others are to come');
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
  readonly cpus: readonly [Vcpu];
  readonly memory: PhysicalMemoryView;
  readonly dirtyLog: DirtyLogView;
  readonly display: Display;
  readonly ticksPerSecond: number;
  onOutput: Machine['onOutput'] = () => {};
  onLog: Machine['onLog'] = () => {};
  readonly #map: PhysicalMap;
  /** Memory of devices that the processor reaches directly, as far as it is not given away. */
  #direct: Uint8Array;
  readonly #events: EventQueue = createEventQueue();
  readonly #interruptBus = new InterruptBus();
  readonly #bus: DeviceBus;
  readonly #processor: Processor;
  readonly #loop: Scheduler;
  readonly #inputLog: InputLog;
  readonly #firmware: Firmware;
  readonly #kernel: KernelPlan | undefined;
  readonly #firmwareContext: FirmwareContext;
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
    this.memory = physicalMemoryView(this.#map, (physical, size) => this.#processor.codeWritten(physical, size));
    this.dirtyLog = this.#map.dirty;
    this.#bus = createDeviceBus(isaPc, config, this.#deviceServices());
    for (const window of this.#bus.memory) this.#map.addWindow(window);
    this.#firmware =
      config.firmware === 'builtin'
        ? createBuiltinBios({ machine: config })
        : { rom: config.firmware, hooks: new Map() };
    this.#addRoms(config);
    this.#processor = new Processor(memory, this.#map, {
      model: config.cpuModel,
      ticksPerSecond: this.ticksPerSecond,
      randomSeed: config.startTimeMs,
      log: (message) => this.#logOnce(message),
      ports: this.#bus.ports,
      acknowledgeInterrupt: () => this.#bus.acknowledgeInterrupt(),
      interruptPending: () => this.#bus.interruptPending(),
      interruptBus: this.#interruptBus,
      timer: (name, callback) => this.#events.timer(`processor/${name}`, callback),
      startTime: () => this.#loop.time,
    });
    this.#loop = new Scheduler([this.#processor], {
      events: this.#events,
      takeRequest: () => this.#takeRequest(),
      raiseFloatError: () => this.#bus.raiseFloatError(),
      hasFirmwareHook: (physical) => this.#firmware.hooks.has(physical),
      firmwareHook: (physical) => this.#firmware.hooks.get(physical)?.(this.#firmwareContext),
    });
    this.#processor.code.isHooked = (linear, physical) =>
      this.#firmware.hooks.has(physical) || this.#loop.hasBreakpoint(linear, physical);
    this.#firmwareContext = this.#makeFirmwareContext();
    this.#inputLog = createInputLog({
      now: () => this.#now(),
      isInTheMiddle: () => this.#loop.isInTheMiddle,
      events: this.#events,
      deliver: (device, channel, bytes) => {
        if (device === 'processor' && channel === 'random') this.#processor.randomBits.add(bytes);
        else this.#bus.input(device, channel, bytes);
      },
    });
    this.#map.accesses.answers = {
      ...this.#inputLog.answers,
      failed: (access, error) => this.onLog(`the host failed to answer ${accessText(access)}: ${error}`),
    };
    this.display = createDisplay(this.#bus.devices.get('vga') as Vga, { now: () => this.time });
    this.cpus = [vcpuView(this.#processor, () => this.#loop.retired)];
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
    return { ...this.#loop.run(limit), cpu: 0 };
  }

  stop(): void {
    this.#loop.stop();
  }

  reset(): void {
    this.#request = undefined;
    this.#bus.reset();
    this.#map.reloadShadows();
    this.#processor.invalidateCode();
    resetCpu(this.#processor.state, this.#processor.model);
    this.#processor.callShadow.reset();
    this.#loop.reset();
    this.#processor.translations.flushAll();
    this.#processor.refresh();
  }

  addBreakpoint(breakpoint: Breakpoint): void {
    this.#loop.addBreakpoint(breakpoint);
  }

  removeBreakpoint(breakpoint: Breakpoint): void {
    this.#loop.removeBreakpoint(breakpoint);
  }

  addWatchpoint(watchpoint: Watchpoint): void {
    if ((watchpoint.cpu ?? 0) !== 0) return;
    this.#processor.watches.add(watchpoint);
    this.#processor.forgetShortcuts();
  }

  removeWatchpoint(watchpoint: Watchpoint): void {
    this.#processor.watches.remove(watchpoint);
  }

  get recordsCalls(): boolean {
    return this.#processor.callShadow.isOn;
  }

  set recordsCalls(on: boolean) {
    this.#processor.callShadow.isOn = on;
  }

  get recordsTrace(): boolean {
    return this.#processor.trace.isOn;
  }

  set recordsTrace(on: boolean) {
    this.#processor.trace.isOn = on;
  }

  get recordsBranches(): boolean {
    return this.#processor.branches.isOn;
  }

  set recordsBranches(on: boolean) {
    this.#processor.branches.isOn = on;
  }

  get onEvent(): Machine['onEvent'] {
    return this.#processor.reports.onEvent;
  }

  set onEvent(listener: Machine['onEvent']) {
    this.#processor.reports.onEvent = listener;
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
      setInterruptPending: (pending) => this.#processor?.localApic.apic.setPin(0, pending),
      setNonMaskableInterrupt: (high) => this.#processor?.localApic.apic.setPin(1, high),
      interruptBus: this.#interruptBus,
      ignoreFloatErrors: (ignore) => {
        if (ignore) ignoreFloatErrors(this.#processor.state);
      },
    };
  }

  #takeDirectMemory(size: number): DirectMemory {
    const bytes = this.#direct.subarray(0, size);
    if (bytes.length < size) throw new Error(`no ${size} bytes of direct memory are left for devices`);
    this.#direct = this.#direct.subarray(size);
    const { byteOffset: start } = bytes;
    return { bytes, revoke: () => this.#processor?.linear.dropHosts(start, start + size) };
  }

  /** Devices are made, and reset, before the processor is there. */
  #now(): number {
    return this.#processor === undefined ? 0 : this.#processor.now();
  }

  #setA20(open: boolean): void {
    this.#map.a20Mask = open ? 0xffffffff : ~MEBIBYTE;
    this.#processor?.forgetShortcuts();
    this.#processor?.requestExit();
  }

  #ask(request: MachineRequest): void {
    this.#request ??= request;
    this.#processor.requestExit();
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
    const { reports } = this.#processor;
    if (reports.report(() => ({ kind: 'rom-write', physicalAddress, size, value }))) this.#processor.requestExit();
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

  #makeFirmwareContext(): FirmwareContext {
    const map = this.#map;
    return {
      state: this.#processor.state,
      ports: this.#bus.ports,
      memory: {
        read: (physicalAddress, size) => map.read(physicalAddress, size),
        write: (physicalAddress, size, value) => {
          map.write(physicalAddress, size, value);
          this.#processor.busWritten(physicalAddress, size);
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
    this.#processor.busWritten(physicalAddress, written);
  }
}
