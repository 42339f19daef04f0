/**
 * Puts the devices of a machine's map together (DESIGN §7): creates them, maps their regions, connects their lines, and
 * names their timers. Devices know none of this; the processor's side sees ports, memory windows and one interrupt pin.
 */
import type {
  Device,
  DeviceContext,
  DeviceState,
  DirectMemory,
  DmaChannel,
  MachineRequest,
  Region,
  Timer,
  TimerCallback,
} from '../devices/device.ts';
import { cloneState, resetState } from '../devices/device-state.ts';
import type { InterruptBus } from '../devices/interrupt-bus.ts';
import type { Pic } from '../devices/pic/pic.ts';
import { picDescription } from '../devices/pic/pic-state.ts';
import type { AccessLog } from '../memory/access-log.ts';
import type { MachineConfig } from './machine.ts';
import { createPortSpace, type MappedPortSpace } from './port-space.ts';

/** An input of a device, `instance.input`, or of the machine itself: `machine.intr`, `machine.a20`. */
export type LineTarget = `${string}.${string}`;

/** A channel of a DMA controller: `instance.channel`. */
export type DmaTarget = `${string}.${string}`;

/** One device of a machine. */
export interface DeviceRow {
  /** The instance's name: unique, stable, part of snapshots and of the input log. */
  readonly name: string;
  readonly create: (context: DeviceContext, config: MachineConfig) => Device;
  /** First port, or first physical address, of each region of the device. */
  readonly ports: Readonly<Record<string, number>>;
  readonly memory?: Readonly<Record<string, number>>;
  /** Where each output line goes. Lines that meet at one input are OR-ed. */
  readonly lines?: Readonly<Record<string, LineTarget>>;
  /** Which DMA channel each of the device's is. */
  readonly dmaChannels?: Readonly<Record<string, DmaTarget>>;
  /** Whether the machine has the device; absent: always. */
  readonly isPresent?: (config: MachineConfig) => boolean;
}

/** The I/O and memory map of a machine. */
export interface MachineMap {
  /** Instances that the processor's INTA cycle reaches. */
  readonly interruptControllers: { readonly master: string; readonly slave: string };
  /** Inputs that are wired to the same lines as others: what drives the one drives the other, where that is there. */
  readonly sharedInputs?: Readonly<Record<LineTarget, LineTarget>>;
  /** Where the processor's FERR# goes. */
  readonly floatError?: { readonly device: string; readonly input: string };
  readonly devices: readonly DeviceRow[];
}

/** What the machine gives to its devices. */
export interface MachineServices {
  /** Virtual time in ticks. */
  now(): number;
  readonly ticksPerSecond: number;
  readonly startTimeMs: number;
  /** Makes a timer of the machine's event queue. */
  timer(name: string, callback: TimerCallback): Timer;
  readonly dma: DeviceContext['dma'];
  readonly directMemory?: (size: number) => DirectMemory;
  /** Where an instruction's accesses to devices are kept; absent where none of them may answer later. */
  readonly accesses?: AccessLog;
  output(device: string, channel: string, bytes: Uint8Array): void;
  request(request: MachineRequest): void;
  /** Called at most once per message. */
  log(message: string): void;
  /** The A20 gate: closed (false) until the first call. */
  setA20(open: boolean): void;
  /** The processor's INTR pin changed; low until the first call. */
  setInterruptPending(pending: boolean): void;
  /** Its NMI pin. */
  setNonMaskableInterrupt(high: boolean): void;
  /** Between the interrupt controllers that send messages and the processors. */
  readonly interruptBus: InterruptBus;
  /** The processor's IGNNE# pin. */
  ignoreFloatErrors(ignore: boolean): void;
}

/** A device's memory region at its place in the physical map. */
export interface MemoryWindow {
  readonly device: string;
  readonly start: number;
  readonly size: number;
  readonly region: Region;
}

/** The devices' part of a snapshot. */
export interface DeviceBusState {
  readonly devices: Readonly<Record<string, { readonly version: number; readonly state: DeviceState }>>;
  /** Levels of the output lines, by `instance.line`. */
  readonly lines: Readonly<Record<string, boolean>>;
}

export interface DeviceBus {
  /** By instance name, in the map's order. */
  readonly devices: ReadonlyMap<string, Device>;
  readonly ports: MappedPortSpace;
  readonly memory: readonly MemoryWindow[];
  /** The INTA cycle: the vector of the pending interrupt, or of a spurious one. */
  acknowledgeInterrupt(): number;
  interruptPending(): boolean;
  /** The processor's FERR# pin tells of a floating-point error. */
  raiseFloatError(): void;
  /** RESET of every device. */
  reset(): void;
  /** Hands bytes to a channel; throws an Error that names what is there if the device or channel does not exist. */
  input(device: string, channel: string, bytes: Uint8Array): void;
  save(): DeviceBusState;
  /** Timers are the event queue's part of a snapshot. */
  restore(state: DeviceBusState): void;
}

