/**
 * The regions that there are: in which places of the vCPUs' tables they stand, which blocks they were made of, what is
 * counted of them, and what they hold of the host's memory (DESIGN §3).
 */
import type { AccessCause, CompiledRegion } from '../../machine/compiled-region.ts';
import type { OperandSize } from '../../isa/operand.ts';
import type { Address } from '../../state/address.ts';
import { functionSize } from '../../wasm/text.ts';
import type { Block, CodeCache } from '../code-cache.ts';
import { addAccesses, COUNTED_REGIONS, clearCounts, readCounts } from './region-counters.ts';
import type { DefinedRegion } from './region-definition.ts';
import { edgeCount, type Region, waysOut } from './region-graph.ts';
import { regionLines } from './region-text.ts';

/**
 * What is kept at most: regions, and bytes of WebAssembly, of which a host's own code takes two to three times as many. What is
 * compiled last may be beyond it. Tests set less.
 */
export const regionLimits: { regions: number; bytes: number } = { regions: COUNTED_REGIONS, bytes: 48 << 20 };
/** The share that stays where others are given up. */
const KEPT_SHARE = 15 / 16;

/** A module of several regions, of which some may be gone. */
export interface RegionModule {
  readonly bytes: Uint8Array;
  regions: number;
}

/** A compiled region. */
export interface Compiled {
  readonly root: Block;
  readonly eip: bigint;
  readonly blocks: readonly CompiledNode[];
  /** From one block to another. */
  readonly edges: number;
  readonly leadsTo: readonly Address[];
  readonly code: DefinedRegion;
  readonly module: RegionModule;
  /** In the tables. */
  readonly place: number;
  /** The number of its counters. */
  readonly counters: number;
  readonly accesses: Map<AccessCause, number>;
  /** By the address of an instruction's record: how often the region was left there for what a handler could do. */
  readonly leftAt: Map<number, number>;
  /** Entries when somebody looked last whether it is used. */
  entriesSeen: number;
}

interface CompiledNode {
  readonly block: Block;
  readonly instructions: number;
}

/** Counted since the machine was made; `kept` and `modules` are those there are, with so many bytes of WebAssembly. */
export interface RegionsCounters {
  compiled: number;
  kept: number;
  modules: number;
  bytes: number;
  dropped: number;
  evicted: number;
}

export class CompiledRegions {
  readonly counters: RegionsCounters;
  readonly #view: DataView;
  readonly #code: CodeCache;
  readonly #byRoot = new Map<Block, Compiled>();
  readonly #byBlock = new Map<Block, Set<Compiled>>();
  readonly #byCounters: (Compiled | undefined)[] = [];
  readonly #freeCounters: number[] = [];
  readonly #tables: ((codeSize: OperandSize) => WebAssembly.Table)[] = [];
  readonly #freePlaces: Record<32 | 64, number[]> = { 32: [], 64: [] };

  constructor(view: DataView, code: CodeCache, counters: RegionsCounters) {
    this.counters = counters;
    this.#view = view;
    this.#code = code;
  }

  /** A vCPU enters regions through its table of handlers, of which it has one for each kind of code. */
  connect(tableOf: (codeSize: OperandSize) => WebAssembly.Table): void {
    this.#tables.push(tableOf);
  }

  tablesOf(codeSize: OperandSize): readonly WebAssembly.Table[] {
    return this.#tables.map((tableOf) => tableOf(codeSize));
  }

  has(block: Block): boolean {
    return this.#byRoot.has(block);
  }

  at(block: Block): Compiled | undefined {
    return this.#byRoot.get(block);
  }

  byCounters(number: number): Compiled | undefined {
    return this.#byCounters[number];
  }

  /** Numbers of counters for so many regions, for which others are given up where need be. */
  reserve(count: number): readonly number[] {
    const { regions, bytes } = regionLimits;
    const isFull = this.#byRoot.size + count > regions;
    const isLarge = this.counters.bytes > bytes;
    const regionsLeft = isFull ? Math.floor(regions * KEPT_SHARE) - count : regions;
    const bytesLeft = isLarge ? bytes * KEPT_SHARE : bytes;
    if (isFull || isLarge) this.#evict(() => this.#byRoot.size <= regionsLeft && this.counters.bytes <= bytesLeft);
    return Array.from({ length: count }, () => this.#freeCounters.pop() ?? this.#newCounters());
  }

  /** Places of counters that no region has come to use. */
  giveBack(counters: readonly number[]): void {
    this.#freeCounters.push(...counters);
  }

  #newCounters(): number {
    this.#byCounters.push(undefined);
    return this.#byCounters.length - 1;
  }

