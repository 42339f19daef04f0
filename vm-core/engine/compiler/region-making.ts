/**
 * How regions that were found become code that is entered: modules are made of them, here or in another thread, and their
 * functions put into the tables. What comes from there comes later, and may be no use any more.
 */
import { cpuBase } from '../../memory/layout.ts';
import type { Block } from '../code-cache.ts';
import type { CompiledRegions } from './compiled-regions.ts';
import type { CompilerThread } from './compiler-thread.ts';
import type { Region } from './region-graph.ts';
import { type MadeModule, makeModule, type ModulePlan, regionName } from './region-module.ts';
import { UnitFunctionPlaces } from './unit-functions.ts';

/** Modules that the other thread makes at a time; what is found beyond that is made here. */
const ORDERED_MAX = 4;

/** A region that is to become code. */
export interface FoundRegion {
  readonly region: Region<Block>;
  /** Facts that hold there, of which the code may take what it likes for granted. */
  readonly facts: number;
  /** Stores to pages with code are done in the region, if they are not to code. */
  readonly storesBesideCode: boolean;
  /** The same as it would be found now. */
  again(): FoundRegion | undefined;
}

/** One on its way. */
interface PlannedRegion extends FoundRegion {
  /** The number of its counters. */
  readonly counters: number;
  /** Its code has changed since. */
  isStale: boolean;
}

/** What is needed of the machine. */
export interface MakingSurroundings {
  readonly memory: WebAssembly.Memory;
  /** Code that V8 does not take is a fault of the compiler: proofs fail by it, for a user that code stays interpreted. */
  readonly isProof: boolean;
  /** Where modules are made once it is ready. Default: here. */
  readonly thread?: CompilerThread | undefined;
}

/** Who has the regions made. */
interface MakingOwner {
  /** Whether a region that begins at a block is still wanted. */
  mayCompile(block: Block): boolean;
  /** None can be made of it. */
  refuse(block: Block): void;
}

/** Functions that regions call are numbered by the thread that has made them. */
type Where = 'here' | 'there';

export class RegionMaking {
  readonly #around: MakingSurroundings;
  readonly #regions: CompiledRegions;
  readonly #counters: { elsewhere: number };
  readonly #owner: MakingOwner;
  /** By the size of addresses, as the tables are. */
  readonly #functions: Readonly<Record<Where, Readonly<Record<32 | 64, UnitFunctionPlaces>>>>;
  /** What the other thread makes, by the blocks at which it begins. */
  readonly #ordered = new Map<Block, PlannedRegion>();
  #orders = 0;

  constructor(
    around: MakingSurroundings,
    regions: CompiledRegions,
    counters: { elsewhere: number },
    owner: MakingOwner,
  ) {
    this.#around = around;
    this.#regions = regions;
    this.#counters = counters;
    this.#owner = owner;
    const places = () => new UnitFunctionPlaces(around.memory);
    this.#functions = { here: { 32: places(), 64: places() }, there: { 32: places(), 64: places() } };
  }

  /** Makes a module of regions of code of one kind, or has it made. */
  make(found: readonly FoundRegion[]): void {
    if (found.length === 0) return;
    const counters = this.#regions.reserve(found.length);
    const planned = found.map((each, n) => ({ ...each, counters: counters[n] as number, isStale: false }));
    const { thread } = this.#around;
    if (thread?.isReady && this.#orders < ORDERED_MAX) this.#order(planned, thread);
    else this.#makeHere(planned);
  }

  /** Whether the other thread makes the region that begins at a block. */
  isOrdered(block: Block): boolean {
    return this.#ordered.has(block);
  }

  /** The code of a block is another one now, or nothing is known of it any more. */
  changed(block: Block): void {
    for (const planned of this.#ordered.values()) {
      for (const node of planned.region.nodes.values()) planned.isStale ||= node.block === block;
    }
  }

  /** So is all code. */
  flush(): void {
    for (const planned of this.#ordered.values()) planned.isStale = true;
    this.#ordered.clear();
  }

  /** Until it is there the code is interpreted. */
  #order(planned: readonly PlannedRegion[], thread: CompilerThread): void {
    this.#orders++;
    for (const each of planned) this.#ordered.set(each.region.root.block, each);
    thread.make(
      this.#planOf(planned, 'there'),
      (made) => {
        this.#arrived(planned);
        this.#put(planned, made, 'there');
      },
      () => {
        this.#arrived(planned);
        this.#giveBack(planned);
        this.#makeEach(planned.filter(({ isStale }) => !isStale));
      },
    );
  }

  #arrived(planned: readonly PlannedRegion[]): void {
    this.#orders--;
    for (const each of planned) {
      const root = each.region.root.block;
      if (this.#ordered.get(root) === each) this.#ordered.delete(root);
      each.isStale ||= !this.#owner.mayCompile(root);
    }
  }

  #makeHere(planned: readonly PlannedRegion[]): void {
    try {
      this.#put(planned, makeModule(this.#planOf(planned, 'here')), 'here');
    } catch (error) {
      if (this.#around.isProof || !(error instanceof WebAssembly.CompileError)) throw error;
      this.#giveBack(planned);
      if (planned.length > 1) this.#makeEach(planned);
      else for (const { region } of planned) this.#owner.refuse(region.root.block);
    }
  }

  /** Each in a module of its own, as there is one that cannot be made, and here, as the other thread may have ended. */
  #makeEach(planned: readonly PlannedRegion[]): void {
    for (const each of planned) {
      const found = each.again();
      const [counters] = found ? this.#regions.reserve(1) : [];
      if (found && counters !== undefined) this.#makeHere([{ ...found, counters, isStale: false }]);
    }
  }

  #planOf(planned: readonly PlannedRegion[], where: Where): ModulePlan {
    const tables = this.#tablesOf(planned);
    const regions = planned.map(({ region, facts, storesBesideCode, counters }) => ({
      ...{ region, facts, storesBesideCode, counters },
    }));
    const cpu = tables.length === 1 ? cpuBase(0) : undefined;
    return { regions, cpu, functionsAt: this.#placesOf(planned, where).firstIn(tables) };
  }

  /** Puts what was made into the tables, and gives back what is no use any more. */
  #put(planned: readonly PlannedRegion[], made: MadeModule, where: Where): void {
    const tables = this.#tablesOf(planned);
    const { memory } = this.#around;
    this.#placesOf(planned, where).put(made.functions, tables);
    const imports = tables.map((table) => ({ env: { memory, table } }));
    const instances = imports.map((each) => new WebAssembly.Instance(made.module, each).exports);
    const module = { bytes: made.bytes, regions: 0 };
    this.#giveBack(planned.filter(({ isStale }) => isStale));
    for (const [n, code] of made.regions.entries()) {
      const { region, counters, isStale } = planned[n] as PlannedRegion;
      if (isStale) continue;
      const entries = instances.map((instance) => instance[regionName(n)]);
      this.#regions.put(region, code, counters, module, entries);
      if (where === 'there') this.#counters.elsewhere++;
    }
  }

  #giveBack(planned: readonly PlannedRegion[]): void {
    this.#regions.giveBack(planned.map(({ counters }) => counters));
  }

  /** Of regions of code of one kind. */
  #tablesOf([first]: readonly PlannedRegion[]): readonly WebAssembly.Table[] {
    return first ? this.#regions.tablesOf(first.region.root.block.codeSize) : [];
  }

  #placesOf([first]: readonly PlannedRegion[], where: Where): UnitFunctionPlaces {
    return this.#functions[where][first?.region.addressBits ?? 32];
  }
}
