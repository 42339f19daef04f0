/** The requests that this adapter answers, with their argument and body types from the protocol. */
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { LookAtArguments, StepToBranchArguments } from '../../protocol/requests.ts';

/** By command: what comes in, what goes out. A command here without a handler in index.ts does not compile. */
export interface RequestTypes {
  initialize: { arguments: P.InitializeRequestArguments; body: P.Capabilities };
  launch: { arguments: P.LaunchRequestArguments; body: undefined };
  configurationDone: { arguments: P.ConfigurationDoneArguments; body: undefined };
  restart: { arguments: P.RestartArguments; body: undefined };
  terminate: { arguments: P.TerminateArguments; body: undefined };
  disconnect: { arguments: P.DisconnectArguments; body: undefined };
  setBreakpoints: { arguments: P.SetBreakpointsArguments; body: P.SetBreakpointsResponse['body'] };
  setFunctionBreakpoints: {
    arguments: P.SetFunctionBreakpointsArguments;
    body: P.SetFunctionBreakpointsResponse['body'];
  };
  setInstructionBreakpoints: {
    arguments: P.SetInstructionBreakpointsArguments;
    body: P.SetInstructionBreakpointsResponse['body'];
  };
  dataBreakpointInfo: { arguments: P.DataBreakpointInfoArguments; body: P.DataBreakpointInfoResponse['body'] };
  setDataBreakpoints: { arguments: P.SetDataBreakpointsArguments; body: P.SetDataBreakpointsResponse['body'] };
  setExceptionBreakpoints: {
    arguments: P.SetExceptionBreakpointsArguments;
    body: P.SetExceptionBreakpointsResponse['body'];
  };
  breakpointLocations: { arguments: P.BreakpointLocationsArguments; body: P.BreakpointLocationsResponse['body'] };
  continue: { arguments: P.ContinueArguments; body: P.ContinueResponse['body'] };
  pause: { arguments: P.PauseArguments; body: undefined };
  next: { arguments: P.NextArguments; body: undefined };
  stepIn: { arguments: P.StepInArguments; body: undefined };
  stepOut: { arguments: P.StepOutArguments; body: undefined };
  stepInTargets: { arguments: P.StepInTargetsArguments; body: P.StepInTargetsResponse['body'] };
  gotoTargets: { arguments: P.GotoTargetsArguments; body: P.GotoTargetsResponse['body'] };
  goto: { arguments: P.GotoArguments; body: undefined };
  threads: { arguments: undefined; body: P.ThreadsResponse['body'] };
  stackTrace: { arguments: P.StackTraceArguments; body: P.StackTraceResponse['body'] };
  scopes: { arguments: P.ScopesArguments; body: P.ScopesResponse['body'] };
  variables: { arguments: P.VariablesArguments; body: P.VariablesResponse['body'] };
  setVariable: { arguments: P.SetVariableArguments; body: P.SetVariableResponse['body'] };
  evaluate: { arguments: P.EvaluateArguments; body: P.EvaluateResponse['body'] };
  completions: { arguments: P.CompletionsArguments; body: P.CompletionsResponse['body'] };
  setExpression: { arguments: P.SetExpressionArguments; body: P.SetExpressionResponse['body'] };
  exceptionInfo: { arguments: P.ExceptionInfoArguments; body: P.ExceptionInfoResponse['body'] };
  readMemory: { arguments: P.ReadMemoryArguments; body: NonNullable<P.ReadMemoryResponse['body']> };
  writeMemory: { arguments: P.WriteMemoryArguments; body: NonNullable<P.WriteMemoryResponse['body']> };
  disassemble: { arguments: P.DisassembleArguments; body: NonNullable<P.DisassembleResponse['body']> };
  modules: { arguments: P.ModulesArguments; body: P.ModulesResponse['body'] };
  source: { arguments: P.SourceArguments; body: P.SourceResponse['body'] };
  locations: { arguments: P.LocationsArguments; body: NonNullable<P.LocationsResponse['body']> };
  cancel: { arguments: P.CancelArguments; body: undefined };
  'x86vm/lookAt': { arguments: LookAtArguments; body: undefined };
  'x86vm/stepToBranch': { arguments: StepToBranchArguments; body: undefined };
  loadedSources: { arguments: P.LoadedSourcesArguments; body: P.LoadedSourcesResponse['body'] };
}

export type Command = keyof RequestTypes;
export type Arguments<C extends Command> = RequestTypes[C]['arguments'];
export type Body<C extends Command> = RequestTypes[C]['body'];