  /** Puts a function of each table's instance where the interpreter meets it. */
  put(
    region: Region,
    code: DefinedRegion,
    counters: number,
    module: RegionModule,
    functions: readonly unknown[],
  ): void {
    const { block, eip } = region.root;
    const blocks = [...region.nodes.values()].map((node) => ({
      block: node.block,
      instructions: node.instructions.length,
    }));
    const place = this.#placeFor(region.addressBits, block.codeSize);
    for (const [vcpu, table] of this.tablesOf(block.codeSize).entries()) table.set(place, functions[vcpu]);
    const [accesses, leftAt] = [new Map<AccessCause, number>(), new Map<number, number>()];
    const compiled: Compiled = {
      ...{ root: block, eip, blocks, edges: edgeCount(region), code, module, place, counters },
      ...{ leadsTo: waysOut(region), accesses, leftAt, entriesSeen: 0 },
    };
    clearCounts(this.#view, counters);
    this.#byCounters[counters] = compiled;
    this.#byRoot.set(block, compiled);
    for (const { block: each } of blocks) {
      const regions = this.#byBlock.get(each);
      if (regions) regions.add(compiled);
      else this.#byBlock.set(each, new Set([compiled]));
    }
    this.#code.enterBy(block, place);
    this.counters.compiled++;
    this.counters.kept++;
    if (module.regions++ === 0) {
      this.counters.modules++;
      this.counters.bytes += module.bytes.length;
    }
  }

  /** A free place, which is the same in the tables of all vCPUs: they have as many. */
  #placeFor(addressBits: 32 | 64, codeSize: OperandSize): number {
    const free = this.#freePlaces[addressBits].pop();
    if (free !== undefined) return free;
    const [place = 0] = this.tablesOf(codeSize).map((table) => table.grow(1));
    return place;
  }

  /** The code of a block is another one now, or nothing is known of it any more; true if it was compiled. */
  changed(block: Block): boolean {
    const regions = this.#byBlock.get(block);
    for (const compiled of regions ?? []) {
      this.drop(compiled);
      this.counters.dropped++;
    }
    return regions !== undefined;
  }

  drop(compiled: Compiled): void {
    const { root, blocks } = compiled;
    this.#byRoot.delete(root);
    for (const { block } of blocks) {
      const regions = this.#byBlock.get(block);
      regions?.delete(compiled);
      if (regions?.size === 0) this.#byBlock.delete(block);
    }
    if (root.isKept) this.#code.enterBy(root, undefined);
    this.#free(compiled);
  }

  /** Gives up regions that are chosen by the block at which they begin. */
  throwAway(chosen: (root: Block) => boolean): void {
    for (const compiled of [...this.#byRoot.values()]) if (chosen(compiled.root)) this.drop(compiled);
  }

  dropAll(): void {
    for (const compiled of this.#byRoot.values()) {
      this.#free(compiled);
      this.counters.dropped++;
    }
    this.#byRoot.clear();
    this.#byBlock.clear();
  }

  /** Nobody gets there any more. */
  #free({ root, place, counters, module }: Compiled): void {
    for (const table of this.tablesOf(root.codeSize)) table.set(place, null);
    this.#freePlaces[root.codeSize === 64 ? 64 : 32].push(place);
    this.#byCounters[counters] = undefined;
    this.#freeCounters.push(counters);
    this.counters.kept--;
    if (--module.regions > 0) return;
    this.counters.modules--;
    this.counters.bytes -= module.bytes.length;
  }

  /** Gives up regions that were not entered of late, until it is enough: a clock, over them in the order in which they were compiled. */
  #evict(isEnough: () => boolean): void {
    const all = [...this.#byRoot.values()];
    for (const compiled of [...all, ...all]) {
      if (isEnough()) break;
      if (this.#byRoot.get(compiled.root) !== compiled) continue;
      const { entries } = readCounts(this.#view, compiled.counters);
      if (entries === compiled.entriesSeen) {
        this.drop(compiled);
        this.counters.evicted++;
      }
      compiled.entriesSeen = entries;
    }
  }

  /** What an embedder sees of them. */
  list(): readonly CompiledRegion[] {
    return [...this.#byRoot.values()].map((compiled) => this.#shown(compiled));
  }

  #shown({ root, blocks, leadsTo, code, module, counters, accesses }: Compiled): CompiledRegion {
    return {
      linearAddress: root.linear,
      physicalAddress: root.physical,
      codeSize: root.codeSize,
      blocks: blocks.map(({ block, instructions }) => ({
        linearAddress: block.linear,
        physicalAddress: block.physical,
        length: block.bytes,
        instructions,
      })),
      leadsTo,
      guestBytes: blocks.reduce((sum, { block }) => sum + block.bytes, 0),
      codeBytes: functionSize(module.bytes, code.index),
      ...readCounts(this.#view, counters),
      accesses: addAccesses(accesses, this.#view, counters),
      code: () => regionLines(module.bytes, code, root.linear),
    };
  }
}
