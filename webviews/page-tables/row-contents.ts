/** What the rows of the lists show. */
import { html, nothing, type TemplateResult } from 'lit';
import { localized } from '../../debug-adapter/protocol/localized.ts';
import {
  type PageTablesStatus,
  RANGE_CHANGE,
  type ShownEntry,
  type TlbEntry,
} from '../../debug-adapter/protocol/page-tables.ts';
import { type Badge, flagsOf, odditiesOf, rightsOf } from './attributes.ts';
import { entryName, lastText, linearText, type PageRange, physicalText, sizeText } from './page-model.ts';
import type { TreeRow } from './tree-rows.ts';

export function rangeRow(range: PageRange, status: PageTablesStatus): TemplateResult {
  const { linear, size, physical, pageSize, attributes, change } = range;
  const isGone = change === RANGE_CHANGE.GONE;
  const odd = isGone ? [] : odditiesOf(attributes, linear, status.controls.includes('NXE'));
  return html`
    <span class="address ${isGone ? 'gone' : ''}"
      >${linearText(linear, status.levels)}<span class="last">–${lastText(range, status.levels)}</span></span
    >
    <span class="target ${isGone ? 'gone' : ''}">→ ${physicalText(physical)}</span>
    <span class="size">${sizeText(size)}</span>
    <span class="page-size">${localized('{0} pages', sizeText(pageSize))}</span>
    ${rightBadges(attributes)} ${badges([...changeBadges(change), ...odd, ...flagsOf(attributes, status.memoryTypes)])}
  `;
}

/** What has happened to a range or an entry since the last stop. */
function changeBadges(change: number): readonly Badge[] {
  if (change === RANGE_CHANGE.CHANGED) {
    return [{ text: localized('changed'), title: localized('Changed since the last stop'), kind: 'changed' }];
  }
  if (change !== RANGE_CHANGE.GONE) return [];
  return [{ text: localized('unmapped'), title: localized('Mapped at the last stop, and no more'), kind: 'changed' }];
}

export function treeRow({ depth, level, entry, count, open }: TreeRow, status: PageTablesStatus): TemplateResult {
  const icon = open === undefined ? 'codicon-blank' : open ? 'codicon-chevron-down' : 'codicon-chevron-right';
  const name = `${entryName(level)} ${entry.index}${count > 1 ? `–${entry.index + count - 1}` : ''}`;
  const isThere = entry.kind === 'page' || entry.kind === 'table';
  const watched: Badge = { text: '●', title: localized('Break on change'), kind: 'warning' };
  return html`
    <span class="tree-name">
      <span class="indent" data-depth=${depth}></span><span class="codicon ${icon}" aria-hidden="true"></span>
      <span class="name">${name}</span>
    </span>
    <span class="address">${linearText(entry.linear, status.levels)}</span>
    <span class="size">${sizeText(entry.size * count)}</span>
    <span class="target">${isThere ? `→ ${physicalText(entry.target)}` : kindText(entry.kind)}</span>
    ${isThere ? rightBadges(entry.attributes) : nothing}
    ${badges([
      ...changeBadges(entry.changed ? RANGE_CHANGE.CHANGED : RANGE_CHANGE.SAME),
      ...(entry.watched ? [watched] : []),
      ...(isThere ? flagsOf(entry.attributes, status.memoryTypes) : []),
    ])}
  `;
}

export function tlbRow(entry: TlbEntry, { levels }: PageTablesStatus): TemplateResult {
  const { linear, physical, size, attributes } = entry;
  return html`
    <span class="address">${linearText(linear, levels)}</span>
    <span class="target">→ ${physicalText(physical)}</span>
    <span class="size">${sizeText(size)}</span>
    ${rightBadges(attributes)} ${badges([...flagsOf(attributes), ...cacheBadges(entry)])}
  `;
}

/** Whose translation it is, where it is not the only context's, and what the tables say otherwise. */
function cacheBadges({ stale, context, isCompared }: TlbEntry): readonly Badge[] {
  const list: Badge[] = [];
  if (stale !== '') {
    list.push({ text: localized('stale: {0}', stale), title: stale, kind: 'warning' });
  }
  if (!isCompared) {
    const title = localized('Not compared: the tables of another process context are not known');
    list.push({ text: localized('PCID {0}, not compared', context ?? 0), title, kind: 'plain' });
  } else if (context !== undefined && context !== 0) {
    list.push({ text: `PCID ${context}`, title: localized('Process context {0}', context), kind: 'plain' });
  }
  return list;
}

/** The rights, each as wide as in the other rows. */
export function rightBadges(attributes: number): TemplateResult {
  return html`<span class="rights">${badges(rightsOf(attributes))}</span>`;
}

/** Marks side by side. */
export function badges(list: readonly Badge[]): TemplateResult | typeof nothing {
  if (list.length === 0) return nothing;
  return html`<span class="badges">
    ${list.map(({ text, title, kind }) => html`<span class="badge ${kind}" title=${title}>${text}</span> `)}
  </span>`;
}

function kindText(kind: ShownEntry['kind']): string {
  return kind === 'reserved bit' ? localized('a reserved bit is set') : localized('not present');
}
