/**
 * What the guest says (serial port, debug console, messages about things not modelled) as text for the Debug Console. A
 * guest writes faster than any client shows text, and the client's other events queue behind it; so only so much is sent in
 * a second, and of the rest the end is kept and the loss is told.
 */
import type { Machine } from '../../vm-core/index.ts';
import { localized, marked, translated } from '../protocol/localized.ts';
import type { LaunchConfiguration } from './launch-configuration.ts';
import { OutputAllowance } from './output-allowance.ts';

type Category = 'console' | 'stdout';

/** Text is kept back up to this length while the client has had enough. */
const TEXT_MAX = 16_384;
/** What is kept of a text that became longer. */
const TEXT_KEPT = 4096;

/** The client whose extension makes terminals on the session's second channel. */
const CLIENT_WITH_TERMINALS = 'vscode';
const NO_TERMINAL = marked(
  'serial: "terminal" needs the terminals of VS Code, which this client does not have: what the guest sends stands here.',
);

export class GuestOutput {
  readonly #channels: ReadonlySet<string>;
  readonly #write: (category: Category, text: string) => void;
  #text = '';
  readonly #allowance: OutputAllowance;
  /** The serial port was to have a terminal, which this client does not have. */
  readonly #withoutTerminal: boolean;
  #charactersLeftOut = 0;
  #messagesLeftOut = 0;

  /** `now` gives monotonic milliseconds, `clientId` what the client calls itself. */
  constructor(
    configuration: Pick<LaunchConfiguration, 'serial' | 'debugcon' | 'parallel'>,
    write: (category: Category, text: string) => void,
    now: () => number,
    clientId?: string,
  ) {
    const { serial, debugcon, parallel } = configuration;
    this.#withoutTerminal = serial === 'terminal' && clientId !== CLIENT_WITH_TERMINALS;
    this.#channels = new Set([
      ...(serial === 'console' || this.#withoutTerminal ? ['uart-1/serial'] : []),
      ...(debugcon === 'console' ? ['debug-console/debugcon'] : []),
      ...(parallel === 'console' ? ['parallel-1/parallel'] : []),
    ]);
    this.#write = write;
    this.#allowance = new OutputAllowance(now);
  }

  attach(machine: Pick<Machine, 'onOutput' | 'onLog'>): void {
    machine.onOutput = (device, channel, bytes) => this.#receive(`${device}/${channel}`, bytes);
    machine.onLog = (message) => this.#receiveMessage(message);
    if (this.#withoutTerminal) this.#send('console', `${translated(NO_TERMINAL)}\n`);
  }

  /** Sends what has come, if the client has not had enough. */
  flush(): void {
    if (this.#allowance.suffices(this.#text.length)) this.flushAll();
  }

  /** Sends what has come, at a stop. */
  flushAll(): void {
    this.#tellLoss();
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    this.#send('stdout', text);
  }

  /** Bytes are taken as Latin-1; a carriage return is no character of its own. */
  #receive(key: string, bytes: Uint8Array): void {
    if (!this.#channels.has(key)) return;
    for (const byte of bytes) if (byte !== 0x0d) this.#text += String.fromCharCode(byte);
    if (this.#text.length < TEXT_MAX) return;
    this.flush();
    if (this.#text.length < TEXT_MAX) return;
    this.#charactersLeftOut += this.#text.length - TEXT_KEPT;
    this.#text = this.#text.slice(-TEXT_KEPT);
  }

  #receiveMessage(message: string): void {
    if (this.#allowance.suffices(message.length)) this.#send('console', `${message}\n`);
    else this.#messagesLeftOut++;
  }

  #tellLoss(): void {
    const losses = [
      ...(this.#charactersLeftOut > 0 ? [localized('{0} characters', this.#charactersLeftOut)] : []),
      ...(this.#messagesLeftOut > 0 ? [localized('{0} messages', this.#messagesLeftOut)] : []),
    ];
    if (losses.length === 0) return;
    this.#charactersLeftOut = 0;
    this.#messagesLeftOut = 0;
    const loss = localized('{0} left out: the guest writes faster than they can be shown', lossOf(losses));
    this.#send('console', `\n[${loss}]\n`);
  }

  #send(category: Category, text: string): void {
    this.#allowance.spend(text.length);
    this.#write(category, text);
  }
}

function lossOf([first = '', second]: readonly string[]): string {
  return second === undefined ? first : localized('{0} and {1}', first, second);
}
