/** `goto`: sets EIP or RIP; nothing is executed. */
import { localized } from '../../protocol/localized.ts';
import { findRegisterPart } from '../../expressions/register-parts.ts';
import { formatHex } from '../../expressions/format.ts';
import { requireThread } from '../cpu-ids.ts';
import { UserError } from '../user-error.ts';
import { writeRegister } from '../write-register.ts';
import type { HandlerOf } from './request-handler.ts';

export const gotoRequest: HandlerOf<'goto'> = {
  capabilities: { supportsGotoTargetsRequest: true },
  handle(debuggee, { threadId, targetId }) {
    if (debuggee.running) throw new UserError('not-stopped', localized('the guest is running; pause it first'));
    const guest = requireThread(debuggee.guest, threadId);
    const offset = targetId - guest.codeBase;
    const eip = findRegisterPart(guest.is64Bit ? 'RIP' : 'EIP');
    const isBeyond = !guest.is64Bit && (offset < 0 || offset > guest.register('CS.limit'));
    if (!eip || isBeyond) {
      throw new UserError(
        'bad-address',
        localized('{0} does not lie in the current code segment', formatHex(targetId, guest.addressWidth)),
      );
    }
    writeRegister(guest, eip, offset);
    debuggee.afterResponse(() => debuggee.movedHere(guest));
    return undefined;
  },
};
