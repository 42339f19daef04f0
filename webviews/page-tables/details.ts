/** What stands below a list about its active row, and what can be done with it. */
import { html, nothing, type TemplateResult } from 'lit';
import { localized } from '../../debug-adapter/protocol/localized.ts';
import {
  type PageTablesRequest,
  type PageTablesStatus,
  RANGE_CHANGE,
  type ShownEntry,
  type TlbEntry,
} from '../../debug-adapter/protocol/page-tables.ts';
import { textOf } from './choice.ts';
import { effectText } from './effect.ts';
import { lastText, linearText, type PageRange, physicalText, sizeText } from './page-model.ts';

/** What the details ask of the view. */
export interface DetailsActions {
  readonly walk: (address: string) => void;
  readonly find: (text: string) => void;
  readonly send: (request: PageTablesRequest) => void;
}

/** Who may do what with a range, and who else maps its frame. */
export function rangeDetails(
  range: PageRange | undefined,
  status: PageTablesStatus,
  { walk, find }: DetailsActions,
): TemplateResult | typeof nothing {
  if (!range) return nothing;
  const start = linearText(range.linear, status.levels);
  const isGone = range.change === RANGE_CHANGE.GONE;
  return html`<div class="details">
    <span class="address">${start}–${lastText(range, status.levels)}</span>
    <span>${sizeText(range.size)} · ${localized('{0} pages', sizeText(range.pageSize))}</span>
    <span class="effect">${isGone ? localized('Mapped at the last stop, and no more') : effectText(range.attributes, status)}</span>
    <vscode-button secondary @click=${() => walk(`0x${start}`)}>${localized('Walk')}</vscode-button>
    <vscode-button secondary @click=${() => find(`p:${physicalText(range.physical)}`)}>
      ${localized('Who maps this frame?')}
    </vscode-button>
  </div>`;
}

/** The value of an entry, to be changed or watched. */
export function entryDetails(
  entry: ShownEntry | undefined,
  { levels }: PageTablesStatus,
  { walk, send }: DetailsActions,
): TemplateResult | typeof nothing {
  if (!entry) return nothing;
  const { address, value, watched, linear } = entry;
  if (address < 0) return html`<div class="details">${localized('This entry is in a register.')}</div>`;
  const edit = (text: string) =>
    send({ type: 'edit', address, value: text.trim().replace(/^0x/i, '').replaceAll('_', '') });
  return html`<div class="details">
    <vscode-textfield
      class="value"
      .label=${localized('Value of the entry')}
      .value=${value}
      @change=${(event: Event) => edit(textOf(event))}
    ></vscode-textfield>
    <span class="address">${localized('at p:{0}', physicalText(address))}</span>
    <vscode-checkbox
      label=${localized('Break on change')}
      ?checked=${watched}
      @change=${() => send({ type: 'watch', address, on: !watched })}
    ></vscode-checkbox>
    <vscode-button secondary @click=${() => walk(`0x${linearText(linear, levels)}`)}>${localized('Walk')}</vscode-button>
  </div>`;
}

/** What the tables say of a cached translation. */
export function cachedDetails(
  entry: TlbEntry | undefined,
  { levels }: PageTablesStatus,
  { walk }: DetailsActions,
): TemplateResult | typeof nothing {
  if (!entry) return nothing;
  const start = linearText(entry.linear, levels);
  return html`<div class="details">
    <span class="address">${start}</span>
    <span class="effect">${comparisonText(entry)}</span>
    <vscode-button secondary @click=${() => walk(`0x${start}`)}>${localized('Walk')}</vscode-button>
  </div>`;
}

function comparisonText({ stale, isCompared }: TlbEntry): string {
  if (!isCompared) return localized('Not compared: the tables of another process context are not known');
  return stale === '' ? localized('The tables say the same') : localized('stale: {0}', stale);
}
