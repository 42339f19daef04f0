/** What a processor needs of its machine. */
import type { PortSpace } from '../cpu/cpu.ts';
import type { TimerMaker } from '../cpu/local-apic/apic-timer.ts';
import type { Topology } from '../cpu/topology.ts';
import type { Engine } from './compiler/tiers.ts';
import type { InterruptBus } from '../devices/interrupt-bus.ts';
import type { CpuModel, LocalApicChoice } from '../isa/cpu-model.ts';
import type { CodeCache } from './code-cache.ts';
import type { RandomBits } from './random-bits.ts';

/** Of virtual time, where a machine does not say. */
export const TICKS_PER_SECOND = 200_000_000;

/** A repeated string instruction makes so many iterations before events get their turn. */
export const REPEAT_MAX = 1024;

/** What the vCPUs of a machine have in common besides guest memory. */
export interface SharedByProcessors {
  readonly code: CodeCache;
  readonly randomBits: RandomBits;
}

/** Handed to the processor when it is made. */
export interface ProcessorSurroundings {
  /** Of the vCPU in its machine; default: 0. */
  readonly index?: number;
  /** Of the machine's vCPUs; default: this is the only one. */
  readonly topology?: Topology;
  /** Decoded code and random bits of the vCPUs that were made before; default: its own. */
  readonly shared?: SharedByProcessors;
  /** Which instructions there are; default: a 386's. */
  readonly model?: CpuModel;
  readonly localApic?: LocalApicChoice | undefined;
  /** Default: that of a machine. */
  readonly ticksPerSecond?: number;
  /** Where RDRAND begins. */
  readonly randomSeed?: number;
  /** How code is executed; default: that of `defaultEngine`. */
  readonly engine?: Engine | undefined;
  /** Bytes for decoded code; default: all that memory has for it. */
  readonly codeCacheSize?: number;
  /** Told to the developer of the guest. */
  log?(message: string): void;
  readonly ports: PortSpace;
  readonly acknowledgeInterrupt: () => number;
  readonly interruptPending: () => boolean;
  /** Where local APICs hear of interrupts; default: a bus without anybody else. */
  readonly interruptBus?: InterruptBus;
  /** Makes timers of the machine's event queue; without it those of the processor never go off. */
  readonly timer?: TimerMaker;
  /** Virtual time when the current execution began, in ticks. */
  startTime(): number;
}
