/** How fast a guest runs, measured about once a second: instructions in a second, and how many of them compiled code executed. */
import type { CompiledCode, Machine } from '../../vm-core/index.ts';
import type { ScreenUpdate } from '../protocol/screen.ts';

const INTERVAL_MS = 1000;

type Speed = Extract<ScreenUpdate, { readonly type: 'speed' }>;

/** What there is to be measured of a machine. */
interface Measured extends Pick<Machine, 'retired'> {
  readonly compiledCode: Pick<CompiledCode, 'retired'> | undefined;
}

export class SpeedMeter {
  #since: { readonly ms: number; readonly retired: number; readonly compiled: number } | undefined;

  /** What is measured begins anew with the next look. */
  restart(): void {
    this.#since = undefined;
  }

  /** To be called often while the machine runs; gives the speed once there is a new one. */
  look({ retired, compiledCode }: Measured, ms: number): Speed | undefined {
    const since = this.#since;
    if (since && ms - since.ms < INTERVAL_MS) return undefined;
    const compiled = compiledCode?.retired ?? 0;
    this.#since = { ms, retired, compiled };
    if (!since) return undefined;
    const executed = retired - since.retired;
    const instructionsPerSecond = (executed * 1000) / (ms - since.ms);
    if (!compiledCode) return { type: 'speed', instructionsPerSecond };
    const compiledShare = executed === 0 ? 0 : Math.min(1, (compiled - since.compiled) / executed);
    return { type: 'speed', instructionsPerSecond, compiledShare };
  }
}
