/**
 * An instruction, or the delivery of an interrupt, that a device has stopped in the middle (docs/decisions/0011). Registers
 * and RAM are put back to where they were when it began, so that the machine is at rest between two instructions; the
 * device accesses it has made stay in the log, and when it is begun again it comes to the same place. Nothing here is done
 * in machines whose devices all answer at once.
 */
import { ACCESSES_MAX, AccessLogFull, DeviceWait } from '../memory/access-log.ts';
import type { PhysicalMap } from '../memory/physical-map.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { apicSlot, internal, slot } from '../state/layout.ts';
import { REGISTERS_SIZE, SLOT_SIZE } from '../state/register-table.ts';
import type { EventReports } from './event-reports.ts';
import * as record from './record.ts';

/** Behind the registers lie the arithmetic flags, as a result and its carries. */
const SAVED_SIZE = internal.FLAGS_AUX + SLOT_SIZE;

const TOO_MANY_ACCESSES = `one instruction with more than ${ACCESSES_MAX} accesses to devices, of which one answers later`;

/** Instead of the number of an instruction, for what happens between two of them. */
const DELIVERY = -1;

/** Bytes of RAM that the instruction has written, as they were. */
interface Overwritten {
  readonly physical: number;
  readonly size: 1 | 2 | 4;
  readonly value: number;
}

/** What the processor does for it. */
interface UnfinishedOwner {
  /** RAM has got another content. */
  codeWritten(physical: number, size: number): void;
  /** The guest cannot be run any further. */
  unsupported(what: string): void;
}

export class Unfinished {
  /** Whether an instruction of this machine may ever be stopped in the middle. */
  isPossible: boolean;
  readonly #state: CpuState;
  readonly #map: PhysicalMap;
  readonly #reports: EventReports;
  readonly #owner: UnfinishedOwner;
  readonly #live: Uint8Array;
  readonly #saved = new Uint8Array(SAVED_SIZE);
  #isSaved = false;
  #overwritten: Overwritten[] = [];
  /** Instructions that the current execution retired before this one, and its count register if it repeats. */
  #number = 0;
  #turn = 0;
  #wait: DeviceWait | undefined;
  /** What was asked of the engine by the accesses that are not made again: to leave after the instruction. */
  #exit = 0;

  constructor(state: CpuState, map: PhysicalMap, reports: EventReports, owner: UnfinishedOwner) {
    this.#state = state;
    this.#map = map;
    this.#reports = reports;
    this.#owner = owner;
    this.isPossible = map.accesses.isOn;
    map.accesses.onTurnedOn.push(() => {
      this.isPossible = true;
    });
    this.#live = new Uint8Array(state.view.buffer, state.base, SAVED_SIZE);
  }

  /** Whether the answer is still to come. */
  get isWaiting(): boolean {
    return this.#map.accesses.pending !== undefined;
  }

  /** What the instruction that was stopped last waits for; taken by the run loop. */
  takeWait(): DeviceWait | undefined {
    const wait = this.#wait;
    this.#wait = undefined;
    return wait;
  }

  /** An execution begins; with `continues` its first instruction is the one that was stopped. */
  executionBegins(continues: boolean): void {
    this.#number = 0;
    if (continues) this.#state.write32(internal.EXIT_REQUEST, this.#exit);
    else this.forget();
  }

  /** Nothing is in the middle of anything. */
  forget(): void {
    this.#map.accesses.clear();
    this.#reports.instructionBegins();
    this.#overwritten = [];
    this.#isSaved = false;
  }

  /** The processor begins to access memory or ports for an instruction; `at` is its record, 0 while code is fetched. */
  open(number: number, at: number): void {
    this.#identify(number, at === 0 ? this.#turn : this.#turnOf(at));
    // Up to its first access outside of generated code an instruction has changed nothing.
    this.#save();
    this.#map.accesses.isOpen = true;
  }

  close(): void {
    this.#map.accesses.isOpen = false;
  }

  /** RAM is about to be written by what was opened. */
  overwrites(physical: number, size: 1 | 2 | 4): void {
    this.#overwritten.push({ physical, size, value: this.#map.read(physical, size) });
  }

  /** Runs what is done between two instructions; undefined if it has to wait. */
  deliver<Result>(run: () => Result): Result | undefined {
    this.#identify(DELIVERY, 0);
    this.#save();
    this.#map.accesses.isOpen = true;
    try {
      const result = run();
      this.forget();
      return result;
    } catch (error) {
      if (!this.stoppedBy(error)) throw error;
      this.#number = DELIVERY;
      return undefined;
    } finally {
      this.close();
    }
  }

  /** True if this is what a device has unwound the instruction with; everything is as it was before it then. */
  stoppedBy(error: unknown): boolean {
    if (error instanceof DeviceWait) this.#wait = error;
    else if (error instanceof AccessLogFull) this.#owner.unsupported(TOO_MANY_ACCESSES);
    else return false;
    this.#number = 0;
    this.#exit = this.#state.read32(internal.EXIT_REQUEST);
    this.#map.accesses.rewind();
    this.#reports.instructionRestarts();
    this.#restoreMemory();
    this.#restoreRegisters();
    return true;
  }

  #identify(number: number, turn: number): void {
    if (number !== this.#number) this.forget();
    else if (turn !== this.#turn) {
      this.#map.accesses.clearData();
      this.#reports.instructionBegins();
      this.#overwritten = [];
      this.#isSaved = false;
    }
    this.#number = number;
    this.#turn = turn;
  }

  #turnOf(at: number): number {
    const repeats = (this.#state.view.getUint8(at + record.RECORD_FLAGS) & record.FLAG_REPEAT) !== 0;
    return repeats ? this.#state.read32(slot.ECX) : 0;
  }

  #save(): void {
    if (this.#isSaved) return;
    this.#isSaved = true;
    this.#saved.set(this.#live);
  }

  #restoreMemory(): void {
    for (const { physical, size, value } of this.#overwritten.reverse()) {
      this.#map.writeRam(physical, size, value);
      this.#owner.codeWritten(physical, size);
    }
    this.#overwritten = [];
  }

  #restoreRegisters(): void {
    const view = new DataView(this.#saved.buffer);
    const changed: number[] = [];
    for (let offset = 0; offset < SAVED_SIZE; offset += SLOT_SIZE) {
      const before = view.getBigUint64(offset, true);
      // The local APIC is beside the processor: what its registers have got from a device, or by an access, they keep.
      const isApic = offset >= apicSlot.ID && offset < REGISTERS_SIZE;
      if (isApic || before === this.#state.read64(offset)) continue;
      this.#state.write64(offset, before);
      changed.push(offset);
    }
    for (const offset of changed) this.#state.onDerivedChange(offset);
    // EIP is that of the block, which will be another one when the instruction is begun again.
    this.#isSaved = false;
  }
}
