/**
 * What QEMU 7.2's monitor says of page tables otherwise than the manual, and what a comparison makes of it. The page-table
 * view shows what the manual asks.
 */
import type { MonitorPage } from './qemu-monitor.ts';
import type { TablesMode } from './tables-for-monitor.ts';

interface MonitorDifference {
  /** What the monitor does, and where the manual says otherwise. */
  readonly text: string;
  readonly modes: readonly TablesMode[];
  /** Puts right what `info tlb` says of a page. */
  readonly correct?: (theirs: MonitorPage) => MonitorPage;
  /** Leaves out of a page what `info tlb` does not say. */
  readonly reduce?: (ours: MonitorPage) => MonitorPage;
  /** `info mem` is not asked. */
  readonly isWithoutRanges?: true;
  /** Pages of entries with reserved bits are listed, too. */
  readonly listsReserved?: true;
}

const wide: readonly TablesMode[] = ['PAE', '4-level', '5-level'];

export const monitorDifferences: readonly MonitorDifference[] = [
  {
    text: 'lists what entries with reserved bits would map (SDM vol. 3A §4.3, §4.4.2, §4.5.4: the walk ends in a page fault)',
    modes: ['PSE', ...wide],
    listsReserved: true,
  },
  {
    text: 'shows bit 63 of an entry, XD, in the frame of pages of 4 KiB in PAE paging (SDM vol. 3A §4.4.2, table 4-11)',
    modes: ['PAE'],
    correct: (page) => ({ ...page, frame: BigInt.asUintN(52, page.frame) }),
  },
  {
    text: 'leaves bits 32–39 out of the frame of pages of 4 MiB, which PSE-36 has in bits 13–20 (SDM vol. 3A §4.3, table 4-4)',
    modes: ['PSE'],
    reduce: (page) => ({ ...page, frame: BigInt.asUintN(32, page.frame) }),
  },
  {
    text: '`info mem` goes on below entries that are not present in 5-level paging, for minutes (SDM vol. 3A §4.5.4)',
    modes: ['5-level'],
    isWithoutRanges: true,
  },
];
