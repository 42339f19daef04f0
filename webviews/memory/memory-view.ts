/**
 * The memory view: an address box, the grid, a search bar and a status line. It renders into the page itself, so that the
 * page's style sheets (and VS Code's theme variables) apply.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { localized } from '../../debug-adapter/protocol/localized.ts';
import type { MemoryRequest, MemorySpace, MemoryUpdate } from '../../debug-adapter/protocol/memory.ts';
import { stateName } from '../state-name.ts';
import { AddressBox } from './address-box.ts';
import type { GroupSize } from './cells.ts';
import type { CharacterSet } from './code-page.ts';
import type { FindBar } from './find-bar.ts';
import type { HexGrid } from './hex-grid.ts';
import { addressDigits, limitsOf } from './address-space.ts';
import { addressText, describePlace, initialModel, type MemoryModel, withUpdate } from './memory-model.ts';
import { initialSettings, type ViewSettings } from './view-settings.ts';

const GROUP_SIZES: readonly GroupSize[] = [1, 2, 4, 8];
const CHARACTER_SETS: readonly (readonly [CharacterSet, string])[] = [
  ['ascii', 'ASCII'],
  ['cp437', 'CP437'],
];
const spaces = (): readonly (readonly [MemorySpace, string])[] => [
  ['linear', localized('Linear')],
  ['physical', localized('Physical')],
];

/** The processors whose linear memory can be shown, and before them the one that the user looks at. */
const cpuOptions = (count: number): readonly (readonly [number | undefined, string])[] => [
  [undefined, localized('Selected CPU')],
  ...Array.from({ length: count }, (_, cpu) => [cpu, `CPU ${cpu}`] as const),
];

/** A button with an icon; one that has `pressed` is a switch. */
interface Tool {
  readonly label: string;
  readonly icon: string;
  readonly title: string;
  readonly enabled?: boolean;
  readonly pressed?: boolean;
  readonly run: () => void;
}

export class MemoryView extends LitElement {
  /** Sends a message to the extension. */
  send: (message: MemoryRequest) => void = () => undefined;
  /** Keeps how the view is set up, for when the page is made again. */
  save: (settings: ViewSettings) => void = () => undefined;
  private model: MemoryModel = initialModel;
  private settings: ViewSettings = initialSettings;
  /** What went wrong or was found, until the next thing is done. */
  private notice = '';
  private noticeIsError = false;
  /** What the session was last asked to show. */
  private asked: { readonly space: MemorySpace; readonly address: number; readonly length: number } | undefined;
  private searchOpen = false;
  private readonly addressBox = new AddressBox({
    go: (text) => this.go(text),
    update: () => {
      this.requestUpdate();
      return this.updateComplete;
    },
    input: () => this.querySelector('.address-box') as HTMLInputElement,
  });

  /** Takes up where a page that is gone was. */
  restore(settings: ViewSettings): void {
    this.settings = settings;
    this.requestUpdate();
    void this.updateComplete.then(() => {
      this.refreshGrid();
      this.grid.goTo(settings.address);
    });
  }

  /** The page is in view: the session has to be told again what to show. */
  tellVisible(visible: boolean): void {
    const { cpu } = this.settings;
    if (visible && cpu !== undefined) this.send({ type: 'cpu', cpu });
    this.send({ type: 'visible', visible });
    this.asked = undefined;
    if (visible) this.ask();
  }

