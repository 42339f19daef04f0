/** A processor as the machine's embedder sees it. */
import type { Processor } from '../engine/processor.ts';
import { explainWalk } from '../inspect/explain-walk.ts';
import type { Translator } from '../memory/translator.ts';
import type { PagingView, Vcpu } from './vcpu.ts';

/** The view of a processor; `retired` counts its instructions. */
export function vcpuView(processor: Processor, retired: () => number): Vcpu {
  const { state } = processor;
  return {
    index: processor.index,
    state,
    get codeSize() {
      return processor.codeSize;
    },
    get linearEip() {
      return Number(processor.linearEip);
    },
    get mode() {
      return processor.modeName;
    },
    paging: pagingView(processor.translations),
    codeCounters: processor.code.counters,
    get retired() {
      return retired();
    },
    translate: (linearAddress) => processor.translations.peek(linearAddress),
    trace: () => processor.trace.entries(),
    branches: (branchesMax) => processor.branches.records(branchesMax),
    callStack: (callsMax) => processor.callShadow.calls(callsMax),
  };
}

function pagingView(translations: Translator): PagingView {
  const read = (physicalAddress: number): number => translations.peekPhysical(physicalAddress);
  return {
    rules: translations.rules,
    read,
    explain: (linearAddress, access) => explainWalk(translations.rules, read, linearAddress, access),
    cached: () => translations.cache.list(),
    counters: translations.cache.counters,
  };
}
