/**
 * The page-table view: what is mapped, the tables as a tree, the walk of one address, and what the processor keeps of
 * translations. It renders into the page itself, so that the page's style sheet and VS Code's theme variables apply.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { localized } from '../../debug-adapter/protocol/localized.ts';
import type {
  PageTablesRequest,
  PageTablesStatus,
  PageTablesUpdate,
  TlbEntry,
  WalkAccess,
} from '../../debug-adapter/protocol/page-tables.ts';
import { ATTRIBUTE_WORDS } from './attribute-search.ts';
import { ACCESSES, choice, cpuChoice, MODES, PRIVILEGES, textOf } from './choice.ts';
import { cachedDetails, type DetailsActions, entryDetails, rangeDetails } from './details.ts';
import { cachedNote, emptyText, noticeText, rangesNote } from './notes.ts';
import {
  countMapped,
  type FilterName,
  filters,
  initialModel,
  linearText,
  matchingRanges,
  modeText,
  type PageModel,
  type PageRange,
  parseSearch,
  type Search,
  tableKey,
  withUpdate,
} from './page-model.ts';
import { initialSettings, type PageSettings, TABS } from './page-settings.ts';
import { remembering } from './remembering.ts';
import { rangeRow, tlbRow, treeRow } from './row-contents.ts';
import type { RowList } from '../row-list.ts';
import { type TreeRow, treeRows } from './tree-rows.ts';
import { renderWalk } from './walk-result.ts';

export class PageTablesView extends LitElement {
  /** Sends a message to the extension. */
  send: (message: PageTablesRequest) => void = () => undefined;
  /** Keeps the settings for the next time that the page is made. */
  save: (settings: PageSettings) => void = () => undefined;
  private model: PageModel = initialModel;
  private settings: PageSettings = initialSettings;
  private chosen: ReadonlySet<FilterName> = new Set();
  private search: Search | undefined;
  /** Words of the search box that the session is resolving. */
  private resolving: string | undefined;
  private open: ReadonlySet<string> = new Set();
  /** Tables that were asked for since the last status. */
  private readonly asked = new Set<string>();
  private activeRange: PageRange | undefined;
  private activeRow: TreeRow | undefined;
  private activeCached: TlbEntry | undefined;
  private notice = '';
  private readonly actions: DetailsActions = {
    walk: (address) => this.walkTo(address),
    find: (text) => this.find(text),
    send: (request) => this.send(request),
  };

  /** Takes up settings that were kept. */
  restore(settings: PageSettings): void {
    this.settings = settings;
    this.chosen = new Set(settings.filters);
  }

  /** The page is in view: the session has to send everything again, of the root that the page shows. */
  tellVisible(visible: boolean): void {
    const { root, mode, cpu } = this.settings;
    if (visible) this.send({ type: 'root', text: root, mode });
    if (visible && cpu !== undefined) this.send({ type: 'cpu', cpu });
    this.send({ type: 'visible', visible });
  }

  /** A message of the session. */
  receive(update: PageTablesUpdate): void {
    const before = this.model.status;
    this.model = withUpdate(this.model, update);
    if (update.type === 'status') this.statusChanged(before);
    if (update.type === 'walk' && this.resolving === update.text) {
      this.resolving = undefined;
      this.search = { space: 'linear', address: update.linear };
    }
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
      <main>
        <vscode-tabs
          class=${state === 'none' || levels === 0 ? 'away' : ''}
          .selectedIndex=${TABS.indexOf(this.settings.tab)}
          @vsc-tabs-select=${(event: CustomEvent<{ selectedIndex: number }>) => this.chooseTab(event.detail.selectedIndex)}
        >
          <vscode-tab-header slot="header">${localized('Mapped ranges')}</vscode-tab-header>
          <vscode-tab-header slot="header">${localized('Tables')}</vscode-tab-header>
          <vscode-tab-header slot="header">${localized('Walk')}</vscode-tab-header>
          <vscode-tab-header slot="header">${localized('Cached translations')}</vscode-tab-header>
          <vscode-tab-panel>
            <div class="panel">
              ${this.filterBar()}${rangesNote(this.model, this.shownRanges().length)}<row-list id="ranges"></row-list>
              ${rangeDetails(this.activeRange, this.model.status, this.actions)}
            </div>
          </vscode-tab-panel>
          <vscode-tab-panel>
            <div class="panel">
              <row-list id="tree"></row-list>${entryDetails(this.activeRow?.entry, this.model.status, this.actions)}
            </div>
          </vscode-tab-panel>
          <vscode-tab-panel><div class="panel">${this.walkPanel()}</div></vscode-tab-panel>
          <vscode-tab-panel><div class="panel">
              ${cachedNote(this.model)}<row-list id="tlb"></row-list>
              ${cachedDetails(this.activeCached, this.model.status, this.actions)}
            </div></vscode-tab-panel>
        </vscode-tabs>
        ${emptyText(this.model.status, this.settings.root !== '')}
      </main>
      <footer class="status">
        <span>${modeText(this.model.status)}</span>
        <span role="status" class="notice">${noticeText(this.notice)}</span>
        ${this.count()}
      </footer>
    `;
  }

  private toolbar(): TemplateResult {
    const { root, mode, cpu, search } = this.settings;
    const { cpus } = this.model.status;
    return html`
      ${cpus > 1 ? cpuChoice(cpus, cpu, (next) => this.chooseCpu(next)) : nothing}
      <vscode-textfield
        class="root"
        .label=${localized('Root table')}
        placeholder=${localized('Root table: {0}', 'CR3')}
        title=${localized('Physical address of the first table; empty for that of CR3')}
        .value=${root}
        @change=${(event: Event) => this.chooseRoot({ root: textOf(event).trim() })}
      ></vscode-textfield>
      ${root === '' ? nothing : choice(localized('Paging mode'), MODES, mode, (next) => this.chooseRoot({ mode: next }))}
      <vscode-textfield
        class="search"
        .label=${localized('Search')}
        placeholder=${localized('Address, symbol, p:address or @attribute')}
        title=${localized('What maps a linear address or symbol; behind p: a physical address; or attributes: {0}', ATTRIBUTE_WORDS)}
        .value=${search}
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

  private walkPanel(): TemplateResult {
    const { walk, access } = this.settings;
    return html`
      <form class="walk-form" @submit=${(event: Event) => this.walkNow(event)}>
        <vscode-textfield
          class="walk-address"
          .label=${localized('Linear address')}
          .value=${walk}
          @input=${(event: Event) => this.keep({ walk: textOf(event) })}
          @keydown=${(event: KeyboardEvent) => {
            if (event.key === 'Enter') this.walkNow(event);
          }}
        ></vscode-textfield>
        ${choice(localized('Access'), ACCESSES, access.kind, (kind) => this.changeAccess({ kind }))}
        ${choice(localized('Privilege'), PRIVILEGES, access.privilege, (privilege) => this.changeAccess({ privilege }))}
        <vscode-button type="submit" @click=${(event: Event) => this.walkNow(event)}>${localized('Walk')}</vscode-button>
      </form>
      ${renderWalk(this.model.walk, this.model.status)}
    `;
  }

  private count(): TemplateResult | typeof nothing {
    const { ranges, progress, complete, status } = this.model;
    if (status.levels === 0) return nothing;
    if (progress !== undefined) {
      return html`<span class="count">${localized('Reading tables… {0}', progress)}</span>
        <vscode-button secondary @click=${() => this.send({ type: 'cancel' })}>${localized('Cancel')}</vscode-button>`;
    }
    const [shown, all] = [this.mappedOf(this.shownRanges()), this.allMappedOf(ranges)];
    const text = complete ? String(all) : `> ${all}`;
    return html`<span class="count">
      ${shown === all ? localized('{0} ranges', text) : localized('{0} of {1} ranges', shown, text)}
    </span>`;
  }

  private prepareLists(): void {
    const ranges = this.list<PageRange>('ranges');
    ranges.label = localized('Mapped ranges');
    ranges.renderRow = (range) => rangeRow(range, this.model.status);
    ranges.keyOf = ({ linear }) => linear;
    ranges.onChoose = ({ linear }) => this.walkTo(`0x${linearText(linear, this.levels)}`);
    ranges.onActive = (range) => {
      if (this.activeRange !== range) this.requestUpdate();
      this.activeRange = range;
    };
    const tree = this.list<TreeRow>('tree');
    tree.label = localized('Tables');
    tree.isTree = true;
    tree.treeState = ({ depth, open }) => ({ depth, open });
    tree.renderRow = (row) => treeRow(row, this.model.status);
    tree.keyOf = ({ key }) => key;
    tree.onChoose = (row) => this.openRow(row, row.open === false);
    tree.onOpen = (row, open) => this.openRow(row, open);
    tree.onActive = (row) => {
      if (this.activeRow !== row) this.requestUpdate();
      this.activeRow = row;
    };
    const tlb = this.list<TlbEntry>('tlb');
    tlb.label = localized('Cached translations');
    tlb.renderRow = (entry) => tlbRow(entry, this.model.status);
    tlb.keyOf = ({ linear }) => linear;
    tlb.onChoose = ({ linear }) => this.walkTo(`0x${linearText(linear, this.levels)}`);
    tlb.onActive = (entry) => {
      if (this.activeCached !== entry) this.requestUpdate();
      this.activeCached = entry;
    };
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

  private statusChanged(before: PageTablesStatus): void {
    this.notice = '';
    this.asked.clear();
    const { state, levels, root, isCr3 } = this.model.status;
    // A session that is newer than the page does not know yet what the page shows.
    const { cpu } = this.settings;
    const { cpus } = this.model.status;
    if (cpu !== undefined && cpu < cpus && cpu !== this.model.status.cpu) this.send({ type: 'cpu', cpu });
    if (isCr3 && this.settings.root !== '' && (state === 'running' || state === 'stopped')) this.chooseRoot({});
    if (state !== 'stopped' || levels === 0) return;
    this.askTable(levels, root, 0);
    // Tables that are open are read again; the walk and the cached translations too, if they are in view.
    const { rows } = this.shownTree();
    for (const row of rows) if (row.open) this.askTable(row.level - 1, row.entry.target, row.entry.linear);
    if (this.settings.tab === 'walk') this.walk();
    if (this.settings.tab === 'tlb') this.send({ type: 'tlb' });
    // A search that was kept is made as soon as there is something to search.
    if (before.state === 'none' && this.search === undefined) this.find(this.settings.search);
  }

  private chooseTab(index: number): void {
    this.keep({ tab: TABS[index] ?? 'ranges' });
    if (this.settings.tab === 'tlb') this.send({ type: 'tlb' });
    if (this.settings.tab === 'walk' && !this.model.walk) this.walk();
  }

  private chooseRoot(change: Partial<Pick<PageSettings, 'root' | 'mode'>>): void {
    this.notice = '';
    this.keep(change);
    const { root, mode } = this.settings;
    this.send({ type: 'root', text: root, mode });
    this.requestUpdate();
  }

  private chooseCpu(cpu: number | undefined): void {
    this.notice = '';
    this.keep({ cpu });
    this.send({ type: 'cpu', ...(cpu === undefined ? {} : { cpu }) });
    this.requestUpdate();
  }

  private toggle(name: FilterName): void {
    const chosen = new Set(this.chosen);
    if (!chosen.delete(name)) chosen.add(name);
    this.chosen = chosen;
    this.keep({ filters: [...chosen] });
    this.requestUpdate();
  }

  /** Shows what maps an address or has attributes; words are resolved by the session first. */
  private find(text: string): void {
    this.keep({ search: text });
    const search = parseSearch(text, this.model.status.memoryTypes);
    this.notice = '';
    this.resolving = search === 'words' ? text.trim() : undefined;
    if (search === 'words') this.send({ type: 'walk', text: text.trim(), access: this.settings.access });
    else if (search && 'unknown' in search) {
      this.notice = localized('{0} is no attribute; try {1}', search.unknown, ATTRIBUTE_WORDS);
    } else this.search = search;
    this.requestUpdate();
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
    this.keep({ walk: text, tab: 'walk' });
    this.walk();
    this.requestUpdate();
  }

  private walkNow(event: Event): void {
    event.preventDefault();
    this.walk();
  }

  private walk(): void {
    this.notice = '';
    const { walk, access } = this.settings;
    if (walk.trim() !== '') this.send({ type: 'walk', text: walk.trim(), access });
  }

  private changeAccess(change: Partial<WalkAccess>): void {
    this.keep({ access: { ...this.settings.access, ...change } });
    this.walk();
  }

  private keep(change: Partial<PageSettings>): void {
    this.settings = { ...this.settings, ...change };
    this.save(this.settings);
  }

  /** Asks for a table once between two changes of the status. */
  private askTable(level: number, address: number, linear: number): void {
    const key = tableKey(level, address);
    if (this.asked.has(key)) return;
    this.asked.add(key);
    this.send({ type: 'table', level, address, linear });
  }

  private readonly shownRanges = (): readonly PageRange[] => this.rangesOf(this.model.ranges, this.chosen, this.search);
  private readonly rangesOf = remembering(matchingRanges);
  private readonly mappedOf = remembering(countMapped);
  private readonly allMappedOf = remembering(countMapped);

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
