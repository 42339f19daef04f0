/**
 * `stackTrace`: the processor's frame and its callers; names say what a frame handles, and which are guesses. No frame is
 * presented as `subtle`: VS Code would fold it away, and would show nothing at all for a pause inside the BIOS.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { formatFar } from '../../expressions/format.ts';
import { frameIdOf, requireThread } from '../cpu-ids.ts';
import type { Debuggee } from '../debuggee.ts';
import type { Guest } from '../guest.ts';
import { localized } from '../../protocol/localized.ts';
import { linearReference } from '../places.ts';
import { lineOf } from '../source-lines.ts';
import { type Frame, stackFrames } from '../stack-frames.ts';
import type { HandlerOf } from './request-handler.ts';

export const stackTrace: HandlerOf<'stackTrace'> = {
  capabilities: { supportsDelayedStackTraceLoading: true },
  handle(debuggee, { threadId, startFrame = 0, levels = 0, format }) {
    const guest = requireThread(debuggee.guest, threadId);
    const first = Math.max(0, startFrame);
    const { frames, total } = stackFrames(guest, first, levels > 0 ? levels : undefined);
    return {
      stackFrames: frames.map((frame, index) =>
        describeFrame(debuggee, { guest, frame, id: frameIdOf(guest, first + index) }, format),
      ),
      totalFrames: total,
    };
  },
};

function describeFrame(
  debuggee: Debuggee,
  { guest, frame, id }: { readonly guest: Guest; readonly frame: Frame; readonly id: number },
  format: DebugProtocol.StackFrameFormat = {},
): DebugProtocol.StackFrame {
  const { address, lineAddress, selector, offset, codeSize, origin, handles } = frame;
  const symbol = guest.describeSymbol(address);
  const place = formatFar(selector, offset, codeSize);
  const routine = symbol === undefined ? place : `${symbol} (${place})`;
  const at = lineOf(debuggee, guest, lineAddress);
  const file = format.module === true && at.source?.name !== undefined ? `${at.source.name}!` : '';
  const line = format.line === true && at.line !== undefined ? ` line ${at.line}` : '';
  const handler = handles === undefined ? '' : `${handles}: `;
  const name = handler + file + routine;
  return {
    id,
    name: withDoubt(name, origin) + line,
    line: 0,
    column: 0,
    ...at,
    instructionPointerReference: linearReference(guest, address),
  };
}

/** A name says if the frame is not simply what was called. */
function withDoubt(name: string, origin: Frame['origin']): string {
  if (origin === 'guessed') return localized('{0}, probably', name);
  return origin === 'changed' ? localized('{0}, return address changed', name) : name;
}
