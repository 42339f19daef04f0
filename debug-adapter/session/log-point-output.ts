/** The texts of log points on their way to the Debug Console: as many as the client can show, and word of the rest. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { localized } from '../protocol/localized.ts';
import { OutputAllowance } from './output-allowance.ts';

export class LogPointOutput {
  readonly #write: (text: string, breakpoint?: DebugProtocol.Breakpoint) => void;
  readonly #allowance: OutputAllowance;
  #leftOut = 0;

  constructor(write: (text: string, breakpoint?: DebugProtocol.Breakpoint) => void, now: () => number) {
    this.#write = write;
    this.#allowance = new OutputAllowance(now);
  }

  log(text: string, breakpoint: DebugProtocol.Breakpoint): void {
    if (!this.#allowance.suffices(text.length)) {
      this.#leftOut++;
      return;
    }
    this.#allowance.spend(text.length);
    this.tellLoss();
    this.#write(text, breakpoint);
  }

  /** Says how many texts were left out since the last time; called at a stop, too. */
  tellLoss(): void {
    if (this.#leftOut === 0) return;
    this.#write(`[${localized('{0} log messages left out: they come faster than they can be shown', this.#leftOut)}]`);
    this.#leftOut = 0;
  }
}
