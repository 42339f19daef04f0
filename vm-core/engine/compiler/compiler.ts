/**
 * The compiler of one machine: finds hot code by samples, compiles the regions around it in batches, puts them where the
 * interpreter meets them, and takes them away again when their code changes or there are too many (DESIGN §3).
 */
import { highHalf, lowHalf } from '../../state/address.ts';
import type { OperandSize } from '../../isa/operand.ts';
import { PAGE_SIZE } from '../../memory/layout.ts';
import { ModuleBuilder } from '../../wasm/module-builder.ts';
import type { Block, CodeCache } from '../code-cache.ts';
import { interpreter, MEMORY_PAGES_MAX } from '../interpreter.ts';
import { defineRegion, REGION_USED } from './region-code.ts';
import { type CodeSource, discoverRegion, type Region } from './region-graph.ts';

/** Samples of a block that make it hot. */
const HOT = 2;
/** So many hot blocks are compiled together, or as many as there are after so many samples. */
const BATCH = 8;
const PATIENCE = 6;
/** Regions at most. A function of its own takes a few kilobytes. */
const REGIONS_MAX = 4096;
/** The share of them that is given up at a time. */
const EVICTED_SHARE = 1 / 16;
/** Instructions between two samples: short while something new is found, longer and longer while not. */
const PERIOD_MIN = 10_007;
const PERIOD_MAX = 1_000_003;
/** Blocks that were sampled and are not hot yet. */
const CANDIDATES_MAX = 1024;

/** A compiled region. */
interface Compiled {
  readonly root: Block;
  readonly blocks: readonly Block[];
  readonly facts: number;
  readonly place: number;
  readonly bytes: number;
}

interface Candidate {
  readonly block: Block;
  readonly eip: bigint;
  readonly facts: number;
}

/** What the compiler needs of the machine. */
export interface CompilerSurroundings {
  readonly memory: WebAssembly.Memory;
  readonly code: CodeCache;
  /** Blocks are compiled when they are found, however often they run. */
  readonly atOnce: boolean;
}

export class Compiler {
  readonly counters = { compiled: 0, kept: 0, bytes: 0, modules: 0, refused: 0, dropped: 0, evicted: 0, samples: 0 };
  readonly #around: CompilerSurroundings;
  readonly #view: DataView;
  readonly #byRoot = new Map<Block, Compiled>();
  readonly #byBlock = new Map<Block, Set<Compiled>>();
  /** Blocks of which no region can be made. */
  readonly #refused = new WeakSet<Block>();
  #samples = new Map<Block, number>();
  #waiting: Candidate[] = [];
  #patience = 0;
  #period = PERIOD_MIN;
  readonly #tables: ((codeSize: OperandSize) => WebAssembly.Table)[] = [];
  readonly #freePlaces: Record<32 | 64, number[]> = { 32: [], 64: [] };

  constructor(around: CompilerSurroundings) {
    this.#around = around;
    this.#view = new DataView(around.memory.buffer);
    around.code.onChange = (block) => this.#changed(block);
    around.code.onFlush = () => this.#flush();
  }

  /** A vCPU enters regions through its table of handlers, of which it has one for each kind of code. */
  connect(tableOf: (codeSize: OperandSize) => WebAssembly.Table): void {
    this.#tables.push(tableOf);
  }

  /** Instructions after which the next sample is wanted. */
  get period(): number {
    return this.#around.atOnce ? Number.POSITIVE_INFINITY : this.#period;
  }

