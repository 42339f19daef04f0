/** The branches that a processor took last as rows: the newest first, with symbols, source lines and names of interrupts. */
import type { BranchRecord } from '../../vm-core/index.ts';
import { formatHex } from '../expressions/format.ts';
import type { BranchEnd, BranchRow } from '../protocol/branches.ts';
import type { Guest } from './guest.ts';
import { interruptName } from './interrupt-name.ts';
import { sourceOf } from './source-lines.ts';

const SEGMENT_SIZE = 0x10000;
/** Kinds of branches that say from which privilege level to which they lead. */
const LEVELS: Readonly<Partial<Record<BranchRecord['kind'], string>>> = {
  'system-call': '3 → 0',
  'system-return': '0 → 3',
};
const SOURCES = { 'software-interrupt': 'software', interrupt: 'external', exception: 'exception' } as const;

/** At most so many rows. The same branch taken again and again is one. */
export function branchRows(guest: Guest, rowsMax: number): readonly BranchRow[] {
  const records = guest.vcpu.branches();
  const ends = new Map<number, BranchEnd>();
  const rows: BranchRow[] = [];
  for (let last = records.length; last > 0 && rows.length < rowsMax; ) {
    const record = records[last - 1] as BranchRecord;
    const count = repetitions(records, last);
    last -= count;
    const [from, to] = [record.from, record.to].map((address) => endOf(guest, address, ends)) as [BranchEnd, BranchEnd];
    const { kind } = record;
    rows.push({ from, to, kind, name: nameOf(guest, record), levels: LEVELS[kind] ?? '', count });
  }
  return rows;
}

/** How many records in front of `end` are the same. */
function repetitions(records: readonly BranchRecord[], end: number): number {
  const last = records[end - 1] as BranchRecord;
  let start = end - 1;
  while (start > 0 && isSame(last, records[start - 1] as BranchRecord)) start--;
  return end - start;
}

function isSame(left: BranchRecord, right: BranchRecord): boolean {
  return left.from === right.from && left.to === right.to && left.kind === right.kind && left.vector === right.vector;
}

function endOf(guest: Guest, address: number, known: Map<number, BranchEnd>): BranchEnd {
  const found = known.get(address);
  if (found) return found;
  const place = guest.symbols.lineAt(address);
  const line = place ? `${sourceOf(place.file).name}:${place.line}` : '';
  const end = { address, place: placeOf(guest, address), symbol: guest.describeSymbol(address) ?? '', line };
  known.set(address, end);
  return end;
}

/** By the current code segment if the address lies in it; the record does not hold those of the time. */
function placeOf(guest: Guest, address: number): string {
  const offset = address - guest.codeBase;
  if (guest.is64Bit) return formatHex(address, 64);
  if (guest.vcpu.codeSize === 16 && (offset < 0 || offset >= SEGMENT_SIZE)) return formatHex(address, 32);
  return guest.describeAddress(address);
}

function nameOf(guest: Guest, { kind, vector }: BranchRecord): string {
  const source = kind in SOURCES ? SOURCES[kind as keyof typeof SOURCES] : undefined;
  return source === undefined ? '' : interruptName(guest, { vector, source });
}
