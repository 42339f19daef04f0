/**
 * A table of all arguments that requests take, checked by the compiler against the protocol's own types: what comes from
 * outside is compared with it before a handler sees it. A name with `?` may be missing.
 */
import type { DebugProtocol as P } from '@vscode/debugprotocol';
import type { Arguments, Command } from './request-types.ts';

/** What a value has to be: a type by name, a list, or an object with such fields. `whole` is an integer. */
export type Shape = 'whole' | 'text' | 'boolean' | 'object' | 'any' | readonly [Shape] | ObjectShape;

/** Fields by name. */
export interface ObjectShape {
  readonly [name: string]: Shape;
}

type Key<T, K extends keyof T & string> = object extends Pick<T, K> ? `${K}?` : K;

type FieldsOf<T> = { readonly [K in keyof T & string as Key<T, K>]: ShapeOf<NonNullable<T[K]>> };

type ShapeOf<T> =
  | 'any'
  | (T extends boolean
      ? 'boolean'
      : T extends number
        ? 'whole'
        : T extends string
          ? 'text'
          : T extends readonly (infer Element)[]
            ? readonly [ShapeOf<Element>]
            : 'object' | FieldsOf<T>);

const source: FieldsOf<P.Source> = {
  'name?': 'text',
  'path?': 'text',
  'sourceReference?': 'whole',
  'presentationHint?': 'text',
  'origin?': 'text',
  'sources?': 'any',
  'adapterData?': 'any',
  'checksums?': 'any',
};

const format: FieldsOf<P.ValueFormat> = { 'hex?': 'boolean' };

const frameFormat: FieldsOf<P.StackFrameFormat> = {
  ...format,
  'parameters?': 'boolean',
  'parameterTypes?': 'boolean',
  'parameterNames?': 'boolean',
  'parameterValues?': 'boolean',
  'line?': 'boolean',
  'module?': 'boolean',
  'includeAll?': 'boolean',
};

const options = { 'condition?': 'text', 'hitCondition?': 'text' } as const;

const step = { threadId: 'whole', 'singleThread?': 'boolean', 'granularity?': 'text' } as const;

const client: FieldsOf<Partial<P.InitializeRequestArguments>> = {
  // Which adapter a client takes us for makes no difference.
  'adapterID?': 'text',
  'clientID?': 'text',
  'clientName?': 'text',
  'locale?': 'text',
  'linesStartAt1?': 'boolean',
  'columnsStartAt1?': 'boolean',
  'pathFormat?': 'text',
  'supportsVariableType?': 'boolean',
  'supportsVariablePaging?': 'boolean',
  'supportsRunInTerminalRequest?': 'boolean',
  'supportsMemoryReferences?': 'boolean',
  'supportsProgressReporting?': 'boolean',
  'supportsInvalidatedEvent?': 'boolean',
  'supportsMemoryEvent?': 'boolean',
  'supportsArgsCanBeInterpretedByShell?': 'boolean',
  'supportsStartDebuggingRequest?': 'boolean',
  'supportsANSIStyling?': 'boolean',
};

/** Attributes of launch.json have a table of their own: launch-arguments.ts. */
const launch: FieldsOf<P.LaunchRequestArguments> = { 'noDebug?': 'boolean', '__restart?': 'any' };

type Shapes = { readonly [C in Exclude<Command, 'initialize'>]: FieldsOf<NonNullable<Arguments<C>>> };

const shapes: Shapes & { readonly initialize: typeof client } = {
  initialize: client,
  launch,
  configurationDone: {},
  restart: { 'arguments?': 'object' },
  terminate: { 'restart?': 'boolean' },
  disconnect: { 'restart?': 'boolean', 'terminateDebuggee?': 'boolean', 'suspendDebuggee?': 'boolean' },
  setBreakpoints: {
    source,
    'breakpoints?': [{ line: 'whole', 'column?': 'whole', ...options, 'logMessage?': 'text', 'mode?': 'text' }],
    'lines?': ['whole'],
    'sourceModified?': 'boolean',
  },
  setFunctionBreakpoints: { breakpoints: [{ name: 'text', ...options }] },
  setInstructionBreakpoints: {
    breakpoints: [{ instructionReference: 'text', 'offset?': 'whole', ...options, 'mode?': 'text' }],
  },
  dataBreakpointInfo: {
    'variablesReference?': 'whole',
    name: 'text',
    'frameId?': 'whole',
    'bytes?': 'whole',
    'asAddress?': 'boolean',
    'mode?': 'text',
  },
  setDataBreakpoints: { breakpoints: [{ dataId: 'text', 'accessType?': 'text', ...options }] },
  setExceptionBreakpoints: {
    filters: ['text'],
    'filterOptions?': [{ filterId: 'text', 'condition?': 'text', 'mode?': 'text' }],
    'exceptionOptions?': [{ 'path?': [{ 'negate?': 'boolean', names: ['text'] }], breakMode: 'text' }],
  },
  breakpointLocations: {
    source,
    line: 'whole',
    'column?': 'whole',
    'endLine?': 'whole',
    'endColumn?': 'whole',
  },
  continue: { threadId: 'whole', 'singleThread?': 'boolean' },
  pause: { threadId: 'whole' },
  next: step,
  stepIn: { ...step, 'targetId?': 'whole' },
  stepOut: step,
  stepInTargets: { frameId: 'whole' },
  gotoTargets: { source, line: 'whole', 'column?': 'whole' },
  goto: { threadId: 'whole', targetId: 'whole' },
  threads: {},
  stackTrace: { threadId: 'whole', 'startFrame?': 'whole', 'levels?': 'whole', 'format?': frameFormat },
  scopes: { frameId: 'whole' },
  variables: {
    variablesReference: 'whole',
    'filter?': 'text',
    'start?': 'whole',
    'count?': 'whole',
    'format?': format,
  },
  setVariable: { variablesReference: 'whole', name: 'text', value: 'text', 'format?': format },
  evaluate: {
    expression: 'text',
    'frameId?': 'whole',
    'line?': 'whole',
    'column?': 'whole',
    'source?': source,
    'context?': 'text',
    'format?': format,
  },
  completions: { 'frameId?': 'whole', text: 'text', column: 'whole', 'line?': 'whole' },
  setExpression: { expression: 'text', value: 'text', 'frameId?': 'whole', 'format?': format },
  exceptionInfo: { threadId: 'whole' },
  readMemory: { memoryReference: 'text', 'offset?': 'whole', count: 'whole' },
  writeMemory: { memoryReference: 'text', 'offset?': 'whole', 'allowPartial?': 'boolean', data: 'text' },
  disassemble: {
    memoryReference: 'text',
    'offset?': 'whole',
    'instructionOffset?': 'whole',
    instructionCount: 'whole',
    'resolveSymbols?': 'boolean',
  },
  loadedSources: {},
  modules: { 'startModule?': 'whole', 'moduleCount?': 'whole' },
  source: { 'source?': source, sourceReference: 'whole' },
  locations: { locationReference: 'whole' },
  'x86vm/lookAt': { threadId: 'whole' },
  'x86vm/stepToBranch': { threadId: 'whole', 'singleThread?': 'boolean' },
  cancel: { 'requestId?': 'whole', 'progressId?': 'text' },
};

/** What the arguments of each request look like. */
export const argumentShapes: { readonly [C in Command]: ObjectShape } = shapes;
