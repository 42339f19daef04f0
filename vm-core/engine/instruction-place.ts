/** Where execution is while a slow path runs: exact, although EIP and the budget are kept for whole blocks. */
import { GuestFault, VECTOR_PF } from '../cpu/cpu.ts';
import { codeAddressOf } from '../cpu/mode.ts';
import { type Address, plus } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { internal, SHADOW_STI, slot } from '../state/layout.ts';
import { RF } from '../state/lazy-flags.ts';
import { RecordInstruction } from './record-instruction.ts';
import * as record from './record.ts';

const TWO_32 = 2 ** 32;

export class InstructionPlace {
  /** Record of the instruction that has called a slow path; 0 between instructions. */
  current = 0;
  /** Linear address of an instruction that has branched, while it is told. */
  branchedFrom: Address | undefined;
  /** EIP of the block while a system operation has EIP for itself. */
  entryEip: Address | undefined;
  /** Instructions that the execution was allowed. */
  budgetAtStart = 0;
  readonly instruction: RecordInstruction;
  readonly #state: CpuState;

  constructor(state: CpuState) {
    this.#state = state;
    this.instruction = new RecordInstruction(state);
  }

  /** An execution of so many instructions at most begins at a virtual time. */
  executionBegins(budget: number, now: number): void {
    const end = now + budget;
    this.#state.write32(internal.TIME_END, end >>> 0);
    this.#state.write32(internal.TIME_END + 4, Math.floor(end / TWO_32));
    this.#state.write32(internal.STI_LEFT, -1);
    this.#state.write32(internal.FAULT, 0);
    this.#state.write32(internal.DELIVERED, 0);
    this.#state.write32(internal.BUDGET, budget);
    this.#state.write32(internal.BUDGET_BEHIND, 0);
    this.budgetAtStart = budget;
  }

  /** What was executed is counted. An STI that was its last instruction holds interrupts off for the next one. */
  executionEnds(): void {
    if (this.#isBehindSti) this.#state.write8(slot.INTERRUPT_SHADOW, SHADOW_STI);
    this.#state.write32(internal.DELIVERED, 0);
    this.budgetAtStart = this.left();
  }

  /** An execution has come back: gives the page fault that generated code has found, if it has. */
  finish(): GuestFault | undefined {
    const state = this.#state;
    if (state.read32(internal.BUDGET_BEHIND) !== 0) this.#finishResumed();
    const found = state.read32(internal.QUICK_FAULT);
    if (found === 0) return undefined;
    state.write32(internal.QUICK_FAULT, 0);
    return new GuestFault(VECTOR_PF, found - 1);
  }

  /** An instruction that was to be executed with RF set may be done. */
  #finishResumed(): void {
    const state = this.#state;
    const isDone = state.read32(internal.BUDGET) === 0;
    // An IRET may have loaded RF for the instruction it returns to.
    if (isDone && this.lastBlockRowName() !== 'IRET') state.write32(slot.EFLAGS, state.read32(slot.EFLAGS) & ~RF);
    state.write32(internal.BUDGET, this.left());
    state.write32(internal.BUDGET_BEHIND, 0);
  }

  /** What is left of the budget. */
  left(): number {
    const behind = this.#state.read32(internal.BUDGET_BEHIND);
    return this.#state.read32(internal.BUDGET) + (behind === 0 ? 0 : behind - 1);
  }

  /** Whether an STI was the last instruction that was executed. */
  get #isBehindSti(): boolean {
    return this.#state.view.getInt32(this.#state.base + internal.STI_LEFT, true) === this.left();
  }

  /** Asks something during the instruction of a record. */
  during<Answer>(record: number, ask: () => Answer): Answer {
    this.current = record;
    const answer = ask();
    this.current = 0;
    return answer;
  }

  /** Instructions retired since the execution began. */
  executed(): number {
    return this.ticks() - this.#state.read32(internal.DELIVERED);
  }

  /** The same with the events that generated code has delivered since. */
  ticks(): number {
    const before = this.budgetAtStart - this.left();
    if (this.current === 0) return before;
    return before + (this.current - this.firstRecord()) / record.RECORD_SIZE;
  }

  /** Linear address of the instruction that is being executed. */
  linearAddress(): Address {
    const state = this.#state;
    if (this.branchedFrom !== undefined) return this.branchedFrom;
    if (this.current === 0) return codeAddressOf(state, state.rip);
    this.instruction.address = this.current;
    const entry = this.entryEip ?? state.rip;
    return codeAddressOf(state, plus(entry, this.instruction.nextOffset - this.instruction.length));
  }

  /** Name of the row of the first instruction in the block that ran last. */
  lastBlockRowName(): string {
    this.instruction.address = this.firstRecord();
    return this.instruction.name;
  }

  /** The record of the first instruction in the block that runs, or ran last. */
  firstRecord(): number {
    return this.#state.view.getInt32(this.#state.read32(internal.BLOCK) + record.BLOCK_FIRST, true);
  }
}
