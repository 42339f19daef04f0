/**
 * A bare processor of ours on which sequences are tried out while they are made: one instruction at a time, in the state
 * that the harness would have put it into.
 */
import { createBareMachine, type BareMachine } from '../../vm-core/engine/bare-machine.ts';
import { RAM_BASE } from '../../vm-core/memory/layout.ts';
import type { CpuState, SegmentState } from '../../vm-core/state/cpu-state.ts';
import { CS, generalSlots, slot } from '../../vm-core/state/layout.ts';
import { RF } from '../../vm-core/state/lazy-flags.ts';
import { LOCAL_TABLE, TASK } from './descriptor-tables.ts';
import { DR6_AT_START, DR7_OFF, type ResultField } from './harness.ts';
import type { CodeKind, Image, StartState } from './image.ts';
import {
  CPU_MODEL,
  DESCRIPTORS,
  EMPTY_TASK_STATE,
  EMPTY_TASK_STATE_SIZE,
  IMAGE_RAM,
  PROTECTED_GATES,
  PROTECTED_VECTOR_LAST,
  RAM_SIZE,
  REAL_VECTORS,
  SEQUENCES,
  TASK_STATE,
  zones,
} from './layout.ts';
import type { Result } from './results.ts';

/** What one step did. A fault has not been delivered yet, so nothing has changed; a trap comes after the instruction. */
export type StepOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'exception'; readonly vector: number; readonly errorCode: number | undefined }
  | { readonly kind: 'stuck'; readonly why: string };

const REAL_DATA = 0x93;
const REAL_CODE = 0x9b;
const TSS_BUSY = 0x02;
const allVectors: ReadonlySet<number> = new Set(Array.from({ length: 256 }, (_, vector) => vector));

export class Bench {
  readonly state: CpuState;
  readonly #machine: BareMachine = createBareMachine(RAM_SIZE, undefined, CPU_MODEL);
  readonly #memory: Uint8Array;
  #image: Image | undefined;

  constructor() {
    this.state = this.#machine.processor.state;
    this.#memory = this.#machine.map.bytes.subarray(RAM_BASE, RAM_BASE + RAM_SIZE);
    this.#machine.loop.stopOnExceptions = allVectors;
  }

  /** Puts an image into RAM as its start-up code does. */
  load(image: Image): void {
    this.#image = image;
    this.#memory.fill(0, 0, DESCRIPTORS + 0x10000);
    this.#memory.set(image.bytes, IMAGE_RAM);
    this.#memory.set(image.bytes.subarray(REAL_VECTORS, REAL_VECTORS + 0x400), 0);
    this.#restoreZones(image);
    this.#machine.processor.invalidateCode();
  }