  /** A message of the session. */
  receive(update: MemoryUpdate): void {
    const before = this.model;
    this.model = withUpdate(before, update);
    if (update.type === 'went') this.goTo(update.space, update.address, update.text);
    if (update.type === 'failed') this.say(update.message, true);
    if (update.type === 'failed' && update.request === 'find') this.findBar?.end();
    if (update.type === 'searching') this.findBar?.progress(update.done);
    if (update.type === 'found') this.found(update);
    if (update.type === 'status') this.statusChanged(before);
    this.refreshGrid();
    this.requestUpdate();
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(): void {
    const { grid } = this;
    grid.onMove = () => this.moved();
    grid.onWrite = (address, bytes) => {
      this.say('');
      this.send({ type: 'write', space: this.settings.space, address, bytes: Uint8Array.from(bytes).buffer });
    };
    grid.onNotice = (notice) => this.say(notice, true);
    this.refreshGrid();
  }

  protected override render(): TemplateResult {
    return html`
      <div class="toolbar" role="toolbar" aria-label=${localized('Memory')} @keydown=${this.shortcut}>
        ${this.addressBox.render(this.settings.text)}
        ${this.choice(localized('Address space'), spaces(), this.settings.space, (space) => this.changeSpace(space))}
        ${this.model.cpus > 1 ? this.choice('CPU', cpuOptions(this.model.cpus), this.settings.cpu, (cpu) => this.changeCpu(cpu)) : nothing}
        ${this.choice(
          localized('Group'),
          GROUP_SIZES.map((size) => [size, localized('{0}-bit', size * 8)] as const),
          this.settings.groupSize,
          (groupSize) => this.change({ groupSize }),
        )}
        ${this.choice(localized('Text'), CHARACTER_SETS, this.settings.characterSet, (characterSet) => this.change({ characterSet }))}
        ${this.tools().map((tool) => this.button(tool))}
      </div>
      <nav class="pointers-bar" aria-label=${localized('Registers')}>${this.pointerButtons()}</nav>
      <find-bar ?hidden=${!this.searchOpen} @keydown=${this.shortcut}></find-bar>
      <main class="stage" @keydown=${this.shortcut}>
        <hex-grid ?hidden=${this.model.state === 'none'}></hex-grid>
        ${
          this.model.state === 'none'
            ? html`<p class="empty">${localized('Start debugging (F5) to see the memory of the guest here.')}</p>`
            : nothing
        }
      </main>
      <div class="status">
        <span class="place">${describePlace(this.model, this.settings.space, this.settings.address)}</span>
        <span role="status" class="notice ${this.noticeIsError ? 'error' : ''}">${this.notice}</span>
        ${this.keptText()}
        <span class="state">
          <span class="codicon ${this.stateIcon()}" aria-hidden="true"></span>${stateName(this.model.state)}
        </span>
      </div>
    `;
  }

  private choice<Value extends string | number | undefined>(
    label: string,
    options: readonly (readonly [Value, string])[],
    chosen: Value,
    choose: (value: Value) => void,
  ): TemplateResult {
    return html`<select
      aria-label=${label}
      title=${label}
      @change=${(event: Event) => {
        const option = options[(event.target as HTMLSelectElement).selectedIndex];
        if (option) choose(option[0]);
      }}
    >
      ${options.map(([value, name]) => html`<option ?selected=${value === chosen} .selected=${value === chosen}>${name}</option>`)}
    </select>`;
  }

  private tools(): readonly Tool[] {
    const present = this.model.state === 'running' || this.model.state === 'stopped';
    const { kept } = this.model;
    return [
      {
        label: localized('Follow'),
        icon: 'codicon-pinned',
        title: localized('Go to the address again at every stop'),
        pressed: this.settings.follow,
        run: () => this.change({ follow: !this.settings.follow }),
      },
      {
        label: localized('Find'),
        icon: 'codicon-search',
        title: localized('Find bytes or text (Ctrl+F)'),
        pressed: this.searchOpen,
        run: () => (this.searchOpen ? this.closeSearch() : this.openSearch()),
      },
      {
        label: localized('Compare'),
        icon: 'codicon-compare-changes',
        title: kept
          ? localized('Compare with now instead')
          : localized('Keep memory as it is now, to see later what is different'),
        enabled: present,
        run: () => this.send({ type: 'keep' }),
      },
    ];
  }

  private button({ label, icon, title, enabled = true, pressed, run }: Tool): TemplateResult {
    return html`<button
      type="button"
      title=${title}
      aria-label=${label}
      aria-pressed=${pressed === undefined ? nothing : String(pressed)}
      ?disabled=${!enabled}
      @click=${run}
    >
      <span class="codicon ${icon}" aria-hidden="true"></span><span class="label">${label}</span>
    </button>`;
  }

  private pointerButtons(): readonly TemplateResult[] {
    return this.model.pointers.map(
      ({ name, linear }) =>
        html`<button type="button" class="link" title=${localized('Go to {0} ({1})', name, addressText(this.model, 'linear', linear))} @click=${() => this.goToPointer(name)}>
          ${name}
        </button>`,
    );
  }

  private keptText(): TemplateResult | typeof nothing {
    const { kept } = this.model;
    if (!kept) return nothing;
    const partly = kept.complete ? '' : ` (${localized('not all of it fitted')})`;
    return html`<span class="kept">
      ${localized('Compared with instruction {0}', kept.retired.toLocaleString(document.documentElement.lang))}${partly}
      <button type="button" class="link" @click=${() => this.send({ type: 'forget' })}>${localized('Stop comparing')}</button>
    </span>`;
  }

  private readonly shortcut = (event: KeyboardEvent): void => {
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    const control = (ctrlKey || metaKey) && !altKey && !shiftKey;
    if (control && key === 'g') this.addressBox.select();
    else if (control && key === 'f') this.openSearch();
    else if (key === 'F3' && this.searchOpen) this.findBar?.search();
    else if (key === 'Escape' && this.searchOpen) this.closeSearch();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  private openSearch(): void {
    this.searchOpen = true;
    this.requestUpdate();
    void this.updateComplete.then(() => {
      const bar = this.findBar;
      if (!bar) return;
      bar.onFind = (order) => {
        this.say('');
        const { space, address } = this.settings;
        this.send({ type: 'find', space, from: address + (order.again ? 1 : 0), ...order.what });
      };
      bar.onCancel = () => this.send({ type: 'cancel-find' });
      bar.onNotice = (notice) => this.say(notice, true);
      bar.onClose = () => this.closeSearch();
      bar.focus();
    });
  }

  private closeSearch(): void {
    this.searchOpen = false;
    this.send({ type: 'cancel-find' });
    this.requestUpdate();
    this.grid.focus();
  }

  private found({ address, length, wrapped, cancelled }: Extract<MemoryUpdate, { type: 'found' }>): void {
    this.findBar?.end(address);
    if (cancelled) this.say(localized('Search cancelled.'));
    else if (address === undefined) this.say(localized('Not found.'), true);
    else {
      this.grid.goTo(address);
      const place = addressText(this.model, this.settings.space, address);
      this.say(
        wrapped
          ? localized('Found {0} bytes at {1}, from the start of the range.', length, place)
          : localized('Found {0} bytes at {1}.', length, place),
      );
    }
  }

  /** Asks the session where a text leads; returns what was asked. */
  private go(typed: string): string {
    const trimmed = typed.trim();
    if (trimmed === '') return '';
    this.say('');
    // A bare number is meant in the space that is shown; names and expressions are linear.
    const physical = this.settings.space === 'physical' && /^(0x[0-9a-f]+|[0-9a-f]+h?)$/i.test(trimmed);
    const text = physical ? `p:${trimmed}` : trimmed;
    this.send({ type: 'go', text });
    return text;
  }

  private goToPointer(name: string): void {
    this.addressBox.forget();
    this.go(name);
  }

  private goTo(space: MemorySpace, address: number, text: string): void {
    const typed = this.addressBox.went(text);
    this.change({ space, text });
    this.grid.goTo(address);
    // Who went there by the keyboard goes on with it in the grid.
    if (typed) this.grid.focus();
  }

  /** At a new stop the view goes where the address box leads now. */
  private statusChanged(before: MemoryModel): void {
    const { cpu } = this.settings;
    // A session that is newer than the page does not know yet what the page shows.
    if (cpu !== undefined && cpu < this.model.cpus && cpu !== this.model.cpu) this.send({ type: 'cpu', cpu });
    const stopped = this.model.state === 'stopped' && before.state !== 'stopped';
    if (this.settings.follow && (stopped || this.model.detail !== before.detail))
      this.send({ type: 'go', text: this.settings.text });
  }

  private changeCpu(cpu: number | undefined): void {
    this.change({ cpu });
    this.send({ type: 'cpu', ...(cpu === undefined ? {} : { cpu }) });
  }

  private changeSpace(space: MemorySpace): void {
    const text = `${space === 'physical' ? 'p:' : ''}${addressText(this.model, space, this.settings.address)}`;
    this.addressBox.forget();
    this.change({ space, text, follow: false });
  }

  private change(changes: Partial<ViewSettings>): void {
    this.settings = { ...this.settings, ...changes };
    this.save(this.settings);
    this.refreshGrid();
    this.ask();
    this.requestUpdate();
  }

  /** The cursor or the place in view is another one. */
  private moved(): void {
    this.settings = { ...this.settings, address: this.grid.address };
    this.save(this.settings);
    this.ask();
    this.requestUpdate();
  }

  private refreshGrid(): void {
    const { space, groupSize, characterSet, address } = this.settings;
    const { findBar, model } = this;
    if (findBar) {
      findBar.limits = limitsOf(space, model.widths, address);
      findBar.digits = addressDigits(space, model.widths);
      findBar.requestUpdate();
    }
    if (this.hasUpdated) this.grid.show(this.model, { space, groupSize, characterSet });
  }

  /** Asks for what is in view unless that was asked for already. */
  private ask(): void {
    if (!this.hasUpdated || !this.grid.hasUpdated) return;
    const { space } = this.settings;
    const view = this.grid.viewRange;
    const { asked } = this;
    const covered =
      asked !== undefined &&
      asked.space === space &&
      asked.address <= view.address &&
      asked.address + asked.length >= view.address + view.length;
    if (covered) return;
    this.asked = { space, ...this.grid.range };
    this.send({ type: 'show', ...this.asked });
  }

  private say(notice: string, isError = false): void {
    this.notice = notice;
    this.noticeIsError = isError;
    this.requestUpdate();
  }

  private stateIcon(): string {
    const icons = {
      none: 'codicon-circle-outline',
      running: 'codicon-debug-start',
      stopped: 'codicon-debug-pause',
      ended: 'codicon-debug-stop',
    } as const;
    return icons[this.model.state];
  }

  private get grid(): HexGrid {
    return this.querySelector('hex-grid') as HexGrid;
  }

  private get findBar(): FindBar | null {
    return this.querySelector('find-bar');
  }
}
