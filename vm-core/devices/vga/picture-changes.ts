/**
 * What the display must know of writes since it last looked: enough to tell cheaply whether the picture may have changed.
 */

/** Plane addresses per page of the dirty tracking. */
export const PAGE_SHIFT = 8;
const PAGE_COUNT = 0x10000 >> PAGE_SHIFT;

/** Derived, never part of a snapshot. The device marks, the display reads and clears. */
export class PictureChanges {
  /** The picture may differ from what it was when this was cleared. */
  pending = true;
  /** Called when changes of linear memory must be noticed again, or its pages are others. */
  onLook: () => void = () => {};
  /** Registers changed, so `visiblePlanes` must be computed again. */
  layoutPending = true;
  /** For each page of plane addresses, the planes (bits 0–3) of which the picture shows something. */
  readonly visiblePlanes: Uint8Array = new Uint8Array(PAGE_COUNT).fill(0x0f);

  /** Bytes of `planes` changed at `planeAddress`. */
  memoryChanged(planeAddress: number, planes: number): void {
    if (((this.visiblePlanes[planeAddress >>> PAGE_SHIFT] as number) & planes) !== 0) this.pending = true;
  }

  /** The part of linear memory that the picture shows; empty while it shows the VGA's memory. */
  linearStart = 0;
  linearEnd = 0;

  /** Bytes of linear memory changed at `offset`: at most four, or as many as are given. */
  linearChanged(offset: number, length = 4): void {
    if (offset + length > this.linearStart && offset < this.linearEnd) this.pending = true;
  }

  /** Somebody looks at the picture now. */
  looked(): void {
    this.pending = false;
    this.layoutPending = false;
    this.onLook();
  }

  /** Something about the picture's layout or everything changed. */
  layoutChanged(): void {
    this.onLook();
    this.pending = true;
    this.layoutPending = true;
  }

  /** Only colours changed. */
  colorsChanged(): void {
    this.pending = true;
  }
}
