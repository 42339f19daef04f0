/** `threads`: the virtual processors, with their mode in their name. */
import { THREAD_ID } from '../debuggee.ts';
import type { Guest } from '../guest.ts';
import type { HandlerOf } from './request-handler.ts';

export const threads: HandlerOf<'threads'> = {
  handle(debuggee) {
    return { threads: [{ id: THREAD_ID, name: debuggee.isBooted ? threadName(debuggee.guest) : 'vCPU 0' }] };
  },
};

/** `vCPU 0 (real mode, 16-bit)`. */
function threadName({ vcpu }: Guest): string {
  return `vCPU ${vcpu.index} (${vcpu.mode} mode, ${vcpu.codeSize}-bit)`;
}
