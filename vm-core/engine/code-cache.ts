/**
 * Decoded code: blocks of records in the machine's memory, found by physical address, linear address and mode, and lost
 * when a byte under them is written (DESIGN §3, §6). Breakpoints split blocks; nothing is ever written into the guest.
 */
import type { CpuModel } from '../isa/cpu-model.ts';
import { type ByteSource, Decoder, type DecodedInstruction, ROW_INVALID, ROW_TOO_LONG } from '../isa/decoder.ts';
import { instructionRows } from '../isa/instruction-table.ts';
import type { OperandSize } from '../isa/operand.ts';
import {
  CODE_ARENA,
  CODE_ARENA_END,
  CODE_MAP_GRANULE_SHIFT,
  CODE_MAP_SIZE,
  CODE_MAPS,
  CODE_MAPS_MAX,
  JUMP_CACHE,
  JUMP_CACHE_ENTRIES,
  JUMP_CACHE_ENTRY_SIZE,
  PAGE_SHIFT,
  PAGE_SIZE,
} from '../memory/layout.ts';
import { interpreter, type PseudoHandler } from './interpreter.ts';
import { writeRecord, writePseudoRecord } from './record-writer.ts';
import * as record from './record.ts';
import { JUMP_BLOCK, JUMP_LINEAR, JUMP_MODE } from './run-loop.ts';

/** Instructions in one block at most. */
const BLOCK_INSTRUCTIONS_MAX = 64;
/** After so many losses on a page its blocks are at most so long. */
const LOSSES_MAX = 64;
const BLOCK_INSTRUCTIONS_SHORT = 4;
/** A block of one instruction with a hook fits; this place serves blocks that must not be kept. */
const SCRATCH_SIZE = record.BLOCK_HEADER_SIZE + 2 * record.RECORD_SIZE;
const FIRST_FREE = CODE_ARENA + SCRATCH_SIZE;

/** Where and how code is to be decoded. */
export interface CodePlace {
  readonly linear: number;
  readonly physical: number;
  readonly codeSize: OperandSize;
  readonly modeKey: number;
  /** Bytes from `linear` to the end of the code segment; at least 0. */
  readonly bytesToLimit: number;
  /** False for code in device memory, which is decoded afresh each time. */
  readonly keep: boolean;
}

/** A decoded block; `address` is that of its header in the machine's memory. */
export interface Block {
  readonly address: number;
  readonly linear: number;
  readonly physical: number;
  readonly bytes: number;
  readonly codeSize: OperandSize;
  alive: boolean;
}

/** The blocks on a page, by the granules of the page that they touch. */
interface CodePage {
  readonly granules: (Set<Block> | undefined)[];
  readonly map: number;
  /** Blocks lost to writes so far. */
  losses: number;
}

export class CodeCache {
  /** True for linear or physical addresses at which the engine must be asked before the instruction runs. */
  isHooked: (linear: number, physical: number) => boolean = () => false;
  /** Called when a page holds decoded code for the first time. */
  onCodePage: (physicalPage: number) => void = () => {};
  readonly #view: DataView;
  readonly #decoder: Decoder;
  readonly #byPhysical = new Map<number, Block[]>();
  readonly #pages = new Map<number, CodePage>();
  #free = FIRST_FREE;
  /** Times that all decoded code was dropped. */
  flushes = 0;

  constructor(memory: WebAssembly.Memory, model: CpuModel) {
    this.#decoder = new Decoder(model);
    this.#view = new DataView(memory.buffer);
  }

  /** Address of the code map of a page, or 0. */
  codeMapOf(physical: number): number {
    return this.#pages.get(physical >>> PAGE_SHIFT)?.map ?? 0;
  }

  /** The block at a place, decoded if it is not there yet; the jump cache learns it. */
  find(place: CodePlace, bytes: ByteSource): Block {
    const known = this.#byPhysical.get(place.physical)?.find((block) => matches(block, place));
    const block = known ?? this.#decodeBlock(place, bytes);
    if (place.keep && block.address !== CODE_ARENA) this.#enterJump(place, block);
    return block;
  }

