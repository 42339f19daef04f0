/**
 * The page-table view: what is mapped, the tables as a tree, the walk of one address, and what the processor keeps of
 * translations. It renders into the page itself, so that the page's style sheet and VS Code's theme variables apply.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { localized } from '../../debug-adapter/protocol/localized.ts';
import type {
  PageTablesRequest,
  PageTablesUpdate,
  TlbEntry,
  WalkAccess,
} from '../../debug-adapter/protocol/page-tables.ts';
import {
  type FilterName,
  filters,
  initialModel,
  linearText,
  matchingRanges,
  modeText,
  type PageModel,
  type PageRange,
  parseSearch,
  physicalText,
  type Search,
  tableKey,
  withUpdate,
} from './page-model.ts';
import { remembering } from './remembering.ts';
import { rangeRow, tlbRow, treeRow } from './row-contents.ts';
import type { RowList } from './row-list.ts';
import { type TreeRow, treeRows } from './tree-rows.ts';
import { renderWalk } from './walk-result.ts';

const TABS = ['ranges', 'tree', 'walk', 'tlb'] as const;
type Tab = (typeof TABS)[number];

export class PageTablesView extends LitElement {
  /** Sends a message to the extension. */
  send: (message: PageTablesRequest) => void = () => undefined;
  private model: PageModel = initialModel;
  private tab: Tab = 'ranges';
  private chosen: ReadonlySet<FilterName> = new Set();
  private search: Search | undefined;
  /** Words of the search box that the session is resolving. */
  private resolving: string | undefined;
  private open: ReadonlySet<string> = new Set();
  private activeRange: PageRange | undefined;
  private activeRow: TreeRow | undefined;
  private walkText = 'CS:EIP';
  private access: WalkAccess = { kind: 'read', privilege: 'supervisor' };
  private notice = '';

  /** The page is in view: the session has to send everything again. */
  tellVisible(visible: boolean): void {
    this.send({ type: 'visible', visible });
  }

  /** A message of the session. */
  receive(update: PageTablesUpdate): void {
    this.model = withUpdate(this.model, update);
    if (update.type === 'status') this.statusChanged();
    if (update.type === 'walk' && this.resolving === update.text) this.resolved(update.linear);
    if (update.type === 'failed') {
      this.resolving = undefined;
      this.notice = update.message;
    }
    this.requestUpdate();
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(): void {
    this.prepareLists();
  }

  protected override updated(): void {
    this.fillLists();
  }

  protected override render(): TemplateResult {
    const { state, levels } = this.model.status;
    return html`
      <header class="toolbar">${this.toolbar()}</header>
      <vscode-tabs
        role="main"
        class=${state === 'none' || levels === 0 ? 'away' : ''}
        @vsc-tabs-select=${(event: CustomEvent<{ selectedIndex: number }>) => this.chooseTab(event.detail.selectedIndex)}
      >
        <vscode-tab-header slot="header">${localized('Mapped ranges')}</vscode-tab-header>
        <vscode-tab-header slot="header">${localized('Tables')}</vscode-tab-header>
        <vscode-tab-header slot="header">${localized('Walk')}</vscode-tab-header>
        <vscode-tab-header slot="header">${localized('Cached translations')}</vscode-tab-header>
        <vscode-tab-panel>
          <div class="panel">${this.filterBar()}<row-list id="ranges"></row-list>${this.rangeDetails()}</div>
        </vscode-tab-panel>
        <vscode-tab-panel>
          <div class="panel"><row-list id="tree"></row-list>${this.rowDetails()}</div>
        </vscode-tab-panel>
        <vscode-tab-panel><div class="panel">${this.walkPanel()}</div></vscode-tab-panel>
        <vscode-tab-panel><div class="panel"><row-list id="tlb"></row-list></div></vscode-tab-panel>
      </vscode-tabs>
      ${this.emptyText()}
      <footer class="status">
        <span>${modeText(this.model.status)}</span>
        <span role="status" class="notice">${this.notice}</span>
        <span class="count">${this.countText()}</span>
      </footer>
    `;
  }

  private toolbar(): TemplateResult {
    return html`
      <vscode-textfield
        class="root"
        .label=${localized('Root table')}
        placeholder="CR3"
        title=${localized('Physical address of the first table; empty for that of CR3')}
        @change=${(event: Event) => this.send({ type: 'root', text: textOf(event) })}
      ></vscode-textfield>
      <vscode-textfield
        class="search"
        .label=${localized('Search')}
        placeholder=${localized('Address, symbol, or p:address')}
        title=${localized('Shows what maps a linear address or symbol; behind p: what maps a physical address')}
        @change=${(event: Event) => this.find(textOf(event))}
      ></vscode-textfield>
    `;
  }

  private filterBar(): TemplateResult {
    const names = Object.keys(filters) as FilterName[];
    return html`<div class="filters" role="group" aria-label=${localized('Filters')}>
      ${names.map(
        (name) => html`<vscode-checkbox
          label=${filters[name].text()}
          ?checked=${this.chosen.has(name)}
          @change=${() => this.toggle(name)}
        ></vscode-checkbox>`,
      )}
    </div>`;
  }

  private rangeDetails(): TemplateResult | typeof nothing {
    const range = this.activeRange;
    if (!range) return nothing;
    const start = linearText(range.linear, this.levels);
    return html`<div class="details">
      <span class="address">${start}</span>
      <vscode-button secondary @click=${() => this.walkTo(`0x${start}`)}>${localized('Walk')}</vscode-button>
      <vscode-button secondary @click=${() => this.find(`p:${physicalText(range.physical)}`)}>
        ${localized('Who maps this frame?')}
      </vscode-button>
    </div>`;
  }

  private rowDetails(): TemplateResult | typeof nothing {
    const row = this.activeRow;
    if (!row) return nothing;
    const { entry } = row;
    if (entry.address < 0) return html`<div class="details">${localized('This entry is in a register.')}</div>`;
    return html`<div class="details">
      <vscode-textfield
        class="value"
        .label=${localized('Value of the entry')}
        .value=${entry.value}
        @change=${(event: Event) => this.edit(entry.address, textOf(event))}
      ></vscode-textfield>
      <span class="address">${localized('at p:{0}', physicalText(entry.address))}</span>
      <vscode-checkbox
        label=${localized('Break on change')}
        ?checked=${entry.watched}
        @change=${() => this.send({ type: 'watch', address: entry.address, on: !entry.watched })}
      ></vscode-checkbox>
      <vscode-button secondary @click=${() => this.walkTo(`0x${linearText(entry.linear, this.levels)}`)}>
        ${localized('Walk')}
      </vscode-button>
    </div>`;
  }

  private walkPanel(): TemplateResult {
    const { kind, privilege } = this.access;
    return html`
      <form class="walk-form" @submit=${(event: Event) => this.walkNow(event)}>
        <vscode-textfield
          class="walk-address"
          .label=${localized('Linear address')}
          .value=${this.walkText}
          @input=${(event: Event) => {
            this.walkText = textOf(event);
          }}
          @keydown=${(event: KeyboardEvent) => {
            if (event.key === 'Enter') this.walkNow(event);
          }}
        ></vscode-textfield>
        ${this.choice(localized('Access'), ACCESSES, kind, (next) => this.changeAccess({ kind: next }))}
        ${this.choice(localized('Privilege'), PRIVILEGES, privilege, (next) => this.changeAccess({ privilege: next }))}
        <vscode-button type="submit" @click=${(event: Event) => this.walkNow(event)}>${localized('Walk')}</vscode-button>
      </form>
      ${renderWalk(this.model.walk, this.levels)}
    `;
  }

  private choice<Value extends string>(
    label: string,
    values: Readonly<Record<Value, () => string>>,
    chosen: Value,
    choose: (value: Value) => void,
  ): TemplateResult {
    return html`<vscode-single-select
      .label=${label}
      .value=${chosen}
      @change=${(event: Event) => choose(textOf(event) as Value)}
    >
      ${(Object.keys(values) as Value[]).map(
        (value) => html`<vscode-option value=${value} ?selected=${value === chosen}>${values[value]()}</vscode-option>`,
      )}
    </vscode-single-select>`;
  }

  private emptyText(): TemplateResult | typeof nothing {
    const { state, levels } = this.model.status;
    if (state === 'none') {
      return html`<p class="empty">${localized('Start debugging (F5) to see the page tables of the guest here.')}</p>`;
    }
    if (levels !== 0) return nothing;
    return html`<p class="empty">${localized('Paging is off: linear addresses are physical ones.')}</p>`;
  }

  private countText(): string {
    const { ranges, progress, complete } = this.model;
    if (progress !== undefined) return localized('Reading tables… {0}', progress);
    const shown = this.shownRanges().length;
    const all = complete ? String(ranges.length) : `> ${ranges.length}`;
    return shown === ranges.length ? localized('{0} ranges', all) : localized('{0} of {1} ranges', shown, all);
  }

  private prepareLists(): void {
    const ranges = this.list<PageRange>('ranges');
    ranges.label = localized('Mapped ranges');
    ranges.renderRow = (range) => rangeRow(range, this.levels);
    ranges.onChoose = ({ linear }) => this.walkTo(`0x${linearText(linear, this.levels)}`);
    ranges.onActive = (range) => {
      if (this.activeRange === range) return;
      this.activeRange = range;
      this.requestUpdate();
    };
    const tree = this.list<TreeRow>('tree');
    tree.label = localized('Tables');
    tree.isTree = true;
    tree.treeState = ({ depth, open }) => ({ depth, open });
    tree.renderRow = (row) => treeRow(row, this.levels);
    tree.onChoose = (row) => this.openRow(row, row.open === false);
    tree.onOpen = (row, open) => this.openRow(row, open);
    tree.onActive = (row) => {
      if (this.activeRow === row) return;
      this.activeRow = row;
      this.requestUpdate();
    };
    const tlb = this.list<TlbEntry>('tlb');
    tlb.label = localized('Cached translations');
    tlb.renderRow = (entry) => tlbRow(entry, this.levels);
    tlb.onChoose = ({ linear }) => this.walkTo(`0x${linearText(linear, this.levels)}`);
    this.fillLists();
  }

  /** Gives the lists their rows, unless they have them. */
  private fillLists(): void {
    const ranges = this.shownRanges();
    if (this.list<PageRange>('ranges').rows !== ranges) this.list<PageRange>('ranges').show(ranges);
    const { rows, missing } = this.shownTree();
    if (this.list<TreeRow>('tree').rows !== rows) this.list<TreeRow>('tree').show(rows);
    for (const { level, entry } of missing) this.askTable(level - 1, entry.target, entry.linear);
    const tlb = this.model.tlb ?? NO_ENTRIES;
    if (this.list<TlbEntry>('tlb').rows !== tlb) this.list<TlbEntry>('tlb').show(tlb);
  }

  private statusChanged(): void {
    this.notice = '';
    const { state, levels, root } = this.model.status;
    if (state !== 'stopped' || levels === 0) return;
    this.askTable(levels, root, 0);
    // Tables that are open are read again; the walk and the cached translations too, if they are in view.
    const { rows } = this.shownTree();
    for (const row of rows) if (row.open) this.askTable(row.level - 1, row.entry.target, row.entry.linear);
    if (this.tab === 'walk') this.walk();
    if (this.tab === 'tlb') this.send({ type: 'tlb' });
  }

  private chooseTab(index: number): void {
    this.tab = TABS[index] ?? 'ranges';
    if (this.tab === 'tlb') this.send({ type: 'tlb' });
    if (this.tab === 'walk' && !this.model.walk) this.walk();
  }

  private toggle(name: FilterName): void {
    const chosen = new Set(this.chosen);
    if (!chosen.delete(name)) chosen.add(name);
    this.chosen = chosen;
    this.requestUpdate();
  }

  /** Shows what maps an address; words are resolved by the session first. */
  private find(text: string): void {
    const search = parseSearch(text);
    this.notice = '';
    this.resolving = search === 'words' ? text.trim() : undefined;
    if (search === 'words') this.send({ type: 'walk', text: text.trim(), access: this.access });
    else this.search = search;
    this.requestUpdate();
  }

  private resolved(linear: number): void {
    this.resolving = undefined;
    this.search = { space: 'linear', address: linear };
  }

  private edit(address: number, value: string): void {
    this.send({ type: 'edit', address, value: value.replace(/^0x/i, '').replaceAll('_', '') });
  }

  private openRow(row: TreeRow, open: boolean): void {
    if (row.open === undefined || row.open === open) return;
    const next = new Set(this.open);
    if (open) next.add(row.key);
    else next.delete(row.key);
    this.open = next;
    this.requestUpdate();
  }

  private walkTo(text: string): void {
    this.walkText = text;
    this.tab = 'walk';
    (this.querySelector('vscode-tabs') as HTMLElement & { selectedIndex: number }).selectedIndex = TABS.indexOf('walk');
    this.walk();
    this.requestUpdate();
  }

  private walkNow(event: Event): void {
    event.preventDefault();
    this.walk();
  }

  private walk(): void {
    this.notice = '';
    if (this.walkText.trim() !== '') this.send({ type: 'walk', text: this.walkText.trim(), access: this.access });
  }

  private changeAccess(change: Partial<WalkAccess>): void {
    this.access = { ...this.access, ...change };
    this.walk();
  }

  private askTable(level: number, address: number, linear: number): void {
    const key = `${tableKey(level, address)}@${this.model.status.state}`;
    if (this.asked.has(key) && this.model.tables.has(tableKey(level, address))) return;
    this.asked.add(key);
    this.send({ type: 'table', level, address, linear });
  }
  private readonly asked = new Set<string>();

  private readonly shownRanges = (): readonly PageRange[] => this.rangesOf(this.model.ranges, this.chosen, this.search);
  private readonly rangesOf = remembering(matchingRanges);

  private readonly shownTree = (): ReturnType<typeof treeRows> =>
    this.treeOf(this.model.tables, this.model.status, this.open);
  private readonly treeOf = remembering(treeRows);

  private get levels(): number {
    return this.model.status.levels;
  }

  private list<Row>(id: string): RowList<Row> {
    return this.querySelector(`#${id}`) as unknown as RowList<Row>;
  }
}

const NO_ENTRIES: readonly TlbEntry[] = [];

const ACCESSES: Readonly<Record<WalkAccess['kind'], () => string>> = {
  read: () => localized('Read'),
  write: () => localized('Write'),
  fetch: () => localized('Fetch'),
};
const PRIVILEGES: Readonly<Record<WalkAccess['privilege'], () => string>> = {
  supervisor: () => localized('Supervisor'),
  user: () => localized('User'),
};

function textOf(event: Event): string {
  return (event.target as HTMLElement & { value: string }).value;
}
