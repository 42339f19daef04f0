/** Events of this adapter beyond the Debug Adapter Protocol; a client that does not know them loses nothing essential. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { AssemblerMessage } from '../host.ts';

/** Sent after every run of the assembler, also a clean one, before the launch is answered. */
export const DIAGNOSTICS_EVENT = 'x86vm/diagnostics';

/** What the assembler said. It replaces what an earlier run said about the same program; empty when there is nothing. */
export interface DiagnosticsBody {
  /** The source that was assembled, as the launch configuration names it; messages may lie in files it includes. */
  readonly program: string;
  readonly messages: readonly AssemblerMessage[];
}

export interface DiagnosticsEvent extends DebugProtocol.Event {
  readonly event: typeof DIAGNOSTICS_EVENT;
  readonly body: DiagnosticsBody;
}
