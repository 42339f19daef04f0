/** A virtual processor as the embedder of its machine sees it, and what it shows of itself. */
import type { ExplainedAccess, ExplainedWalk } from '../inspect/explain-walk.ts';
import type { PagingRules } from '../memory/paging-rules.ts';
import type { CachedPage, TranslationCounters } from '../memory/translation-cache.ts';
import type { CpuState } from '../state/cpu-state.ts';
import type { BranchRecord } from './branch-record.ts';
import type { EventRecord } from './machine.ts';

export type CpuMode = 'real' | 'protected' | 'virtual-8086' | 'compatibility' | '64-bit';

/** A call, an interrupt or an exception that has not returned. Addresses are linear. */
export interface CallRecord {
  readonly kind: 'call' | 'far-call' | 'interrupt';
  /** Of an interrupt: its vector, and what raised it (as in `EventRecord`). */
  readonly vector: number | undefined;
  readonly source: EventRecord['kind'] | undefined;
  /** Where it led. */
  readonly target: number;
  /** What was pushed; the guest may have written something else over it since. */
  readonly returnAddress: number;
  /** CS of the caller. */
  readonly selector: number;
  /** Where the return address lies on the stack, and its size in bytes. */
  readonly slot: number;
  readonly size: 2 | 4 | 8;
  /** SS:ESP of the caller if it was on another stack, as at an interrupt from an outer privilege level. */
  readonly callerStack: { readonly selector: number; readonly base: number; readonly pointer: number } | undefined;
}

/** What has not returned on the stack that a processor is on, innermost first. */
export interface CallStack {
  readonly calls: readonly CallRecord[];
  /** Everything since the stack was begun was recorded; false if it is older than the record, or too deep for it. */
  readonly isComplete: boolean;
  /** Linear address at which this stack begins, which tells stacks apart; undefined if that is not known. */
  readonly begin: number | undefined;
}

/** The paging of a processor as a debugger sees it; nothing here has side effects. */
export interface PagingView {
  /** The rules of the moment; one object that changes as registers do. */
  readonly rules: PagingRules;
  /** Four bytes of physical memory, unsigned. */
  read(physicalAddress: number): number;
  /** The walk of a linear address, entry by entry, and what comes of an access. */
  explain(linearAddress: number, access: ExplainedAccess): ExplainedWalk;
  /** Translations that the processor keeps, whether the tables still say so or not. */
  cached(): readonly CachedPage[];
  /** How often translations were found, walked for, forgotten and made room for. */
  readonly counters: TranslationCounters;
}

/** Code that was executed, or what came in between. Addresses are linear. */
export type TraceEntry =
  /** Instructions that lie and were executed one behind the other. */
  | {
      readonly kind: 'code';
      readonly address: number;
      readonly selector: number;
      readonly count: number;
      readonly codeSize: 16 | 32 | 64;
    }
  /** An exception at the instruction at the address, or a hardware interrupt before it. */
  | {
      readonly kind: 'interrupt';
      readonly source: 'exception' | 'external';
      readonly vector: number;
      readonly address: number;
      readonly selector: number;
    };

/** How decoded code came and went, in blocks unless said otherwise. */
export interface CodeCounters {
  /** There now. */
  readonly kept: number;
  /** Asked for by TypeScript and there. */
  readonly found: number;
  readonly decoded: number;
  /** Lost to writes, breakpoints and hooks. */
  readonly dropped: number;
  /** Lost for want of room, and how often that happened. */
  readonly evicted: number;
  readonly evictions: number;
  /** Times that all decoded code was dropped. */
  readonly flushes: number;
}

/** One virtual processor. */
export interface Vcpu {
  readonly index: number;
  readonly state: CpuState;
  /** 16 or 32: default operand and address size of the code segment; 64 in 64-bit mode. */
  readonly codeSize: 16 | 32 | 64;
  /** Linear address of the next instruction. */
  readonly linearEip: number;
  /** Real mode, or protected mode (CR0.PE). */
  readonly mode: CpuMode;
  readonly paging: PagingView;
  readonly codeCounters: CodeCounters;
  /** Instructions it has retired since power-on. */
  readonly retired: number;
  /** Physical address that a linear one maps to, without side effects; undefined where nothing is mapped. */
  translate(linearAddress: number): number | undefined;
  /** At most so many calls, all without a number; none unless the machine records calls. */
  callStack(callsMax?: number): CallStack;
  /** What was executed last, oldest first: thousands of entries at most, none unless the machine records the trace. */
  trace(): readonly TraceEntry[];
  /** The branches taken last, at most so many, newest last; a hundred or so, none unless the machine records them. */
  branches(branchesMax?: number): readonly BranchRecord[];
}
