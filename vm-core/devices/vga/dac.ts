/** The video DAC: 256 colours of 18 bits behind ports 3C6h–3C9h (IBM PS/2 Video Subsystem Technical Reference, "DAC"). */
import { isDacWide } from './colors.ts';
import type { PictureChanges } from './picture-changes.ts';
import type { VgaState } from './vga-state.ts';

/** Port 3C9h: components go round red, green, blue and then to the next colour. */
export function readDacData(state: VgaState): number {
  const value = state.dac[state.dacIndex * 3 + state.dacComponent] as number;
  advance(state);
  return value;
}

/** Port 3C9h: the colour takes effect when its blue arrives. */
export function writeDacData(state: VgaState, value: number, changes: PictureChanges): void {
  const component = isDacWide(state) ? value : value & 0x3f;
  if (state.dacComponent < 2) {
    state.dacPending[state.dacComponent] = component;
  } else {
    const position = state.dacIndex * 3;
    const color = [state.dacPending[0] as number, state.dacPending[1] as number, component];
    if (color.some((part, index) => state.dac[position + index] !== part)) changes.colorsChanged();
    state.dac.set(color, position);
  }
  advance(state);
}

/** Ports 3C7h (`reading`) and 3C8h: chooses the colour and starts over with red. */
export function selectDacColor(state: VgaState, index: number, reading: boolean): void {
  state.dacIndex = index;
  state.dacComponent = 0;
  state.dacReading = reading;
}

/** Port 3C7h read: 3 after a read index, 0 after a write index. */
export function dacStatus(state: VgaState): number {
  return state.dacReading ? 3 : 0;
}

function advance(state: VgaState): void {
  state.dacComponent++;
  if (state.dacComponent < 3) return;
  state.dacComponent = 0;
  state.dacIndex = (state.dacIndex + 1) & 0xff;
}
