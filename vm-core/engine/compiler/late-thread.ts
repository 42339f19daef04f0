/** A thread for tests, which is none: what is ordered is made when the test says so. Plans are cloned as messages are. */
import { type CompilerThread, compilerThread, serveCompiler } from './compiler-thread.ts';

declare function structuredClone<Value>(value: Value): Value;

export class LateThread {
  readonly thread: CompilerThread;
  readonly #orders: unknown[] = [];
  #make: (order: unknown) => void = () => {};

  constructor() {
    let receive: (answer: unknown) => void = () => {};
    this.thread = compilerThread({
      post: (order) => void this.#orders.push(structuredClone(order)),
      listen: (listener) => {
        receive = listener;
      },
    });
    serveCompiler({
      post: (answer) => receive(answer),
      listen: (make) => {
        this.#make = make;
      },
    });
  }

  /** Modules that are ordered and not made. */
  get waiting(): number {
    return this.#orders.length;
  }

  /** Makes so many of them. */
  deliver(count: number): void {
    for (const order of this.#orders.splice(0, count)) this.#make(order);
  }
}
