/** `loadedSources`: the source files that the listings name. */
import { sourceOf } from '../source-lines.ts';
import type { HandlerOf } from './request-handler.ts';

export const loadedSources: HandlerOf<'loadedSources'> = {
  capabilities: { supportsLoadedSourcesRequest: true },
  handle(debuggee) {
    return {
      sources: debuggee.isBooted ? debuggee.guest.symbols.files().map((file) => sourceOf(file, debuggee.guest)) : [],
    };
  },
};
