/**
 * A processor with nothing but RAM, on which recorded tests are run: sets the initial state, executes one instruction
 * with the exception it raises, and compares.
 */
import type { GuestFault } from '../../vm-core/cpu/cpu.ts';
import { deliver } from '../../vm-core/cpu/exceptions.ts';
import { resetCpu } from '../../vm-core/cpu/reset.ts';
import { setRealModeSegment } from '../../vm-core/cpu/segments.ts';
import { createBareMachine } from '../../vm-core/engine/bare-machine.ts';
import type { Engine } from '../../vm-core/engine/compiler/tiers.ts';
import type { Processor } from '../../vm-core/engine/processor.ts';
import { RAM_BASE } from '../../vm-core/memory/layout.ts';
import type { PhysicalMap } from '../../vm-core/memory/physical-map.ts';
import { CS, DS, ES, internal, type SegmentIndex, SS, segmentSlots, slot } from '../../vm-core/state/layout.ts';
import { registerNames, type Vector, type VectorRegister } from './moo-file.ts';

const RAM_SIZE = 16 << 20;
/** Regions are entered only with room for more than their first block. */
const COMPILED_BUDGET = 2;
/** The repeats of one string instruction, and more than any test needs. */
const EXECUTIONS_MAX = 2_000;

const generalSlots: Readonly<Partial<Record<VectorRegister, number>>> = {
  ax: slot.EAX,
  bx: slot.EBX,
  cx: slot.ECX,
  dx: slot.EDX,
  sp: slot.ESP,
  bp: slot.EBP,
  si: slot.ESI,
  di: slot.EDI,
};

const segmentIndices: Readonly<Partial<Record<VectorRegister, SegmentIndex>>> = { cs: CS, ss: SS, ds: DS, es: ES };

/** What one instruction did, besides its changes to registers and memory. */
export interface Run {
  /** The exception it raised, or undefined. */
  readonly fault: number | undefined;
  readonly halted: boolean;
  /** Set when it could not be run to its end: a shutdown, something that is not modelled, or no end in sight. */
  readonly problem: string | undefined;
}

export class TestBench {
  readonly #map: PhysicalMap;
  readonly #processor: Processor;

  /** Where the instruction is; execution stops everywhere else. */
  #start = 0;

  /** `addressBits` is 20 for a processor whose addresses wrap at 1 MiB. */
  constructor(addressBits: 20 | 24, engine: Engine) {
    const { processor, map } = createBareMachine(RAM_SIZE, undefined, '386', undefined, engine);
    if (processor.compiler) processor.code.isHooked = (linear) => linear !== this.#start;
    processor.onHook = () => false;
    if (addressBits === 20) map.a20Mask = ~(1 << 20);
    this.#processor = processor;
    this.#map = map;
  }

  /** Puts registers and memory to the test's initial state. Compiled code has been executed once then. */
  load(vector: Vector, isRepeated: boolean): void {
    resetCpu(this.#processor.state, this.#processor.model);
    this.#processor.invalidateCode();
    this.#begin(vector);
    if (!this.#processor.compiler) return;
    // Now the pages that it reaches are known.
    this.run(isRepeated);
    this.#begin(vector);
  }

  #begin(vector: Vector): void {
    const { state } = this.#processor;
    for (const at of [slot.HALTED, slot.INTERRUPT_SHADOW]) state.write8(at, 0);
    for (const [address, value] of vector.initial.memory) this.#map.bytes[RAM_BASE + address] = value;
    for (const name of registerNames) this.#writeRegister(name, vector.initial.registers[name] ?? 0);
    this.#processor.pendingFault = undefined;
    this.#processor.unsupportedText = undefined;
    this.#processor.refresh();
  }

  /** Instructions that were executed by compiled code so far. */
  get compiled(): number {
    return Number(this.#processor.state.read64(internal.COMPILED));
  }

  /** Executes one instruction and delivers what it raises; a `repeated` one is executed until EIP has passed it. */
  run(repeated: boolean): Run {
    const processor = this.#processor;
    const start = processor.state.eip;
    this.#start = Number(processor.linearEip);
    for (let count = 0; count < EXECUTIONS_MAX; count++) {
      processor.execute(processor.compiler ? COMPILED_BUDGET : 1, false);
      const fault = processor.pendingFault;
      if (fault) return this.#deliver(fault);
      if (processor.unsupportedText !== undefined) return this.#ended(undefined, processor.unsupportedText);
      if (!repeated || processor.state.eip !== start) return this.#ended(undefined, undefined);
    }
    return this.#ended(undefined, 'the instruction does not end');
  }

  #deliver(fault: GuestFault): Run {
    const { vector, errorCode } = fault;
    const delivery = deliver(this.#processor, { vector, errorCode, kind: 'exception' });
    return this.#ended(vector, delivery.kind === 'delivered' ? undefined : delivery.kind);
  }

  #ended(fault: number | undefined, problem: string | undefined): Run {
    return { fault, problem, halted: this.#processor.state.read8(slot.HALTED) !== 0 };
  }

  register(name: VectorRegister): number {
    const { state } = this.#processor;
    if (name === 'ip') return state.eip & 0xffff;
    if (name === 'flags') return state.eflags & 0xffff;
    const index = segmentIndices[name];
    return state.read16(index === undefined ? (generalSlots[name] as number) : (segmentSlots[index] as number));
  }

  byte(physicalAddress: number): number {
    return this.#map.bytes[RAM_BASE + physicalAddress] as number;
  }

  #writeRegister(name: VectorRegister, value: number): void {
    const { state } = this.#processor;
    const index = segmentIndices[name];
    if (index !== undefined) setRealModeSegment(state, index, value);
    else if (name === 'ip') state.eip = value;
    else if (name === 'flags') state.eflags = value & 0x7fd5;
    else state.write32(generalSlots[name] as number, value);
  }
}
