/**
 * The boundary between firmware and the machine. Firmware is a ROM image; the built-in one also has hooks: TypeScript
 * that runs when the processor reaches an address of that ROM, before the instruction there (DESIGN §9).
 */
import type { GuestRam } from '../memory/guest-ram.ts';
import type { CpuState } from '../state/cpu-state.ts';
import type { PortSpace } from '../cpu/cpu.ts';
import type { Topology } from '../cpu/topology.ts';
import type { BlockStore } from '../machine/block-store.ts';
import type { MachineRequest } from '../devices/device.ts';
import type { KernelPlan } from './kernel/kernel-boot.ts';

/** What a hook may use. Memory is guest-physical, as a bus master sees it (A20 does not apply; ROM is not writable). */
export interface FirmwareContext {
  readonly state: CpuState;
  readonly ports: PortSpace;
  /** Of the machine's vCPUs; undefined: there is one. */
  readonly topology?: Topology | undefined;
  readonly memory: FirmwareMemory;
  /** Writes like `memory.writeBytes`, above 4 GiB too, where that of the services begins anew at 0. */
  load(physicalAddress: number, bytes: Uint8Array): void;
  /** Bytes of RAM. */
  readonly ram: GuestRam;
  readonly floppy: BlockStore | undefined;
  readonly disk: BlockStore | undefined;
  readonly cdrom: BlockStore | undefined;
  /** Booted instead of a drive. */
  readonly kernel: KernelPlan | undefined;
  /** Virtual time in ticks. */
  now(): number;
  readonly ticksPerSecond: number;
  request(request: MachineRequest): void;
  /** Says once per message that the guest asked for something the BIOS does not have. */
  logOnce(message: string): void;
}

export interface FirmwareMemory {
  read(physicalAddress: number, size: 1 | 2 | 4): number;
  write(physicalAddress: number, size: 1 | 2 | 4, value: number): void;
  readBytes(physicalAddress: number, length: number): Uint8Array;
  writeBytes(physicalAddress: number, bytes: Uint8Array): void;
}

/**
 * Runs with EIP at the hooked instruction. Afterwards the processor goes on at EIP: at the hooked instruction itself if
 * the hook left EIP alone. With a promise the machine waits until it settles and then runs the hook again.
 */
export type FirmwareHook = (context: FirmwareContext) => undefined | Promise<void>;

export interface Firmware {
  /** Image that ends at FFFFFh (and again at the top of 4 GiB); a multiple of 64 KiB, at most 256 KiB below 1 MiB. */
  readonly rom: Uint8Array;
  /** By physical address below 1 MiB. */
  readonly hooks: ReadonlyMap<number, FirmwareHook>;
}