/** A guest may try every port there is; a developer looks for the few that it should not have tried. */
const EMPTY_PORTS_NAMED_MAX = 32;

/** Builds the devices of `map` that `config` asks for, in their power-on state. */
export function createDeviceBus(map: MachineMap, config: MachineConfig, services: MachineServices): DeviceBus {
  const all = [...map.devices, ...(config.devices ?? [])];
  const rows = all.filter((row) => row.isPresent?.(config) ?? true);
  const messages = new Set<string>();
  const logOnce = (message: string): void => {
    if (messages.has(message)) return;
    messages.add(message);
    services.log(message);
  };
  let portsNamed = 0;
  const ports = createPortSpace((port, direction) => {
    portsNamed += 1;
    const name = `${port.toString(16).toUpperCase().padStart(3, '0')}h`;
    if (portsNamed <= EMPTY_PORTS_NAMED_MAX) logOnce(`no device at port ${name} (first access: ${direction})`);
    else logOnce('no device at many more ports, which are not named');
  }, services.accesses);
  const devices = new Map<string, Device>();
  const wiring = createWiring(rows, devices, services, map.sharedInputs ?? {});
  const dmaWiring = createDmaWiring(devices);

  for (const row of rows) {
    const context: DeviceContext = {
      now: () => services.now(),
      ticksPerSecond: services.ticksPerSecond,
      timer: (name, callback) => services.timer(`${row.name}/${name}`, callback),
      setLine: wiring.driverOf(row.name),
      dmaChannel: (name) => dmaWiring.connect(row, name),
      output: (channel, bytes) => services.output(row.name, channel, bytes),
      request: (request) => services.request(request),
      startTimeMs: services.startTimeMs,
      dma: services.dma,
      interruptBus: services.interruptBus,
      ...(services.directMemory ? { directMemory: services.directMemory } : {}),
      logOnce: (message) => logOnce(`${row.name}: ${message}`),
    };
    devices.set(row.name, row.create(context, config));
  }
  dmaWiring.check();
  const memory = rows.flatMap((row) => mapRegions(row, deviceNamed(devices, row.name), ports));
  const master = picNamed(devices, map.interruptControllers.master);
  const slave = picNamed(devices, map.interruptControllers.slave);

  const bus: DeviceBus = {
    devices,
    ports,
    memory,
    acknowledgeInterrupt: () => master.acknowledge((slaveNumber) => slave.acknowledgeAsSlave(slaveNumber)),
    interruptPending: () => wiring.isHigh('machine.intr'),
    raiseFloatError() {
      if (!map.floatError) return;
      const { device, input } = map.floatError;
      for (const high of [true, false]) deviceNamed(devices, device).inputs?.[input]?.(high);
    },
    reset() {
      for (const device of devices.values()) device.reset();
    },
    input(device, channel, bytes) {
      const receive = deviceNamed(devices, device).channels?.[channel];
      if (receive === undefined) throw new Error(`the device "${device}" has no input channel "${channel}"`);
      receive(bytes);
    },
    save: () => ({
      devices: Object.fromEntries(
        [...devices].map(([name, { description, state }]) => [
          name,
          { version: description.version, state: cloneState(state) },
        ]),
      ),
      lines: wiring.save(),
    }),
    restore(state) {
      for (const [name, device] of devices) {
        const saved = state.devices[name];
        if (saved?.version !== device.description.version) {
          throw new Error(`the snapshot has no state that the device "${name}" of this version can take`);
        }
        resetState(device.state, saved.state);
        device.restored?.();
      }
      wiring.restore(state.lines);
    },
  };
  bus.reset();
  return bus;
}

/** Maps the regions of one device; returns its memory windows. A region without a place is a mistake in the map. */
function mapRegions(row: DeviceRow, device: Device, ports: MappedPortSpace): MemoryWindow[] {
  for (const [name, region] of Object.entries(device.ports)) ports.map(placeOf(row, row.ports, name), region, row.name);
  return Object.entries(device.memory ?? {}).map(([name, region]) => ({
    device: row.name,
    start: placeOf(row, row.memory ?? {}, name),
    size: region.size,
    region,
  }));
}

function placeOf(row: DeviceRow, places: Readonly<Record<string, number>>, region: string): number {
  const place = places[region];
  if (place === undefined) throw new Error(`the map has no place for the region "${region}" of "${row.name}"`);
  return place;
}

function deviceNamed(devices: ReadonlyMap<string, Device>, name: string): Device {
  const device = devices.get(name);
  if (device === undefined) {
    throw new Error(`the machine has no device "${name}"; it has ${[...devices.keys()].join(', ')}`);
  }
  return device;
}

