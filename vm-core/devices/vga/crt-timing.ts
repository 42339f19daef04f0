/**
 * Where the electron beam is at a virtual time, from the CRT controller's totals and the dot clock (IBM PS/2 Video
 * Subsystem Technical Reference, "CRT Controller"). Nothing runs: positions are computed when somebody asks.
 */
import type { VgaState } from './vga-state.ts';

/** Dots per second for each value of miscellaneous output bits 3–2; external clocks count as the first. */
const DOT_CLOCKS = [25_175_000, 28_322_000, 25_175_000, 25_175_000] as const;

/** One frame, in characters, lines and ticks. */
export interface CrtTiming {
  readonly totalCharacters: number;
  readonly totalLines: number;
  readonly displayCharacters: number;
  readonly displayLines: number;
  readonly retraceStart: number;
  readonly retraceLines: number;
  /** At least 1. */
  readonly frameTicks: number;
}

/** Scan lines for each step of the vertical counter: CR17 bit 2 lets every other line count it. */
export function linesPerCount(crtc: Uint8Array): 1 | 2 {
  return ((crtc[0x17] as number) & 4) !== 0 ? 2 : 1;
}

/** Scan lines that are shown: CR12 with its two overflow bits, plus 1. */
export function displayLinesOf(crtc: Uint8Array): number {
  return (tenBits(crtc, 0x12, 1, 6) + 1) * linesPerCount(crtc);
}

/** Scan lines of a frame: CR06 with its two overflow bits, plus 2. */
export function totalLinesOf(crtc: Uint8Array): number {
  return (tenBits(crtc, 0x06, 0, 5) + 2) * linesPerCount(crtc);
}

/** A vertical register whose bits 8 and 9 lie in CR07. */
function tenBits(crtc: Uint8Array, index: number, bit8: number, bit9: number): number {
  const overflow = crtc[7] as number;
  return (crtc[index] as number) | (((overflow >> bit8) & 1) << 8) | (((overflow >> bit9) & 1) << 9);
}

/** Dots of a character clock: 8 or 9. */
export function dotsPerCharacter(sequencer: Uint8Array): 8 | 9 {
  return ((sequencer[1] as number) & 1) !== 0 ? 8 : 9;
}

export function crtTiming(state: VgaState, ticksPerSecond: number): CrtTiming {
  const { crtc, sequencer } = state;
  const halfClock = ((sequencer[1] as number) & 8) !== 0 ? 2 : 1;
  const dotClock = DOT_CLOCKS[((state.miscOutput >> 2) & 3) as 0 | 1 | 2 | 3];
  const totalCharacters = (crtc[0] as number) + 5;
  const totalLines = totalLinesOf(crtc);
  const perCount = linesPerCount(crtc);
  const retraceStart = tenBits(crtc, 0x10, 2, 7);
  const dotsPerFrame = totalCharacters * dotsPerCharacter(sequencer) * halfClock * totalLines;
  return {
    totalCharacters,
    totalLines,
    displayCharacters: (crtc[1] as number) + 1,
    displayLines: displayLinesOf(crtc),
    retraceStart: retraceStart * perCount,
    // The end is the line whose low four bits match: 1 to 16 lines after the start.
    retraceLines: ((((crtc[0x11] as number) - retraceStart - 1) & 0x0f) + 1) * perCount,
    frameTicks: Math.max(1, Math.round((dotsPerFrame * ticksPerSecond) / dotClock)),
  };
}

/** Bits of input status 1 (ports 3BAh and 3DAh). */
const DISPLAY_DISABLED = 1 << 0;
const VERTICAL_RETRACE = 1 << 3;

/** Input status 1 at a virtual time. */
export function inputStatus1(timing: CrtTiming, now: number): number {
  const scaled = (now % timing.frameTicks) * timing.totalLines;
  const line = Math.floor(scaled / timing.frameTicks);
  const inLine = scaled - line * timing.frameTicks;
  const character = Math.floor((inLine * timing.totalCharacters) / timing.frameTicks);
  const displayed = line < timing.displayLines && character < timing.displayCharacters;
  const retrace = line >= timing.retraceStart && line < timing.retraceStart + timing.retraceLines;
  return (displayed ? 0 : DISPLAY_DISABLED) | (retrace ? VERTICAL_RETRACE : 0);
}

/** When vertical retrace begins next, behind `now`; Infinity if the frame ends before. */
export function nextRetrace(timing: CrtTiming, now: number): number {
  const { frameTicks, retraceStart, totalLines } = timing;
  if (retraceStart >= totalLines) return Number.POSITIVE_INFINITY;
  const inFrame = Math.ceil((retraceStart * frameTicks) / totalLines);
  const frame = Math.floor(now / frameTicks);
  const at = frame * frameTicks + inFrame;
  return at > now ? at : at + frameTicks;
}

/** Frames begun since power-on if the timing had always been this one; blinking counts them. */
export function frameNumber(timing: CrtTiming, now: number): number {
  return Math.floor(now / timing.frameTicks);
}
