/**
 * The grid of a memory view: the rows in view, the cursor, and a scroll bar of our own. It renders into the page itself and
 * reports what the user does; what it shows comes from its properties.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { guard } from 'lit/directives/guard.js';
import { repeat } from 'lit/directives/repeat.js';
import { localized } from '../../debug-adapter/protocol/localized.ts';
import { WINDOW_SIZE } from '../../debug-adapter/protocol/memory.ts';
import { type Cell, fitColumns, type Layout, makeRow, type Row } from './cells.ts';
import { type Column, type Cursor, completed, movedCursor, placeCursor, typed } from './cursor.ts';
import { addressDigits, floorTo, type Limits, limitsOf, windowOf } from './address-space.ts';
import { addressText, initialModel, type MemoryModel } from './memory-model.ts';
import {
  addressOfRow,
  clampTop,
  type Geometry,
  rangeToAsk,
  rowCount,
  rowsInView,
  THUMB_HEIGHT,
  thumbOffset,
  topMax,
  topOfThumb,
  topShowing,
  wholeRows,
} from './scroll-position.ts';

/** Until the page has been measured. */
const FIRST_GEOMETRY: Geometry = { base: 0, bytesPerRow: 16, rowHeight: 20, height: 400 };
/** Lines of a wheel that counts in lines. */
const ROWS_PER_NOTCH = 3;

export class HexGrid extends LitElement {
  /** The user moved the cursor or scrolled; the owner shows the place and asks for what is in view. */
  onMove: () => void = () => undefined;
  onWrite: (address: number, bytes: readonly number[]) => void = () => undefined;
  /** Something the user should read. */
  onNotice: (notice: string) => void = () => undefined;
  private model: MemoryModel = initialModel;
  private settings: Settings = { space: 'linear', groupSize: 1, characterSet: 'ascii' };
  private geometry: Geometry = FIRST_GEOMETRY;
  private showPointers = true;
  private top = 0;
  private at: Cursor = { address: 0, column: 'hex', digits: '' };
  private dragOffset: number | undefined;

  /** The address under the cursor. */
  get address(): number {
    return this.at.address;
  }

  /** What is in view, with some more on both sides. */
  get range(): { readonly address: number; readonly length: number } {
    return rangeToAsk(this.top, this.geometry);
  }

  /** What is in view, exactly. */
  get viewRange(): { readonly address: number; readonly length: number } {
    const { bytesPerRow } = this.geometry;
    const { first, count } = rowsInView(this.top, this.geometry);
    return { address: addressOfRow(first, this.geometry), length: count * bytesPerRow };
  }

  /** Shows the memory of a model in a way. */
  show(model: MemoryModel, settings: Settings): void {
    const digits = addressDigits(settings.space, model.widths);
    const regrouped =
      settings.groupSize !== this.settings.groupSize ||
      settings.space !== this.settings.space ||
      digits !== addressDigits(this.settings.space, this.model.widths);
    this.model = model;
    if (!sameSettings(settings, this.settings)) this.settings = settings;
    if (regrouped) {
      this.at = placeCursor(this.at.address, this.at.column, { ...settings, limits: this.limits });
      this.enterWindow();
      this.measure();
    }
    this.requestUpdate();
  }

  /** Puts the cursor on an address and shows it. */
  goTo(address: number): void {
    const limits = limitsOf(this.settings.space, this.model.widths, address);
    this.at = placeCursor(address, this.at.column, { ...this.settings, limits });
    this.enterWindow();
    this.top = topShowing(this.at.address, this.top, this.geometry, true);
    this.moved();
  }

  private get limits(): Limits {
    return limitsOf(this.settings.space, this.model.widths, this.at.address);
  }

  /** Of the addresses in view: more than the mode has them where they need more. */
  private get digits(): number {
    return addressText(this.model, this.settings.space, this.geometry.base).length;
  }

  /** The part of the space that is scrolled through is that of the cursor. */
  private enterWindow(): void {
    const base = windowOf(this.at.address);
    if (base === this.geometry.base) return;
    const { digits } = this;
    this.geometry = { ...this.geometry, base };
    this.top = topShowing(this.at.address, Number.NEGATIVE_INFINITY, this.geometry, true);
    if (digits !== this.digits) this.measure();
  }

