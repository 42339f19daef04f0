/** Code of a function that is written when all the rest is, though it stands further in front (WebAssembly core §5.4). */
import type { ByteWriter } from './byte-writer.ts';
import type { Locals } from './locals.ts';

interface LatePlace {
  readonly at: number;
  readonly write: () => void;
}

export class LateCode {
  readonly #code: ByteWriter;
  readonly #locals: Locals;
  readonly #places: LatePlace[] = [];

  constructor(code: ByteWriter, locals: Locals) {
    this.#code = code;
    this.#locals = locals;
  }

  /**
   * Keeps this place in the code for what `write` will write; branches do not leave that, and it uses no results of the code
   * around it.
   */
  add(write: () => void): void {
    this.#locals.forgetLast();
    this.#places.push({ at: this.#code.length, write });
  }

  /**
   * Where all else is written: writes all of it, and takes out what is needless. Gives where a place in the code of before is
   * now, behind what was written there; of places that ascend.
   */
  fill(): (place: number) => number {
    this.#locals.end();
    const moved = this.#places.length > 0 ? this.#write(this.#places.splice(0)) : (place: number) => place;
    this.#locals.end();
    const kept = this.#locals.needless.removeFrom(this.#code);
    return (place) => kept(moved(place));
  }

  #write(places: readonly LatePlace[]): (place: number) => number {
    const [code, locals] = [this.#code, this.#locals];
    const written = code.bytes.slice();
    const needless = locals.needless.take();
    const ends: number[] = [];
    code.truncate(0);
    let from = 0;
    locals.apart(() => {
      for (const { at, write } of places) {
        code.append(written.subarray(from, at));
        locals.forgetLast();
        locals.scope(write);
        from = at;
        ends.push(code.length);
      }
    });
    code.append(written.subarray(from));
    locals.forgetLast();
    const moved = (place: number) => {
      let last = places.length - 1;
      while (last >= 0 && (places[last] as LatePlace).at > place) last--;
      return last < 0 ? place : place + (ends[last] as number) - (places[last] as LatePlace).at;
    };
    for (const place of needless) locals.needless.add(moved(place));
    return moved;
  }
}
