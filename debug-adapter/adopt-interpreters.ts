/**
 * Hands the interpreters that came with the bundle to `vm-core`. Node inflates one when it is first needed; in a browser,
 * which inflates beside everything else only, that begins at once, and whoever is faster makes the interpreter.
 */
import { adoptInterpreter } from '../vm-core/index.ts';
import { preparedInterpreters } from './prepared-interpreters.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** A body of bytes, as of an answer from the network. */
interface Body {
  readonly body: { pipeThrough(transform: object): object };
  arrayBuffer(): Promise<ArrayBuffer>;
}

interface BuiltinModule {
  readonly inflateSync?: (deflated: Uint8Array) => Bytes;
  readonly Buffer?: { from(text: string, encoding: 'base64'): Uint8Array };
}

/** What may be around; this layer knows neither the DOM nor Node. */
export interface Inflaters {
  readonly process?: { getBuiltinModule?(name: string): BuiltinModule | undefined };
  readonly atob?: (text: string) => string;
  readonly Response?: new (body: Bytes | object) => Body;
  readonly DecompressionStream?: new (format: 'deflate') => object;
}

/** Hands them over; without anything that inflates it does nothing. */
export function adoptPreparedInterpreters(
  prepared: typeof preparedInterpreters = preparedInterpreters,
  around: Inflaters = globalThis as unknown as Inflaters,
): void {
  for (const addressBits of [32, 64] as const) {
    const text = prepared[addressBits];
    const source = text === undefined ? undefined : inflaterOf(text, around);
    if (source) adoptInterpreter(addressBits, source);
  }
}

/** Gives the bytes, or undefined where they are not there yet. */
type Source = () => Bytes | undefined;

/** In Node nothing else is looked at: `Response` alone would have it load a client for the network. */
function inflaterOf(text: string, around: Inflaters): Source | undefined {
  const builtin = (name: string) => around.process?.getBuiltinModule?.(name);
  const inflateSync = builtin('node:zlib')?.inflateSync;
  const buffers = builtin('node:buffer')?.Buffer;
  return inflateSync && buffers ? () => inflateSync(buffers.from(text, 'base64')) : inflaterOfBrowser(text, around);
}

function inflaterOfBrowser(text: string, { atob, Response, DecompressionStream }: Inflaters): Source | undefined {
  if (!atob || !Response || !DecompressionStream) return undefined;
  const characters = atob(text);
  const deflated = new Uint8Array(characters.length);
  for (let at = 0; at < deflated.length; at++) deflated[at] = characters.charCodeAt(at);
  let bytes: Bytes | undefined;
  const inflated = new Response(deflated).body.pipeThrough(new DecompressionStream('deflate'));
  new Response(inflated).arrayBuffer().then(
    (buffer) => {
      bytes = new Uint8Array(buffer);
    },
    // Made here, then.
    () => {},
  );
  return () => bytes;
}
