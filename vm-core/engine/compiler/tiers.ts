/** The two ways in which a processor executes code: which engine a machine has, and where its execution meets the compiler. */
import type { Address } from '../../state/address.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { internal, SHADOW_STI, slot } from '../../state/layout.ts';
import type { Block, CodeCache } from '../code-cache.ts';
import { codeSizeOf } from '../derived-state.ts';
import { codeAddressAt } from '../jump-cache.ts';
import type { RunFunctions } from '../run-functions.ts';
import type { SlowPathImports } from '../slow-paths.ts';
import { noticingAccesses } from './access-causes.ts';
import { type Candidate, Compiler } from './compiler.ts';
import { RandomTiers } from './random-tiers.ts';
import { CALLS_RECORDED, REGIONS_OFF, WATCHED } from './segment-facts.ts';

/**
 * For tests: `compiler-at-once` compiles everything when it is first executed; `compiler-random` goes from one to the other
 * and throws compiled code away as chance has it, of which the number is the seed.
 */
export type Engine = 'interpreter' | 'compiler' | 'compiler-at-once' | `compiler-random:${number}`;

/** Told between two blocks: the vCPU's state, and the instructions that it has retired since its execution began. */
export type BorderWatch = (state: CpuState, executed: number) => void;

/**
 * The engine of machines whose configuration does not name one. A `watch` is told by the processors that are made while it is
 * there, wherever their loop is between two blocks: also behind every region that is left there.
 */
export const defaultEngine: { name: Engine; watch?: BorderWatch | undefined } = { name: 'compiler' };

const RANDOM = 'compiler-random:';

/** Where the processor is. */
export interface CodePosition {
  readonly linear: Address;
  /** -1: not mapped. */
  readonly physical: number;
  /** Instructions retired since the execution began. */
  readonly executed: number;
}

/** The processor whose code it is. */
interface TieredProcessor {
  readonly state: CpuState;
  readonly code: CodeCache;
  readonly watches: { readonly isEmpty: boolean };
  /** -1: not mapped. */
  physicalOf(linear: Address): number;
}

/** vCPUs that share decoded code share what was compiled of it. */
const compilers = new WeakMap<CodeCache, Compiler>();

export class Tiers {
  readonly compiler: Compiler;
  readonly #owner: TieredProcessor;
  readonly #state: CpuState;
  readonly #code: CodeCache;
  /** Instructions to the next sample, as of an amount of the budget. */
  #left = 0;
  #budget = 0;
  readonly #random: RandomTiers | undefined;
  readonly #watch: BorderWatch | undefined = defaultEngine.watch;
  #isRecorded = false;

  constructor(engine: Engine, owner: TieredProcessor, memory: WebAssembly.Memory) {
    const { state, code } = owner;
    this.#owner = owner;
    this.#state = state;
    this.#code = code;
    code.hasSpareRecords = true;
    this.compiler =
      compilers.get(code) ??
      new Compiler({ memory, code, atOnce: engine === 'compiler-at-once', isProof: engine !== 'compiler' });
    compilers.set(code, this.compiler);
    if (engine.startsWith(RANDOM)) this.#random = new RandomTiers(Number(engine.slice(RANDOM.length)), this.compiler);
    this.#left = this.#period;
  }

  get #period(): number {
    return this.#random?.period() ?? this.compiler.period;
  }

  /** Regions are entered through the tables of these. */
  connect(runs: RunFunctions): void {
    this.compiler.connect((codeSize) => runs.tableOf(codeSize));
  }

  /** The interpreter's imports, which tell the compiler why regions were left. */
  noticing(imports: SlowPathImports): SlowPathImports {
    const memory = {
      state: this.#state,
      physicalOf: (linear: number) => this.#owner.physicalOf(linear),
      hostAddress: (physical: number) => this.#code.hostAddress(physical),
      codeMapOf: (physical: number) => this.#code.codeMapOf(physical),
    };
    return noticingAccesses(imports, memory, (region, at, cause) => this.compiler.accessed(region, at, cause));
  }

  /** An execution begins. What records something that regions do not record, other than calls, keeps them from being entered. */
  begin(recordsCalls: boolean, isRecorded: boolean): void {
    this.#isRecorded = isRecorded;
    const facts = this.#state.read32(internal.SEGMENT_FACTS) & ~(CALLS_RECORDED | WATCHED);
    const noticed = (recordsCalls ? CALLS_RECORDED : 0) | (this.#owner.watches.isEmpty ? 0 : WATCHED);
    this.#state.write32(internal.SEGMENT_FACTS, facts | noticed);
    this.#allowRegions();
    this.#awaitSample();
  }

  /** The execution is over: the next one goes on with what is left to the next sample. */
  end(): void {
    this.#left = Math.max(0, this.#left - (this.#budget - this.#state.read32(internal.BUDGET)));
  }

  /** A block was looked up, which happens often while address spaces change: samples find what is hot of that. */
  found(block: Block): void {
    if (this.#random || this.compiler.isAtOnce) (this.#random ?? this.compiler).found({ block, ...this.#place() });
  }

  /** The loop has come back for a sample. */
  sample({ linear, physical, executed }: CodePosition): void {
    if (this.#watch) this.#showBorder(this.#watch, executed);
    if (this.#budget - this.#state.read32(internal.BUDGET) < this.#left) return;
    const block = this.#code.keptAt(linear, physical, codeSizeOf(this.#state));
    const place = this.#place();
    this.compiler.targets.collect(this.#state);
    if (block && this.#random) this.#random.border({ block, ...place });
    else if (block) this.compiler.sampled({ block, ...place }, this.#isBehindRegion);
    this.compiler.left(this.#state.read32(internal.REGION_LEFT), place);
    this.#left = this.#period;
    this.#allowRegions();
    this.#awaitSample();
  }

  /** The hold of an STI is there as it would be if the execution ended here. */
  #showBorder(watch: BorderWatch, executed: number): void {
    const state = this.#state;
    const isBehindSti = state.read32(internal.STI_LEFT) === state.read32(internal.BUDGET);
    if (isBehindSti) state.write8(slot.INTERRUPT_SHADOW, SHADOW_STI);
    watch(state, executed);
    if (isBehindSti) state.write8(slot.INTERRUPT_SHADOW, 0);
  }

  /** Nothing was interpreted since a region was left. */
  get #isBehindRegion(): boolean {
    return this.#state.read32(internal.REGION_BUDGET) === this.#state.read32(internal.BUDGET);
  }

  #allowRegions(): void {
    const isOff = this.#isRecorded || this.#random?.isOff;
    const facts = this.#state.read32(internal.SEGMENT_FACTS) & ~REGIONS_OFF;
    this.#state.write32(internal.SEGMENT_FACTS, facts | (isOff ? REGIONS_OFF : 0));
  }

  #place(): Omit<Candidate, 'block'> {
    const state = this.#state;
    const bits = codeSizeOf(state) === 64 ? 64 : 32;
    const modeKey = state.read32(internal.MODE_KEY) | 0;
    return {
      eip: BigInt.asUintN(bits, BigInt(state.rip)),
      facts: (state.read32(internal.SEGMENT_FACTS) & ~REGIONS_OFF) | 0,
      physicalAt: (linear) =>
        codeAddressAt(state, linear, modeKey) ?? codeAddressAt(state, linear, state.read32(internal.MODE_KEY) | 0),
    };
  }

  #awaitSample(): void {
    this.#budget = this.#state.read32(internal.BUDGET);
    this.#state.write32(internal.SAMPLE_AT, this.#watch ? this.#budget : Math.max(0, this.#budget - this.#left));
  }
}
