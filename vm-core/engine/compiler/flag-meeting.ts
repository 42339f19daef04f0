/** Where ways of a region meet: of the flags is known behind it what all of them agree on. */
import type { CompiledFlags, KnownFlags } from './compiled-flags.ts';

export class FlagMeeting {
  readonly #flags: CompiledFlags;
  readonly #before: KnownFlags;
  readonly #ways: { readonly known: KnownFlags }[] = [];

  constructor(flags: CompiledFlags) {
    this.#flags = flags;
    this.#before = flags.known;
  }

  /** Writes a way that begins here; `body` gives true if it does not come to the meeting. */
  way(body: () => boolean): void {
    this.#flags.known = this.#before;
    if (!body()) this.arrive();
  }

  /** A way comes here, with what is known at this place. */
  arrive(): void {
    this.#ways.push({ known: this.#flags.known });
  }

  /** Goes on behind; false if no way leads there. */
  meet(): boolean {
    const [first, ...others] = this.#ways;
    const isSame = others.every(
      ({ known }) => known?.kind === first?.known?.kind && known?.bits === first?.known?.bits,
    );
    this.#flags.known = isSame ? first?.known : undefined;
    return first !== undefined;
  }
}
