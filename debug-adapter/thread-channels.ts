/** Channels between threads, of Node and of a browser. This layer knows neither Node nor the DOM, so what is used is described here. */
import type { ThreadChannel } from '../vm-core/index.ts';

/** A thread of Node as its maker sees it, or the port to its maker. */
export interface NodeEnd {
  postMessage(message: unknown, transfer: readonly ArrayBufferLike[]): void;
  on(event: 'message' | 'error' | 'exit', listener: (message: unknown) => void): void;
}

/** A Web Worker as its maker sees it, or the scope of one. */
export interface WebEnd {
  postMessage(message: unknown, transfer: readonly ArrayBufferLike[]): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: (() => void) | null;
}

export function channelOfNode(end: NodeEnd): ThreadChannel {
  return {
    post: (message, transfer) => end.postMessage(message, transfer),
    listen: (receive) => end.on('message', receive),
  };
}

export function channelOfWeb(end: WebEnd): ThreadChannel {
  return {
    post: (message, transfer) => end.postMessage(message, transfer),
    listen: (receive) => {
      end.onmessage = ({ data }) => receive(data);
    },
  };
}
