/**
 * The compiler of one machine: finds hot code by samples and compiles the regions around it in batches. They are taken away
 * again when their code changes or there are too many, and made anew, otherwise, where they turn out not to fit (DESIGN §3).
 */
import type { AccessCause, CompiledRegion } from '../../machine/compiled-region.ts';
import { instructionRows } from '../../isa/instruction-table.ts';
import type { OperandSize } from '../../isa/operand.ts';
import { type Address, offsetInPage, pageStart, plus } from '../../state/address.ts';
import { cpuBase, PAGE_SIZE } from '../../memory/layout.ts';
import { ModuleBuilder, type SharedFunction } from '../../wasm/module-builder.ts';
import type { Block, CodeCache } from '../code-cache.ts';
import { interpreter, MEMORY_PAGES_MAX } from '../interpreter.ts';
import * as record from '../record.ts';
import { type Compiled, CompiledRegions } from './compiled-regions.ts';
import { LearnedTargets } from './learned-targets.ts';
import { defineRegion } from './region-definition.ts';
import { crossingsOf, readCounts } from './region-counters.ts';
import { type CodeSource, discoverRegion, edgeCount, type Region } from './region-graph.ts';
import { AssumedFacts, commonFacts } from './segment-facts.ts';
import { UnitFunctions } from './unit-functions.ts';

/** Samples of a block that make it hot. */
const HOT = 3;
/** So many hot blocks are compiled together, or as many as there are after so many samples. */
const BATCH = 8;
const PATIENCE = 6;
/** Instructions between two samples: short while something new is found, longer and longer while not. */
const PERIOD_MIN = 20_011;
const PERIOD_MAX = 1_000_003;
/** Blocks that were sampled and are not hot yet. */
const CANDIDATES_MAX = 1024;
/** A region has been worth its compilation after so many instructions. */
const WORTH = 1_000_000;
/** Regions of a block that were not, until the last one stays as it is. */
const FAILURES_MAX = 12;
/** An instruction is given to its handler when the region was left for it so often, and once in so many instructions. */
const LEFT_OFTEN = 16;
const LEFT_WITHIN = 500;
/** The same where it was left for accesses of two pages, which generated code makes. */
const CROSSING_WITHIN = 50;
/** A region that is left for code elsewhere once in so many instructions is looked at again, so often. */
const WAY_WITHIN = 200;
const LOOKS_MAX = 8;
const WAYS_ELSEWHERE = ['page', 'outside', 'indirect'] as const;

/** A block that may be worth to be compiled, and what holds where it was met. */
export interface Candidate {
  readonly block: Block;
  readonly eip: bigint;
  readonly facts: number;
  /** The physical address of code at another linear one: as it was there, or if that was forgotten, as it is now. */
  physicalAt(linear: Address): number | undefined;
}

/** What is known of a block from regions that were made of it before. */
interface Experience {
  /** What all of them could take for granted. */
  facts: number;
  failures: number;
  /** How often it was looked whether there is more to be compiled by now. */
  looks: number;
  /** Whether it was left for stores, which may be beside code. */
  storesBesideCode: boolean;
}

/** What the compiler needs of the machine. */
export interface CompilerSurroundings {
  readonly memory: WebAssembly.Memory;
  readonly code: CodeCache;
  /** Blocks are compiled when they are found, however often they run. */
  readonly atOnce: boolean;
  /** Code that V8 does not take is a fault of the compiler: proofs fail by it, for a user that code stays interpreted. */
  readonly isProof: boolean;
}

export class Compiler {
  readonly counters = {
    ...{ compiled: 0, kept: 0, modules: 0, bytes: 0, dropped: 0, evicted: 0 },
    ...{ refused: 0, samples: 0, specialised: 0, grown: 0 },
  };
  readonly regions: CompiledRegions;
  readonly targets: LearnedTargets = new LearnedTargets();
  readonly #around: CompilerSurroundings;
  /** By the size of addresses, as the tables are. */
  readonly #functions: Readonly<Record<32 | 64, UnitFunctions>>;
  readonly #view: DataView;
  /** Blocks of which no region can be made. */
  readonly #refused = new WeakSet<Block>();
  readonly #experience = new WeakMap<Block, Experience>();
  /** The numbers of instructions in blocks for which the interpreter's handlers are called. */
  readonly #called = new WeakMap<Block, Set<number>>();
  #samples = new Map<Block, number>();
  #waiting: Candidate[] = [];
  #patience = 0;
  #period = PERIOD_MIN;

