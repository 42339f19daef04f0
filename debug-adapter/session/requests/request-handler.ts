/** What a file of this folder exports: how one request is answered, and the capabilities that this brings. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Debuggee } from '../debuggee.ts';
import type { Arguments, Body, Command } from './request-types.ts';

/**
 * Answers a request. A UserError it throws becomes the error response; anything else thrown is our mistake and is
 * answered and reported as such.
 */
export interface RequestHandler<Given, Answer> {
  /** Capabilities that initialize announces because of this request. */
  readonly capabilities?: DebugProtocol.Capabilities;
  handle(debuggee: Debuggee, given: Given): Answer | Promise<Answer>;
}

export type HandlerOf<C extends Command> = RequestHandler<Arguments<C>, Body<C>>;