  /** Drops the blocks that a write has changed; true if there were any. */
  written(physical: number, size: number): boolean {
    const end = physical + size;
    const lost = new Set<Block>();
    for (
      let granule = physical >>> CODE_MAP_GRANULE_SHIFT;
      granule <= (end - 1) >>> CODE_MAP_GRANULE_SHIFT;
      granule++
    ) {
      const page = this.#pages.get(granule >>> (PAGE_SHIFT - CODE_MAP_GRANULE_SHIFT));
      for (const block of page?.granules[granule & (CODE_MAP_SIZE - 1)] ?? []) {
        if (block.physical < end && physical < block.physical + block.bytes) lost.add(block);
      }
    }
    for (const block of lost) this.#kill(block);
    return lost.size > 0;
  }

  /** Drops everything. Not to be called while a block runs. */
  flush(): void {
    this.#byPhysical.clear();
    this.#pages.clear();
    this.#free = FIRST_FREE;
    new Uint8Array(this.#view.buffer, JUMP_CACHE, JUMP_CACHE_ENTRIES * JUMP_CACHE_ENTRY_SIZE).fill(0);
    this.flushes++;
  }

  #enterJump(place: CodePlace, block: Block): void {
    const entry = JUMP_CACHE + (place.linear & (JUMP_CACHE_ENTRIES - 1)) * JUMP_CACHE_ENTRY_SIZE;
    this.#view.setInt32(entry + JUMP_LINEAR, place.linear, true);
    this.#view.setInt32(entry + JUMP_MODE, place.modeKey, true);
    this.#view.setInt32(entry + JUMP_BLOCK, block.address, true);
  }

  #decodeBlock(place: CodePlace, bytes: ByteSource): Block {
    const roomNeeded = record.BLOCK_HEADER_SIZE + (BLOCK_INSTRUCTIONS_MAX + 1) * record.RECORD_SIZE;
    if (this.#free + roomNeeded > CODE_ARENA_END || this.#pages.size >= CODE_MAPS_MAX - 2) this.flush();
    const first = this.#decodeAt(place, bytes, 0);
    const beyond = first.length > place.bytesToLimit;
    const keep = place.keep && !beyond;
    const address = keep ? this.#free : CODE_ARENA;
    const hooked = this.isHooked(place.linear, place.physical);
    const entry = address + record.BLOCK_HEADER_SIZE;
    const firstRecord = hooked ? entry + record.RECORD_SIZE : entry;
    if (hooked) this.#pseudo(entry, 'hook', 0, 0);
    let size = 0;
    let count = 0;
    if (beyond) {
      this.#pseudo(firstRecord, 'beyondLimit', first.length, first.length);
      size = first.length;
      count = 1;
    } else {
      const max = keep ? this.#instructionsMax(place) : 1;
      for (let done = false; !done; count++) {
        const instruction = count === 0 ? first : this.#decodeAt(place, bytes, size);
        size += instruction.length;
        this.#record(firstRecord + count * record.RECORD_SIZE, instruction, size);
        done = count + 1 >= max || this.#endsAfter(instruction, place, bytes, size);
      }
    }
    this.#header(address, count, entry, firstRecord, size);
    const { linear, physical, codeSize } = place;
    const block = { address, linear, physical, bytes: size, codeSize, alive: true };
    if (keep) this.#keep(block, firstRecord + count * record.RECORD_SIZE);
    return block;
  }