  override focus(): void {
    this.grid.focus();
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(): void {
    new ResizeObserver(() => this.measure()).observe(this.grid);
    this.measure();
    // Scrolling is ours, so the page must not scroll, and a listener that says so cannot be passive.
    this.grid.addEventListener('wheel', this.wheel, { passive: false });
  }

  protected override render(): TemplateResult {
    const { first, count } = rowsInView(this.top, this.geometry);
    const addresses = Array.from({ length: count }, (_, index) => addressOfRow(first + index, this.geometry));
    return html`
      <div
        class="grid"
        role="grid"
        id="memory-grid"
        tabindex="0"
        aria-label=${localized('Memory')}
        aria-rowcount=${rowCount(this.geometry)}
        aria-activedescendant=${cellId(this.at.column, this.at.address)}
        @keydown=${this.key}
        @mousedown=${this.press}
        @focus=${() => this.requestUpdate()}
        @blur=${this.commit}
      >
        <span class="probe" aria-hidden="true">0000000000</span>
        <div class="rows">
          ${repeat(
            addresses,
            (address) => address,
            (address) => this.guardedRow(address),
          )}
        </div>
      </div>
      <div
        class="scrollbar"
        role="scrollbar"
        aria-controls="memory-grid"
        aria-orientation="vertical"
        aria-valuemin="0"
        aria-valuemax=${topMax(this.geometry)}
        aria-valuenow=${Math.floor(this.top)}
        @pointerdown=${this.grab}
        @pointermove=${this.drag}
        @pointerup=${this.drop}
        @pointercancel=${this.drop}
      >
        <div class="thumb"></div>
      </div>
    `;
  }

  /** Places what scrolls; the page's policy allows no style in its text. */
  protected override updated(): void {
    const { first } = rowsInView(this.top, this.geometry);
    const rows = this.querySelector('.rows') as HTMLElement;
    const thumb = this.querySelector('.thumb') as HTMLElement;
    rows.style.transform = `translateY(${(first - this.top) * this.geometry.rowHeight}px)`;
    thumb.style.height = `${THUMB_HEIGHT}px`;
    thumb.style.transform = `translateY(${thumbOffset(this.top, this.geometry)}px)`;
  }

  /** A row that is made anew only when something in it may be another: scrolling moves most rows as they are. */
  private guardedRow(address: number): unknown {
    const { bytesPerRow } = this.geometry;
    const hasCursor = this.at.address >= address && this.at.address < address + bytesPerRow;
    const dependencies = [this.model, this.settings, bytesPerRow, this.showPointers, hasCursor && this.at];
    return guard(dependencies, () => this.row(makeRow(this.model, { ...this.settings, bytesPerRow }, address)));
  }

  private row({ address, groups, characters, pointers }: Row): TemplateResult {
    const number = (address - this.geometry.base) / this.geometry.bytesPerRow + 1;
    return html`<div class="row" role="row" aria-rowindex=${number}>
      <span class="address" role="rowheader">${addressText(this.model, this.settings.space, address)}</span
      ><span class="hex" role="presentation">${groups.map((cell) => this.cell(cell, 'hex'))}</span
      ><span class="text" role="presentation">${characters.map((cell) => this.cell(cell, 'text'))}</span
      >${
        this.showPointers && pointers.length > 0
          ? html`<span class="pointers" role="presentation">${pointers.join(' ')}</span>`
          : nothing
      }
    </div>`;
  }

  private cell({ address, text, classes, title }: Cell, column: Column): TemplateResult {
    const selected = this.isSelected(address, column);
    const here = selected && column === this.at.column;
    const shown = here ? this.at.digits + text.slice(this.at.digits.length) : text;
    // The other column shows which bytes the cursor's are.
    const cursor = here ? (this.at.digits === '' ? ' cursor' : ' cursor editing') : selected ? ' twin' : '';
    return html`<span
      role="gridcell"
      class="cell ${classes}${cursor}"
      data-at=${address}
      id=${here ? cellId(column, this.at.address) : nothing}
      aria-selected=${here ? 'true' : nothing}
      aria-label=${title === '' ? nothing : `${shown}, ${title}`}
      title=${title === '' ? nothing : title}
      >${shown}</span
    >`;
  }

  /** Whether the cursor is on a cell, or on its bytes in the other column. */
  private isSelected(address: number, column: Column): boolean {
    const { groupSize } = this.settings;
    if (column === 'hex') return address === floorTo(this.at.address, groupSize);
    const size = this.at.column === 'hex' ? groupSize : 1;
    return address >= this.at.address && address < this.at.address + size;
  }

  private readonly key = (event: KeyboardEvent): void => {
    if (event.altKey || event.metaKey) return;
    if (!this.handleKey(event)) return;
    event.preventDefault();
    // What the grid understands is not VS Code's.
    event.stopPropagation();
  };

  private handleKey({ key, ctrlKey, shiftKey }: KeyboardEvent): boolean {
    const { bytesPerRow } = this.geometry;
    const { groupSize } = this.settings;
    const { limits } = this;
    const steps = { bytesPerRow, groupSize, limits, rowsPerPage: Math.max(1, wholeRows(this.geometry) - 1) };
    const moved = movedCursor(this.at, { key, ctrlKey }, steps);
    if (moved !== undefined) return this.moveTo(moved);
    if (key === 'Tab' && shiftKey === (this.at.column === 'text')) {
      return this.moveTo(placeCursor(this.at.address, shiftKey ? 'hex' : 'text', steps));
    }
    if (key === 'Enter') return this.moveTo({ ...this.at, digits: '' });
    if (key === 'Escape' || key === 'Backspace') return this.takeBack(key);
    if (ctrlKey || key.length !== 1) return false;
    return this.type(key);
  }

  private takeBack(key: 'Escape' | 'Backspace'): boolean {
    if (this.at.digits === '') return false;
    this.at = { ...this.at, digits: key === 'Escape' ? '' : this.at.digits.slice(0, -1) };
    this.requestUpdate();
    return true;
  }

  private type(character: string): boolean {
    const result = typed(this.at, character, { ...this.settings, limits: this.limits });
    if (result === undefined) {
      this.onNotice(
        this.at.column === 'hex'
          ? localized('{0} is no hexadecimal digit. Press Tab to type text.', character)
          : localized('{0} is not in code page 437.', character),
      );
      return true;
    }
    if (result.write) this.onWrite(result.write.address, result.write.bytes);
    this.at = result.cursor;
    this.enterWindow();
    this.top = topShowing(this.at.address, this.top, this.geometry, false);
    this.moved();
    return true;
  }

  private moveTo(cursor: Cursor): true {
    this.commit();
    this.at = cursor;
    this.enterWindow();
    this.top = topShowing(cursor.address, this.top, this.geometry, false);
    this.moved();
    return true;
  }

  /** Writes a value of which only some digits were typed. */
  private readonly commit = (): void => {
    const { bytesPerRow } = this.geometry;
    if (this.at.digits !== '') {
      const row = makeRow(this.model, { ...this.settings, bytesPerRow }, floorTo(this.at.address, bytesPerRow));
      const write = completed(this.at, row.groups.find(({ address }) => address === this.at.address)?.text ?? '');
      if (write) this.onWrite(write.address, write.bytes);
      this.at = { ...this.at, digits: '' };
    }
    this.requestUpdate();
  };

  private readonly press = (event: MouseEvent): void => {
    const cell = (event.target as Element).closest<HTMLElement>('.cell');
    if (cell === null || event.button !== 0) return;
    const column: Column = cell.closest('.hex') === null ? 'text' : 'hex';
    this.moveTo(placeCursor(Number(cell.dataset['at']), column, { ...this.settings, limits: this.limits }));
  };

  private readonly wheel = (event: WheelEvent): void => {
    if (event.ctrlKey) return;
    event.preventDefault();
    const { rowHeight } = this.geometry;
    const rows =
      event.deltaMode === WheelEvent.DOM_DELTA_PIXEL
        ? event.deltaY / rowHeight
        : event.deltaMode === WheelEvent.DOM_DELTA_LINE
          ? Math.sign(event.deltaY) * ROWS_PER_NOTCH
          : Math.sign(event.deltaY) * wholeRows(this.geometry);
    this.scrollToRow(this.top + rows);
  };

  private readonly grab = (event: PointerEvent): void => {
    const bar = event.currentTarget as HTMLElement;
    bar.setPointerCapture(event.pointerId);
    const within = event.clientY - bar.getBoundingClientRect().top - thumbOffset(this.top, this.geometry);
    // A press beside the thumb brings it there.
    this.dragOffset = within >= 0 && within < THUMB_HEIGHT ? within : THUMB_HEIGHT / 2;
    if (this.dragOffset !== within) this.drag(event);
  };

  private readonly drag = (event: PointerEvent): void => {
    if (this.dragOffset === undefined) return;
    const { top } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    this.scrollToRow(topOfThumb(event.clientY - top - this.dragOffset, this.geometry));
  };

  private readonly drop = (): void => {
    this.dragOffset = undefined;
  };

  /** At an end of the window that is not one of the space the next window begins. */
  private scrollToRow(top: number): void {
    const { base } = this.geometry;
    const { start, end } = this.limits;
    const last = topMax(this.geometry);
    if (top < 0 && base > start) {
      this.geometry = { ...this.geometry, base: base - WINDOW_SIZE };
      this.top = last;
    } else if (top > last && this.top === last && base + WINDOW_SIZE < end) {
      this.geometry = { ...this.geometry, base: base + WINDOW_SIZE };
      this.top = 0;
    } else this.top = clampTop(top, this.geometry);
    this.moved();
  }

  private moved(): void {
    this.requestUpdate();
    this.onMove();
  }

  /** Takes the sizes of the page; the first row in view stays there. */
  private measure(): void {
    const probe = this.querySelector('.probe')?.getBoundingClientRect();
    if (probe === undefined || probe.width === 0) return;
    const { clientWidth, clientHeight: height } = this.grid;
    const { bytesPerRow, showPointers } = fitColumns(
      clientWidth / (probe.width / 10),
      this.settings.groupSize,
      this.digits,
    );
    const offset = this.top * this.geometry.bytesPerRow;
    this.geometry = { base: this.geometry.base, bytesPerRow, rowHeight: probe.height, height };
    this.showPointers = showPointers;
    this.top = clampTop(offset / bytesPerRow, this.geometry);
    this.moved();
  }

  private get grid(): HTMLElement {
    return this.querySelector('.grid') as HTMLElement;
  }
}

type Settings = Omit<Layout, 'bytesPerRow'>;

function sameSettings(left: Settings, right: Settings): boolean {
  return left.space === right.space && left.groupSize === right.groupSize && left.characterSet === right.characterSet;
}

const cellId = (column: Column, address: number): string => `${column}-${address}`;