  constructor(around: CompilerSurroundings) {
    this.#around = around;
    this.#functions = { 32: new UnitFunctions(around.memory), 64: new UnitFunctions(around.memory) };
    this.#view = new DataView(around.memory.buffer);
    this.regions = new CompiledRegions(this.#view, around.code, this.counters);
    around.code.onChange = (block) => this.regions.changed(block);
    around.code.onFlush = () => this.#flush();
  }

  /** What was compiled and is kept. */
  list(): readonly CompiledRegion[] {
    return this.regions.list();
  }

  /** Instructions after which the next sample is wanted. */
  get period(): number {
    return this.#around.atOnce ? Number.POSITIVE_INFINITY : this.#period;
  }

  /** Whether what is found is compiled, however often it runs. */
  get isAtOnce(): boolean {
    return this.#around.atOnce;
  }

  /** A block was looked up because nothing knew where it is. */
  found(candidate: Candidate): void {
    if (this.isAtOnce) this.compileNow(candidate);
  }

  /** Compiles the region around a block if that can be done and was not. */
  compileNow(candidate: Candidate): void {
    this.#around.code.clock++;
    if (this.#mayCompile(candidate.block)) this.#compile([candidate]);
  }

  /** A block was to be executed when a sample was taken: with `isBehindRegion` it was taken of what is compiled. */
  sampled(candidate: Candidate, isBehindRegion: boolean): void {
    this.counters.samples++;
    this.#around.code.clock++;
    const { block } = candidate;
    const compiled = this.regions.at(block);
    if (compiled && !compiled.code.facts.holdFor(candidate.facts)) this.#failed(compiled, candidate.facts);
    else if (compiled && this.#isLeftForStores(compiled)) this.#compileForStores(compiled, candidate.physicalAt);
    if (!isBehindRegion && this.#mayCompile(block)) {
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

  /**
   * What a region takes for granted does not hold where it is to be entered: it is made anew for what both have in common,
   * unless that happens all the time.
   */
  #failed(compiled: Compiled, facts: number): void {
    const { root, counters, code } = compiled;
    const experience = this.#experienceOf(root);
    if (readCounts(this.#view, counters).instructions < WORTH) experience.failures++;
    if (experience.failures > FAILURES_MAX) return;
    experience.facts = commonFacts(commonFacts(experience.facts, code.facts.all), facts);
    this.regions.drop(compiled);
  }

  #experienceOf(root: Block): Experience {
    const known = this.#experience.get(root) ?? { facts: ~0, failures: 0, looks: 0, storesBesideCode: false };
    this.#experience.set(root, known);
    return known;
  }

  /**
   * A region was left not long ago. Where that happens often because the way goes on elsewhere, there may be more by now of
   * which a region can be made: code that was not decoded then, or on a page of which nobody knew where it is.
   */
  left(region: number, { physicalAt }: Pick<Candidate, 'physicalAt'>): void {
    const compiled = this.regions.byCounters(region);
    if (!compiled) return;
    const { entries, instructions, exits } = readCounts(this.#view, region);
    if (this.#isLeftForStores(compiled)) {
      this.#compileForStores(compiled, physicalAt);
      return;
    }
    const crossings = crossingsOf(this.#view, region);
    if (crossings.count >= LEFT_OFTEN && crossings.count * CROSSING_WITHIN > instructions) {
      this.#callFor(compiled, crossings.record);
      return;
    }
    const ways = WAYS_ELSEWHERE.reduce((sum, way) => sum + (exits.get(way) ?? 0), 0);
    if (ways * WAY_WITHIN < instructions || ways * 2 < entries) return;
    const experience = this.#experienceOf(compiled.root);
    if (++experience.looks > LOOKS_MAX) return;
    const candidate = { block: compiled.root, eip: compiled.eip, facts: compiled.code.facts.all, physicalAt };
    const grown = discoverRegion(this.#sourceAt(candidate), candidate.block, candidate.eip);
    if (!grown || edgeCount(grown) <= compiled.edges) return;
    this.regions.drop(compiled);
    this.counters.grown++;
    this.#compile([candidate]);
  }

  #isLeftForStores({ root, counters }: Compiled): boolean {
    const { instructions, exits } = readCounts(this.#view, counters);
    const stores = exits.get('store') ?? 0;
    if (stores < LEFT_OFTEN || stores * LEFT_WITHIN < instructions) return false;
    return !this.#experienceOf(root).storesBesideCode;
  }

  /** Stores beside code take code of their own, which most regions do not need; in real mode all have it. */
  #compileForStores(compiled: Compiled, physicalAt: Candidate['physicalAt']): void {
    this.#experienceOf(compiled.root).storesBesideCode = true;
    this.regions.drop(compiled);
    this.#compile([{ block: compiled.root, eip: compiled.eip, facts: compiled.code.facts.all, physicalAt }]);
  }

  /** The interpreter has made an access for which a region was left before the instruction of a record. */
  accessed(region: number, at: number, cause: AccessCause): void {
    const compiled = this.regions.byCounters(region);
    if (!compiled) return;
    compiled.accesses.set(cause, (compiled.accesses.get(cause) ?? 0) + 1);
    if (cause === 'miss' || cause === 'fault') return;
    const count = (compiled.leftAt.get(at) ?? 0) + 1;
    compiled.leftAt.set(at, count);
    if (count < LEFT_OFTEN) return;
    if (readCounts(this.#view, compiled.counters).instructions > count * LEFT_WITHIN) return;
    this.#callFor(compiled, at);
  }

  /** Has the region of an instruction compiled anew with a call of the instruction's handler. */
  #callFor(compiled: Compiled, at: number): void {
    const row = instructionRows[this.#view.getUint16(at + record.RECORD_ROW, true)];
    if (!row || row.endsBlock) return;
    for (const { block, instructions } of compiled.blocks) {
      const number = (at - this.#view.getInt32(block.address + record.BLOCK_FIRST, true)) / record.RECORD_SIZE;
      if (number < 0 || number >= instructions) continue;
      const called = this.#called.get(block) ?? new Set();
      this.#called.set(block, called.add(number));
    }
    this.counters.specialised++;
    this.regions.drop(compiled);
    this.#period = PERIOD_MIN;
  }

  #mayCompile(block: Block): boolean {
    if (!block.isKept || block.isHooked || this.regions.has(block) || this.#refused.has(block)) return false;
    return isInPage(block) && this.#around.code.isSettled(block);
  }

  /** Compiles regions of code of one kind in a module. */
  #compile(candidates: readonly Candidate[]): void {
    const found: { readonly region: Region; readonly facts: number; readonly storesBesideCode: boolean }[] = [];
    for (const candidate of candidates) {
      const { block, eip, facts } = candidate;
      const region = discoverRegion(this.#sourceAt(candidate), block, eip);
      const experience = this.#experience.get(block);
      const storesBesideCode = experience?.storesBesideCode || new AssumedFacts(facts).isRealMode;
      if (region) found.push({ region, facts: commonFacts(facts, experience?.facts ?? ~0), storesBesideCode });
      else this.#refuse(block);
    }
    const first = found[0];
    if (!first) return;
    const counters = this.regions.reserve(found.length);
    // The handlers of instructions that are not compiled are called through the table.
    const builder = new ModuleBuilder(MEMORY_PAGES_MAX, 0);
    const { codeSize } = first.region.root.block;
    const tables = this.regions.tablesOf(codeSize);
    const functions = this.#functions[codeSize === 64 ? 64 : 32];
    const functionPlace = (definition: SharedFunction) => functions.placeOf(definition, tables);
    const cpu = tables.length === 1 ? cpuBase(0) : undefined;
    const defined = found.map(({ region, ...knowledge }, n) =>
      defineRegion(builder, `region${n}`, region, {
        ...knowledge,
        counters: counters[n] as number,
        functionPlace,
        cpu,
      }),
    );
    const bytes = builder.build();
    const { memory } = this.#around;
    const compiled = this.#moduleOf(bytes);
    if (!compiled) {
      this.regions.giveBack(counters);
      if (found.length === 1) this.#refuse(first.region.root.block);
      else for (const candidate of candidates) this.#compile([candidate]);
      return;
    }
    const instances = tables.map((table) => new WebAssembly.Instance(compiled, { env: { memory, table } }).exports);
    const module = { bytes, regions: 0 };
    for (const [n, code] of defined.entries()) {
      const entries = instances.map((instance) => instance[`region${n}`]);
      this.regions.put((found[n] as { region: Region }).region, code, counters[n] as number, module, entries);
    }
  }

  #moduleOf(bytes: Uint8Array<ArrayBuffer>): WebAssembly.Module | undefined {
    try {
      return new WebAssembly.Module(bytes);
    } catch (error) {
      if (this.#around.isProof) throw error;
      return undefined;
    }
  }

  #refuse(block: Block): void {
    this.counters.refused++;
    this.#refused.add(block);
  }

  #sourceAt({ block: root, facts, physicalAt }: Candidate): CodeSource {
    const { code } = this.#around;
    const placeOf = (linear: Address): number | undefined => {
      const isRootPage = pageStart(linear) === pageStart(root.linear);
      return isRootPage ? root.physical - offsetInPage(root.linear) + offsetInPage(linear) : physicalAt(linear);
    };
    return {
      view: this.#view,
      handlers: interpreter(root.codeSize),
      isRealMode: new AssumedFacts(facts).isRealMode,
      handlerOf: (vector) => {
        const host = code.hostAddress(4 * vector);
        if (host < 0) return undefined;
        return { offset: this.#view.getUint16(host, true), selector: this.#view.getUint16(host + 2, true) };
      },
      blockAt: (linear) => {
        const physical = placeOf(linear);
        const block = physical === undefined ? undefined : code.keptAt(linear, physical, root.codeSize);
        if (!block || block.isHooked || !code.isSettled(block)) return undefined;
        if (isInPage(block)) return block;
        const end = block.bytes - 1;
        return placeOf(plus(linear, end)) === block.physical + end ? block : undefined;
      },
      targetsOf: ({ address }) => this.targets.of(address),
      isCalled: (block, number) => this.#called.get(block)?.has(number) ?? false,
    };
  }

  /** A vCPU enters regions through its table of handlers, of which it has one for each kind of code. */
  connect(tableOf: (codeSize: OperandSize) => WebAssembly.Table): void {
    this.regions.connect(tableOf);
  }

  #flush(): void {
    this.regions.dropAll();
    this.targets.clear();
    this.#samples.clear();
    this.#waiting = [];
  }
}

/** Only a block that is one instruction may reach into the next page. */
function isInPage({ physical, bytes }: Block): boolean {
  return (physical & (PAGE_SIZE - 1)) + bytes <= PAGE_SIZE;
}
