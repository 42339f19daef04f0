/** `threads`: the virtual processors, with their mode and privilege level in their name. */
import { threadIdOf } from '../cpu-ids.ts';
import { threadName } from '../thread-name.ts';
import type { HandlerOf } from './request-handler.ts';

export const threads: HandlerOf<'threads'> = {
  handle(debuggee) {
    // Clients that ask before there is a machine want one thread.
    if (!debuggee.isBooted) return { threads: [{ id: 1, name: 'CPU 0' }] };
    return {
      threads: debuggee.guest.cpus.map((guest) => ({
        id: threadIdOf(guest),
        name: threadName(guest, debuggee.running),
      })),
    };
  },
};
