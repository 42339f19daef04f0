/**
 * Decoded code: blocks of records in the machine's memory, found by physical address, linear address and mode, and lost
 * when a byte under them is written (DESIGN §3, §6). Breakpoints split blocks; nothing is ever written into the guest.
 */
import { type Address, plus } from '../state/address.ts';
import type { CpuModel } from '../isa/cpu-model.ts';
import type { ByteSource, DecodedInstruction } from '../isa/decoded-instruction.ts';
import { INSTRUCTION_LENGTH_MAX } from '../isa/decoder.ts';
import type { OperandSize } from '../isa/operand.ts';
import type { BreakpointFilter } from '../machine/machine.ts';
import { CODE_ARENA, CODE_ARENA_END, PAGE_SIZE } from '../memory/layout.ts';
import { BlockRecords, type Piece } from './block-records.ts';
import { CodeArena } from './code-arena.ts';
import { CodePages } from './code-pages.ts';
import { writeHookFilter } from './hook-filter.ts';
import type { JumpCache } from './jump-cache.ts';
import { interpreter } from './interpreter.ts';
import { type LinearBlock, LinearBlocks } from './linear-blocks.ts';
import { writePseudoRecord } from './record-writer.ts';
import * as record from './record.ts';

/** Instructions in one block at most. */
const BLOCK_INSTRUCTIONS_MAX = 64;
/** Where code was lost so often, blocks are at most so long: decoding far ahead is work thrown away. */
const LOSSES_MAX = 64;
const BLOCK_INSTRUCTIONS_SHORT = 4;
/** Where code was lost so often, its blocks are kept and the instruction that was written over is decoded again. */
const LOSSES_BEFORE_PATCHES = 8;
/** Code that is written over often has settled when it is the same after so many ticks of the clock; doubled with each time that was wrong. */
const SETTLED = 4;
/** A block of one instruction with a hook fits; this place serves blocks that must not be kept. */
const SCRATCH_SIZE = record.BLOCK_HEADER_SIZE + 2 * record.RECORD_SIZE;
const FIRST_FREE = CODE_ARENA + SCRATCH_SIZE;
/** A block of the greatest length needs so much. */
const ROOM_NEEDED = record.BLOCK_HEADER_SIZE + (BLOCK_INSTRUCTIONS_MAX + 1) * record.RECORD_SIZE;
/** Parts of the cache, one of which makes room when it is full. */
const SEGMENTS = 64;

/** Where and how code is to be decoded. */
export interface CodePlace {
  readonly linear: Address;
  readonly physical: number;
  readonly codeSize: OperandSize;
  /** Bytes from `linear` to the end of the code segment; at least 0. */
  readonly bytesToLimit: number;
  /** Address in the machine's memory; -1 for code in device memory, which is decoded afresh each time. */
  readonly host: number;
  /** Whether the next linear page is the next physical one; raises a page fault where it may not be executed. */
  nextPageFollows(): boolean;
}

/** A decoded block; `address` is that of its header in the machine's memory. */
export interface Block extends LinearBlock<Block> {
  readonly address: number;
  readonly physical: number;
  readonly codeSize: OperandSize;
  /** The engine is asked before its first instruction. */
  readonly isHooked: boolean;
  /** False once it was dropped. */
  isKept: boolean;
  /** Immediates that its records read anew: writing them changes nothing. */
  fresh: readonly Piece[];
  /** What `CodeCache.clock` was when it was decoded, or changed last. */
  changedAt: number;
}

const NO_PIECES: readonly Piece[] = [];

/** The instructions of a block: how many, in so many bytes, with immediates that are read anew. */
interface Decoded {
  readonly count: number;
  readonly bytes: number;
  readonly fresh: readonly Piece[];
}

