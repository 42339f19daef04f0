/** An operand in memory that is larger than one access, by offsets in it (SDM vol. 1 §3.7.5). */
import { type Address, plus, sumOf } from '../state/address.ts';
import { FS, segmentSlots } from '../state/layout.ts';
import type { Cpu, Instruction, MemorySize } from './cpu.ts';
import { is64BitMode } from './mode.ts';

export class MemoryOperand {
  readonly #cpu: Cpu;
  readonly #instruction: Instruction;

  constructor(cpu: Cpu, instruction: Instruction) {
    this.#cpu = cpu;
    this.#instruction = instruction;
  }

  /** Where it begins. */
  get linearAddress(): Address {
    const { segment } = this.#instruction;
    const hasBase = !is64BitMode(this.#cpu.state) || segment >= FS;
    return sumOf(hasBase ? this.#cpu.state.baseAt(segmentSlots[segment] as number) : 0, this.#at(0));
  }

  read(at: number, size: 1 | 2 | 4): number {
    return this.#cpu.memory.readSegment(this.#instruction.segment, this.#at(at), size);
  }

  /** Eight bytes, signed. */
  readWide(at: number): Address {
    return this.#cpu.memory.readSegment(this.#instruction.segment, this.#at(at), 8);
  }

  write(at: number, size: MemorySize, value: Address): void {
    this.#cpu.memory.writeSegment(this.#instruction.segment, this.#at(at), size, value);
  }

  /** Finds what forbids reading so many bytes of it, before any is read. */
  requireReadable(size: 10): void {
    this.#cpu.memory.requireReadable(this.#instruction.segment, this.#at(0), size);
  }

  /** Finds what forbids writes of so many bytes each from `start` to `end`, before anything is written. */
  requireWritable(end: number, start = 0, size: MemorySize = 2): void {
    for (let at = start; at < end; at += size) {
      this.#cpu.memory.requireWritable(this.#instruction.segment, this.#at(at), size);
    }
  }

  #at(distance: number): Address {
    const offset = plus(this.#instruction.offset(), distance);
    if (typeof offset === 'bigint' || this.#instruction.addressSize === 64) return offset;
    return this.#instruction.addressSize === 16 ? offset & 0xffff : offset >>> 0;
  }
}
