/**
 * The view of compiled code: the regions that there are, and of one of them the guest's instructions beside the WebAssembly
 * that was made of them. It renders into the page itself, so that the page's style sheet and VS Code's theme variables apply.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import {
  type CodeLine,
  type CompiledCodeRequest,
  type CompiledCodeUpdate,
  REFUSALS,
  type RegionLink,
  type RegionRow,
  statusWithoutCode,
} from '../../debug-adapter/protocol/compiled-code.ts';
import { localized } from '../../debug-adapter/protocol/localized.ts';
import type { RowList } from '../row-list.ts';
import { stateName } from '../state-name.ts';
import { type CodeEditorElement, loadCodeEditor } from './code-editor-element.ts';
import {
  bytesText,
  type CompiledStatus,
  emptyText,
  exitText,
  linksTo,
  modeText,
  numberText,
  ORDERS,
  type Order,
  shownRows,
  totalsText,
} from './compiled-code-model.ts';

type Code = Extract<CompiledCodeUpdate, { type: 'code' }>;
type Side = 'guest' | 'generated';

/** Of a row; the bar below has all. */
const EXITS_SHOWN = 2;
const LINKS_SHOWN = 8;

export class CompiledCodeView extends LitElement {
  /** Sends a message to the extension. */
  send: (message: CompiledCodeRequest) => void = () => undefined;
  private status = statusWithoutCode('none') as CompiledStatus;
  private search = '';
  private order: Order = 'instructions';
  private rows: readonly RegionRow[] = [];
  private active: RegionRow | undefined;
  private code: Code | undefined;
  private notice: { readonly text: string; readonly isError: boolean } | undefined;
  private hasEditor = false;

