/** `restart`: assembles and boots again, as if the session had just begun. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { HandlerOf } from './request-handler.ts';

export const restart: HandlerOf<'restart'> = {
  capabilities: { supportsRestartRequest: true },
  async handle(debuggee, given) {
    await debuggee.restart(given.arguments as DebugProtocol.LaunchRequestArguments | undefined);
    return undefined;
  },
};