export class CodeCache {
  /** True for linear or physical addresses at which the engine must be asked before the instruction runs. */
  isHooked: (linear: Address, physical: number) => boolean = () => false;
  /** What has to hold there for the engine to be asked, if there is such a thing. */
  filterAt: (linear: Address, physical: number) => BreakpointFilter | undefined = () => undefined;
  /** Where in the machine's memory RAM at a physical address is. */
  hostAddress: (physical: number) => number = () => -1;
  /**
   * Called when the code of a block has changed or the block is not kept any more; true if something was built on it, which
   * may be running. When all are dropped at once.
   */
  onChange: (block: Block) => boolean = () => false;
  onFlush: () => void = () => {};
  readonly #view: DataView;
  readonly #records: BlockRecords;
  readonly #byLinearPage = new LinearBlocks<Block>();
  readonly #pages: CodePages<Block>;
  /** Of the vCPUs that execute what is kept here. */
  readonly #jumps: JumpCache[] = [];
  readonly #arena: CodeArena<Block>;
  readonly #onCodePage: ((physicalPage: number) => void)[] = [];
  /** Counts what an embedder of the cache likes to; blocks say when they changed last by it. */
  clock = 0;
  /** A record is left free before the first of each block, for what `enterBy` puts there. */
  hasSpareRecords = false;
  readonly counters = { kept: 0, found: 0, decoded: 0, dropped: 0, evicted: 0, evictions: 0, flushes: 0 };

  /** `size` in bytes; each segment of it must have room for the longest block. */
  constructor(memory: WebAssembly.Memory, model: CpuModel, size: number = CODE_ARENA_END - FIRST_FREE) {
    this.#arena = new CodeArena(this.#jumps, FIRST_FREE, FIRST_FREE + size, SEGMENTS);
    this.#records = new BlockRecords(memory, model);
    this.#view = new DataView(memory.buffer);
    this.#pages = new CodePages(this.#view);
    this.#pages.onNewPage = (page) => {
      for (const listener of this.#onCodePage) listener(page);
    };
  }

  /** A vCPU executes what is kept here: its jump cache, and what is called when a page holds decoded code for the first time. */
  connect(jumps: JumpCache, onCodePage: (physicalPage: number) => void): void {
    this.#jumps.push(jumps);
    this.#onCodePage.push(onCodePage);
  }

  /** Address of the code map of a page, or 0. */
  codeMapOf(physical: number): number {
    return this.#pages.mapOf(physical);
  }

  /** The block at a place if it is decoded and ends on its page, as most are: nothing else is asked or made for it. */
  onPage(linear: Address, physical: number, codeSize: OperandSize, bytesToLimit: number): Block | undefined {
    const bytesMax = Math.min(bytesToLimit, PAGE_SIZE - (physical & (PAGE_SIZE - 1)));
    const block = this.#blockAt(linear, physical, codeSize, bytesMax);
    if (block) this.counters.found++;
    return block;
  }

  /** The block at a place, decoded if it is not there yet. */
  find(place: CodePlace, bytes: ByteSource): Block {
    const { linear, physical, codeSize, bytesToLimit } = place;
    const known = this.#blockAt(linear, physical, codeSize, bytesToLimit);
    if (!known || (known.bytes > roomOf(place) && !place.nextPageFollows())) return this.#decodeBlock(place, bytes);
    this.counters.found++;
    return known;
  }

