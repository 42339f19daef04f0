/**
 * A small guest on the real engine, for tests of what system code and engine do together: a program at 0000:7C00, RAM, a
 * port space that counts, and interrupts that a test raises.
 */
import { createEventQueue } from '../devices/event-queue.ts';
import { Scheduler } from '../engine/scheduler.ts';
import { Processor } from '../engine/processor.ts';
import type { CpuModel } from '../isa/cpu-model.ts';
import type { RunOutcome } from '../machine/machine.ts';
import { createMemory, RAM_BASE } from '../memory/layout.ts';
import { PhysicalMap } from '../memory/physical-map.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { CS, DS, ES, SS, segmentSlots, slot } from '../state/layout.ts';
import { resetCpu } from './reset.ts';
import { setRealModeSegment } from './segments.ts';

const MEMORY_SIZE = 2 << 20;
export const PROGRAM = 0x7c00;
/** Vector n enters at 0080:n, linear 800h + n, where IRET stands. */
export const HANDLERS = 0x80;
const IRET = 0xcf;

/** A guest: its program at 0000:7C00, stack at 0000:7000, every interrupt handled by an IRET of its own. */
export class Guest {
  readonly processor: Processor;
  readonly state: CpuState;
  readonly loop: Scheduler;
  readonly view: DataView;
  pending: number[] = [];
  portReads = 0;
  /** A handler that is entered ends a step; an instruction that faults does not count as executed. */
  stopAtHandlers = true;

  constructor(program: string, model: CpuModel = '386') {
    const memory = createMemory(MEMORY_SIZE);
    const map = new PhysicalMap(memory, MEMORY_SIZE);
    this.view = new DataView(memory.buffer, RAM_BASE, MEMORY_SIZE);
    this.processor = new Processor(memory, map, {
      model,
      ports: { read: () => this.portReads++ & 0xff, write: () => {} },
      acknowledgeInterrupt: () => this.pending.shift() ?? 0xff,
      interruptPending: () => this.pending.length > 0,
      startTime: () => this.loop.time,
    });
    this.state = this.processor.state;
    this.loop = new Scheduler([this.processor], {
      events: createEventQueue(),
      takeRequest: () => undefined,
      hasFirmwareHook: () => false,
      firmwareHook: () => undefined,
    });
    this.processor.code.isHooked = (linear, physical) => this.loop.hasBreakpoint(linear, physical);
    this.prepare(program);
  }

  private prepare(program: string): void {
    const { state, view } = this;
    resetCpu(state, this.processor.model);
    for (const index of [CS, DS, ES, SS] as const) setRealModeSegment(state, index, 0);
    state.eip = PROGRAM;
    state.write32(slot.EDX, 0);
    state.write32(slot.ESP, 0x7000);
    for (let vector = 0; vector < 256; vector++) {
      view.setUint16(vector * 4, vector, true);
      view.setUint16(vector * 4 + 2, HANDLERS, true);
      view.setUint8(HANDLERS * 16 + vector, IRET);
      this.loop.addBreakpoint({ address: HANDLERS * 16 + vector, space: 'linear', reached: () => this.stopAtHandlers });
    }
    this.poke(PROGRAM, program);
    this.processor.refresh();
  }

  /** Writes bytes in hexadecimal; what stands in brackets is a remark. */
  poke(address: number, text: string): void {
    const digits = text.replace(/\[(?:[^[\]]|\[[^\]]*\])*\]/g, '').match(/[0-9a-f]{2}/gi) ?? [];
    digits.forEach((byte, index) => {
      this.view.setUint8(address + index, Number.parseInt(byte, 16));
    });
  }

  step(count = 1): RunOutcome {
    return this.loop.run({ instructionsMax: count, resume: true });
  }

  get cs(): number {
    return this.state.read16(segmentSlots[CS] as number);
  }

  /** CS:EIP as text; a handler shows as its vector. */
  get place(): string {
    const { eip } = this.state;
    return this.cs === HANDLERS ? `vector ${eip}` : eip.toString(16);
  }

  /** The words on top of the stack. */
  stack(count: number): number[] {
    const top = this.state.read32(slot.ESP);
    return Array.from({ length: count }, (_, index) => this.view.getUint16(top + index * 2, true));
  }
}

/** Runs instructions one by one and tells where each ended. */
export function trail(guest: Guest, steps: number): string[] {
  return Array.from({ length: steps }, () => {
    guest.step();
    return guest.place;
  });
}
