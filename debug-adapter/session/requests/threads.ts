/** `threads`: the virtual processors, with their mode in their name. */
import { THREAD_ID } from '../debuggee.ts';
import type { Guest } from '../guest.ts';
import type { HandlerOf } from './request-handler.ts';

export const threads: HandlerOf<'threads'> = {
  handle(debuggee) {
    return { threads: [{ id: THREAD_ID, name: debuggee.isBooted ? threadName(debuggee.guest) : 'vCPU 0' }] };
  },
};

/** `vCPU 0 (real mode, 16-bit)`, with `halted` while HLT waits. */
function threadName(guest: Guest): string {
  const { index, mode, codeSize } = guest.vcpu;
  const halted = guest.register('HALTED') === 0 ? '' : ', halted';
  return `vCPU ${index} (${mode} mode, ${codeSize}-bit${halted})`;
}
