/**
 * A table of the protocol's events and capabilities: when an event is sent, or why it never is, and which capabilities are
 * left out. Requests have theirs in requests/index.ts; announced capabilities stand with the requests that bring them.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { DIAGNOSTICS_EVENT } from '../protocol/events.ts';

/** Events by name, with what they tell. */
export const sentEvents = {
  initialized: 'the machine and its symbols are there, breakpoints can be verified',
  stopped: 'the machine stands still: step, breakpoint, exception, event, pause, restart',
  continued:
    'a restart, the console or a request of our own lets the machine run, or one processor while the others stand still',
  thread: 'a processor has left the wait for its start-up message; a restart has fewer of them',
  exited: 'the guest switched itself off or wrote to the exit device',
  terminated: 'the guest has ended',
  output: 'text of the guest, the assembler, log points and remarks of the debugger',
  breakpoint: 'a breakpoint is verified, or not any more, because the guest was booted again',
  module: 'a restart brought or took away firmware or a listing',
  loadedSource: 'a restart brought or took away a source file',
  process: 'a guest was booted',
  progressStart: 'assembling and reading begins (for clients with `supportsProgressReporting`)',
  progressEnd: 'the machine is prepared, or that has failed',
  invalidated: 'the debugger has changed registers or memory (for clients with `supportsInvalidatedEvent`)',
  memory: 'the debugger has written memory (for clients with `supportsMemoryEvent`)',
} as const;

export type SentEvent = keyof typeof sentEvents | typeof DIAGNOSTICS_EVENT;

/** Events that are never sent. */
export const unsentEvents = {
  capabilities: 'what the adapter can do does not change',
  progressUpdate: 'assembling and reading files have no parts to count',
} as const;

/** Capabilities that are not announced. */
export const missingCapabilities = {
  supportsStepBack: 'the machine keeps no earlier states yet',
  supportsRestartFrame: 'the machine keeps no earlier states yet',
  supportsTerminateThreadsRequest: 'a processor cannot be taken away',
  supportTerminateDebuggee: 'the machine lives in the adapter: disconnecting always ends it',
  supportSuspendDebuggee: 'the machine lives in the adapter: disconnecting always ends it',
  additionalModuleColumns: 'listings and firmware have nothing more to show',
  supportedChecksumAlgorithms: 'listings hold no checksums of their sources',
} as const satisfies Partial<Record<keyof DebugProtocol.Capabilities, string>>;
