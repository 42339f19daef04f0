/** A host for tests: files in memory, a clock that does not depend on the real one, deferred work that runs when the test says so. */
import type { AssemblerResult, Host } from '../../../debug-adapter/host.ts';

interface Deferred {
  readonly atMs: number;
  readonly callback: () => void;
}

export class FakeHost implements Host {
  readonly kind = 'desktop' as const;
  readonly files = new Map<string, Uint8Array>();
  readonly sources = new Map<string, AssemblerResult>();
  #nowMs = 0;
  #deferred: Deferred[] = [];

  async fileSize(path: string): Promise<number> {
    return this.#file(path).length;
  }

  async readFile(path: string, offset: number, length: number): Promise<Uint8Array> {
    return this.#file(path).slice(offset, offset + length);
  }

  async assemble(source: string): Promise<AssemblerResult> {
    const result = this.sources.get(source);
    if (!result) throw new Error('nasm was not found; install it or launch a prebuilt image');
    return result;
  }

  /** Milliseconds that the guest's work has taken so far. */
  workMs: () => number = () => 0;
  #workedMs = 0;

  /** Every look at the clock takes a quarter of a millisecond, and the guest's work its time, so that slices end. */
  now(): number {
    const workMs = this.workMs();
    this.#nowMs += 0.25 + Math.max(0, workMs - this.#workedMs);
    this.#workedMs = workMs;
    return this.#nowMs;
  }

  localTimeMs(): number {
    return 0;
  }

  defer(callback: () => void, delayMs = 0): void {
    this.#deferred.push({ atMs: this.#nowMs + delayMs, callback });
  }

  /** Adds a text file. */
  write(path: string, text: string): void {
    this.files.set(
      path,
      Uint8Array.from(text, (character) => character.charCodeAt(0)),
    );
  }

  advance(ms: number): void {
    this.#nowMs += ms;
  }

  /** Runs the earliest deferred work, moving the clock to it; false when there is none. */
  runOne(): boolean {
    const next = this.#deferred.toSorted((left, right) => left.atMs - right.atMs)[0];
    if (!next) return false;
    this.#deferred.splice(this.#deferred.indexOf(next), 1);
    this.#nowMs = Math.max(this.#nowMs, next.atMs);
    next.callback();
    return true;
  }

  #file(path: string): Uint8Array {
    const bytes = this.files.get(path);
    if (!bytes) throw new Error(`${path} does not exist`);
    return bytes;
  }
}
