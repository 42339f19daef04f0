/**
 * The machine as its embedder sees it: what the debug adapter, the command line and tests are written against. Between
 * two calls the machine is at rest between two instructions.
 */
import type { Register } from '../state/register-table.ts';
import type { BlockStore } from './block-store.ts';
import type { BranchRecord } from './branch-record.ts';
import type { CompiledCode } from './compiled-code.ts';
import type { DeviceRow } from './device-bus.ts';
import type { Device, MachineRequest } from '../devices/device.ts';
import type { KernelImages } from '../firmware/kernel/kernel-boot.ts';
import type { CpuModel, LocalApicChoice } from '../isa/cpu-model.ts';
import type { PendingAccess } from '../memory/access-log.ts';
import type { CpuMode, Vcpu } from './vcpu.ts';
import type { Topology } from '../cpu/topology.ts';

export type MachineType = 'isa-1';

/** How code is executed. */
export type EngineChoice = 'interpreter' | 'compiler';

/** What a machine is made of. Sizes are in bytes. */
export interface MachineConfig {
  readonly machineType: MachineType;
  readonly cpuModel: CpuModel;
  /** `hidden`: the guest finds no APIC, whatever the model has; INTR and NMI go straight to the processor. Default: `model`. */
  readonly localApic?: LocalApicChoice;
  /** RAM in bytes: 1 MiB to 2 GiB, a multiple of 64 KiB. */
  readonly memorySize: number;
  /** Where RAM below 4 GiB ends; the rest of it lies from 4 GiB on. Default: none does. A multiple of 64 KiB, at least 1 MiB. */
  readonly memoryLowSize?: number;
  /** The built-in BIOS, or an image that ends at the top of the first MiB and of 4 GiB. */
  readonly firmware: 'builtin' | Uint8Array;
  /** An option ROM at C0000h. */
  readonly vgaFirmware?: Uint8Array;
  /** Drive 00h and drive 80h of the BIOS. */
  readonly floppy?: BlockStore;
  readonly disk?: BlockStore;
  /** A disc of sectors of 2,048 bytes. */
  readonly cdrom?: BlockStore;
  /** Booted directly by the built-in BIOS, instead of a drive. */
  readonly kernel?: KernelImages;
  /** Port F4h ends the run with (value << 1) | 1. */
  readonly exitDevice: boolean;
  /** Host time at power-on, milliseconds since 1970, local time as an RTC holds it. */
  readonly startTimeMs: number;
  /** Devices of the embedder, beside those of the machine type. */
  readonly devices?: readonly DeviceRow[];
  /** Guest time: ticks (retired instructions) per second. Default 200,000,000. */
  readonly ticksPerSecond?: number;
  /** How code is executed: `compiler` makes WebAssembly of what is hot. Guests see no difference. Default: `compiler`. */
  readonly engine?: EngineChoice | 'compiler-at-once' | `compiler-random:${number}`;
  /** The processors; default: one. */
  readonly topology?: Topology;
}

/** Limits of one call of `run`. */
export interface RunLimit {
  /**
   * Instructions to retire at most. With 0 only what is pending is delivered: a fault that was shown, interrupts. A run may
   * also end with `limit` before the count is reached, when the guest makes no progress (handlers that fault at once).
   */
  readonly instructionsMax: number;
  /** Virtual time not to pass while the processor is halted, in ticks; default: no limit (time skips to the next event). */
  readonly timeMax?: number;
  /**
   * Do not report a breakpoint on the very first instruction: it is where the last run stopped. An array has the indices of
   * the vCPUs of which that is true.
   */
  readonly resume?: boolean | readonly number[];
  /**
   * `instructionsMax` counts what the vCPU with this index retires; the others run as the schedule has it. While it does not
   * come to run, the run ends with `limit` now and then, about another vCPU. Without an instruction its turn is waited for,
   * in which what is pending is delivered.
   */
  readonly ofCpu?: number;
  /** Only the vCPU with this index runs, the others stand still: an intervention of the user, as writing a register is. */
  readonly onlyCpu?: number;
  /** Stop behind the next branch that is taken, with EIP where it leads; interrupts and exceptions count. */
  readonly untilBranch?: boolean;
}

/** An exception or interrupt as it was delivered or failed to be. */
export interface EventRecord {
  readonly vector: number;
  readonly errorCode: number | undefined;
  /** `exception` for faults, traps and aborts of the processor, `software` for INT n, `external` for IRQ and NMI. */
  readonly kind: 'exception' | 'software' | 'external';
  /** Where the processor was. */
  readonly cs: number;
  readonly eip: number;
  readonly linearAddress: number;
}

/** Why `run` came back, and the index of the vCPU that this is about. */
export type RunResult = RunOutcome & { readonly cpu: number };

