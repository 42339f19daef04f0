/** Emphasis in the Debug Console: ANSI sequences (ECMA-48 §8.3.117, SGR) where the client reads them. */
import type { Debuggee } from '../debuggee.ts';

const SGR = { changed: '33', heading: '1', faint: '2' } as const;

/** Marks text; a client that shows sequences literally gets it plain. */
export function styled({ client }: Debuggee, style: keyof typeof SGR, text: string): string {
  return client.supportsANSIStyling === true ? `\x1b[${SGR[style]}m${text}\x1b[0m` : text;
}
