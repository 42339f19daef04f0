/**
 * Instructions that keep a result in a local that nobody asks for (WebAssembly core §5.4.3): it was used where it was left on the
 * stack, if at all. V8's first compiler writes such a local to memory when it needs the register, so they are taken out.
 */
import type { ByteWriter } from './byte-writer.ts';

const LOCAL_SET = 0x21;
const DROP = 0x1a;

export class NeedlessSets {
  #places: number[] = [];

  /** Such an instruction begins at a place in the code. */
  add(place: number): void {
    this.#places.push(place);
  }

  /** Gives all of them and forgets them. */
  take(): readonly number[] {
    const places = this.#places;
    this.#places = [];
    return places;
  }

  /** Takes them out of the code. Gives where a place of before is now, of places that ascend. */
  removeFrom(code: ByteWriter): (place: number) => number {
    const places = Int32Array.from(this.take()).sort();
    const { bytes } = code;
    const removed = new Int32Array(places.length);
    let to = places[0] ?? bytes.length;
    for (let n = 0; n < places.length; n++) {
      let from = places[n] as number;
      if (bytes[from] === LOCAL_SET) bytes[to++] = DROP;
      do from++;
      while ((bytes[from] as number) >= 0x80);
      from++;
      removed[n] = from - to;
      const end = places[n + 1] ?? bytes.length;
      while (from < end) bytes[to++] = bytes[from++] as number;
    }
    code.truncate(to);
    let next = 0;
    return (place) => {
      while (next < places.length && (places[next] as number) < place) next++;
      return place - (removed[next - 1] ?? 0);
    };
  }
}
