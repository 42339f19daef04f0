/**
 * Writes the header and the records of a decoded block (record.ts), and puts records right whose bytes were written over. What
 * is written over often and is an immediate is not decoded again: its record reads it anew each time.
 */
import type { CpuModel } from '../isa/cpu-model.ts';
import { type ByteSource, type DecodedInstruction, ROW_INVALID, ROW_TOO_LONG } from '../isa/decoded-instruction.ts';
import { Decoder } from '../isa/decoder.ts';
import { instructionRows } from '../isa/instruction-table.ts';
import type { OperandSize } from '../isa/operand.ts';
import { bytesOfKind, FreshForms, immediateKind } from './fresh-immediates.ts';
import { interpreter } from './interpreter.ts';
import type { PseudoHandler } from './interpreter-plan.ts';
import { RecordTemplates } from './record-templates.ts';
import { writePseudoRecord, writeRecord } from './record-writer.ts';
import * as record from './record.ts';

/** The facts of a block that its header has. */
export interface BlockHeader {
  readonly address: number;
  readonly physical: number;
  readonly host: number;
  readonly entry: number;
  readonly first: number;
  readonly count: number;
  readonly bytes: number;
}

/** A piece of guest-physical memory. */
export interface Piece {
  readonly physical: number;
  readonly bytes: number;
}

/** A block of which something was written over. */
interface WrittenBlock extends Piece {
  readonly address: number;
  readonly codeSize: OperandSize;
  readonly fresh: readonly Piece[];
}

export class BlockRecords {
  /** Of instructions that were decoded before. */
  readonly templates: RecordTemplates;
  readonly #view: DataView;
  readonly #bytes: Uint8Array;
  readonly #decoder: Decoder;
  readonly #forms: FreshForms;

  constructor(memory: WebAssembly.Memory, model: CpuModel) {
    this.#view = new DataView(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#decoder = new Decoder(model);
    this.#forms = new FreshForms(this.#view);
    this.templates = new RecordTemplates(this.#view);
  }

  /** The instruction that was decoded last; one object serves for all. */
  get instruction(): DecodedInstruction {
    return this.#decoder.result;
  }

  /** Whether the instruction that was decoded last ends its block. */
  get endsBlock(): boolean {
    const { rowIndex } = this.instruction;
    return rowIndex < 0 || instructionRows[rowIndex]?.endsBlock === true;
  }

  decode(bytes: ByteSource, codeSize: OperandSize): DecodedInstruction {
    return this.#decoder.decode(bytes, codeSize);
  }

  header({ address, physical, host, entry, first, count, bytes }: BlockHeader): void {
    const view = this.#view;
    view.setInt32(address + record.BLOCK_COUNT, count, true);
    view.setInt32(address + record.BLOCK_ENTRY, entry, true);
    view.setInt32(address + record.BLOCK_BYTES, bytes, true);
    view.setInt32(address + record.BLOCK_FIRST, first, true);
    view.setInt32(address + record.BLOCK_REGION, 0, true);
    view.setInt32(address + record.BLOCK_HOST, host, true);
    view.setFloat64(address + record.BLOCK_PHYSICAL, physical, true);
  }

  /** The record of the instruction that was decoded last; `nextOffset` is the distance from the block's start to the next one. */
  write(codeSize: OperandSize, address: number, nextOffset: number): void {
    const { instruction } = this;
    if (instruction.rowIndex === ROW_INVALID) this.pseudo(codeSize, address, 'invalid', instruction.length, nextOffset);
    else if (instruction.rowIndex === ROW_TOO_LONG)
      this.pseudo(codeSize, address, 'beyondLimit', instruction.length, nextOffset);
    else
      writeRecord(
        this.#view,
        address,
        instruction,
        interpreter(codeSize).handlerOf(instruction),
        nextOffset,
        codeSize === 64,
      );
  }

  pseudo(codeSize: OperandSize, address: number, name: PseudoHandler, length: number, nextOffset: number): void {
    writePseudoRecord(this.#view, address, interpreter(codeSize).pseudoHandlers[name], length, nextOffset);
  }

  /** How many bytes the immediate of the instruction has that was decoded last, if its record could read it anew; else 0. */
  get immediateBytes(): number {
    return bytesOfKind(immediateKind(this.instruction));
  }

  /** Has the record, which is written, of the instruction that was decoded last read its immediate anew; false if it cannot. */
  makeFresh(codeSize: OperandSize, address: number): boolean {
    const { instruction } = this;
    const number = this.#forms.numberOf(interpreter(codeSize).handlerOf(instruction), immediateKind(instruction));
    if (number === 0) return false;
    this.#view.setUint16(address + record.RECORD_HANDLER, interpreter(codeSize).pseudoHandlers.fresh, true);
    this.#view.setUint8(address + record.RECORD_FRESH, number);
    return true;
  }

  /**
   * Decodes the instructions of a block that were written over again, in their places, and gives the immediates that its records
   * read anew from then on. Undefined if they do not fit there, or if one of them is what wrote: it must stay as it is until it
   * is done. `isFresh` is asked for each immediate, with whether it covers all that was written.
   */
  patch(
    block: WrittenBlock,
    written: Piece,
    by: number,
    isFresh: (immediate: Piece, covers: boolean) => boolean,
  ): readonly Piece[] | undefined {
    const view = this.#view;
    const first = view.getInt32(block.address + record.BLOCK_FIRST, true);
    const count = view.getInt32(block.address + record.BLOCK_COUNT, true);
    const host = view.getInt32(block.address + record.BLOCK_HOST, true);
    const from = written.physical - block.physical;
    const to = from + written.bytes;
    let { fresh } = block;
    for (let n = 0; n < count; n++) {
      const at = first + n * record.RECORD_SIZE;
      const next = view.getUint16(at + record.RECORD_NEXT_OFFSET, true);
      if (next <= from) continue;
      const length = view.getUint8(at + record.RECORD_LENGTH);
      const start = next - length;
      if (start >= to) break;
      const instruction = this.decode((offset) => this.#bytes[host + start + offset] ?? 0, block.codeSize);
      if (instruction.length !== length || (this.endsBlock && n + 1 < count)) return undefined;
      const bytes = this.immediateBytes;
      const immediate = { physical: block.physical + next - bytes, bytes };
      const readsAnew = bytes > 0 && isFresh(immediate, next - bytes <= from && to <= next);
      if (at === by) return undefined;
      this.write(block.codeSize, at, next);
      const begin = block.physical + start;
      fresh = fresh.filter(({ physical }) => physical < begin || physical >= begin + length);
      if (readsAnew && this.makeFresh(block.codeSize, at)) fresh = [...fresh, immediate];
    }
    return fresh;
  }
}
