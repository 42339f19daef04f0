/** The walk of one address: every entry with its bits, and what comes of the access. */
import { html, nothing, type TemplateResult } from 'lit';
import { localized } from '../../debug-adapter/protocol/localized.ts';
import type { PageTablesStatus, PageTablesUpdate, WalkStep } from '../../debug-adapter/protocol/page-tables.ts';
import { flagsOf } from './attributes.ts';
import { badges, rightBadges } from './row-contents.ts';
import { entryName, linearText, physicalText } from './page-model.ts';

type Walk = Extract<PageTablesUpdate, { readonly type: 'walk' }>;

export function renderWalk(walk: Walk | undefined, status: PageTablesStatus): TemplateResult | typeof nothing {
  if (!walk) return nothing;
  const isFault = walk.errorCode !== undefined;
  return html`<div class="walk-result" tabindex="0" aria-label=${localized('Walk')}>
    <p class="address">${walk.text} = ${linearText(walk.linear, status.levels)}</p>
    <ol class="steps">
      ${walk.steps.map((step) => renderStep(step, status))}
    </ol>
    <p class="outcome ${isFault ? 'fault' : ''}">
      <span class="codicon ${isFault ? 'codicon-error' : 'codicon-pass'}" aria-hidden="true"></span>
      ${walk.result}
      ${walk.physical === undefined ? nothing : localized('Physical address {0}.', physicalText(walk.physical))}
    </p>
  </div>`;
}

function renderStep(step: WalkStep, { memoryTypes }: PageTablesStatus): TemplateResult {
  const { level, index, address, value, kind, target, attributes, problem } = step;
  const place = address < 0 ? localized('in a register') : localized('at p:{0}', physicalText(address));
  const isThere = kind === 'page' || kind === 'table';
  return html`<li class=${problem === '' ? '' : 'fault'}>
    <span class="name">${entryName(level)} ${index}</span>
    <span class="address">${place}</span>
    <span class="address value">${value}</span>
    ${
      isThere
        ? html`<span class="target">→ ${physicalText(target)}</span> ${rightBadges(attributes)}
            ${badges(flagsOf(attributes, memoryTypes))}`
        : nothing
    }
    ${
      problem === ''
        ? nothing
        : html`<strong class="problem"><span class="codicon codicon-arrow-left" aria-hidden="true"></span> ${problem}</strong>`
    }
  </li>`;
}
