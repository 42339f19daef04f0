/** The search bar of a memory view: what to look for and where, and how far a search is. */
import { html, LitElement, type TemplateResult } from 'lit';
import { localized } from '../../debug-adapter/protocol/localized.ts';
import { hexadecimal, type Limits } from './address-space.ts';
import { type FindMode, parseBound, parsePattern } from './find-pattern.ts';

/** What the user wants found. */
export interface FindOrder {
  readonly what: {
    readonly pattern: ArrayBuffer;
    readonly mask: ArrayBuffer;
    readonly start: number;
    readonly end: number;
  };
  /** The same was found at the cursor before: the next one is meant. */
  readonly again: boolean;
}

export class FindBar extends LitElement {
  onFind: (order: FindOrder) => void = () => undefined;
  onCancel: () => void = () => undefined;
  onClose: () => void = () => undefined;
  onNotice: (notice: string) => void = () => undefined;
  /** What is searched where no range is given, and the digits of its addresses. */
  limits: Limits = { start: 0, end: 2 ** 32 };
  digits = 8;
  private mode: FindMode = 'bytes';
  /** How far a search is; undefined when none is under way. */
  private done: number | undefined;
  /** What the last search that found something looked for. */
  private foundKey = '';
  private searchKey = '';

  override focus(): void {
    this.input('what').select();
  }

  /** Looks for the next place. */
  search(): void {
    const order = this.order();
    if (typeof order === 'string') {
      this.onNotice(order);
      return;
    }
    this.progress(0);
    this.onFind(order);
  }

  /** What the bar says, or what is wrong with it. */
  private order(): FindOrder | string {
    const text = this.input('what').value;
    const matchCase = this.input('match-case').checked;
    const parsed = parsePattern(text, this.mode, matchCase);
    if ('message' in parsed) return parsed.message;
    const start = parseBound(this.input('from').value, this.limits.start);
    const last = parseBound(this.input('to').value, this.limits.end - 1);
    if (start === undefined || last === undefined) return localized('The range is given in hexadecimal: 7C00.');
    if (last < start) return localized('The range ends before it begins.');
    this.searchKey = JSON.stringify([text, this.mode, matchCase, start, last]);
    const { pattern, mask } = parsed;
    const what = { pattern: pattern.buffer, mask: mask.buffer, start, end: last + 1 };
    return { what, again: this.searchKey === this.foundKey };
  }

  /** A search goes on. */
  progress(done: number): void {
    this.done = done;
    this.requestUpdate();
  }

  /** A search is over. */
  end(address?: number): void {
    this.done = undefined;
    this.foundKey = address === undefined ? '' : this.searchKey;
    this.requestUpdate();
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override render(): TemplateResult {
    return html`<div class="find" role="search" aria-label=${localized('Find in memory')} @keydown=${this.key}>
      <input
        type="text"
        name="what"
        class="what"
        aria-label=${this.mode === 'bytes' ? localized('Bytes to find') : localized('Text to find')}
        placeholder=${this.mode === 'bytes' ? localized('Bytes: EB FE or B8 ?? 00') : localized('Text')}
        spellcheck="false"
        autocomplete="off"
      />
      <select aria-label=${localized('Find what')} @change=${this.changeMode}>
        <option>${localized('Bytes')}</option>
        <option>${localized('Text')}</option>
      </select>
      <label ?hidden=${this.mode === 'bytes'}><input type="checkbox" name="match-case" />${localized('Match case')}</label>
      <label>${localized('from')} <input type="text" name="from" class="bound" placeholder=${hexadecimal(this.limits.start, this.digits)} spellcheck="false" /></label>
      <label>${localized('to')} <input type="text" name="to" class="bound" placeholder=${hexadecimal(this.limits.end - 1, this.digits)} spellcheck="false" /></label>
      ${this.done === undefined ? this.button(localized('Find Next'), 'codicon-arrow-down', () => this.search()) : this.searching()}
      ${this.button(localized('Close'), 'codicon-close', () => this.onClose())}
    </div>`;
  }

  private searching(): TemplateResult {
    const percent = Math.floor((this.done ?? 0) * 100);
    return html`<progress max="100" .value=${percent} aria-label=${localized('Search')}>${percent} %</progress>
      ${this.button(localized('Cancel'), 'codicon-debug-stop', () => this.onCancel())}`;
  }

  private button(label: string, icon: string, run: () => void): TemplateResult {
    return html`<button type="button" title=${label} aria-label=${label} @click=${run}>
      <span class="codicon ${icon}" aria-hidden="true"></span>
    </button>`;
  }

  private readonly changeMode = (event: Event): void => {
    this.mode = (event.target as HTMLSelectElement).selectedIndex === 0 ? 'bytes' : 'text';
    this.requestUpdate();
  };

  private readonly key = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.target instanceof HTMLInputElement)) return;
    event.preventDefault();
    this.search();
  };

  private input(name: string): HTMLInputElement {
    return this.querySelector(`input[name="${name}"]`) as HTMLInputElement;
  }
}
