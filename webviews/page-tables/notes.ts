/** What the page-table view says where it has nothing to show. */
import { html, nothing, type TemplateResult } from 'lit';
import { localized } from '../../debug-adapter/protocol/localized.ts';
import type { PageTablesStatus } from '../../debug-adapter/protocol/page-tables.ts';
import type { PageModel } from './page-model.ts';

/** Why there are no tables; nothing where there are. */
export function emptyText({ state, levels }: PageTablesStatus, isRootGiven: boolean): TemplateResult | typeof nothing {
  if (levels !== 0) return nothing;
  return html`<p class="empty">${whyEmpty(state, isRootGiven)}</p>`;
}

function whyEmpty(state: PageTablesStatus['state'], isRootGiven: boolean): string {
  if (state === 'none') return localized('Start debugging (F5) to see the page tables of the guest here.');
  if (state === 'ended') return localized('The session has ended.');
  const hint = isRootGiven
    ? localized('Choose the paging mode in which the tables are to be read.')
    : localized('Tables that are being built can be shown by the address of their root.');
  return `${localized('Paging is off: linear addresses are physical ones.')} ${hint}`;
}

/** Why the list of ranges is empty, of which so many are shown. */
export function rangesNote({ ranges, progress }: PageModel, shown: number): TemplateResult | typeof nothing {
  if (progress !== undefined || shown > 0) return nothing;
  return note(ranges.length === 0 ? localized('Nothing is mapped.') : localized('Nothing mapped is like that.'));
}

/** Why the list of cached translations is empty. */
export function cachedNote({ tlb }: PageModel): TemplateResult | typeof nothing {
  return tlb?.length === 0 ? note(localized('The processor has cached no translation.')) : nothing;
}

/** What went wrong; the icon has the colour, which is too faint for text in some themes. */
export function noticeText(notice: string): TemplateResult | typeof nothing {
  if (notice === '') return nothing;
  return html`<span class="codicon codicon-error" aria-hidden="true"></span> ${notice}`;
}

function note(text: string): TemplateResult {
  return html`<p class="note">${text}</p>`;
}
