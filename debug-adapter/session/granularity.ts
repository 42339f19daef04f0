/** How far one step goes. */
import type { DebugProtocol } from '@vscode/debugprotocol';

/** Statements of assembly language are lines; a macro call is one, however many instructions it made. */
export function stepGranularity(granularity: DebugProtocol.SteppingGranularity | undefined): 'line' | 'instruction' {
  return granularity === 'instruction' ? 'instruction' : 'line';
}