  /** The block at a place with so many bytes at most. */
  #blockAt(linear: Address, physical: number, codeSize: OperandSize, bytesMax: number): Block | undefined {
    const near = this.#pages.around(physical);
    for (let n = 0; n < near.length; n++) {
      const block = near[n] as Block;
      if (block.physical !== physical || block.linear !== linear || block.codeSize !== codeSize) continue;
      if (block.bytes <= bytesMax) return block;
    }
    return undefined;
  }

  /**
   * RAM was written by the instruction of a record (0: by none). Drops the blocks that this has changed, or puts them
   * right; true if what runs may be another code than what is there now: a dropped block, or something built on one.
   */
  written(physical: number, size: number, by: number): boolean {
    let mustLeave = false;
    for (const block of this.#pages.under(physical, size)) {
      if (this.#isLostOften(block) && this.#patch(block, { physical, bytes: size }, by)) {
        block.changedAt = this.clock;
        if (this.#tellChange(block)) mustLeave = true;
        continue;
      }
      this.#pages.countLoss(block.physical);
      this.counters.dropped++;
      this.#drop(block);
      mustLeave = true;
    }
    return mustLeave;
  }

  /** Drops the blocks that an instruction at an address may be in; true if there were any. */
  dropAt(space: 'linear' | 'physical', address: Address): boolean {
    const there = space === 'physical' ? this.#pages.under(Number(address), 1) : this.#byLinearPage.at(address);
    for (const block of there) this.#drop(block);
    this.counters.dropped += there.length;
    return there.length > 0;
  }

  /** The block at a place, if it is decoded. */
  keptAt(linear: Address, physical: number, codeSize: OperandSize): Block | undefined {
    return this.#blockAt(linear, physical, codeSize, Number.POSITIVE_INFINITY);
  }

  /** True if something may be built on a block: where code is written over often, it has to have stayed as it is for a while. */
  isSettled(block: Block): boolean {
    if (!this.#isLostOften(block)) return true;
    return this.clock - block.changedAt >= SETTLED << this.#pages.wasteAt(block.physical);
  }

  #isLostOften({ physical }: Block): boolean {
    return this.#pages.lossesAt(physical) >= LOSSES_BEFORE_PATCHES;
  }

  /** Has a block begin with a function of the interpreter's table, or again with its first instruction. */
  enterBy(block: Block, place: number | undefined): void {
    const first = this.#view.getInt32(block.address + record.BLOCK_FIRST, true);
    const entry = place === undefined ? first : first - record.RECORD_SIZE;
    if (place !== undefined) writePseudoRecord(this.#view, entry, place, 0, 0);
    this.#view.setInt32(block.address + record.BLOCK_REGION, place ?? 0, true);
    this.#view.setInt32(block.address + record.BLOCK_ENTRY, entry, true);
  }

  /** Drops everything. Not to be called while a block runs. */
  flush(): void {
    this.onFlush();
    this.#byLinearPage.clear();
    this.#pages.clear();
    this.#arena.clear();
    this.#forgetJumps();
    this.counters.kept = 0;
    this.counters.flushes++;
  }

  #forgetJumps(): void {
    for (const jumps of this.#jumps) jumps.forget();
  }

  #decodeBlock(place: CodePlace, source: ByteSource): Block {
    this.#makeRoom();
    const isInside = Math.min(roomOf(place), place.bytesToLimit) > INSTRUCTION_LENGTH_MAX;
    const first = isInside ? 0 : this.#decodeAt(place, source, 0).length;
    const beyond = first > place.bytesToLimit;
    const crosses = first > roomOf(place);
    const keep = place.host >= 0 && !beyond && !(crosses && !place.nextPageFollows());
    const address = keep ? this.#arena.free : CODE_ARENA;
    const hooked = this.isHooked(place.linear, place.physical);
    const spare = address + record.BLOCK_HEADER_SIZE;
    const firstRecord = hooked || this.hasSpareRecords ? spare + record.RECORD_SIZE : spare;
    const entry = hooked ? spare : firstRecord;
    if (hooked) {
      this.#records.pseudo(place.codeSize, entry, 'hook', 0, 0);
      writeHookFilter(this.#view, entry, this.filterAt(place.linear, place.physical));
    }
    const { linear, physical, codeSize, host } = place;
    let bytes = first;
    let count = 1;
    let fresh = NO_PIECES;
    if (beyond) this.#records.pseudo(codeSize, firstRecord, 'beyondLimit', first, first);
    else ({ count, bytes, fresh } = this.#decodeRecords(place, source, firstRecord, keep));
    this.#records.header({ address, physical, host, entry, first: firstRecord, count, bytes });
    const block: Block = {
      address,
      linear,
      physical,
      bytes,
      codeSize,
      isHooked: hooked,
      isKept: keep,
      fresh,
      changedAt: this.clock,
      before: undefined,
      behind: undefined,
    };
    this.counters.decoded++;
    if (keep) this.#keep(block, firstRecord + count * record.RECORD_SIZE);
    return block;
  }

  #instructionsMax({ physical }: CodePlace): number {
    return this.#pages.lossesAt(physical) < LOSSES_MAX ? BLOCK_INSTRUCTIONS_MAX : BLOCK_INSTRUCTIONS_SHORT;
  }

  /** Writes records until something ends the block; the decoder has the first instruction already if it may not be inside its page. */
  #decodeRecords(place: CodePlace, source: ByteSource, firstRecord: number, keep: boolean): Decoded {
    const records = this.#records;
    const { templates } = records;
    const { linear, physical, codeSize, host } = place;
    const max = keep ? this.#instructionsMax(place) : 1;
    const inPage = roomOf(place);
    const sizeMax = Math.min(inPage, place.bytesToLimit);
    // Instructions that begin before this end inside.
    const insideEnd = sizeMax - INSTRUCTION_LENGTH_MAX;
    const hasFresh = this.#pages.hasFresh(physical);
    const knownEnd = keep && !hasFresh ? insideEnd : 0;
    let fresh = NO_PIECES;
    let size = 0;
    for (let count = 1; ; count++) {
      const at = firstRecord + (count - 1) * record.RECORD_SIZE;
      const start = size;
      size += start < knownEnd ? templates.write(host + start, codeSize, at, start) : 0;
      let { endsBlock } = templates;
      if (size === start) {
        if (start > 0 || insideEnd > 0) this.#decodeAt(place, source, start);
        const { instruction } = records;
        size += instruction.length;
        if (start > 0 && size > sizeMax) return { count: count - 1, bytes: start, fresh };
        ({ endsBlock } = records);
        records.write(codeSize, at, size);
        if (start < knownEnd) templates.learn(host + start, codeSize, at, instruction);
        const immediate = keep && hasFresh && size <= inPage ? this.#freshAt(place, size) : undefined;
        if (immediate && records.makeFresh(codeSize, at)) fresh = [...fresh, immediate];
      }
      const isEnd = endsBlock || count >= max || size >= inPage;
      if (isEnd || this.isHooked(plus(linear, size), physical + size)) return { count, bytes: size, fresh };
    }
  }

  /** The immediate of the instruction that was decoded last and ends at a distance, if it is written over often. */
  #freshAt({ physical }: CodePlace, end: number): Piece | undefined {
    const bytes = this.#records.immediateBytes;
    const immediate = { physical: physical + end - bytes, bytes };
    return bytes > 0 && this.#pages.isFresh(immediate) ? immediate : undefined;
  }

  #decodeAt(place: CodePlace, bytes: ByteSource, offset: number): DecodedInstruction {
    // Only the first instruction of a block reaches into the next page, of which nothing may be read before that is sure.
    const end = offset === 0 ? INSTRUCTION_LENGTH_MAX : roomOf(place);
    // Where 15 bytes are not the whole instruction, no more of it are fetched.
    return this.#records.decode((at) => (offset + at < end ? bytes(offset + at) : 0), place.codeSize);
  }

  #keep(block: Block, end: number): void {
    this.#arena.keep(block, end);
    this.counters.kept++;
    this.#byLinearPage.add(block);
    this.#pages.add(block);
  }

  /** Room for another block and its pages, where need be for code that was not used for long. */
  #makeRoom(): void {
    if (!this.#arena.hasRoom(ROOM_NEEDED)) this.#evict(this.#arena.advance());
    if (this.#pages.isFull) this.#pages.dropEmpty();
    while (this.#pages.isFull) {
      this.#evict(this.#arena.giveUp());
      this.#pages.dropEmpty();
    }
  }

  #evict(blocks: readonly Block[]): void {
    const before = this.counters.kept;
    for (const block of blocks) if (block.isKept) this.#drop(block);
    if (blocks.length === 0) return;
    this.#forgetJumps();
    this.counters.evictions++;
    this.counters.evicted += before - this.counters.kept;
  }

  /** Nobody begins with the block any more; where it is being executed it goes on to its end. */
  #drop(block: Block): void {
    const entry = this.#view.getInt32(block.address + record.BLOCK_ENTRY, true);
    this.#view.setUint16(entry + record.RECORD_HANDLER, interpreter(block.codeSize).pseudoHandlers.dead, true);
    this.#view.setInt32(block.address + record.BLOCK_REGION, 0, true);
    this.#byLinearPage.remove(block);
    this.#pages.remove(block);
    block.isKept = false;
    this.counters.kept--;
    this.#tellChange(block);
  }

  /** True if something was built on the block. */
  #tellChange(block: Block): boolean {
    const isBuiltOn = this.onChange(block);
    if (isBuiltOn) this.#pages.countWaste(block.physical);
    return isBuiltOn;
  }

  /** Puts right what was written over in a block; false if it is lost. */
  #patch(block: Block, written: Piece, by: number): boolean {
    const isInPage = (block.physical & (PAGE_SIZE - 1)) + block.bytes <= PAGE_SIZE;
    const fresh = this.#records.patch(block, written, by, (immediate, covers) => {
      if (covers) this.#pages.noteFresh(immediate);
      return isInPage && this.#pages.isFresh(immediate);
    });
    if (!fresh) return false;
    if (fresh.length > 0 || block.fresh.length > 0) {
      this.#pages.remove(block);
      block.fresh = fresh;
      this.#pages.add(block);
    }
    return true;
  }
}

/** Bytes from a place to the end of its page. */
function roomOf({ physical }: CodePlace): number {
  return PAGE_SIZE - (physical & (PAGE_SIZE - 1));
}
