/**
 * A list of which only the rows in view are in the page, however many there are (lit-virtualizer). One row is the active
 * one; the arrow keys, Home, End, PageUp and PageDown move it.
 */
import '@lit-labs/virtualizer';
import type { LitVirtualizer, RangeChangedEvent } from '@lit-labs/virtualizer';
import { html, LitElement, nothing, type TemplateResult } from 'lit';

/** Rows that PageUp and PageDown pass over. */
const PAGE_ROWS = 20;

export class RowList<Row = unknown> extends LitElement {
  /** What the list is called for a screen reader, and whether its rows form a tree. */
  label = '';
  isTree = false;
  rows: readonly Row[] = [];
  /** What tells rows apart, so that the active one stays the same row when others come and go. */
  keyOf: (row: Row) => unknown = (row) => row;
  /** The content of a row, and further attributes for its element. */
  renderRow: (row: Row) => TemplateResult = () => html``;
  /** Depth, and whether it is open, of a row of a tree. */
  treeState: (row: Row) => { readonly depth: number; readonly open: boolean | undefined } = () => NO_TREE;
  /** The active row is another one, or undefined where there is none. */
  onActive: (row: Row | undefined) => void = () => undefined;
  /** Enter, or a double click. */
  onChoose: (row: Row) => void = () => undefined;
  /** Arrow right (true) and left in a tree. */
  onOpen: (row: Row, open: boolean) => void = () => undefined;
  private active = 0;
  /** The rows that are in the page. */
  private present: { readonly first: number; readonly last: number } = { first: 0, last: -1 };

  /** Shows other rows; the active one stays active if it is still there, or else the row in its place. */
  show(rows: readonly Row[]): void {
    const active = this.rows[this.active];
    const key = active === undefined ? undefined : this.keyOf(active);
    const place = active === undefined ? -1 : rows.findIndex((row) => this.keyOf(row) === key);
    this.rows = rows;
    this.active = place >= 0 ? place : Math.max(0, Math.min(this.active, rows.length - 1));
    this.requestUpdate();
    this.onActive(rows[this.active]);
  }

  /** Makes the row of a key the active one, if there is one. */
  goTo(key: unknown): void {
    const index = this.rows.findIndex((row) => this.keyOf(row) === key);
    if (index >= 0) this.go(index);
  }

  /** Puts the focus where the arrow keys work. */
  focusRows(): void {
    this.virtualizer?.focus();
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override render(): TemplateResult {
    const role = this.isTree ? 'tree' : 'listbox';
    return html`<lit-virtualizer
      scroller
      class="rows"
      role=${role}
      tabindex="0"
      aria-label=${this.label}
      aria-activedescendant=${this.isPresent(this.active) ? this.rowId(this.active) : nothing}
      .items=${this.rows as Row[]}
      .renderItem=${this.renderItem}
      @keydown=${this.key}
      @rangeChanged=${this.rangeChanged}
    ></lit-virtualizer>`;
  }

  /** The same function at every rendering, or else the virtualizer renders all of its rows again. */
  private readonly renderItem = (row: Row, index: number): TemplateResult => this.row(row, index);

  private readonly rangeChanged = ({ first, last }: RangeChangedEvent): void => {
    const wasPresent = this.isPresent(this.active);
    this.present = { first, last };
    if (this.isPresent(this.active) !== wasPresent) this.requestUpdate();
  };

  private row(row: Row, index: number): TemplateResult {
    const { depth, open } = this.treeState(row);
    const isActive = index === this.active;
    return html`<div
      id=${this.rowId(index)}
      class="row ${isActive ? 'active' : ''}"
      role=${this.isTree ? 'treeitem' : 'option'}
      aria-selected=${String(isActive)}
      aria-posinset=${index + 1}
      aria-setsize=${this.rows.length}
      aria-level=${this.isTree ? depth + 1 : nothing}
      aria-expanded=${open === undefined ? nothing : String(open)}
      @click=${() => this.go(index)}
      @dblclick=${() => this.onChoose(row)}
    >
      ${this.renderRow(row)}
    </div>`;
  }

  private readonly key = (event: KeyboardEvent): void => {
    const row = this.rows[this.active];
    if (row === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
    const last = this.rows.length - 1;
    const moves: Readonly<Record<string, number>> = {
      ArrowDown: this.active + 1,
      ArrowUp: this.active - 1,
      PageDown: this.active + PAGE_ROWS,
      PageUp: this.active - PAGE_ROWS,
      Home: 0,
      End: last,
    };
    const to = moves[event.key];
    if (to !== undefined) this.go(Math.max(0, Math.min(to, last)));
    else if (event.key === 'Enter' || event.key === ' ') this.onChoose(row);
    else if (this.isTree && event.key === 'ArrowRight') this.onOpen(row, true);
    else if (this.isTree && event.key === 'ArrowLeft') this.onOpen(row, false);
    else return;
    event.preventDefault();
  };

  private go(index: number): void {
    this.active = index;
    this.requestUpdate();
    this.virtualizer?.element(index)?.scrollIntoView({ block: 'nearest' });
    this.virtualizer?.requestUpdate();
    this.onActive(this.rows[index]);
  }

  private isPresent(index: number): boolean {
    return index >= this.present.first && index <= this.present.last && index < this.rows.length;
  }

  private rowId(index: number): string {
    return `${this.id}-row-${index}`;
  }

  private get virtualizer(): LitVirtualizer | null {
    return this.querySelector('lit-virtualizer');
  }
}

const NO_TREE = { depth: 0, open: undefined } as const;
