/**
 * What the accesses met for which regions were left: seen where the interpreter makes them afterwards, so that compiled code
 * need not know (DESIGN §4).
 */
import type { AccessCause } from '../../machine/compiled-region.ts';
import {
  ENTRY_TAG_HIGH,
  PAGE_SHIFT,
  PAGE_SIZE,
  TAG_CODE_PAGE,
  TLB_ENTRIES,
  TLB_ENTRY_SIZE,
  TLB_READ,
  TLB_WRITE,
} from '../../memory/layout.ts';
import { highHalf, isExact } from '../../state/address.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { internal } from '../../state/layout.ts';
import type { SlowPathImports } from '../slow-paths.ts';
import { SIZE_MASK } from '../slow-paths.ts';

/** What can be asked about memory. */
interface MemoryFacts {
  readonly state: CpuState;
  /** -1: not mapped. */
  physicalOf(linear: number): number;
  /** Where RAM lies; negative for all else. */
  hostAddress(physical: number): number;
  /** 0: the page holds no decoded code. */
  codeMapOf(physical: number): number;
}

/** The imports, with somebody told of accesses that are made for the instruction before which a region was left. */
export function noticingAccesses(
  imports: SlowPathImports,
  facts: MemoryFacts,
  met: (region: number, at: number, cause: AccessCause) => void,
): SlowPathImports {
  const { state } = facts;
  const notice = (linear: number, sizeAndKind: number, at: number, isWrite: boolean): void => {
    if (at === 0 || at !== state.read32(internal.REGION_RECORD)) return;
    state.write32(internal.REGION_RECORD, 0);
    met(state.read32(internal.REGION_LEFT), at, causeOf(facts, linear, sizeAndKind & SIZE_MASK, isWrite));
  };
  return {
    ...imports,
    read(linear, size, at) {
      const value = imports.read(linear, size, at);
      notice(linear, size, at, false);
      return value;
    },
    readForWrite(linear, size, at) {
      const value = imports.readForWrite(linear, size, at);
      notice(linear, size, at, true);
      return value;
    },
    write(linear, value, size, at) {
      imports.write(linear, value, size, at);
      notice(linear, size, at, true);
    },
  };
}

function causeOf(facts: MemoryFacts, linear: number, size: number, isWrite: boolean): AccessCause {
  const { state } = facts;
  if (state.read32(internal.FAULT) !== 0) return 'fault';
  if (!isExact(linear)) return 'miss';
  if ((linear & (PAGE_SIZE - 1)) + size > PAGE_SIZE) return 'two-pages';
  const physical = facts.physicalOf(linear);
  if (physical < 0) return 'fault';
  if (facts.hostAddress(physical) < 0) return 'device';
  if (isWrite && facts.codeMapOf(physical) !== 0) return 'code';
  return isEntered(state, linear, isWrite) ? 'miss' : 'watched';
}

/** Whether the translation table has a page now; its entry may be of another context, which is good enough. */
function isEntered({ view, base }: CpuState, linear: number, isWrite: boolean): boolean {
  const table = base + (isWrite ? TLB_WRITE : TLB_READ);
  const entry = table + ((linear >>> PAGE_SHIFT) & (TLB_ENTRIES - 1)) * TLB_ENTRY_SIZE;
  const isPage = ((view.getInt32(entry, true) ^ linear) & -PAGE_SIZE) === 0;
  if ((view.getInt32(entry, true) & TAG_CODE_PAGE) !== 0) return false;
  return isPage && view.getInt32(entry + ENTRY_TAG_HIGH, true) === highHalf(linear);
}