export type RunOutcome =
  | { readonly reason: 'limit' }
  /** Stopped before the instruction at the breakpoint. */
  | { readonly reason: 'breakpoint'; readonly breakpoints: readonly Breakpoint[] }
  /** Stopped after an instruction that accessed watched memory. */
  | { readonly reason: 'watchpoint'; readonly hits: readonly WatchHit[] }
  /** `onEvent` asked to stop. */
  | { readonly reason: 'event'; readonly event: MachineEvent }
  /** `untilBranch`: this one was taken. */
  | { readonly reason: 'branch'; readonly branch: BranchRecord }
  /** An exception that the embedder asked to see; it is delivered by the next run, unless EIP is moved before. */
  | { readonly reason: 'exception'; readonly event: EventRecord }
  /** HLT, with nothing to wake the processor before `timeMax`. */
  | { readonly reason: 'halted'; readonly nextEvent: number | undefined }
  /**
   * The machine needs the host; run again when `ready` has settled. Without an access it waits for data of a disk; with one
   * an instruction, or the delivery of an interrupt, waits in its middle for a device and continues there.
   */
  | { readonly reason: 'waiting'; readonly ready: Promise<void>; readonly access?: PendingAccess }
  /** The processor shut down; nothing was reset. The chain's last record could not be delivered. */
  | { readonly reason: 'triple-fault'; readonly chain: readonly EventRecord[] }
  /**
   * A device asked for reset, power-off or exit, or firmware found nothing to boot (it says so on the screen and goes on if
   * run again). A reset has not been carried out yet: call `reset()`.
   */
  | { readonly reason: 'request'; readonly request: MachineRequest }
  /** The guest used something that is not modelled yet; EIP is at the instruction. */
  | { readonly reason: 'unsupported'; readonly what: string }
  /** `stop()` was called from a callback. */
  | { readonly reason: 'stopped' };

/** An instruction breakpoint; it costs nothing where it is not. */
export interface Breakpoint {
  readonly address: number;
  /** Linear addresses hold whatever CS:IP pair reaches them; physical ones hold through every mapping. */
  readonly space: 'linear' | 'physical';
  /** Called with the index of the vCPU and the machine at rest before the instruction; the run goes on unless it returns true. */
  readonly reached: (cpu: number) => boolean;
  /** Where it does not hold, `reached` would do nothing and return false; it need not be called then. */
  readonly filter?: BreakpointFilter;
  /** Index of the vCPU that it is for; default: all. */
  readonly cpu?: number;
}

/** A comparison of bits `low`…`low + width - 1` of a register, which lie in its lower 32, with a number; unsigned. */
export interface BreakpointFilter {
  readonly register: Register;
  readonly low: number;
  readonly width: number;
  readonly comparison: '==' | '!=' | '<' | '<=' | '>' | '>=';
  readonly value: number;
}

/** A place in memory whose accesses stop the machine after the instruction that made them. */
export interface Watchpoint {
  readonly address: number;
  /** In bytes, any number. */
  readonly length: number;
  readonly space: 'linear' | 'physical';
  readonly access: 'read' | 'write' | 'read-write';
  /** Called with the machine at rest after the instruction; the run goes on unless it returns true. */
  readonly reached: (access: MemoryAccess) => boolean;
  /** Index of the vCPU whose accesses count, those of bus masters while it runs included; default: all. */
  readonly cpu?: number;
}

/** An access of the processor, or of firmware or a bus master on its behalf. */
export interface MemoryAccess {
  readonly kind: 'read' | 'write';
  readonly linearAddress: number;
  readonly physicalAddress: number;
  /** In bytes; an access that crosses a page counts as one per byte. */
  readonly size: number;
  /** Linear address of the instruction. */
  readonly instruction: number;
  /** Index of the vCPU; of a bus master's access, of the one that runs. */
  readonly cpu: number;
}

export interface WatchHit {
  readonly watchpoint: Watchpoint;
  readonly access: MemoryAccess;
}

/**
 * What a machine can tell its embedder while it runs, with the index of the vCPU that did it; nothing of it costs anything
 * while nobody listens.
 */
export type MachineEvent = GuestEvent & { readonly cpu: number };

export type GuestEvent =
  /** After IN, OUT, INS, OUTS. */
  | {
      readonly kind: 'port';
      readonly port: number;
      readonly size: number;
      readonly value: number;
      readonly isWrite: boolean;
    }
  /** Before INT n, INT3 and an INTO that raises #OF (`software`); after the delivery of the others. */
  | { readonly kind: 'interrupt'; readonly vector: number; readonly source: 'software' | 'external' | 'exception' }
  /** After the instruction that changed the mode. */
  | { readonly kind: 'mode'; readonly from: CpuMode; readonly to: CpuMode }
  /** After the write, which is lost. */
  | { readonly kind: 'rom-write'; readonly physicalAddress: number; readonly size: number; readonly value: number }
  /** After RDMSR and WRMSR. */
  | { readonly kind: 'msr'; readonly number: number; readonly value: bigint; readonly isWrite: boolean }
  /** After the instruction or task switch that wrote CR3, whether the value changed or not. */
  | { readonly kind: 'cr3'; readonly from: bigint; readonly to: bigint }
  /** After HLT. */
  | { readonly kind: 'halt'; readonly interruptsEnabled: boolean };

