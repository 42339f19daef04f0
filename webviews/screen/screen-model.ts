/** What the screen view knows of the machine: the messages of the session, one after the other. */
import type { ScreenState, ScreenUpdate } from '../../debug-adapter/protocol/screen.ts';
import type { ScreenPreferences } from '../../debug-adapter/protocol/screen-commands.ts';
import { stateName } from '../state-name.ts';
import type { PictureShape } from './scaling.ts';

export type Frame = Extract<ScreenUpdate, { readonly type: 'frame' }>;

export type Speed = Extract<ScreenUpdate, { readonly type: 'speed' }>;

export interface ScreenModel {
  readonly state: ScreenState;
  readonly detail: string;
  /** The newest picture; kept when the session ends. */
  readonly frame: Frame | undefined;
  /** How fast the guest runs; undefined while it does not, and before that is known. */
  readonly speed: Speed | undefined;
  /** The guest listens to its mouse. */
  readonly mouseWanted: boolean;
}

export const initialModel: ScreenModel = {
  state: 'none',
  detail: '',
  frame: undefined,
  speed: undefined,
  mouseWanted: false,
};

/** Before the first picture the view keeps room for a text screen. */
export const DEFAULT_SHAPE: PictureShape = { width: 720, height: 400, aspectRatio: 4 / 3 };

/** A frame that does not hold whole rows of its picture, or rows of one that is not there, is dropped. */
function canBeDrawn({ width, height, top, pixels }: Frame, before: Frame | undefined): boolean {
  const rows = pixels.byteLength / (width * 4);
  if (!(width > 0 && height > 0 && top >= 0 && Number.isInteger(rows) && top + rows <= height)) return false;
  return rows === height || (before?.width === width && before.height === height);
}

/** The model after a message. */
export function withUpdate(model: ScreenModel, update: ScreenUpdate): ScreenModel {
  if (update.type === 'status') return { ...model, state: update.state, detail: update.detail, speed: undefined };
  if (update.type === 'speed') return { ...model, speed: model.state === 'running' ? update : undefined };
  if (update.type === 'mouse') return { ...model, mouseWanted: update.wanted };
  if (update.type === 'sound') return model;
  return canBeDrawn(update, model.frame) ? { ...model, frame: update } : model;
}

/** Whether something that arrived as a message is one from the session; the page's own tools send messages too. */
export function isScreenUpdate(message: unknown): message is ScreenUpdate {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false;
  if (message.type === 'status') return 'state' in message && 'detail' in message;
  if (message.type === 'mouse') return 'wanted' in message && typeof message.wanted === 'boolean';
  if (message.type === 'speed') return isSpeed(message);
  if (message.type === 'sound') return 'playing' in message && 'changes' in message && Array.isArray(message.changes);
  return message.type === 'frame' && 'pixels' in message && message.pixels instanceof ArrayBuffer;
}

function isSpeed(message: object): boolean {
  if (!('instructionsPerSecond' in message) || !Number.isFinite(message.instructionsPerSecond)) return false;
  return !('compiledShare' in message) || Number.isFinite(message.compiledShare);
}

/** Whether a message is the extension's about what the user chose before. */
export function isPreferences(message: unknown): message is ScreenPreferences {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false;
  return message.type === 'preferences' && 'sound' in message && typeof message.sound === 'boolean';
}

/** The status line. */
export function statusText({ state, detail }: ScreenModel): string {
  const name = stateName(state);
  if (detail === '') return name;
  // The session's own words may be the state ("Paused").
  return detail.startsWith(name) ? detail : `${name}: ${detail}`;
}

/** Whether there is a machine that takes keys and can be reset. */
export function machinePresent({ state }: ScreenModel): boolean {
  return state === 'running' || state === 'stopped';
}

/** Whether the guest runs and would see its mouse move. */
export function mouseUsed({ state, mouseWanted }: ScreenModel): boolean {
  return state === 'running' && mouseWanted;
}

/** The guest's text for the clipboard; undefined where the picture has none. */
export function screenText({ frame }: ScreenModel): string | undefined {
  return frame?.text?.join('\n').trimEnd();
}
