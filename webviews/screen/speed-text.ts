/** How fast the guest runs, in the words of the status line. */
import { localized } from '../../debug-adapter/protocol/localized.ts';
import type { Speed } from './screen-model.ts';

/** The speed as the status line shows it, and in whole words. */
export interface SpeedText {
  readonly short: string;
  readonly long: string;
}

/** Numbers are written as the language has them. */
export function speedText({ instructionsPerSecond, compiledShare }: Speed, language: string): SpeedText {
  const compact = (compactDisplay: 'short' | 'long'): string => {
    const style = { notation: 'compact', compactDisplay, maximumSignificantDigits: 3 } as const;
    return new Intl.NumberFormat(language, style).format(instructionsPerSecond);
  };
  const short = localized('{0}/s', compact('short'));
  const long = localized('{0} instructions a second', compact('long'));
  if (compiledShare === undefined) return { short, long };
  // All of them only where it is all of them.
  const percent = new Intl.NumberFormat(language, { style: 'percent' }).format(Math.floor(compiledShare * 100) / 100);
  return {
    short: `${short} · ${localized('{0} compiled', percent)}`,
    long: `${long}, ${localized('{0} executed by compiled code', percent)}`,
  };
}
