/** Blocks executed one after the other until something ends that, by the interpreter's loop and by compiled code. */
import type { Address } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { internal } from '../state/layout.ts';
import { FAULT } from '../cpu/cpu.ts';
import type { CodeCache } from './code-cache.ts';
import { type Engine, defaultEngine, Tiers } from './compiler/tiers.ts';
import type { EnterFunction } from './events/quick-events.ts';
import { RunFunctions } from './run-functions.ts';
import type { SlowPathImports } from './slow-paths.ts';
import * as record from './record.ts';

/** What the processor tells and finds. */
interface ExecutionOwner {
  readonly watches: { readonly isEmpty: boolean };
  readonly state: CpuState;
  readonly code: CodeCache;
  readonly codeSize: 16 | 32 | 64;
  readonly linearEip: Address;
  readonly branches: { readonly isTold: boolean };
  readonly counters: { readonly needsTelling: boolean };
  readonly callShadow: { readonly isOn: boolean };
  readonly trace: { readonly isOn: boolean };
  physicalOf(linear: Address): number;
  executed(): number;
}

export class Execution {
  /** Of a machine whose engine compiles. */
  readonly tiers: Tiers | undefined;
  readonly #owner: ExecutionOwner;
  readonly #runs: RunFunctions;

  constructor(owner: ExecutionOwner, memory: WebAssembly.Memory, imports: SlowPathImports, engine: Engine | undefined) {
    this.#owner = owner;
    const name = engine ?? defaultEngine.name;
    const tiers = name === 'interpreter' ? undefined : new Tiers(name, owner, memory);
    this.#runs = new RunFunctions(memory, tiers?.noticing(imports) ?? imports);
    tiers?.connect(this.#runs);
    this.tiers = tiers;
  }

  /** See `RunFunctions`. */
  readonly enterOf = (codeSize: 32 | 64): EnterFunction => this.#runs.enterOf(codeSize);

  /**
   * Executes the budget of the state, from a block on; `start` says with which record of it. `findBlock` gives the address of
   * the block at EIP, 0 where its first instruction cannot be fetched.
   */
  run(first: number, start: number, findBlock: () => number): number {
    const { callShadow, trace } = this.#owner;
    this.tiers?.begin(callShadow.isOn, trace.isOn || this.#isTold);
    const status = this.#run(first, start, findBlock);
    this.tiers?.end();
    return status;
  }

  #run(first: number, start: number, findBlock: () => number): number {
    const { state } = this.#owner;
    for (let [block, from] = [first, start]; ; [block, from] = [findBlock(), record.BLOCK_ENTRY]) {
      if (block === 0) return FAULT;
      state.write32(internal.BLOCK, block);
      const at = state.view.getInt32(block + from, true);
      const run = this.#runs.of(this.#owner.codeSize, this.#isTold);
      const status = run(state.base, at, state.read32(internal.BUDGET));
      if ((status & (record.STATUS_LOOKUP | record.STATUS_DEAD | record.STATUS_SAMPLE)) === 0) return status;
      if (state.read32(internal.BUDGET) === 0) return record.STATUS_LIMIT;
      if ((status & record.STATUS_SAMPLE) !== 0) this.#sample();
    }
  }

  /** Whether each branch is told of. */
  get #isTold(): boolean {
    return this.#owner.branches.isTold || this.#owner.counters.needsTelling;
  }

  #sample(): void {
    const owner = this.#owner;
    const linear = owner.linearEip;
    this.tiers?.sample({ linear, physical: owner.physicalOf(linear), executed: owner.executed() });
  }
}
