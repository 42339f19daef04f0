/** Which guest instruction a region's code is about, from where on, and what its locals are: for whoever reads the code. */
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';

/** Code that is about no single instruction. */
const NONE = -0x8000_0000;

export class CodeMarks {
  readonly #f: Pick<FunctionBuilder, 'size'>;
  /** Places in the code, in bytes, and distances of instructions from the region's first one, in turn. */
  readonly #marks: number[] = [];
  #current = NONE;

  constructor(f: Pick<FunctionBuilder, 'size'>) {
    this.#f = f;
  }

  /** What is written from now on is about the instruction at a distance; undefined: about none. */
  begin(distance: number | undefined): void {
    this.#go(distance ?? NONE);
  }

  /** What `body` writes is about others, and what follows about the same as now. */
  around(body: () => void): void {
    const current = this.#current;
    body();
    this.#go(current);
  }

  /** All of them in few bytes, where the places are in the end. */
  finish(moved: (place: number) => number): Int32Array {
    return Int32Array.from(this.#marks, (value, n) => (n % 2 === 0 ? moved(value) : value));
  }

  #go(distance: number): void {
    if (distance === this.#current) return;
    // Nothing was written about what was there.
    if (this.#marks.at(-2) === this.#f.size) this.#marks.length -= 2;
    this.#marks.push(this.#f.size, distance);
    this.#current = distance;
  }
}

/** Reads marks at places that ascend: the distance of the instruction that the code there is about. */
export function readMarks(marks: Int32Array): (place: number) => number | undefined {
  let next = 0;
  let current = NONE;
  return (place) => {
    for (; next < marks.length && (marks[next] as number) <= place; next += 2) current = marks[next + 1] as number;
    return current === NONE ? undefined : current;
  };
}

/** Has locals with names. */
interface NamedLocals {
  names(): readonly (readonly [Value, string])[];
}

/** Names by the numbers of their locals. */
export function localNames(own: Readonly<Record<string, Value>>, others: readonly NamedLocals[]): readonly string[] {
  const names: string[] = [];
  for (const [name, { local }] of Object.entries(own)) names[local] = name;
  for (const [{ local }, name] of others.flatMap((each) => each.names())) names[local] = name;
  return names;
}