function picNamed(devices: ReadonlyMap<string, Device>, name: string): Pic {
  const device = deviceNamed(devices, name);
  if (device.description.name !== picDescription.name) throw new Error(`"${name}" is no interrupt controller`);
  return device as Pic;
}

/** The input side of a wire: high while any of its drivers is. */
interface Sink {
  driversHigh: number;
  readonly drive: (high: boolean) => void;
}

/** One output line of a device. */
interface Driver {
  high: boolean;
  readonly sink: Sink;
}

interface Wiring {
  /** The `setLine` of one device. */
  driverOf(device: string): (line: string, high: boolean) => void;
  isHigh(target: LineTarget): boolean;
  save(): Record<string, boolean>;
  restore(levels: Readonly<Record<string, boolean>>): void;
}

function createWiring(
  rows: readonly DeviceRow[],
  devices: ReadonlyMap<string, Device>,
  services: MachineServices,
  sharedInputs: Readonly<Record<LineTarget, LineTarget>>,
): Wiring {
  const machineInputs: Readonly<Record<string, (high: boolean) => void>> = {
    intr: (high) => services.setInterruptPending(high),
    nmi: (high) => services.setNonMaskableInterrupt(high),
    a20: (high) => services.setA20(high),
    ignne: (high) => services.ignoreFloatErrors(high),
  };
  const sinks = new Map<LineTarget, Sink>();
  const sinkOf = (target: LineTarget): Sink => {
    const known = sinks.get(target);
    if (known !== undefined) return known;
    const [owner, input] = target.split('.') as [string, string];
    const drive = (high: boolean): void => {
      const inputs = owner === 'machine' ? machineInputs : devices.get(owner)?.inputs;
      const receive = inputs?.[input];
      if (receive === undefined) throw new Error(`the map connects a line to "${target}", which does not exist`);
      receive(high);
      const [sharer, shared] = (sharedInputs[target] ?? '').split('.') as [string, string?];
      if (shared !== undefined) devices.get(sharer)?.inputs?.[shared]?.(high);
    };
    const sink = { driversHigh: 0, drive };
    sinks.set(target, sink);
    return sink;
  };

  const drivers = new Map<string, Map<string, Driver>>();
  for (const { name, lines } of rows) {
    const ofDevice = Object.entries(lines ?? {}).map(([line, to]): [string, Driver] => [
      line,
      { high: false, sink: sinkOf(to) },
    ]);
    drivers.set(name, new Map(ofDevice));
  }

  return {
    driverOf(device) {
      const ofDevice = drivers.get(device) as Map<string, Driver>;
      return (line, high) => {
        const driver = ofDevice.get(line);
        if (driver === undefined) throw new Error(`the map does not connect the line "${line}" of "${device}"`);
        if (driver.high === high) return;
        driver.high = high;
        driver.sink.driversHigh += high ? 1 : -1;
        if (driver.sink.driversHigh === (high ? 1 : 0)) driver.sink.drive(high);
      };
    },
    isHigh: (target) => sinkOf(target).driversHigh > 0,
    save: () =>
      Object.fromEntries(
        [...drivers].flatMap(([device, lines]) => [...lines].map(([line, { high }]) => [`${device}.${line}`, high])),
      ),
    restore(levels) {
      for (const sink of sinks.values()) sink.driversHigh = 0;
      for (const [device, lines] of drivers) {
        for (const [line, driver] of lines) {
          driver.high = levels[`${device}.${line}`] === true;
          if (driver.high) driver.sink.driversHigh += 1;
        }
      }
      // Devices have the levels of their inputs in their state; the machine's own pins have not.
      for (const [name, drive] of Object.entries(machineInputs)) drive(sinkOf(`machine.${name}`).driversHigh > 0);
    },
  };
}

interface DmaWiring {
  /** The channel that a device's name for it stands for; it works once all devices are there. */
  connect(row: DeviceRow, name: string): DmaChannel;
  /** Throws an Error if a channel that was asked for does not exist. */
  check(): void;
}

function createDmaWiring(devices: ReadonlyMap<string, Device>): DmaWiring {
  const connections: (() => DmaChannel)[] = [];
  return {
    connect(row, name) {
      const target = row.dmaChannels?.[name];
      if (target === undefined) throw new Error(`the map does not connect the DMA channel "${name}" of "${row.name}"`);
      const [owner, channel] = target.split('.') as [string, string];
      const find = (): DmaChannel => {
        const found = devices.get(owner)?.dmaChannels?.[channel];
        if (found === undefined) throw new Error(`the map connects DMA to "${target}", which does not exist`);
        return found;
      };
      connections.push(find);
      return { send: (bytes) => find().send(bytes), receive: (target) => find().receive(target) };
    },
    check() {
      for (const find of connections) find();
    },
  };
}
