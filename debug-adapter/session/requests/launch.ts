/** `launch`: boots a guest. The `initialized` event follows once its symbols are there to verify breakpoints with. */
import type { HandlerOf } from './request-handler.ts';

export const launch: HandlerOf<'launch'> = {
  async handle(debuggee, given) {
    await debuggee.launch(given);
    return undefined;
  },
};