  /** On a page that loses its code again and again, decoding far ahead is work thrown away. */
  #instructionsMax({ physical }: CodePlace): number {
    const losses = this.#pages.get(physical >>> PAGE_SHIFT)?.losses ?? 0;
    return losses < LOSSES_MAX ? BLOCK_INSTRUCTIONS_MAX : BLOCK_INSTRUCTIONS_SHORT;
  }

  /** True when the instruction must be the last of its block. */
  #endsAfter(instruction: DecodedInstruction, place: CodePlace, bytes: ByteSource, size: number): boolean {
    if (instruction.rowIndex < 0 || instructionRows[instruction.rowIndex]?.endsBlock) return true;
    const inPage = (place.physical & (PAGE_SIZE - 1)) + size;
    if (inPage >= PAGE_SIZE || this.isHooked(place.linear + size, place.physical + size)) return true;
    const next = this.#decodeAt(place, bytes, size);
    return size + next.length > place.bytesToLimit || inPage + next.length > PAGE_SIZE;
  }

  #decodeAt(place: CodePlace, bytes: ByteSource, offset: number): DecodedInstruction {
    return this.#decoder.decode((at) => bytes(offset + at), place.codeSize);
  }

  #header(address: number, count: number, entry: number, first: number, bytes: number): void {
    this.#view.setInt32(address + record.BLOCK_COUNT, count, true);
    this.#view.setInt32(address + record.BLOCK_ENTRY, entry, true);
    this.#view.setInt32(address + record.BLOCK_BYTES, bytes, true);
    this.#view.setInt32(address + record.BLOCK_FIRST, first, true);
  }

  #record(address: number, instruction: DecodedInstruction, nextOffset: number): void {
    if (instruction.rowIndex === ROW_INVALID) this.#pseudo(address, 'invalid', instruction.length, nextOffset);
    else if (instruction.rowIndex === ROW_TOO_LONG)
      this.#pseudo(address, 'beyondLimit', instruction.length, nextOffset);
    else writeRecord(this.#view, address, instruction, interpreter().handlerOf(instruction), nextOffset);
  }

  #pseudo(address: number, handler: PseudoHandler, length: number, nextOffset: number): void {
    writePseudoRecord(this.#view, address, interpreter().pseudoHandlers[handler], length, nextOffset);
  }

  #keep(block: Block, end: number): void {
    this.#free = end;
    const same = this.#byPhysical.get(block.physical);
    if (same) same.push(block);
    else this.#byPhysical.set(block.physical, [block]);
    this.#eachGranule(block, (page, granule) => {
      const blocks = page.granules[granule];
      if (blocks) blocks.add(block);
      else page.granules[granule] = new Set([block]);
      this.#view.setUint8(page.map + granule, 1);
    });
  }

  /** Visits the granules of a block, with pages made where there are none. */
  #eachGranule(block: Block, visit: (page: CodePage, granule: number) => void): void {
    const last = (block.physical + block.bytes - 1) >>> CODE_MAP_GRANULE_SHIFT;
    for (let granule = block.physical >>> CODE_MAP_GRANULE_SHIFT; granule <= last; granule++) {
      const number = granule >>> (PAGE_SHIFT - CODE_MAP_GRANULE_SHIFT);
      visit(this.#pages.get(number) ?? this.#newPage(number), granule & (CODE_MAP_SIZE - 1));
    }
  }

  #newPage(number: number): CodePage {
    const page = { granules: [], map: CODE_MAPS + this.#pages.size * CODE_MAP_SIZE, losses: 0 };
    this.#pages.set(number, page);
    new Uint8Array(this.#view.buffer, page.map, CODE_MAP_SIZE).fill(0);
    this.onCodePage(number);
    return page;
  }

  #kill(block: Block): void {
    block.alive = false;
    const entry = this.#view.getInt32(block.address + record.BLOCK_ENTRY, true);
    this.#view.setUint16(entry + record.RECORD_HANDLER, interpreter().pseudoHandlers.dead, true);
    const same = this.#byPhysical.get(block.physical);
    if (same) {
      const left = same.filter((other) => other !== block);
      if (left.length > 0) this.#byPhysical.set(block.physical, left);
      else this.#byPhysical.delete(block.physical);
    }
    this.#eachGranule(block, (page, granule) => {
      const blocks = page.granules[granule];
      blocks?.delete(block);
      if (!blocks?.size) this.#view.setUint8(page.map + granule, 0);
    });
    const page = this.#pages.get(block.physical >>> PAGE_SHIFT);
    if (page) page.losses++;
  }
}

function matches(block: Block, place: CodePlace): boolean {
  return block.linear === place.linear && block.codeSize === place.codeSize && block.bytes <= place.bytesToLimit;
}
