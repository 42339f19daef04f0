/** A bootable ROM image: the harness, its tables, the first contents of the zones, and records with their sequences. */
import { CODE_32, descriptorTables, protectedGates, taskState } from './descriptor-tables.ts';
import { buildHarness, FIRST_RECORD, type Harness, RECORD, RECORD_SIZE, startUp, vectorStubs } from './harness.ts';
import {
  dataZones,
  descriptorZone,
  HAND_OVER_VECTOR,
  HARNESS,
  IMAGE_RAM,
  IMAGE_SEGMENT,
  IMAGE_SIZE,
  INTERRUPT_RETURN,
  PROTECTED_GATES,
  PROTECTED_STUBS,
  PROTECTED_VECTOR_LAST,
  REAL_STUBS,
  REAL_VECTORS,
  RESET_VECTOR,
  RETURNING_VECTORS,
  SEQUENCES,
  SEQUENCES_END,
  START_UP,
  STUB_SIZE,
  TASK_STATE,
  zones,
} from './layout.ts';
import { u16, u32 } from './machine-code.ts';
import type { Random } from './random.ts';

export type Mode = 'real' | 'protected';

/** How code is executed: its default operand size, and its privilege level. */
export interface CodeKind {
  readonly codeSize: 16 | 32;
  readonly level: number;
}

/** What the processor starts a sequence with. */
export interface StartState {
  readonly cs: number;
  readonly eip: number;
  readonly cr0: number;
  readonly eflags: number;
  /** EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI. */
  readonly general: readonly number[];
  /** ES, CS (not used), SS, DS, FS, GS. */
  readonly segments: readonly number[];
}

const harness: Harness = buildHarness();

/** Where the hand-over from level 3 arrives, by linear address. */
export const HAND_OVER_ARRIVAL: number = IMAGE_RAM + harness.protectedDone;

const realVectors = Array.from({ length: 256 }, (_, vector) => {
  const returns = vector >= RETURNING_VECTORS.first && vector <= RETURNING_VECTORS.last;
  return [...u16(returns ? INTERRUPT_RETURN : REAL_STUBS + vector * STUB_SIZE), ...u16(IMAGE_SEGMENT)];
}).flat();

const realStubs = vectorStubs(harness, 'real', REAL_STUBS, 256);
const protectedStubs = vectorStubs(harness, 'protected', PROTECTED_STUBS, PROTECTED_VECTOR_LAST + 1);
const returnStubs = [0xcf, 0x66, 0xcf, 0x90, 0xcb, 0x66, 0xcb, 0x90, 0xca, 8, 0, 0x66, 0xca, 4, 0];

export class Image {
  readonly mode: Mode;
  readonly bytes = new Uint8Array(IMAGE_SIZE);
  #free = SEQUENCES;
  #last: number | undefined;

  constructor(mode: Mode, random: Random) {
    this.mode = mode;
    const { code, resetVector } = startUp(harness);
    this.bytes.set(realStubs, REAL_STUBS);
    this.bytes.set(protectedStubs, PROTECTED_STUBS);
    this.bytes.set(realVectors, REAL_VECTORS);
    this.bytes.set(protectedGates(harness.protectedDone), PROTECTED_GATES);
    this.bytes.set(returnStubs, INTERRUPT_RETURN);
    this.bytes.set(harness.bytes, HARNESS);
    this.bytes.set(code, START_UP);
    this.bytes.set(resetVector, RESET_VECTOR);
    for (const { pristine, size } of dataZones) this.bytes.set(zoneContents(random, size), pristine);
    this.bytes.set(descriptorTables(random), descriptorZone.pristine);
    this.bytes.set(taskState(random), TASK_STATE);
  }

  /** The image offset at which the next sequence's code begins. */
  get nextCode(): number {
    return this.#free + RECORD_SIZE;
  }

  hasRoomFor(bytes: number): boolean {
    return this.nextCode + bytes <= SEQUENCES_END;
  }

  /** Adds a record with its code, which must have been made for `nextCode`. */
  add(start: StartState, code: readonly number[]): void {
    const at = this.#free;
    const view = new DataView(this.bytes.buffer);
    if (this.#last !== undefined) view.setUint32(this.#last + RECORD.NEXT, IMAGE_RAM + at, true);
    writeRecord(this.bytes, at, this.mode, start, code);
    this.#last = at;
    this.#free = (at + RECORD_SIZE + code.length + 15) & ~15;
  }

  /** The double word that lies at an address of a zone when a sequence begins. */
  initial(linear: number): number {
    const zone = zones.find(({ start, size }) => linear >= start && linear < start + size);
    if (!zone) throw new Error(`${linear.toString(16)} lies in no zone`);
    return new DataView(this.bytes.buffer).getUint32(zone.pristine + linear - zone.start, true);
  }

  /** The image with nothing but one sequence, whose code begins at a linear address. */
  withOnly({ start, code, at }: { start: StartState; code: readonly number[]; at: number }): Uint8Array {
    const bytes = this.bytes.slice();
    const record = at - IMAGE_RAM - RECORD_SIZE;
    bytes.fill(0, SEQUENCES, SEQUENCES_END);
    writeRecord(bytes, record, this.mode, start, code);
    new DataView(bytes.buffer).setUint32(FIRST_RECORD, IMAGE_RAM + record, true);
    return bytes;
  }
}

/** What stands at the end of a sequence: a jump to the harness, or from level 3 an interrupt. */
export function handOver(mode: Mode, { codeSize, level }: CodeKind): number[] {
  if (level > 0) return [0xcd, HAND_OVER_VECTOR];
  if (mode === 'real') return [0xea, ...u16(harness.realDone), ...u16(IMAGE_SEGMENT)];
  return [...(codeSize === 32 ? [] : [0x66]), 0xea, ...u32(IMAGE_RAM + harness.protectedDone), ...u16(CODE_32)];
}

function writeRecord(bytes: Uint8Array, at: number, mode: Mode, start: StartState, code: readonly number[]): void {
  const view = new DataView(bytes.buffer);
  const [eax, ecx, edx, ebx, esp, ebp, esi, edi] = start.general;
  const [es, , ss, ds, fs, gs] = start.segments;
  const wide = {
    ...{ EIP: start.eip, REAL: mode === 'real' ? 1 : 0, CR0: start.cr0, EFLAGS: start.eflags },
    ...{ EAX: eax, ECX: ecx, EDX: edx, EBX: ebx, ESP: esp, EBP: ebp, ESI: esi, EDI: edi },
  };
  const narrow = { CS: start.cs, ES: es, SS: ss, DS: ds, FS: fs, GS: gs };
  for (const [name, value] of Object.entries(wide))
    view.setUint32(at + RECORD[name as keyof typeof wide], value ?? 0, true);
  for (const [name, value] of Object.entries(narrow))
    view.setUint16(at + RECORD[name as keyof typeof narrow], value ?? 0, true);
  bytes.set(code, at + RECORD_SIZE);
}

/** Numbers of all sizes next to each other, with many small ones, zeros and ones. */
function zoneContents(random: Random, size: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(size));
  for (let at = 0; at < size; at += 4) view.setUint32(at, random.value(), true);
  return new Uint8Array(view.buffer);
}
