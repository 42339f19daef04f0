/** `modules`: the firmware, and the sources whose listings are loaded. */
import type { HandlerOf } from './request-handler.ts';

export const modules: HandlerOf<'modules'> = {
  capabilities: { supportsModulesRequest: true },
  handle(debuggee, { startModule = 0, moduleCount = 0 }) {
    const all = debuggee.isBooted ? debuggee.guest.modules : [];
    const end = moduleCount > 0 ? startModule + moduleCount : undefined;
    return { modules: all.slice(startModule, end), totalModules: all.length };
  },
};