/** A picture of the display. */
export interface Frame {
  /** In pixels of the guest. */
  readonly width: number;
  readonly height: number;
  /** Shape of the whole picture on a real monitor, width / height (4:3 for every VGA mode). */
  readonly aspectRatio: number;
  /** RGBA, row by row, width × height × 4 bytes; owned by the caller. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

export interface Display {
  /** Grows whenever the picture may have changed; equal numbers mean equal pictures. Reading it changes nothing. */
  readonly generation: number;
  /** Draws what a monitor would show now. */
  render(): Frame;
  /** The rows of a text mode, trailing spaces cut, code page 437 as Unicode; undefined in graphics modes. */
  text(): readonly string[] | undefined;
}

/** Physical memory as debugger and firmware see it: without side effects of devices. */
export interface PhysicalMemoryView {
  /** Bytes of RAM below 4 GiB. */
  readonly ramSize: number;
  /** Copies `length` bytes; `undefined` bytes beyond RAM and ROM end the copy early (the result is shorter). */
  read(physicalAddress: number, length: number): Uint8Array<ArrayBuffer>;
  /** The same of a few bytes that do not cross a page, as a little-endian unsigned number; undefined beyond the end. */
  readInteger(physicalAddress: number, size: 1 | 2 | 4): number | undefined;
  /** Writes RAM (and ROM: this is the debugger); decoded code that covers it is dropped. Returns bytes written. */
  write(physicalAddress: number, bytes: Uint8Array): number;
}

/** Which pages of RAM were written, by whomever. */
export interface DirtyLogView {
  /** From now on pages count as clean until somebody writes to them; the cost does not depend on their number. */
  begin(): void;
  /**
   * The first pages of a range that were written since the log was begun (or since power-on), at most so many, by the
   * physical addresses where they begin.
   */
  dirtyPages(start: number, end: number, pagesMax: number): readonly number[];
}

/** One entry of the input log: everything from outside, with the time at which the guest saw it. */
export interface InputRecord {
  readonly time: number;
  readonly device: string;
  readonly channel: string;
  readonly bytes: Uint8Array;
}

/** Where what is booted begins. */
export interface BootPlace {
  /** Linear address of its first instruction. */
  readonly entry: number;
  /** Linear address of the image's first byte, if its bytes lie in memory as in the file. */
  readonly loadAddress: number | undefined;
}

export interface Machine {
  readonly config: MachineConfig;
  readonly cpus: readonly [Vcpu, ...Vcpu[]];
  readonly memory: PhysicalMemoryView;
  readonly dirtyLog: DirtyLogView;
  readonly display: Display;
  /** By instance name, in the order of the machine's map. */
  readonly devices: ReadonlyMap<string, Device>;
  readonly boot: BootPlace;
  /** Virtual time in ticks: retired instructions and delivered events, plus what HLT skipped. */
  readonly time: number;
  readonly ticksPerSecond: number;
  /** Instructions retired since power-on. */
  readonly retired: number;
  /** What the compiler has done; undefined where everything is interpreted. */
  readonly compiledCode: CompiledCode | undefined;
  /** What has entered so far, in order. */
  readonly inputLog: readonly InputRecord[];
  /** Runs until a limit or a reason to stop. Not re-entrant. */
  run(limit: RunLimit): RunResult;
  /** From a callback of `run`: come back before the next instruction. */
  stop(): void;
  /** RESET: devices and processor as at power-on, RAM kept as real machines do, virtual time goes on. */
  reset(): void;
  addBreakpoint(breakpoint: Breakpoint): void;
  removeBreakpoint(breakpoint: Breakpoint): void;
  /** Throws an Error that names the range if it is not one of the 32-bit address space. */
  addWatchpoint(watchpoint: Watchpoint): void;
  removeWatchpoint(watchpoint: Watchpoint): void;
  /** Whether calls are recorded from now on, for `callStack`; costs a little, off by default. */
  recordsCalls: boolean;
  /** Whether executed code is recorded from now on, for `trace`; costs a little, off by default. */
  recordsTrace: boolean;
  /** Whether taken branches are recorded from now on, for `branches`; costs a little, off by default. */
  recordsBranches: boolean;
  /** Told of what happens while the machine runs; `run` stops where it returns true. */
  onEvent: ((event: MachineEvent) => boolean) | undefined;
  /** Exceptions (by vector, before delivery) at which `run` stops; empty by default. */
  stopOnExceptions: ReadonlySet<number>;
  /**
   * Hands bytes to a device's channel and logs them: `keyboard`/`keys` (PS/2 set-1 scan codes), `keyboard`/`mouse`
   * (`encodeMouseEvent`), `uart-1`/`serial`, `processor`/`random` (stirred into what RDRAND gives).
   */
  input(device: string, channel: string, bytes: Uint8Array): void;
  /** Feeds a recorded log; no other input is taken until its last record has entered. */
  replay(records: readonly InputRecord[]): void;
  /**
   * Bytes that devices sent to the host, by channel: `serial`, `debugcon`, `post-code`, `parallel`, `speaker`
   * (`decodeSpeakerSignal`).
   */
  onOutput: (device: string, channel: string, bytes: Uint8Array) => void;
  /** Messages for the developer of the guest: things not modelled, each once. */
  onLog: (message: string) => void;
}
