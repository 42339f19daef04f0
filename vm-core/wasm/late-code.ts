/** Code of a function that is written when all the rest is, though it stands further in front (WebAssembly core §5.4). */
import type { ByteWriter } from './byte-writer.ts';
import type { Locals } from './locals.ts';

export class LateCode {
  readonly #code: ByteWriter;
  readonly #locals: Pick<Locals, 'forgetLast'>;
  readonly #places: { readonly at: number; readonly write: () => void }[] = [];

  constructor(code: ByteWriter, locals: Pick<Locals, 'forgetLast'>) {
    this.#code = code;
    this.#locals = locals;
  }

  /** Keeps this place in the code for what `write` will write; branches do not leave that. */
  add(write: () => void): void {
    this.#locals.forgetLast();
    this.#places.push({ at: this.#code.length, write });
  }

  /** Writes all of it. Gives where a place in the code of before is now: behind what was written there. */
  fill(): (place: number) => number {
    const code = this.#code;
    const written = code.bytes.slice();
    const ends: { readonly at: number; readonly by: number }[] = [];
    code.clear();
    let from = 0;
    for (const { at, write } of this.#places.splice(0)) {
      code.append(written.subarray(from, at));
      this.#locals.forgetLast();
      write();
      from = at;
      ends.push({ at, by: code.length - at });
    }
    code.append(written.subarray(from));
    this.#locals.forgetLast();
    return (place) => place + (ends.findLast(({ at }) => at <= place)?.by ?? 0);
  }
}