  /** A block was looked up because nothing knew where it is. */
  found(candidate: Candidate): void {
    if (!this.#around.atOnce || !this.#mayCompile(candidate.block)) return;
    this.#compile([candidate]);
  }

  /** A block was executed when a sample was taken. */
  sampled(candidate: Candidate): void {
    this.counters.samples++;
    const { block } = candidate;
    const compiled = this.#byRoot.get(block);
    // What was taken for granted holds no more.
    if (compiled && compiled.facts !== candidate.facts) this.#drop(compiled);
    if (this.#mayCompile(block)) {
      const count = (this.#samples.get(block) ?? 0) + 1;
      if (this.#samples.size > CANDIDATES_MAX) this.#samples.clear();
      this.#samples.set(block, count);
      this.#period = PERIOD_MIN;
      if (count === HOT) this.#waiting.push(candidate);
    } else this.#period = Math.min(this.#period * 2, PERIOD_MAX);
    if (this.#waiting.length === 0) return;
    this.#patience++;
    if (this.#waiting.length < BATCH && this.#patience < PATIENCE) return;
    const batch = this.#waiting.filter((waiting) => this.#mayCompile(waiting.block));
    this.#waiting = [];
    this.#patience = 0;
    this.#samples.clear();
    for (const codeSize of [32, 64] as const) {
      this.#compile(batch.filter((waiting) => (waiting.block.codeSize === 64) === (codeSize === 64)));
    }
  }

  #mayCompile(block: Block): boolean {
    if (!block.isKept || block.isHooked || this.#byRoot.has(block) || this.#refused.has(block)) return false;
    return isInPage(block) && !this.#around.code.isLostOften(block);
  }

  /** Compiles regions of code of one kind in a module. */
  #compile(candidates: readonly Candidate[]): void {
    const found: { readonly region: Region; readonly facts: number }[] = [];
    for (const { block, eip, facts } of candidates) {
      const region = discoverRegion(this.#sourceAt(block), block, eip);
      if (region) found.push({ region, facts });
      else {
        this.counters.refused++;
        this.#refused.add(block);
      }
    }
    const first = found[0];
    if (!first) return;
    if (this.#byRoot.size + found.length > REGIONS_MAX) this.#evict();
    // The handlers of instructions that are not compiled are called through the table.
    const builder = new ModuleBuilder(MEMORY_PAGES_MAX, 0);
    for (const [n, { region, facts }] of found.entries()) defineRegion(builder, `region${n}`, region, facts);
    const bytes = builder.build();
    const { memory } = this.#around;
    const module = new WebAssembly.Module(bytes);
    const { codeSize } = first.region.root.block;
    const tables = this.#tables.map((tableOf) => tableOf(codeSize));
    const instances = tables.map((table) => new WebAssembly.Instance(module, { env: { memory, table } }).exports);
    this.counters.modules++;
    for (const [n, { region, facts }] of found.entries()) {
      const place = this.#placeFor(region, tables);
      for (const [vcpu, table] of tables.entries()) table.set(place, instances[vcpu]?.[`region${n}`]);
      this.#put(region, facts, place, Math.ceil(bytes.length / found.length));
    }
  }

  /** A free place, which is the same in the tables of all vCPUs: they have as many. */
  #placeFor({ addressBits }: Region, tables: readonly WebAssembly.Table[]): number {
    const free = this.#freePlaces[addressBits].pop();
    if (free !== undefined) return free;
    const [place = 0] = tables.map((table) => table.grow(1));
    return place;
  }

  #put({ root, nodes }: Region, facts: number, place: number, bytes: number): void {
    const { block } = root;
    const blocks = [...nodes.values()].map((node) => node.block);
    const compiled: Compiled = { root: block, blocks, facts, place, bytes };
    this.#byRoot.set(block, compiled);
    for (const each of blocks) {
      const regions = this.#byBlock.get(each);
      if (regions) regions.add(compiled);
      else this.#byBlock.set(each, new Set([compiled]));
    }
    this.#around.code.enterBy(block, place);
    this.counters.compiled++;
    this.counters.kept++;
    this.counters.bytes += bytes;
  }

  #sourceAt(root: Block): CodeSource {
    const { code } = this.#around;
    return {
      view: this.#view,
      handlers: interpreter(root.codeSize),
      blockAt: (linear) => {
        const physical = root.physical + (lowHalf(linear) - lowHalf(root.linear));
        const block =
          highHalf(linear) === highHalf(root.linear) ? code.keptAt(linear, physical, root.codeSize) : undefined;
        return block && !block.isHooked && isInPage(block) && !code.isLostOften(block) ? block : undefined;
      },
    };
  }

  /** The code of a block is another one now, or nothing is known of it any more; true if it was compiled. */
  #changed(block: Block): boolean {
    const regions = this.#byBlock.get(block);
    for (const compiled of regions ?? []) {
      this.#drop(compiled);
      this.counters.dropped++;
    }
    return regions !== undefined;
  }

  #drop(compiled: Compiled): void {
    const { root, blocks, bytes } = compiled;
    this.#byRoot.delete(root);
    for (const block of blocks) {
      const regions = this.#byBlock.get(block);
      regions?.delete(compiled);
      if (regions?.size === 0) this.#byBlock.delete(block);
    }
    if (root.isKept) this.#around.code.enterBy(root, undefined);
    this.#free(compiled);
    this.counters.kept--;
    this.counters.bytes -= bytes;
  }

  /** Gives up regions that were not entered of late: a clock, over regions in the order in which they were compiled. */
  #evict(): void {
    const wanted = Math.ceil(REGIONS_MAX * EVICTED_SHARE);
    const all = [...this.#byRoot.values()];
    let evicted = 0;
    for (const compiled of [...all, ...all]) {
      if (evicted >= wanted || this.#byRoot.get(compiled.root) !== compiled) continue;
      const at = this.#around.code.entryOf(compiled.root) + REGION_USED;
      if (this.#view.getUint8(at) === 0) {
        this.#drop(compiled);
        evicted++;
      } else this.#view.setUint8(at, 0);
    }
    this.counters.evicted += evicted;
  }

  /** Nobody gets there any more. */
  #free({ root, place }: Compiled): void {
    for (const tableOf of this.#tables) tableOf(root.codeSize).set(place, null);
    this.#freePlaces[root.codeSize === 64 ? 64 : 32].push(place);
  }

  #flush(): void {
    for (const compiled of this.#byRoot.values()) {
      this.#free(compiled);
      this.counters.dropped++;
    }
    this.#byRoot.clear();
    this.#byBlock.clear();
    this.#samples.clear();
    this.#waiting = [];
    this.counters.kept = 0;
    this.counters.bytes = 0;
  }
}

/** Only a block that is one instruction may reach into the next page. */
function isInPage({ physical, bytes }: Block): boolean {
  return (physical & (PAGE_SIZE - 1)) + bytes <= PAGE_SIZE;
}
