/** What the views call the states of a session. */
import { localized } from '../debug-adapter/protocol/localized.ts';
import type { ScreenState } from '../debug-adapter/protocol/screen.ts';

/** A state in a word or two. */
export function stateName(state: ScreenState): string {
  const names: Readonly<Record<ScreenState, string>> = {
    none: localized('No debug session'),
    running: localized('Running'),
    stopped: localized('Paused'),
    ended: localized('Ended'),
  };
  return names[state];
}
