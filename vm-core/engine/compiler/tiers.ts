/** The two ways in which a processor executes code: which engine a machine has, and where its execution meets the compiler. */
import type { Address } from '../../state/address.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { internal } from '../../state/layout.ts';
import type { Block, CodeCache } from '../code-cache.ts';
import { codeSizeOf } from '../derived-state.ts';
import type { RunFunctions } from '../run-functions.ts';
import { Compiler } from './compiler.ts';
import { CALLS_RECORDED, REGIONS_OFF } from './segment-facts.ts';

/** `compiler-at-once` compiles everything when it is first executed: for tests. */
export type Engine = 'interpreter' | 'compiler' | 'compiler-at-once';

/** The engine of machines whose configuration does not name one. */
export const defaultEngine: { name: Engine } = { name: 'interpreter' };

/** Where the processor is. */
export interface CodePosition {
  readonly linear: Address;
  /** -1: not mapped. */
  readonly physical: number;
}

/** vCPUs that share decoded code share what was compiled of it. */
const compilers = new WeakMap<CodeCache, Compiler>();

export class Tiers {
  readonly compiler: Compiler;
  readonly #state: CpuState;
  readonly #code: CodeCache;

  constructor(engine: Engine, state: CpuState, memory: WebAssembly.Memory, code: CodeCache, runs: RunFunctions) {
    this.#state = state;
    this.#code = code;
    code.hasSpareRecords = true;
    this.compiler = compilers.get(code) ?? new Compiler({ memory, code, atOnce: engine === 'compiler-at-once' });
    this.compiler.connect((codeSize) => runs.tableOf(codeSize));
    compilers.set(code, this.compiler);
  }

  /** An execution begins. What records something that regions do not record, other than calls, keeps them from being entered. */
  begin(recordsCalls: boolean, isRecorded: boolean): void {
    const facts = this.#state.read32(internal.SEGMENT_FACTS) & ~(REGIONS_OFF | CALLS_RECORDED);
    const now = (recordsCalls ? CALLS_RECORDED : 0) | (isRecorded ? REGIONS_OFF : 0);
    this.#state.write32(internal.SEGMENT_FACTS, facts | now);
    this.#awaitSample();
  }

  /** A block was looked up. */
  found(block: Block): void {
    this.compiler.found({ block, ...this.#place() });
  }

  /** The loop has come back for a sample. */
  sample({ linear, physical }: CodePosition): void {
    const block = this.#code.keptAt(linear, physical, codeSizeOf(this.#state));
    if (block) this.compiler.sampled({ block, ...this.#place() });
    this.#awaitSample();
  }

  #place(): { readonly eip: bigint; readonly facts: number } {
    const bits = codeSizeOf(this.#state) === 64 ? 64 : 32;
    const facts = (this.#state.read32(internal.SEGMENT_FACTS) & ~REGIONS_OFF) | 0;
    return { eip: BigInt.asUintN(bits, BigInt(this.#state.rip)), facts };
  }

  #awaitSample(): void {
    const budget = this.#state.read32(internal.BUDGET);
    this.#state.write32(internal.SAMPLE_AT, Math.max(0, budget - this.compiler.period));
  }
}
