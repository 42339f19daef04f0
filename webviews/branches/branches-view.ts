/**
 * The view of the last branches, the newest on top: where each came from and where it led. It renders into the page
 * itself, so that the page's style sheet and VS Code's theme variables apply.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import {
  type BranchEnd,
  type BranchesRequest,
  type BranchesUpdate,
  type BranchRow,
  statusWithoutBranches,
} from '../../debug-adapter/protocol/branches.ts';
import { localized } from '../../debug-adapter/protocol/localized.ts';
import type { RowList } from '../row-list.ts';
import { stateName } from '../state-name.ts';
import { type BranchesStatus, emptyText, endTexts, kindIcon, kindText } from './branches-model.ts';

/** What the page says to the extension: what the session is to do, or that VS Code is to step. */
export type PageMessage = BranchesRequest | { readonly type: 'step' };

export class BranchesView extends LitElement {
  /** Sends a message to the extension. */
  send: (message: PageMessage) => void = () => undefined;
  private status = statusWithoutBranches('none') as BranchesStatus;
  private active: BranchRow | undefined;
  private notice = '';

  /** A message of the session. */
  receive(update: BranchesUpdate): void {
    if (update.type === 'status') {
      this.status = update;
      this.notice = '';
    }
    if (update.type === 'failed') this.notice = update.message;
    this.requestUpdate();
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(): void {
    const { list } = this;
    list.label = localized('Last branches');
    list.renderRow = (row) => this.row(row);
    list.onChoose = ({ to }) => this.locate(to);
    list.onActive = (row) => {
      if (this.active !== row) this.requestUpdate();
      this.active = row;
    };
  }

  protected override updated(): void {
    if (this.list.rows !== this.status.rows) this.list.show(this.status.rows);
  }

  protected override render(): TemplateResult {
    const empty = emptyText(this.status);
    const { state, cpu } = this.status;
    return html`
      <header class="toolbar">${this.toolbar()}</header>
      <main>
        ${empty === '' ? nothing : html`<p class="empty">${empty}</p>`}
        <row-list id="branches" class=${empty === '' ? '' : 'away'}></row-list>
        ${this.details()}
      </main>
      <footer class="status">
        ${cpu === undefined ? nothing : html`<span>CPU ${cpu}</span>`}
        <span>${state === 'running' ? localized('Running: as of the last stop') : stateName(state)}</span>
        <span role="status" class="notice">${this.noticeText()}</span>
      </footer>
    `;
  }

  private toolbar(): TemplateResult | typeof nothing {
    const { state, isRecording, rows } = this.status;
    if (state === 'none' || state === 'ended') return nothing;
    const record = (on: boolean) => () => this.send({ type: 'record', on });
    return html`
      ${
        isRecording
          ? html`<vscode-button secondary @click=${record(false)}>${localized('Stop Recording')}</vscode-button>`
          : html`<vscode-button @click=${record(true)}>${localized('Record Branches')}</vscode-button>`
      }
      <vscode-button secondary ?disabled=${state !== 'stopped'} @click=${() => this.send({ type: 'step' })}>
        ${localized('Step to Next Branch')}
      </vscode-button>
      ${
        rows.length === 0
          ? nothing
          : html`<vscode-button secondary @click=${() => this.send({ type: 'clear' })}>${localized('Clear')}</vscode-button>`
      }
    `;
  }

  private row(row: BranchRow): TemplateResult {
    return html`
      <span class="codicon codicon-${kindIcon(row.kind)}" aria-hidden="true"></span>
      ${this.end(row.from)}
      <span class="arrow" aria-label=${localized('to')}>→</span>
      ${this.end(row.to)}
      <span class="what">
        <span class="kind">${kindText(row)}</span>
        ${row.count === 1 ? nothing : html`<span class="count">${localized('{0} times', row.count)}</span>`}
      </span>
    `;
  }

  /** A click goes there; the keyboard has Enter for where it led, and the buttons below for both. */
  private end(end: BranchEnd): TemplateResult {
    const { name, rest } = endTexts(end);
    return html`<span class="end" title=${[name, rest].join(' · ')} @click=${() => this.locate(end)}>
      <span class="name">${name}</span> <span class="rest">${rest}</span>
    </span>`;
  }

  private details(): TemplateResult | typeof nothing {
    const row = this.active;
    if (!row || this.status.rows.length === 0) return nothing;
    return html`<div class="details">
      <span>${kindText(row)}</span>
      ${this.goButton(localized('Go to Branch'), row.from)} ${this.goButton(localized('Go to Target'), row.to)}
    </div>`;
  }

  private goButton(text: string, end: BranchEnd): TemplateResult {
    return html`<vscode-button secondary @click=${() => this.locate(end)}>${text}</vscode-button>`;
  }

  private noticeText(): TemplateResult | typeof nothing {
    if (this.notice === '') return nothing;
    return html`<span class="codicon codicon-error" aria-hidden="true"></span> ${this.notice}`;
  }

  private locate({ address }: BranchEnd): void {
    this.send({ type: 'locate', address });
  }

  private get list(): RowList<BranchRow> {
    return this.querySelector('#branches') as RowList<BranchRow>;
  }
}