  /** Restores the zones and loads the registers of a sequence. */
  begin(start: StartState): void {
    const image = this.#image as Image;
    const { state } = this;
    this.#restoreZones(image);
    this.#machine.loop.reset();
    for (const offset of [slot.HALTED, slot.INTERRUPT_SHADOW, slot.NMI_BLOCKED]) state.write8(offset, 0);
    state.write8(slot.CPL, image.mode === 'protected' ? start.cs & 3 : 0);
    generalSlots.forEach((offset, n) => {
      state.write32(offset, start.general[n] as number);
    });
    state.write32(slot.CR0, start.cr0);
    state.write32(slot.DR6, DR6_AT_START);
    state.write32(slot.DR7, DR7_OFF);
    state.write32(slot.GDTR_BASE, DESCRIPTORS);
    state.write16(slot.GDTR_LIMIT, 0x2ff);
    state.write32(slot.IDTR_BASE, image.mode === 'real' ? 0 : IMAGE_RAM + PROTECTED_GATES);
    state.write16(slot.IDTR_LIMIT, image.mode === 'real' ? 0x3ff : PROTECTED_VECTOR_LAST * 8 + 7);
    if (image.mode === 'protected') this.#loadTables();
    start.segments.forEach((selector, index) => {
      state.setSegment(index, this.#startSegment(image, index === CS ? start.cs : selector, index === CS));
    });
    state.eflags = start.eflags;
    state.eip = start.eip;
    for (const offset of [slot.CR0, slot.CPL, slot.DR7]) state.onDerivedChange(offset);
    this.#machine.processor.refresh();
  }

  /** After a task switch, which has written to task-state segments outside the zones. */
  reloadTasks(): void {
    const { bytes } = this.#image as Image;
    this.#memory.set(bytes.subarray(TASK_STATE, SEQUENCES), IMAGE_RAM + TASK_STATE);
    this.#memory.fill(0, EMPTY_TASK_STATE, EMPTY_TASK_STATE + EMPTY_TASK_STATE_SIZE);
  }

  /** Executes one instruction, all repeats included. */
  step(): StepOutcome {
    const result = this.#machine.loop.run({ instructionsMax: 1 });
    if (result.reason === 'limit') return { kind: 'done' };
    if (result.reason === 'exception') {
      return { kind: 'exception', vector: result.event.vector, errorCode: result.event.errorCode };
    }
    return { kind: 'stuck', why: result.reason === 'unsupported' ? result.what : result.reason };
  }

  /** Delivers the exception that the last step has shown. */
  deliver(): StepOutcome {
    const result = this.#machine.loop.run({ instructionsMax: 0 });
    return result.reason === 'limit' ? { kind: 'done' } : { kind: 'stuck', why: result.reason };
  }

  /** Forgets the exception that the last step has shown. */
  dismiss(): void {
    this.#machine.loop.reset();
  }

  get codeSize(): 16 | 32 {
    const { codeSize } = this.#machine.processor;
    if (codeSize === 64) throw new Error('the differential run knows no 64-bit mode');
    return codeSize;
  }

  /** How code is executed now. */
  get codeKind(): CodeKind {
    return { codeSize: this.codeSize, level: this.state.read8(slot.CPL) };
  }

  get linearEip(): number {
    return Number(this.#machine.processor.linearEip);
  }

  read(linear: number, length: number): Uint8Array {
    return this.#memory.subarray(linear, linear + length);
  }

  read32(linear: number): number {
    return new DataView(this.#memory.buffer, this.#memory.byteOffset).getUint32(linear, true);
  }

  /** Writes code or data from outside. */
  write(linear: number, bytes: readonly number[] | Uint8Array): void {
    this.#memory.set(bytes, linear);
    this.#machine.processor.codeWritten(linear, bytes.length);
  }

  /** A copy of what sequences can change, to be given to `restore`. */
  save(): readonly Uint8Array[] {
    return zones.map(({ start, size }) => this.#memory.slice(start, start + size));
  }

  restore(saved: readonly Uint8Array[]): void {
    zones.forEach(({ start }, n) => {
      this.#memory.set(saved[n] as Uint8Array, start);
    });
  }

  /** What the harness would write down now; `vector` is how the sequence ended. */
  result(vector: number): Result {
    const { state } = this;
    const general = generalSlots.map((offset) => state.read32(offset));
    const [eax, ecx, edx, ebx, esp, ebp, esi, edi] = general as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const [es, , ss, ds, fs, gs] = [0, 1, 2, 3, 4, 5].map((index) => state.segment(index).selector) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const registers: Record<ResultField, number> = {
      ...{ vector, eax, ecx, edx, ebx, ebp, edi, esi, esp, ds, ss, es, fs, gs },
      eflags: state.eflags & ~RF,
      cr0: state.read32(slot.CR0),
      dr6: state.read32(slot.DR6),
    };
    return { registers, memory: this.#changes() };
  }

  #changes(): Map<number, number> {
    const image = this.#image as Image;
    const was = new DataView(image.bytes.buffer);
    const changes = new Map<number, number>();
    for (const { start, size, pristine } of zones) {
      for (let at = 0; at < size; at += 4) {
        const now = this.read32(start + at);
        if (now !== was.getUint32(pristine + at, true)) changes.set(start + at, now);
      }
    }
    return changes;
  }

  #restoreZones(image: Image): void {
    for (const { start, size, pristine } of zones)
      this.#memory.set(image.bytes.subarray(pristine, pristine + size), start);
  }

  /** LDTR and TR as LLDT and LTR of the harness leave them. */
  #loadTables(): void {
    this.state.setSegmentAt(slot.LDTR, this.#fromDescriptor(LOCAL_TABLE));
    const at = DESCRIPTORS + TASK + 5;
    this.#memory[at] = (this.#memory[at] as number) | TSS_BUSY;
    this.state.setSegmentAt(slot.TR, this.#fromDescriptor(TASK));
  }

  #startSegment(image: Image, selector: number, isCode: boolean): SegmentState {
    if (image.mode === 'protected') return this.#fromDescriptor(selector);
    return { selector, base: selector << 4, limit: 0xffff, attributes: isCode ? REAL_CODE : REAL_DATA };
  }

  /** The hidden part of a segment register, from the GDT. */
  #fromDescriptor(selector: number): SegmentState {
    const low = this.read32(DESCRIPTORS + (selector & ~7));
    const high = this.read32(DESCRIPTORS + (selector & ~7) + 4);
    const limit = (low & 0xffff) | (high & 0xf0000);
    const attributes = ((high >>> 8) & 0xff) | ((high >>> 12) & 0xf00);
    const base = ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000)) >>> 0;
    return { selector, base, limit: attributes & 0x800 ? ((limit << 12) | 0xfff) >>> 0 : limit, attributes };
  }
}
