/** Commands that look at the page tables: `pages` lists what is mapped, `walk` explains one address. */
import { localized } from '../../protocol/localized.ts';
import {
  entryName,
  type ExplainedAccess,
  type MappedRange,
  mappedRanges,
  PAGE_ACCESSED,
  PAGE_DIRTY,
  PAGE_GLOBAL,
  PAGE_NO_EXECUTE,
  PAGE_USER,
  PAGE_WRITABLE,
  rootTable,
  type WalkStep,
} from '../../../vm-core/index.ts';
import { formatHex } from '../../expressions/format.ts';
import type { Debuggee } from '../debuggee.ts';
import type { Guest } from '../guest.ts';
import { resolvePlaceName } from '../places.ts';
import { UserError } from '../user-error.ts';
import { type ConsoleCommand, countOf } from './console-command.ts';
import { styled } from './styles.ts';

const RANGES_MAX = 5000;
/** Tables that a list looks at: some of a hostile guest's never end. */
const TABLES_MAX = 100_000;
const EFLAGS_AC = 1 << 18;

const KINDS: Readonly<Record<string, ExplainedAccess['kind']>> = { r: 'read', w: 'write', x: 'fetch' };

export const pagingCommands: readonly ConsoleCommand[] = [
  {
    name: 'pages',
    usage: '[count]',
    help: 'Lists the mapped ranges of the address space with their frames, page sizes and rights.',
    words: () => [],
    run: (debuggee, [count]) => listRanges(debuggee, countOf(count, 40, RANGES_MAX)),
  },
  {
    name: 'walk',
    usage: 'address [r|w|x] [user]',
    help: 'Walks the page tables for an address and says what comes of an access: every entry, or why it faults.',
    run: ({ guest }, [address, ...how]) => {
      if (address === undefined) throw new UserError('bad-argument', localized('give an address to walk to'));
      return describeWalk(guest, resolvePlaceName(guest, address), accessOf(guest, how));
    },
  },
  {
    name: 'tlb',
    usage: '[count]',
    help: 'Lists the translations that the processor has cached, and counts how they came and went.',
    words: () => [],
    run: ({ guest }, [count]) => listCached(guest, countOf(count, 20, RANGES_MAX)),
  },
];

function listCached({ vcpu: { paging } }: Guest, countMax: number): string {
  const { hits, fills, evictions, spared, flushes } = paging.counters;
  const pages = [...paging.cached()].sort((a, b) => a.linear - b.linear);
  const wide = paging.rules.levels > 3 ? 64 : 32;
  const lines = pages.slice(0, countMax).map((page) => {
    const rights = `${page.user ? 'U' : '-'}R${page.writable ? 'W' : '-'}${page.executable ? 'X' : '-'}`;
    const owner = page.global ? 'global' : `context ${page.pcid}`;
    return `${formatHex(page.linear, wide)} → ${formatHex(page.frame, 48)}  ${rights}  ${sizeText(2 ** page.shift)}, ${owner}`;
  });
  const left = pages.length > countMax ? [`(${pages.length - countMax} more)`] : [];
  const made = `${evictions} made room for others, ${spared} times a page in use was spared`;
  const summary = `${pages.length} cached: ${hits} found, ${fills} walked for, ${made}, ${flushes} flushes`;
  return [summary, ...lines, ...left].join('\n');
}

function accessOf(guest: Guest, words: readonly string[]): ExplainedAccess {
  const ac = (guest.register('EFLAGS') & EFLAGS_AC) !== 0;
  let [kind, privilege]: [ExplainedAccess['kind'], ExplainedAccess['privilege']] = ['read', 'supervisor'];
  for (const word of words) {
    const named = KINDS[word];
    if (named !== undefined) kind = named;
    else if (word === 'user') privilege = 'user';
    else
      throw new UserError('bad-argument', localized('{0}: write r, w or x for the access, and user for level 3', word));
  }
  return { kind, privilege, ac };
}

function listRanges(debuggee: Debuggee, countMax: number): string {
  const { paging } = debuggee.guest.vcpu;
  const root = rootTable(paging.rules);
  if (!root) return 'Paging is off: linear addresses are physical ones.';
  const lines: string[] = [];
  let tables = 0;
  for (const range of mappedRanges(paging.rules, paging.read, root)) {
    if (range) lines.push(describeRange(debuggee, range));
    else tables++;
    if (lines.length > countMax || tables > TABLES_MAX) break;
  }
  if (lines.length > countMax) lines.splice(countMax, 1, `(more follow: pages ${RANGES_MAX} lists up to so many)`);
  if (tables > TABLES_MAX) lines.push(`(the list ends after ${TABLES_MAX} tables)`);
  return lines.length === 0 ? 'Nothing is mapped.' : lines.join('\n');
}

function describeRange(debuggee: Debuggee, { linear, size, physical, attributes, pageSize }: MappedRange): string {
  const wide = debuggee.guest.vcpu.paging.rules.levels > 3 ? 64 : 32;
  const places = `${formatHex(linear, wide)}-${formatHex(linear + (size - 1), wide)}`;
  const target = styled(debuggee, 'faint', `→ ${formatHex(physical, wide === 64 ? 48 : 36)}`);
  return `${places} ${target}  ${rightsOf(attributes)}  ${sizeText(pageSize)} pages`;
}

/** `URWX GAD`: user, read, write, execute; global, accessed, dirty. */
function rightsOf(attributes: number): string {
  const letter = (bit: number, text: string, inverted = false): string =>
    ((attributes & bit) !== 0) !== inverted ? text : '-';
  const rights = `${letter(PAGE_USER, 'U')}R${letter(PAGE_WRITABLE, 'W')}${letter(PAGE_NO_EXECUTE, 'X', true)}`;
  return `${rights} ${letter(PAGE_GLOBAL, 'G')}${letter(PAGE_ACCESSED, 'A')}${letter(PAGE_DIRTY, 'D')}`;
}

function sizeText(size: number): string {
  const units = ['KiB', 'MiB', 'GiB'];
  const power = Math.floor(Math.log2(size / 1024) / 10);
  return `${size / 1024 ** (power + 1)} ${units[power]}`;
}

function describeWalk({ vcpu: { paging } }: Guest, linear: number, access: ExplainedAccess): string {
  const walk = paging.explain(linear, access);
  const steps = walk.steps.map((step) => describeStep(step, paging.rules.levels));
  const end = walk.physical === undefined ? '' : ` Physical address ${formatHex(walk.physical, 48)}.`;
  return [...steps, walk.result + end].join('\n');
}

function describeStep({ level, entry, problem }: WalkStep, levels: number): string {
  const name = `${entryName(level)} ${entry.index}`.padEnd(9);
  const place = entry.address < 0 ? 'in its register' : `at p:${formatHex(entry.address, levels > 2 ? 48 : 32)}`;
  const value = entry.high * 2 ** 32 + entry.low;
  const shown = levels > 2 ? formatHex(entry.high, 32) + formatHex(entry.low, 32).slice(2) : formatHex(value, 32);
  const what =
    entry.kind === 'page' || entry.kind === 'table' ? `${entry.kind} ${rightsOf(entry.attributes)}` : entry.kind;
  return `${name} ${place} = ${shown}  ${what}${problem === '' ? '' : `  ← ${problem}`}`;
}
