/** What a client is told about a stop: the reason, a line for the user, the breakpoints that were hit. */
import { accessText, type PendingAccess } from '../../vm-core/index.ts';
import { explainBootFailure } from './boot-failure.ts';
import { localized, marked, translated } from '../protocol/localized.ts';
import { describeEvent, exceptionName } from './exceptions.ts';
import type { Guest } from './guest.ts';
import { describeMachineEvent, machineEventId } from './machine-events.ts';
import type { StopCause } from './runner.ts';
import { stackFrames } from './stack-frames.ts';
import type { BreakpointKind, UserBreakpoint } from './user-breakpoint.ts';

/** The part of a `stopped` event's body that depends on the cause. */
export interface StopReason {
  readonly reason: string;
  readonly description?: string;
  /** Shown with the exception. */
  readonly text?: string;
  readonly hitBreakpointIds?: readonly number[];
}

/** A step is done. */
export const STEP: StopReason = { reason: 'step', description: marked('Step') };
/** A branch was taken. */
export const AT_BRANCH: StopReason = { reason: 'step', description: marked('Branch') };
/** The first stop of a session. */
export const ENTRY: StopReason = { reason: 'entry', description: marked('Boot sector') };
/** The first stop of a session that begins where the processor does. */
export const AT_RESET_VECTOR: StopReason = { reason: 'entry', description: marked('Stopped at the reset vector') };
/** A machine that stood still was reset. */
export const AFTER_RESET: StopReason = { reason: 'pause', description: marked('Reset vector') };
/** The debugger has moved the processor. */
export const AT_CHOSEN_PLACE: StopReason = { reason: 'goto', description: marked('Chosen place') };
/** The user has gone to another processor. */
export const AT_CHOSEN_CPU: StopReason = { reason: 'pause', description: marked('Paused') };

/** How a session ended: on the client's wish, or by itself with an exit code. */
export function endedText(exitCode?: number): string {
  if (exitCode === undefined) return localized('Ended');
  return exitCode === 0 ? localized('Powered off') : localized('Ended with exit code {0}', exitCode);
}

/** A stop in the language of the user. */
export function localizedStop(stop: StopReason): StopReason {
  return stop.description === undefined ? stop : { ...stop, description: translated(stop.description) };
}

const BREAKPOINT_REASONS: Readonly<Record<BreakpointKind, string>> = {
  source: 'breakpoint',
  function: 'function breakpoint',
  instruction: 'instruction breakpoint',
  data: 'data breakpoint',
};

/** The reason for a stop; `planReason` for a plan that is done, `hit` the user's breakpoints at the place. */
export function describeStop(
  guest: Guest,
  cause: StopCause,
  planReason: StopReason,
  hit: readonly UserBreakpoint[],
): StopReason {
  const [first] = hit;
  const hits = first ? { hitBreakpointIds: hit.map(({ id }) => id) } : {};
  switch (cause.kind) {
    case 'pause':
      return { reason: 'pause', ...describePause(cause.waitsFor), ...hits };
    case 'plan':
      return first && planReason.reason === 'step' ? atBreakpoint(first, hits) : { ...planReason, ...hits };
    case 'watchpoint':
      return first
        ? atBreakpoint(first, hits)
        : { reason: 'data breakpoint', description: localized('Data breakpoint') };
    case 'breakpoint':
      return first ? atBreakpoint(first, hits) : { reason: 'breakpoint', description: localized('Breakpoint') };
    default:
      return { reason: 'exception', ...describeException(guest, cause), ...hits };
  }
}

/** An instruction in its middle is shown as it was before it. */
function describePause(waitsFor: PendingAccess | undefined): { readonly description: string; readonly text?: string } {
  if (!waitsFor) return { description: localized('Paused') };
  const text = accessText(waitsFor);
  return { description: localized('The instruction waits for {0}', text), text };
}

/**
 * The reason in the form that lets the client show something. VS Code selects a frame without source only at an
 * instruction breakpoint, where it opens the disassembly; at any other stop among code without source it would show
 * neither code nor registers. The description says what the stop really was.
 */
export function shownReason(reason: StopReason, clientId: string | undefined, guest: Guest): StopReason {
  if (clientId !== 'vscode' || hasSource(guest)) return reason;
  return { ...reason, reason: 'instruction breakpoint' };
}

/** VS Code asks for so many frames and looks among them for one with source. */
const FRAMES_SHOWN = 20;

function hasSource(guest: Guest): boolean {
  return stackFrames(guest, 0, FRAMES_SHOWN).frames.some(({ lineAddress }) => guest.symbols.lineAt(lineAddress));
}

/** The causes that a client shows as an exception. */
type ExceptionCause = Exclude<StopCause, { kind: 'pause' | 'plan' | 'breakpoint' | 'watchpoint' }>;

export function isException(cause: StopCause): cause is ExceptionCause {
  return !['pause', 'plan', 'breakpoint', 'watchpoint'].includes(cause.kind);
}

/** A headline and the details of a stop that is shown as an exception. */
export function describeException(
  guest: Guest,
  cause: ExceptionCause,
): { readonly description: string; readonly text: string } {
  switch (cause.kind) {
    case 'event':
      return describeMachineEvent(guest, cause.event);
    case 'exception':
      return {
        description: localized('Exception'),
        text: describeEvent(cause.event, guest.vcpu.codeSize),
      };
    case 'triple-fault':
      return {
        description: localized('Triple fault: the processor shut down'),
        text: cause.chain.map((event) => describeEvent(event, guest.vcpu.codeSize)).join('; then '),
      };
    case 'unsupported':
      return {
        description: localized('Not modelled yet'),
        text: `The guest used ${cause.what}, which is not modelled yet.`,
      };
    case 'boot-failure':
      return { description: localized('Nothing to boot'), text: explainBootFailure(cause.message) };
    case 'failure':
      return { description: localized('The machine cannot go on'), text: failureText(cause.error) };
  }
}

/** What the client calls the exception: its mnemonic where it has one. */
export function exceptionId(cause: ExceptionCause): string {
  if (cause.kind === 'event') return machineEventId(cause.event);
  return cause.kind === 'exception' ? exceptionName(cause.event.vector) : cause.kind.replace('-', ' ');
}

function atBreakpoint(breakpoint: UserBreakpoint, hits: Pick<StopReason, 'hitBreakpointIds'>): StopReason {
  const reason = BREAKPOINT_REASONS[breakpoint.request.kind];
  const { stopText } = breakpoint;
  if (stopText === undefined) return { reason, description: localized('Breakpoint'), ...hits };
  return { reason, description: stopText, text: stopText, ...hits };
}

function failureText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** True where the machine stands at a place whose breakpoints it has not asked yet. */
export function isUnasked(cause: StopCause): boolean {
  if (cause.kind === 'plan' || cause.kind === 'pause') return !cause.evaluated;
  // INT n is told before the instruction, behind the breakpoints at it.
  if (cause.kind === 'event') return !(cause.event.kind === 'interrupt' && cause.event.source === 'software');
  return cause.kind === 'watchpoint';
}
