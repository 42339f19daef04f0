/** Memory as one processor reaches it: its look-aside buffers, page tables, linear memory and the fetching of code. */
import type { CpuMemory } from '../cpu/cpu.ts';
import { is64BitMode } from '../cpu/mode.ts';
import type { CpuModelFacts } from '../isa/cpu-model.ts';
import { PAGE_SIZE } from '../memory/layout.ts';
import { type AccessObserver, LinearMemory } from '../memory/linear-memory.ts';
import type { PhysicalMap } from '../memory/physical-map.ts';
import { Tlb } from '../memory/tlb.ts';
import type { Translator } from '../memory/translator.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { internal } from '../state/layout.ts';
import { AlignmentCheck } from './alignment.ts';
import type { CodeCache } from './code-cache.ts';
import { CodeFetch } from './code-fetch.ts';
import { createCpuMemory } from './cpu-memory.ts';
import { deriveModeKey } from './derived-state.ts';
import type { HardwareBreakpoints } from './hardware-breakpoints.ts';
import { JumpCache } from './jump-cache.ts';
import { deriveShortcuts } from './shortcuts.ts';
import type { WatchList } from './watch-list.ts';
import { WatchMaps } from './watch-maps.ts';
import { createTranslator, derivePrivilege } from './paging-unit.ts';

export interface MemoryUnit {
  readonly tlb: Tlb;
  readonly translations: Translator;
  readonly linear: LinearMemory;
  readonly memory: CpuMemory;
  readonly fetch: CodeFetch;
  /** Privilege level, EFLAGS or CR0 may have changed: what accesses may do follows. */
  privilegeChanged(): void;
  /** There is more, or less, to be noticed of accesses. */
  forgetShortcuts(): void;
}

export function createMemoryUnit(
  state: CpuState,
  map: PhysicalMap,
  model: CpuModelFacts,
  code: CodeCache,
  observer: Omit<
    AccessObserver,
    'isWatched' | 'watchMapOf' | 'codeMapOf' | 'checkAlignment' | 'checksAlignment' | 'is64BitMode'
  > & {
    readonly isInstruction: () => boolean;
    readonly watches: WatchList;
    /** Those of the guest. */
    readonly breakpoints: Pick<HardwareBreakpoints, 'watchesPageOf'>;
  },
): MemoryUnit {
  state.write32(internal.TWO_GIBIBYTES, 0x8000_0000);
  const alignment = new AlignmentCheck(state, model, observer.isInstruction);
  const tlb = new Tlb(state);
  map.dirty.onBegin.push(() => tlb.protectWrites());
  tlb.onContext = () => deriveModeKey(state);
  const jumps = new JumpCache(state);
  tlb.onRestart = () => jumps.forget();
  code.connect(jumps, (page) => {
    tlb.forbidWritesTo(map.hostAddress(page * PAGE_SIZE));
    map.markDecoded(page);
  });
  code.hostAddress = (physical) => map.hostAddress(physical);
  const translations = createTranslator(state, map, tlb, model, {
    tableWritten: (physical) => observer.codeWritten(physical, 4),
    pageDropped: (linear) => jumps.forgetPage(linear),
  });
  const { watches, breakpoints } = observer;
  const watchMaps = new WatchMaps(state, watches);
  const codeMapOf = (physical: number) => code.codeMapOf(physical);
  const linear = new LinearMemory(map, tlb, translations, {
    ...observer,
    codeMapOf,
    isWatched: (at, physical) => alignment.isOn || watches.covers(at, physical) || breakpoints.watchesPageOf(at),
    watchMapOf: (at, physical) => (alignment.isOn || breakpoints.watchesPageOf(at) ? 0 : watchMaps.of(at, physical)),
    checksAlignment: () => alignment.isOn,
    checkAlignment: (at, size) => alignment.require(at, size),
    is64BitMode: () => is64BitMode(state),
  });
  return {
    tlb,
    translations,
    linear,
    memory: createCpuMemory(state, linear, translations),
    fetch: new CodeFetch(state, map, linear, code, jumps),
    forgetShortcuts() {
      deriveShortcuts(state, map, linear, watches);
      watchMaps.reset();
      translations.forgetShortcuts();
    },
    privilegeChanged() {
      derivePrivilege(translations, state);
      if (alignment.refresh()) translations.flushAll();
      deriveShortcuts(state, map, linear, watches);
    },
  };
}
