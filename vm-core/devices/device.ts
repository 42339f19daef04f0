/**
 * The boundary between a device and the machine (DESIGN §7).
 *
 * A device sees offsets into its own regions, its named output lines, virtual time, DMA and named channels to the host.
 * It never sees the CPU, its own address, or the host. All of its state is one plain object, so that reset, snapshots,
 * the device view and the fuzz loop are the same code for every device.
 */
import type { InterruptBus } from './interrupt-bus.ts';

/** Plain data only: what a snapshot can copy without knowing the device. */
export type StateValue =
  | number
  | boolean
  | string
  | Uint8Array
  | readonly StateValue[]
  | { readonly [key: string]: StateValue };

/** The whole state of a device; keys are stable names, part of the snapshot format of the description's version. */
export type DeviceState = Record<string, StateValue>;

/** One register as the data sheet has it; the device view shows `value(state)`. */
export interface DeviceRegister<State> {
  readonly name: string;
  /** Region name and byte offset inside it; absent for registers that are reached by a sequence or not at all. */
  readonly region?: string;
  readonly offset?: number;
  /** Width in bits. */
  readonly width: number;
  /** Value after reset. */
  readonly reset: number;
  /** Bits that a guest write may change. */
  readonly writable: number;
  readonly description: string;
  value(state: State): number;
}

/** A run of I/O ports or memory addresses; offsets start at 0. Values are unsigned integers of `size` bytes. */
export interface Region {
  /** Length in bytes (ports or addresses). */
  readonly size: number;
  /** The widest access the device takes, in bits; the bus splits wider ones into consecutive offsets, low part first. */
  readonly width: 8 | 16 | 32;
  read(offset: number, size: 1 | 2 | 4): number;
  write(offset: number, size: 1 | 2 | 4, value: number): void;
  /**
   * Asked instead of `read` when an instruction reads, by a device that may not have the answer yet: the instruction stops
   * in the middle until the promise has settled, and continues with its value. Asked once for each access. Whether the
   * answer comes later must follow from the device's state, as everything that a device does; `read` is for bus masters
   * and firmware, which cannot wait.
   */
  readLater?(offset: number, size: 1 | 2 | 4): number | Promise<number>;
  /** The same for writes: the instruction goes on when the write is complete. */
  writeLater?(offset: number, size: 1 | 2 | 4, value: number): undefined | Promise<void>;
  /**
   * Where the bytes from an offset to the end of its page of 4 KiB are plain memory that the processor reaches without
   * asking: their place in the machine's memory, otherwise -1. With `willWrite` the device takes the page for changed
   * until it revokes what it has given.
   */
  direct?(offset: number, willWrite: boolean): number;
  /** The byte at an offset for a debugger: changes nothing. Absent where a look would be a guess. */
  peek?(offset: number): number;
}

/** An event of the device in the machine's one queue; at most one deadline at a time. */
export interface Timer {
  /** Absolute virtual time in ticks, or undefined while the timer is not armed. */
  readonly deadline: number | undefined;
  /** Calls the callback once when virtual time reaches `deadline`; replaces an earlier deadline. */
  arm(deadline: number): void;
  cancel(): void;
}

/**
 * What a timer calls. One that needs data which the host has not delivered yet changes nothing and returns what it waits
 * for: the machine stands still at this tick, and the callback is called again once the promise has settled.
 */
export type TimerCallback = (() => void) | (() => Promise<void> | undefined);

/** How far a transfer over a DMA channel went. */
export interface DmaProgress {
  /** Bytes transferred; fewer than offered where the channel is masked, off, or came to its terminal count. */
  readonly count: number;
  /** The last of them was the last that the channel was programmed for. */
  readonly terminalCount: boolean;
}

/** A channel of the DMA controller, as the device at its DREQ and DACK pins has it. */
export interface DmaChannel {
  /** Requests cycles that bring the device's bytes to memory. */
  send(bytes: Uint8Array): DmaProgress;
  /** Requests cycles that bring bytes of memory to the device: they fill `target` from its start. */
  receive(target: Uint8Array): DmaProgress;
}

/** Memory of a device that the processor may reach without asking. */
export interface DirectMemory {
  /** Zeros in the machine's memory at first. */
  readonly bytes: Uint8Array;
  /** Takes back every place that `Region.direct` has given. */
  revoke(): void;
}

/** What a device is given when the machine makes it. Names are the device's own; the machine map connects them. */
export interface DeviceContext {
  /** Virtual time in ticks since power-on; one retired instruction is one tick. */
  now(): number;
  /** How many ticks make a second of guest time. */
  readonly ticksPerSecond: number;
  /** Makes a named timer; the name is stable, it identifies the deadline in snapshots. */
  timer(name: string, callback: TimerCallback): Timer;
  /** Drives a named output line (an IRQ, A20, reset, speaker …). Lines are level-triggered wires; low at reset. */
  setLine(name: string, high: boolean): void;
  /** The DMA channel that the machine map connects to the device under this name. */
  dmaChannel(name: string): DmaChannel;
  /** Where interrupts go as messages to the processors. */
  readonly interruptBus: Pick<InterruptBus, 'send' | 'onEnd'>;
  /** Bytes to the host on a named channel (`serial`, `debugcon` …). */
  output(channel: string, bytes: Uint8Array): void;
  /** A request to the machine that ends or restarts the run. */
  request(request: MachineRequest): void;
  /** The host's date and time when the machine was started, in milliseconds since 1970 (from the input log). */
  readonly startTimeMs: number;
  /** Guest-physical memory as a bus master sees it. */
  readonly dma: {
    read(physicalAddress: number, length: number): Uint8Array;
    write(physicalAddress: number, bytes: Uint8Array): void;
  };
  /** Memory that the processor can reach; absent where there is none to be had. */
  directMemory?(size: number): DirectMemory;
  /** Says once per message that the guest touched something not modelled. */
  logOnce(message: string): void;
}

export type MachineRequest =
  | { readonly kind: 'reset' }
  | { readonly kind: 'power-off' }
  | { readonly kind: 'boot-failure'; readonly message: string }
  | { readonly kind: 'exit'; readonly value: number };

/** What is the same for every instance of a device. */
export interface DeviceDescription<State extends DeviceState> {
  /** Kebab-case, unique. */
  readonly name: string;
  readonly title: string;
  /** Data sheet and section. */
  readonly specification: string;
  /** Version of the state's layout. */
  readonly version: number;
  readonly registers: readonly DeviceRegister<State>[];
}

/** A live device. `state` is replaced in place (`Object.assign`) by reset and by snapshots, so it must hold everything. */
export interface Device<State extends DeviceState = DeviceState> {
  readonly description: DeviceDescription<State>;
  readonly state: State;
  readonly ports: Readonly<Record<string, Region>>;
  readonly memory?: Readonly<Record<string, Region>>;
  /** Named input lines (for example the PIC's `irq0`…). */
  readonly inputs?: Readonly<Record<string, (high: boolean) => void>>;
  /** What a DMA controller gives to other devices, by the names that the machine map uses (`channel2`…). */
  readonly dmaChannels?: Readonly<Record<string, DmaChannel>>;
  /** Input from the host, delivered through the input log on a named channel (`keyboard`, `mouse`, `serial` …). */
  readonly channels?: Readonly<Record<string, (bytes: Uint8Array) => void>>;
  /** Power-on and RESET: puts `state` to its reset values and lines and timers to rest. */
  reset(): void;
  /** Called after `state` was replaced from a snapshot, to rebuild what is derived from it. */
  restored?(): void;
}