  /** A message of the session. */
  receive(update: CompiledCodeUpdate): void {
    if (update.type === 'status') this.statusChanged(update);
    if (update.type === 'code' && update.id === this.active?.id) void this.showCode(update);
    if (update.type === 'failed') this.fail(update.message);
    this.requestUpdate();
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(): void {
    const { list } = this;
    list.label = localized('Compiled regions');
    list.keyOf = ({ id }) => id;
    list.renderRow = (row) => this.row(row);
    list.onActive = (row) => this.choose(row);
    list.onChoose = () => this.editor('guest')?.focus();
  }

  protected override updated(): void {
    if (this.list.rows !== this.rows) this.list.show(this.rows);
  }

  protected override render(): TemplateResult {
    const empty = this.emptyText();
    return html`
      <header class="toolbar">${this.toolbar()}</header>
      <main class=${empty === '' ? '' : 'nothing'}>
        ${empty === '' ? nothing : html`<p class="empty">${empty}</p>`}
        <row-list id="regions"></row-list>
        ${this.details()}
        <div class="sides">
          ${this.side('guest', localized('Guest code'))} ${this.side('generated', localized('Generated code'))}
        </div>
      </main>
      <footer class="status">
        <span>${stateName(this.status.state)}</span>
        <span role="status" class="notice">${this.noticeText()}</span>
        ${this.status.totals ? html`<span class="totals">${totalsText(this.status.totals)}</span>` : nothing}
      </footer>
    `;
  }

  private toolbar(): TemplateResult {
    return html`
      <vscode-textfield
        class="search"
        .label=${localized('Search')}
        placeholder=${localized('Address, symbol, source or exit')}
        .value=${this.search}
        @input=${(event: Event) => this.find((event.target as HTMLInputElement).value)}
      ></vscode-textfield>
      <vscode-single-select
        label=${localized('Order')}
        .value=${this.order}
        @change=${(event: Event) => this.sort((event.target as HTMLSelectElement).value as Order)}
      >
        ${Object.entries(ORDERS).map(
          ([order, { name }]) => html`<vscode-option value=${order}>${name()}</vscode-option>`,
        )}
      </vscode-single-select>
      <vscode-button secondary ?disabled=${!this.hasMachine} @click=${() => this.send({ type: 'refresh' })}>
        ${localized('Refresh')}
      </vscode-button>
    `;
  }

  private row(row: RegionRow): TemplateResult {
    const names = [row.symbol, row.line].filter((text) => text !== '').join(' · ');
    return html`
      <span class="place ${names === '' ? '' : 'named'}" title=${[row.place, names].filter(Boolean).join(' · ')}>
        <span class="address">${row.place}</span> <span class="symbol">${names}</span>
      </span>
      <span class="mode">${modeText(row)}</span>
      <span class="count">${localized('{0} instructions', numberText(row.instructions))}</span>
      <span class="entries">${localized('{0} entries', numberText(row.entries))}</span>
      <span class="size">${bytesText(row.codeBytes)}</span>
      <span class="exits">${this.mainExits(row)}</span>
    `;
  }

  private mainExits({ exits }: RegionRow): string {
    const left = exits.filter(({ why }) => !REFUSALS.has(why));
    return left.slice(0, EXITS_SHOWN).map(exitText).join(', ');
  }

  private details(): TemplateResult | typeof nothing {
    const row = this.active;
    if (!row) return nothing;
    const size = localized('{0} of guest code', bytesText(row.guestBytes));
    const exits = (isRefusal: boolean): string =>
      row.exits
        .filter(({ why }) => REFUSALS.has(why) === isRefusal)
        .map(exitText)
        .join(', ');
    const [left, refused] = [exits(false), exits(true)];
    return html`<div class="details">
      <span>${size}, ${localized('{0} of WebAssembly', bytesText(row.codeBytes))}</span>
      <span>${localized('Blocks: {0}', row.blocks)}</span>
      <span>${left === '' ? localized('Never left') : localized('Left for: {0}', left)}</span>
      ${refused === '' ? nothing : html`<span>${localized('Not entered for: {0}', refused)}</span>`}
      ${this.links(localized('Goes on in:'), row.links)}
      ${this.links(localized('Entered from:'), linksTo(this.status.rows, row.id))}
    </div>`;
  }

  /** Regions to go to; of many the first. */
  private links(title: string, links: readonly RegionLink[]): TemplateResult | typeof nothing {
    if (links.length === 0) return nothing;
    const more = links.length - LINKS_SHOWN;
    return html`<span class="links">
      ${title}
      ${links
        .slice(0, LINKS_SHOWN)
        .map(({ id, name }) => html`<button class="link" @click=${() => void this.goTo(id)}>${name}</button> `)}
      ${more > 0 ? localized('and {0} more', more) : nothing}
    </span>`;
  }

  /** A region that the search has left out is shown again. */
  private async goTo(id: string): Promise<void> {
    if (!this.rows.some((row) => row.id === id)) this.find('');
    await this.updateComplete;
    this.list.goTo(id);
    this.list.focusRows();
  }

  /** The editors are made once there is something to show. */
  private side(side: Side, name: string): TemplateResult | typeof nothing {
    if (!this.hasEditor) return nothing;
    return html`<section class="side" aria-label=${name}>
      <h2>${name}</h2>
      <code-editor
        id=${side}
        .language=${side}
        .label=${name}
        .onInstruction=${(address: number | undefined) => this.link(side, address)}
      ></code-editor>
    </section>`;
  }

  private noticeText(): TemplateResult | typeof nothing {
    if (!this.notice) return nothing;
    const { text, isError } = this.notice;
    return html`${isError ? html`<span class="codicon codicon-error" aria-hidden="true"></span> ` : nothing}${text}`;
  }

  private emptyText(): string {
    if (this.status.rows.length > 0 && this.rows.length === 0) return localized('No region has that.');
    return emptyText(this.status);
  }

  private get hasMachine(): boolean {
    return this.status.state === 'running' || this.status.state === 'stopped';
  }

  private statusChanged(status: CompiledStatus): void {
    this.status = status;
    this.notice = undefined;
    this.fill();
  }

  private find(text: string): void {
    this.search = text;
    this.fill();
  }

  private sort(order: Order): void {
    this.order = order;
    this.fill();
  }

  private fill(): void {
    this.rows = shownRows(this.status.rows, this.search, this.order);
    this.requestUpdate();
  }

  /** The code of a region that was compiled anew is another one, so it is asked for at every status. */
  private choose(row: RegionRow | undefined): void {
    if (row === this.active) return;
    if (row?.id !== this.active?.id) this.code = undefined;
    this.active = row;
    if (row && this.hasMachine) this.send({ type: 'show', id: row.id });
    this.requestUpdate();
  }

  private async showCode(code: Code): Promise<void> {
    try {
      await loadCodeEditor(this.dataset);
    } catch {
      this.fail(localized('The editor could not be loaded.'));
      return;
    }
    this.hasEditor = true;
    this.requestUpdate();
    await this.updateComplete;
    // The same code keeps its place and its marks.
    if (code.id !== this.active?.id || isSame(code, this.code)) return;
    this.code = code;
    for (const side of ['guest', 'generated'] as const) this.editor(side)?.show(code[side]);
  }

  /** Marks what an instruction was made into, or what code was made of. */
  private link(from: Side, address: number | undefined): void {
    for (const side of ['guest', 'generated'] as const) this.editor(side)?.mark(address, side !== from);
    const text = address === undefined ? '' : this.linkText(from, address);
    this.notice = text === '' ? undefined : { text, isError: false };
    this.requestUpdate();
  }

  private linkText(from: Side, address: number): string {
    const { guest, generated } = this.code as Code;
    const instruction = guest.find((line) => line.address === address)?.text.replace(/\s+/g, ' ') ?? '';
    if (from === 'generated') return instruction;
    return localized('{0} lines of generated code', generated.filter((line) => line.address === address).length);
  }

  private fail(text: string): void {
    this.notice = { text, isError: true };
    this.requestUpdate();
  }

  private editor(side: Side): CodeEditorElement | null {
    return this.querySelector<CodeEditorElement>(`#${side}`);
  }

  private get list(): RowList<RegionRow> {
    return this.querySelector('#regions') as RowList<RegionRow>;
  }
}

function isSame(left: Code, right: Code | undefined): boolean {
  return right !== undefined && areSame(left.guest, right.guest) && areSame(left.generated, right.generated);
}

function areSame(left: readonly CodeLine[], right: readonly CodeLine[]): boolean {
  return left.length === right.length && left.every(({ text }, n) => text === right[n]?.text);
}
