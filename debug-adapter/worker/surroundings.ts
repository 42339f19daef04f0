/**
 * What a worker finds around it: its message port, a monotonic clock, a way to defer work. This layer knows neither the
 * DOM nor Node, so the few globals that are used are described here.
 */
import type { FromWorker, ToWorker } from '../protocol/worker.ts';

/** The worker's end of the channel to whoever made it. */
export interface Port {
  post(message: FromWorker, transfer: readonly ArrayBuffer[]): void;
  listen(receive: (message: ToWorker) => void): void;
}

export interface Clock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Calls back after the current work and after messages that have come meanwhile, or after a delay. */
  defer(callback: () => void, delayMs?: number): void;
}

interface WebWorkerScope {
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
}

interface NodePort {
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
  on(event: 'message', listener: (message: unknown) => void): void;
}

interface MessageChannelPair {
  readonly port1: { onmessage: (() => void) | null };
  readonly port2: { postMessage(message: undefined): void };
}

interface Surroundings {
  readonly performance: { now(): number };
  readonly setTimeout: (callback: () => void, delayMs: number) => unknown;
  readonly setImmediate?: (callback: () => void) => unknown;
  readonly MessageChannel: new () => MessageChannelPair;
  readonly process?: {
    getBuiltinModule?(name: string): { readonly parentPort?: NodePort | null } | undefined;
  };
}

const surroundings = globalThis as unknown as Surroundings;

/** The port of a thread of Node, or else of a Web Worker. */
export function findPort(): Port {
  const nodePort = surroundings.process?.getBuiltinModule?.('node:worker_threads')?.parentPort;
  if (nodePort) {
    return {
      post: (message, transfer) => nodePort.postMessage(message, transfer),
      listen: (receive) => nodePort.on('message', (message) => receive(message as ToWorker)),
    };
  }
  const scope = globalThis as unknown as WebWorkerScope;
  return {
    post: (message, transfer) => scope.postMessage(message, transfer),
    listen: (receive) => {
      scope.onmessage = ({ data }) => receive(data as ToWorker);
    },
  };
}

/** A timer of zero is held back for milliseconds by browsers; a message to oneself is not. */
export function makeClock(): Clock {
  const soon = surroundings.setImmediate ?? deferByMessage();
  return {
    now: () => surroundings.performance.now(),
    defer: (callback, delayMs = 0) => {
      if (delayMs <= 0) soon(callback);
      else surroundings.setTimeout(callback, delayMs);
    },
  };
}

function deferByMessage(): (callback: () => void) => void {
  const { port1, port2 } = new surroundings.MessageChannel();
  const waiting: (() => void)[] = [];
  port1.onmessage = () => waiting.shift()?.();
  return (callback) => {
    waiting.push(callback);
    port2.postMessage(undefined);
  };
}
