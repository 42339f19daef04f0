/** The list of all requests: what is answered and by whom, and what of the protocol is not, with the reason. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { LOOK_AT_REQUEST, STEP_TO_BRANCH_REQUEST } from '../../protocol/requests.ts';
import { breakpointLocations } from './breakpoint-locations.ts';
import { cancel } from './cancel.ts';
import { completions } from './completions.ts';
import { configurationDone } from './configuration-done.ts';
import { continueRequest } from './continue.ts';
import { dataBreakpointInfo } from './data-breakpoint-info.ts';
import { disassembleRequest } from './disassemble.ts';
import { disconnect } from './disconnect.ts';
import { evaluate } from './evaluate.ts';
import { exceptionInfo } from './exception-info.ts';
import { gotoRequest } from './goto.ts';
import { gotoTargets } from './goto-targets.ts';
import { initialize } from './initialize.ts';
import { launch } from './launch.ts';
import { loadedSources } from './loaded-sources.ts';
import { locations } from './locations.ts';
import { lookAt } from './look-at.ts';
import { modules } from './modules.ts';
import { next } from './next.ts';
import { pause } from './pause.ts';
import { readMemory } from './read-memory.ts';
import type { HandlerOf } from './request-handler.ts';
import type { Command } from './request-types.ts';
import { restart } from './restart.ts';
import { scopes } from './scopes.ts';
import { setBreakpoints } from './set-breakpoints.ts';
import { setDataBreakpoints } from './set-data-breakpoints.ts';
import { setExceptionBreakpoints } from './set-exception-breakpoints.ts';
import { setExpression } from './set-expression.ts';
import { setFunctionBreakpoints } from './set-function-breakpoints.ts';
import { setInstructionBreakpoints } from './set-instruction-breakpoints.ts';
import { setVariable } from './set-variable.ts';
import { source } from './source.ts';
import { stackTrace } from './stack-trace.ts';
import { stepIn } from './step-in.ts';
import { stepInTargets } from './step-in-targets.ts';
import { stepOut } from './step-out.ts';
import { stepToBranch } from './step-to-branch.ts';
import { terminate } from './terminate.ts';
import { threads } from './threads.ts';
import { variables } from './variables.ts';
import { writeMemory } from './write-memory.ts';

export const handlers: { readonly [C in Command]: HandlerOf<C> } = {
  initialize: initialize(() => capabilities),
  launch,
  configurationDone,
  restart,
  terminate,
  disconnect,
  setBreakpoints,
  setFunctionBreakpoints,
  setInstructionBreakpoints,
  dataBreakpointInfo,
  setDataBreakpoints,
  setExceptionBreakpoints,
  breakpointLocations,
  continue: continueRequest,
  pause,
  next,
  stepIn,
  stepOut,
  stepInTargets,
  gotoTargets,
  goto: gotoRequest,
  threads,
  stackTrace,
  scopes,
  variables,
  setVariable,
  evaluate,
  completions,
  setExpression,
  exceptionInfo,
  readMemory,
  writeMemory,
  disassemble: disassembleRequest,
  loadedSources,
  modules,
  source,
  locations,
  cancel,
  [LOOK_AT_REQUEST]: lookAt,
  [STEP_TO_BRANCH_REQUEST]: stepToBranch,
};

/** Requests of the protocol that answer an error, with the reason that the error gives. */
export const unsupportedRequests: Readonly<Record<string, string>> = {
  attach: 'there is no machine to attach to; use launch',
  restartFrame: 'the machine keeps no earlier states yet; registers and memory of where a routine began are gone',
  reverseContinue: 'the machine keeps no earlier states yet to run back to',
  runInTerminal: 'it is for the client to answer',
  startDebugging: 'it is for the client to answer',
  stepBack: 'the machine keeps no earlier states yet to step back to',
  terminateThreads: 'a processor cannot be taken away',
};

export function isCommand(command: string): command is Command {
  return Object.hasOwn(handlers, command);
}

const capabilities: DebugProtocol.Capabilities = Object.assign(
  {},
  ...Object.values(handlers).map((handler) => handler.capabilities),
);
