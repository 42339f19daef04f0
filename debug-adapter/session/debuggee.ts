/**
 * What a session debugs and what handlers work on: the guest once it is booted, its runner, the breakpoints, and the
 * events that tell the client. Handlers are small because the states of a session are kept here.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Host } from '../host.ts';
import { localized } from '../protocol/localized.ts';
import { announceGuest } from './announce-guest.ts';
import { bindComments, dropComments } from './bind-comments.ts';
import { BreakpointTable } from './breakpoint-table.ts';
import { bootGuest, type CreateMachine, withListingBeside } from './boot-guest.ts';
import { frameOf, threadIdOf } from './cpu-ids.ts';
import { type ChosenFilter, compileStops, defaultFilters, NO_STOPS } from './event-stops.ts';
import type { Guest } from './guest.ts';
import { GuestViews } from './guest-views.ts';
import { type LaunchConfiguration, parseLaunchArguments, unknownLaunchArguments } from './launch-configuration.ts';
import type { WrittenMemory } from './places.ts';
import { runToPlan } from './plans.ts';
import type { SentEvent } from './protocol-support.ts';
import { Progress, preparing } from './progress.ts';
import { RegisterHistory } from './register-history.ts';
import type { RegisterSnapshot } from './register-view.ts';
import { makeRunner } from './make-runner.ts';
import type { RunOrder } from './run-order.ts';
import type { Plan, Runner, StopCause } from './runner.ts';
import type { ScreenFeed } from './screen-feed.ts';
import { SessionOutput } from './session-output.ts';
import type { SessionView } from './session-view.ts';
import { readSourceComments } from './source-comments.ts';
import { AFTER_RESET, AT_CHOSEN_CPU, AT_CHOSEN_PLACE, AT_RESET_VECTOR, describeStop, ENTRY } from './stop-event.ts';
import { endedText, isUnasked, localizedStop, STEP, type StopReason, shownReason } from './stop-event.ts';
import { ThreadEvents } from './thread-events.ts';
import { Typist } from './typist.ts';
import type { UserBreakpoint } from './user-breakpoint.ts';
import { UserError } from './user-error.ts';

/** Channel of the keyboard that takes scan codes. */
const KEYBOARD = { device: 'keyboard', channel: 'keys' } as const;

export interface DebuggeeOptions {
  readonly host: Host;
  readonly createMachine: CreateMachine;
  readonly screen: ScreenFeed;
  /** What else shows the guest. */
  readonly views: readonly SessionView[];
  readonly sendEvent: (event: SentEvent, body?: unknown) => void;
}

/** A booted guest with its runner. */
interface Live {
  readonly guest: Guest;
  readonly runner: Runner;
  readonly configuration: LaunchConfiguration;
}

export class Debuggee {
  readonly breakpoints: BreakpointTable;
  readonly output: SessionOutput;
  readonly typist: Typist;
  /** Steps let all other processors stand still, unless the client says otherwise. */
  stepsAlone = false;
  /** What the client said about itself. */
  client: Partial<DebugProtocol.InitializeRequestArguments> = {};
  readonly #options: DebuggeeOptions;
  readonly #progress: Progress;
  readonly #views: GuestViews;
  readonly #threads: ThreadEvents;
  #live: Live | undefined;
  #arguments: DebugProtocol.LaunchRequestArguments = {};
  #configured = false;
  #started = false;
  #afterResponse: (() => void)[] = [];
  #exceptionFilters: readonly ChosenFilter[] = defaultFilters;
  #lastStop: StopCause | undefined;
  /** The guest powered itself off or left through the exit device, or the client ended it. */
  #hasEnded = false;
  #isLeft = false;
  readonly #registers = new RegisterHistory();
  /** Index of the processor that the user looks at. */
  #cpu = 0;

