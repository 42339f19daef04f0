/** The command `compiled`: the code of the guest that was compiled, what became of it, and one region's code on both sides. */
import type { CompiledRegion } from '../../../vm-core/index.ts';
import { localized } from '../../protocol/localized.ts';
import { type CodeLine, type CompiledTotals, REFUSALS, type RegionRow } from '../../protocol/compiled-code.ts';
import { generatedLines, guestLines } from '../compiled-listing.ts';
import { compiledTotals, hottestRegions, regionRows } from '../compiled-rows.ts';
import type { Debuggee } from '../debuggee.ts';
import type { Guest } from '../guest.ts';
import { resolvePlaceName } from '../places.ts';
import { UserError } from '../user-error.ts';
import type { ConsoleCommand } from './console-command.ts';
import { styled } from './styles.ts';

const SHOWN = 16;
const SHOWN_MAX = 1000;
/** Of the guest's side. */
const WIDTH_MAX = 80;

export const compiledCommand: ConsoleCommand = {
  name: 'compiled',
  usage: '[all | address]',
  help:
    'Lists the compiled code that has executed most: where it is entered, size, executed instructions, entries, why it ' +
    'was left, and where it goes on. With an address, shows the code there beside the WebAssembly that was made of it.',
  words: () => ['all'],
  run: (debuggee, [first]) => {
    const totals = compiledTotals(debuggee.guest.machine);
    if (!totals)
      throw new UserError(
        'bad-argument',
        localized('the guest is interpreted: the launch configuration has "engine": "interpreter"'),
      );
    if (first === undefined || first === 'all') return list(debuggee, totals, first === 'all' ? SHOWN_MAX : SHOWN);
    return showRegion(debuggee, regionAt(debuggee.guest, resolvePlaceName(debuggee.guest, first)));
  },
};

function list(debuggee: Debuggee, totals: CompiledTotals, count: number): string {
  const { guest } = debuggee;
  const regions = hottestRegions(guest);
  const rows = regionRows(guest, regions, regions.slice(0, count));
  return [...rows.flatMap((row) => rowLines(debuggee, row)), totalsLine(totals)].join('\n');
}

function rowLines(debuggee: Debuggee, row: RegionRow): readonly string[] {
  const { place, symbol, codeSize, guestBytes, codeBytes, blocks, instructions, entries } = row;
  const size = `${codeSize}-bit, ${blocks === 1 ? '1 block' : `${blocks} blocks`}, ${guestBytes} → ${codeBytes} bytes`;
  const where = symbol === '' ? place : `${place} ${symbol}`;
  return [
    `${styled(debuggee, 'heading', where)}  ${size}, ${instructions} instructions in ${entries} entries`,
    ...whyText(
      'left for',
      row.exits.filter(({ why }) => !REFUSALS.has(why)),
    ),
    ...whyText(
      'not entered for',
      row.exits.filter(({ why }) => REFUSALS.has(why)),
    ),
    ...(row.links.length === 0 ? [] : [`  goes on in ${row.links.map(({ name }) => name).join(', ')}`]),
  ];
}

function whyText(what: string, exits: RegionRow['exits']): readonly string[] {
  if (exits.length === 0) return [];
  return [`  ${what} ${exits.map(({ why, count }) => `${why} ${count}`).join(', ')}`];
}

function totalsLine({ regions, modules, bytes, compiled, dropped, evicted, share }: CompiledTotals): string {
  const percent = Math.floor(share * 100);
  const held = `${regions} regions in ${modules} modules, ${Math.ceil(bytes / 1024)} KiB`;
  return `${held}; ${compiled} compiled so far, ${dropped} dropped, ${evicted} made room; ${percent} % of all instructions`;
}

/** The region that is entered at an address, or else the hottest that has it. Throws a UserError where there is none. */
function regionAt(guest: Guest, address: number): CompiledRegion {
  const regions = hottestRegions(guest);
  const isIn = ({ blocks }: CompiledRegion): boolean =>
    blocks.some(({ linearAddress, length }) => address >= linearAddress && address < Number(linearAddress) + length);
  const found = regions.find(({ linearAddress }) => linearAddress === address) ?? regions.find(isIn);
  if (found) return found;
  throw new UserError('bad-address', localized('no compiled code has this address; compiled lists what there is'));
}

/** Each instruction with what was made of it beside and below it. */
function showRegion(debuggee: Debuggee, region: CompiledRegion): string {
  const { guest } = debuggee;
  const generated = runsOf(generatedLines(region));
  const texts = new Map(
    guestLines(guest, region).flatMap(({ address, text }) => (address === undefined ? [] : [[address, text]])),
  );
  const width = Math.min(WIDTH_MAX, Math.max(...[...texts.values()].map((text) => text.length)));
  const lines = regionRows(guest, hottestRegions(guest), [region]).flatMap((row) => rowLines(debuggee, row));
  for (const { address, texts: code } of generated) {
    const title = address === undefined ? '' : (texts.get(address) ?? '');
    code.forEach((text, n) => {
      lines.push(`${(n === 0 ? title : '').slice(0, width).padEnd(width)} ${styled(debuggee, 'faint', '│')} ${text}`);
    });
  }
  return lines.join('\n');
}

/** Lines about the same instruction that stand one behind the other. */
function runsOf(
  lines: readonly CodeLine[],
): readonly { readonly address: number | undefined; readonly texts: readonly string[] }[] {
  const runs: { address: number | undefined; texts: string[] }[] = [];
  for (const { address, text } of lines) {
    const last = runs.at(-1);
    if (last && last.address === address) last.texts.push(text);
    else runs.push({ address, texts: [text] });
  }
  return runs;
}
