/**
 * `stackTrace`: the processor's frame and the callers that the stack suggests, whose names say that they are guesses. No
 * frame is presented as `subtle`: VS Code would fold it away, and would show nothing at all for a pause inside the BIOS.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { formatFar } from '../../expressions/format.ts';
import type { Debuggee } from '../debuggee.ts';
import { linearReference } from '../places.ts';
import { lineOf } from '../source-lines.ts';
import { type Frame, stackFrames } from '../stack-frames.ts';
import type { HandlerOf } from './request-handler.ts';

export const stackTrace: HandlerOf<'stackTrace'> = {
  capabilities: { supportsDelayedStackTraceLoading: true },
  handle(debuggee, { startFrame = 0, levels = 0, format }) {
    const frames = stackFrames(debuggee.guest);
    const end = levels > 0 ? startFrame + levels : undefined;
    return {
      stackFrames: frames.map((frame, index) => describeFrame(debuggee, frame, index, format)).slice(startFrame, end),
      totalFrames: frames.length,
    };
  },
};

function describeFrame(
  debuggee: Debuggee,
  { address, selector, offset, guessed }: Frame,
  id: number,
  format: DebugProtocol.StackFrameFormat = {},
): DebugProtocol.StackFrame {
  const { guest } = debuggee;
  const symbol = guest.describeSymbol(address);
  const place = formatFar(selector, offset, guest.vcpu.codeSize);
  const name = symbol === undefined ? place : `${symbol} (${place})`;
  const at = lineOf(debuggee, guest, guessed ? address - 1 : address);
  const file = format.module === true && at.source?.name !== undefined ? `${at.source.name}!` : '';
  const line = format.line === true && at.line !== undefined ? ` line ${at.line}` : '';
  return {
    id,
    name: `${file}${guessed ? `${name}, probably` : name}${line}`,
    line: 0,
    column: 0,
    ...at,
    instructionPointerReference: linearReference(address),
  };
}