  constructor(options: DebuggeeOptions) {
    this.#options = options;
    this.#progress = new Progress(options.sendEvent, () => this.client.supportsProgressReporting === true);
    this.typist = new Typist(options.host, (scanCodes) => this.pressKeys(scanCodes));
    this.output = new SessionOutput(
      options.sendEvent,
      (line) => this.clientLine(line),
      () => options.host.now(),
    );
    this.#threads = new ThreadEvents((event, body) => this.sendEvent(event, body));
    this.#views = new GuestViews(options.screen, [...options.views, this.#threads], (error) =>
      this.output.writeFailure(error),
    );
    this.breakpoints = new BreakpointTable(
      (text, breakpoint) => this.output.logPoints.log(text, breakpoint),
      (breakpoint) => this.sendEvent('breakpoint', { reason: 'changed', breakpoint }),
    );
  }

  /** The guest as the processor sees it that the user looks at; throws a UserError when nothing was launched. */
  get guest(): Guest {
    const { guest } = this.#booted;
    return guest.cpus[this.#cpu] ?? guest;
  }

  /** The guest as the processor of a frame sees it; without a frame that of the one that the user looks at. */
  guestOfFrame(frameId: number | undefined): Guest {
    return frameId === undefined ? this.guest : frameOf(this.guest, frameId).guest;
  }

  /** From now on what says nothing of a processor is about this one. */
  lookAt({ vcpu: { index } }: Guest): void {
    if (this.#cpu === index) return;
    this.#cpu = index;
    this.#views.lookAt(index);
  }

  get isBooted(): boolean {
    return this.#live !== undefined;
  }

  get running(): boolean {
    return this.#live?.runner.running ?? false;
  }

  /** Why the machine stands still; undefined while it runs. */
  get lastStop(): StopCause | undefined {
    return this.running ? undefined : this.#lastStop;
  }

  /** Register values of a processor at the stop before the last, to tell what changed. */
  registersBefore(guest: Guest): RegisterSnapshot | undefined {
    return this.#registers.before(guest);
  }

  get #booted(): Live {
    if (!this.#live) throw new UserError('not-launched', localized('there is no machine yet; launch one first'));
    return this.#live;
  }

  sendEvent(event: SentEvent, body?: unknown): void {
    this.#options.sendEvent(event, body);
  }

  /** Runs a callback once the response of the current request is on its way. */
  afterResponse(callback: () => void): void {
    this.#afterResponse.push(callback);
  }

  runAfterResponse(): void {
    const callbacks = this.#afterResponse;
    this.#afterResponse = [];
    for (const callback of callbacks) callback();
  }

  /** Boots a guest from launch arguments. It starts once the client has sent its configuration, too. */
  async launch(given: DebugProtocol.LaunchRequestArguments): Promise<void> {
    if (this.#live) throw new UserError('already-launched', localized('this session has its guest already'));
    await this.#boot(given);
    this.sendEvent('initialized');
    this.afterResponse(() => this.#startWhenReady());
  }

  /** The client has sent its breakpoints. */
  configurationDone(): void {
    this.#configured = true;
    this.afterResponse(() => this.#startWhenReady());
  }

  /** Boots afresh, from new arguments if the client has some. */
  async restart(given: DebugProtocol.LaunchRequestArguments | undefined): Promise<void> {
    const { runner } = this.#booted;
    runner.pause(this.#cpu);
    await this.#boot(given);
    this.#started = false;
    this.afterResponse(() => {
      this.sendEvent('continued', { threadId: threadIdOf(this.guest), allThreadsContinued: true });
      this.#startWhenReady();
    });
  }

  /** Arguments that lead to no guest are forgotten. */
  async #boot(wanted: DebugProtocol.LaunchRequestArguments = this.#arguments): Promise<void> {
    const given = wanted as Readonly<Record<string, unknown>>;
    const { host, createMachine } = this.#options;
    const configuration = await withListingBeside(parseLaunchArguments(given), host);
    this.output.writeUnknownArguments(unknownLaunchArguments(given));
    const { guest, warnings } = await this.#progress.during(preparing(configuration), () =>
      bootGuest(configuration, host, createMachine, (messages) =>
        this.output.writeMessages(configuration.program, messages),
      ),
    );
    const comments = wanted.noDebug ? [] : await readSourceComments(host, guest);
    if (this.#isLeft) throw new UserError('ended', localized('the client has left'));
    this.#arguments = wanted;
    for (const warning of warnings) this.output.write('console', `${warning}\n`);
    this.#live?.runner.dispose();
    if (this.#arguments.noDebug !== true) guest.startRecords(this.#live?.guest);
    const runner = makeRunner(guest, configuration, {
      ...{ host, output: this.output, views: this.#views, typist: this.typist, clientId: this.client.clientID },
      stopped: (cause) => this.#stopped(cause),
      ended: (exitCode) => this.#ended(exitCode),
    });
    announceGuest(this.#options.sendEvent, configuration.program ?? 'x86 machine', guest, this.#live?.guest);
    this.#live = { guest, runner, configuration };
    this.#registers.clear();
    this.#cpu = 0;
    this.#hasEnded = false;
    this.output.begin();
    this.typist.clear();
    this.#applyExceptionFilters();
    dropComments(this.breakpoints);
    this.breakpoints.bind(this.#arguments.noDebug ? undefined : guest);
    bindComments(this.breakpoints, comments, this.output, (line) => this.clientLine(line));
    this.#views.attach(guest.machine, guest);
  }

  #startWhenReady(): void {
    if (!this.#live || !this.#configured || this.#started) return;
    this.#started = true;
    const { guest, configuration } = this.#live;
    const stopOnEntry = this.#arguments.noDebug ? false : configuration.stopOnEntry;
    if (stopOnEntry === 'reset') this.#announceStop(AT_RESET_VECTOR);
    else if (stopOnEntry) this.resume(runToPlan(guest, guest.machine.boot.entry), { reason: ENTRY });
    else this.resume();
  }

  /** What the stop at the end of the current plan is called. */
  #planReason: StopReason = STEP;

  /**
   * Lets the machine run, with a plan if it is a step. While it is running that does nothing but let those run, too, that
   * stand still.
   */
  resume(plan?: Plan, { reason = STEP, alone = false, onlyCpu, isTold }: RunOrder = {}): void {
    const { runner } = this.#booted;
    if (runner.running) {
      if (plan) plan.dispose();
      else if (onlyCpu === undefined) runner.letAllRun();
      return;
    }
    if (this.#hasEnded) throw new UserError('ended', localized('the guest has ended; restart it'));
    this.#planReason = reason;
    this.#lastStop = undefined;
    this.breakpoints.refresh();
    runner.start(plan, alone ? plan?.cpu : onlyCpu);
    this.#views.setState('running', '');
    const lone = this.guest.hasSeveralCpus ? this.guest.cpus[runner.onlyCpu ?? -1] : undefined;
    if (!lone && !isTold) return;
    this.sendEvent('continued', { threadId: threadIdOf(lone ?? this.guest), allThreadsContinued: lone === undefined });
  }

  /** Index of the processor that runs while all others stand still. */
  get onlyCpu(): number | undefined {
    return this.#live?.runner.onlyCpu;
  }

  /** Stops once the response of the current request is on its way; the stop is about the processor given. */
  pause(guest: Guest = this.guest): void {
    const { runner } = this.#booted;
    this.afterResponse(() => runner.pause(guest.vcpu.index));
  }

  /** What to stop at beside breakpoints. The answer describes the entries in their order. */
  setExceptionFilters(filters: readonly ChosenFilter[]): readonly DebugProtocol.Breakpoint[] {
    this.#exceptionFilters = filters;
    return this.#applyExceptionFilters();
  }

  #applyExceptionFilters(): readonly DebugProtocol.Breakpoint[] {
    if (!this.#live)
      return this.#exceptionFilters.map(() => ({ verified: false, message: localized('There is no machine yet.') }));
    const { guest, runner } = this.#live;
    const complain = (text: string): void => this.output.write('console', `${text}\n`);
    const { stops, descriptions } = compileStops(this.#exceptionFilters, guest, complain);
    runner.stops = this.#arguments.noDebug ? NO_STOPS : stops;
    return descriptions;
  }

  pressKeys(scanCodes: readonly number[]): void {
    this.input(KEYBOARD.device, KEYBOARD.channel, Uint8Array.from(scanCodes));
    this.#views.noteActivity();
  }

  /** Hands bytes to a device's channel; a guest that sleeps looks at once. */
  input(device: string, channel: string, bytes: Uint8Array): void {
    this.#live?.guest.machine.input(device, channel, bytes);
    this.#live?.runner.wake();
  }

  /** The reset button: a stopped machine stays stopped, at the reset vector. */
  pressReset(): void {
    if (!this.#live) return;
    this.#live.guest.machine.reset();
    if (this.running) this.#live.runner.wake();
    else this.#announceStop(AFTER_RESET);
  }

  /** The debugger has moved EIP of a processor. */
  movedHere(guest: Guest): void {
    this.#booted.runner.movedHere(guest.vcpu.index);
    this.lookAt(guest);
    this.#lastStop = undefined;
    this.#announceStop(AT_CHOSEN_PLACE);
  }

  /** The user has chosen another processor: clients go to the thread of a stop. */
  showAgain(): void {
    const shown = shownReason(localizedStop(AT_CHOSEN_CPU), this.client.clientID, this.guest);
    this.sendEvent('stopped', { ...shown, threadId: threadIdOf(this.guest), allThreadsStopped: true });
  }

  #stopped(cause: StopCause): void {
    this.output.logPoints.tellLoss();
    this.#lastStop = cause;
    this.lookAt(this.#booted.guest.cpus[cause.cpu] ?? this.#booted.guest);
    const { guest } = this;
    const hit = this.#breakpointsHit(cause, guest);
    if (cause.kind === 'failure') this.output.writeFailure(cause.error);
    if (cause.kind === 'boot-failure') this.output.writeBootFailure(cause.message);
    this.#announceStop(describeStop(guest, cause, this.#planReason, hit));
  }

  /** Where the machine came to stand without asking, breakpoints take effect now: it will not ask again. */
  #breakpointsHit(cause: StopCause, guest: Guest): readonly UserBreakpoint[] {
    if (cause.kind === 'breakpoint') return this.breakpoints.owners(cause.breakpoints);
    const watching = cause.kind === 'watchpoint' ? this.breakpoints.owners(cause.watchpoints) : [];
    return isUnasked(cause) ? [...watching, ...this.breakpoints.reachedAt(guest.vcpu)] : [];
  }

  #announceStop(stop: StopReason): void {
    const { guest } = this;
    const reason = localizedStop(stop);
    this.#registers.stopped(guest);
    const shown = shownReason(reason, this.client.clientID, guest);
    this.#threads.look();
    this.sendEvent('stopped', { ...shown, threadId: threadIdOf(guest), allThreadsStopped: true });
    this.#views.setState('stopped', reason.description ?? reason.reason);
  }

  /**
   * After the debugger itself wrote state, memory if it says so: views are stale, and what it wrote does not count as
   * changed by the guest. Clients that hear of `all` fetch the stack again and show its top, which takes the user there.
   */
  stateWritten(written?: WrittenMemory, stale: 'all' | 'variables' = 'all'): void {
    if (written && this.client.supportsMemoryEvent) this.sendEvent('memory', { offset: 0, ...written });
    if (this.client.supportsInvalidatedEvent) this.sendEvent('invalidated', { areas: [stale] });
    this.#views.refresh();
  }

  #ended(exitCode: number): void {
    this.#hasEnded = true;
    this.sendEvent('exited', { exitCode });
    this.sendEvent('terminated');
    this.#views.setState('ended', endedText(exitCode));
  }

  /** Ends the session on the client's wish. */
  terminate(): void {
    this.#hasEnded = true;
    this.#live?.runner.dispose();
    this.#views.setState('ended', endedText());
    this.sendEvent('terminated');
  }

  dispose(): void {
    this.#isLeft = true;
    this.#hasEnded = true;
    this.#live?.runner.dispose();
    this.#views.detach();
  }

  /** Lines as the client counts them; ours count from 1. */
  clientLine(line: number): number {
    return this.client.linesStartAt1 === false ? line - 1 : line;
  }

  ownLine(line: number): number {
    return this.client.linesStartAt1 === false ? line + 1 : line;
  }
}
