/**
 * What loads and stores do that generated code leaves to TypeScript: the checks of 64-bit mode, and accesses of eight
 * bytes, whose value passes through the state's WIDE_VALUE.
 */
import { GuestFault, VECTOR_GP, VECTOR_SS } from '../cpu/cpu.ts';
import { is64BitMode, isCanonical } from '../cpu/mode.ts';
import type { LinearMemory } from '../memory/linear-memory.ts';
import { type Address, isExact, lowHalf, plus } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { internal, SEGMENT_ENTRY_SIZE, SS } from '../state/layout.ts';
import { pageFault } from './paging-unit.ts';
import * as record from './record.ts';
import { SIZE_CHECK, SIZE_LONG, SIZE_MASK, SIZE_STACK, SIZE_UNALIGNED } from './slow-paths.ts';

const STACK_ENTRY = internal.SEGMENTS + SS * SEGMENT_ENTRY_SIZE;

export class DataPaths {
  readonly #state: CpuState;
  readonly #linear: LinearMemory;
  readonly #raise: (fault: GuestFault) => void;

  /** `raise` is told of a fault that is not thrown. */
  constructor(state: CpuState, linear: LinearMemory, raise: (fault: GuestFault) => void) {
    this.#raise = raise;
    this.#state = state;
    this.#linear = linear;
  }

  /** `sizeAndKind` is a size with the bits of slow-paths.ts; `place` may be rounded. */
  read(place: number, sizeAndKind: number, at: number, willWrite: boolean): number {
    if ((sizeAndKind & SIZE_UNALIGNED) === 0) return this.#read(place, sizeAndKind, at, willWrite);
    return this.#linear.unaligned(() => this.#read(place, sizeAndKind, at, willWrite));
  }

  write(place: number, value: number, sizeAndKind: number, at: number): void {
    if ((sizeAndKind & SIZE_UNALIGNED) === 0) this.#write(place, value, sizeAndKind, at);
    else this.#linear.unaligned(() => this.#write(place, value, sizeAndKind, at));
  }

  #read(place: number, sizeAndKind: number, at: number, willWrite: boolean): number {
    const linear = this.#exactly(place);
    const size = sizeAndKind & SIZE_MASK;
    if ((sizeAndKind & SIZE_LONG) !== 0) this.#requireCanonical(linear, sizeAndKind, at);
    if (this.#faults(linear, willWrite)) return 0;
    if ((sizeAndKind & SIZE_CHECK) !== 0) {
      this.#linear.requireWritable(linear, size);
      return 0;
    }
    if (size > 4) return this.#readWide(linear, size, willWrite);
    return willWrite
      ? this.#linear.readForWrite(linear, size as 1 | 2 | 4)
      : this.#linear.read(linear, size as 1 | 2 | 4);
  }

  #write(place: number, value: number, sizeAndKind: number, at: number): void {
    const linear = this.#exactly(place);
    const size = sizeAndKind & SIZE_MASK;
    if ((sizeAndKind & SIZE_LONG) !== 0) this.#requireCanonical(linear, sizeAndKind, at);
    if (this.#faults(linear, true)) return;
    if (size > 4) this.#writeWide(linear, size);
    else if (size === 4) this.#linear.write(linear, 4, value >>> 0);
    else this.#linear.write(linear, size as 1 | 2, value & (size === 2 ? 0xffff : 0xff));
  }

  /** Raises the page fault of the first byte, if that comes first. Guests fault often, and to throw takes a microsecond. */
  #faults(linear: Address, isWrite: boolean): boolean {
    if (this.#linear.isMapped(linear, isWrite)) return false;
    this.#raise(pageFault(this.#state, linear, this.#linear.faultCode));
    return true;
  }

  #exactly(place: number): Address {
    return isExact(place) ? place : this.#state.readExact(internal.WIDE_ADDRESS);
  }

  /** Some bytes further: addresses of 32 bits go on at 0. */
  #after(linear: Address, distance: number): Address {
    const next = plus(linear, distance);
    return is64BitMode(this.#state) ? next : lowHalf(next) >>> 0;
  }

  #readWide(linear: Address, size: number, willWrite: boolean): number {
    if (willWrite) this.#linear.requireWritable(linear, size);
    else this.#linear.requireReadable(linear, size);
    // The parts have been looked at as one access.
    this.#linear.unaligned(() => {
      for (let at = 0; at < size; at += 4) {
        const part = this.#linear.read(this.#after(linear, at), Math.min(4, size - at));
        this.#state.write32(internal.WIDE_VALUE + at, part);
      }
    });
    return this.#state.read32(internal.WIDE_VALUE);
  }

  #writeWide(linear: Address, size: number): void {
    this.#linear.requireWritable(linear, size);
    this.#linear.unaligned(() => {
      for (let at = 0; at < size; at += 4) {
        this.#linear.write(this.#after(linear, at), 4, this.#state.read32(internal.WIDE_VALUE + at));
      }
    });
  }

  #requireCanonical(linear: Address, sizeAndKind: number, at: number): void {
    if (isCanonical(this.#state, linear, sizeAndKind & SIZE_MASK)) return;
    const usesStack =
      (sizeAndKind & SIZE_STACK) !== 0 ||
      this.#state.view.getUint16(at + record.RECORD_SEGMENT_ENTRY, true) === STACK_ENTRY;
    throw new GuestFault(usesStack ? VECTOR_SS : VECTOR_GP, 0);
  }
}
