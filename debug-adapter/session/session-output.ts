/** What a session writes to the Debug Console: the guest's text, our remarks, the assembler's messages, our failures. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { AssemblerMessage } from '../host.ts';
import { DIAGNOSTICS_EVENT } from '../protocol/events.ts';
import { localized, marked, translated } from '../protocol/localized.ts';
import { explainBootFailure } from './boot-failure.ts';
import { LogPointOutput } from './log-point-output.ts';
import type { SentEvent } from './protocol-support.ts';
import { sourceOf } from './source-lines.ts';
import { UserError } from './user-error.ts';

/** A guest may reset the machine over and over; that is said so many times. */
const RESETS_TOLD = 5;

const RESETS = {
  request: marked('The guest reset the machine.'),
  'triple-fault': marked('Triple fault: the processor shut down and the machine was reset.'),
} as const;

export class SessionOutput {
  readonly #sendEvent: (event: SentEvent, body: unknown) => void;
  /** Lines as the client counts them. */
  readonly #clientLine: (line: number) => number;
  readonly logPoints: LogPointOutput;
  #resets = 0;

  /** `now` gives monotonic milliseconds. */
  constructor(
    sendEvent: (event: SentEvent, body: unknown) => void,
    clientLine: (line: number) => number,
    now: () => number,
  ) {
    this.#sendEvent = sendEvent;
    this.#clientLine = clientLine;
    this.logPoints = new LogPointOutput((text, at) => this.write('console', `${text}\n`, at), now);
  }

  /** A new guest: what was said of the last one may be said again. */
  begin(): void {
    this.#resets = 0;
  }

  /** Writes text; `at` links it to a source line. */
  write(category: 'console' | 'important' | 'stdout' | 'stderr', text: string, at?: DebugProtocol.Breakpoint): void {
    const place = at?.source && at.line !== undefined ? { source: at.source, line: at.line } : {};
    this.#sendEvent('output', { category, output: text, ...place });
  }

  /** Our own failure, with its trace; of what the host could not do only what there is to say. */
  writeFailure(error: unknown): void {
    if (error instanceof UserError) {
      this.write('important', `${error.message}\n`);
      return;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.write('stderr', `${localized('Internal error: {0}', text)}\n`);
  }

  writeUnknownArguments(names: readonly string[]): void {
    for (const name of names) this.write('console', `${localized('Unknown launch argument {0} ignored.', name)}\n`);
  }

  writeBootFailure(message: string): void {
    this.write('important', `${explainBootFailure(message)}\n`);
  }

  writeHaltedForGood(): void {
    this.write('console', `${localized('The processor halted with interrupts disabled: nothing can wake it.')}\n`);
  }

  writeReset(why: keyof typeof RESETS): void {
    this.#resets++;
    if (this.#resets > RESETS_TOLD) return;
    const rest = this.#resets === RESETS_TOLD ? ` ${localized('Further resets are not reported.')}` : '';
    this.write('console', `${translated(RESETS[why])}${rest}\n`);
  }

  /** What the assembler said, for the Problems view and as text. */
  writeMessages(program: string | undefined, messages: readonly AssemblerMessage[]): void {
    this.#sendEvent(DIAGNOSTICS_EVENT, { program, messages });
    for (const { severity, file, line, message } of messages) {
      const output = `${file}:${line}: ${severity}: ${message}\n`;
      const place = { source: sourceOf(file), line: this.#clientLine(line) };
      this.#sendEvent('output', { category: 'stderr', output, ...place });
    }
  }
}
