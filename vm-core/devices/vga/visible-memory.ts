/** Which parts of video memory a picture shows: the display looks again only when one of them was written. */
import { isLinear, linearLayout } from './linear-layout.ts';
import { PAGE_SHIFT, type PictureChanges } from './picture-changes.ts';
import { type PictureLayout, planeAddress, rowStart } from './picture-layout.ts';
import { FONT_SIZE, fontAddresses } from './text-cells.ts';
import type { VgaState } from './vga-state.ts';

const TEXT_PLANES = 0b0011;
const FONT_PLANE = 0b0100;

/** At most this many address counters lie between two looks, so that no page of 256 plane addresses is stepped over. */
const COUNTER_STEP = 32;

/** Sets the planes of each page, or the part of linear memory, that the picture shows. */
export function markVisible(state: VgaState, layout: PictureLayout, changes: PictureChanges): void {
  const { visiblePlanes } = changes;
  visiblePlanes.fill(0);
  changes.linearStart = 0;
  changes.linearEnd = 0;
  if (isLinear(state)) {
    const { start, pitch, height } = linearLayout(state);
    changes.linearStart = start;
    changes.linearEnd = start + pitch * height;
    return;
  }
  if (layout.output !== 'picture') return;
  const text = layout.kind === 'text';
  const planes = text ? TEXT_PLANES : planesShown(state, layout);
  const countersLast = layout.columns >> layout.countShift;
  for (let y = 0; y < layout.height; y++) {
    const { counter, rowScan } = rowStart(layout, y);
    for (let index = 0; index < countersLast + COUNTER_STEP; index += COUNTER_STEP) {
      const address = planeAddress(layout.wiring, counter + Math.min(index, countersLast), rowScan);
      markPage(visiblePlanes, address, planes);
    }
  }
  if (text) {
    for (const font of fontAddresses(state)) {
      for (let offset = 0; offset < FONT_SIZE; offset += 1 << PAGE_SHIFT)
        markPage(visiblePlanes, font + offset, FONT_PLANE);
    }
  }
}

/** AR12 hides planes of four-bit pixels. */
function planesShown(state: VgaState, layout: PictureLayout): number {
  return layout.kind === 'planar' ? (state.attribute[0x12] as number) & 0x0f : 0x0f;
}

function markPage(visiblePlanes: Uint8Array, planeAddress: number, planes: number): void {
  const page = planeAddress >>> PAGE_SHIFT;
  visiblePlanes[page] = (visiblePlanes[page] as number) | planes;
}
