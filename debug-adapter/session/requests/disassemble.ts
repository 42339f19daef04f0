/**
 * `disassemble`: exactly as many instructions as asked for, in the width that listings say, else in that of the current code
 * segment. Addresses are linear, as clients need them to be numbers; `symbol` carries seg:off and the label.
 */
import { localized } from '../../protocol/localized.ts';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ListedInstruction } from '../../disassembly/disassemble.ts';
import { formatHex } from '../../expressions/format.ts';
import { memoryOf } from '../cpu-ids.ts';
import type { Debuggee } from '../debuggee.ts';
import type { Guest } from '../guest.ts';
import { instructionText, listInstructions, placeText } from '../code-listing.ts';
import { exactPlace, formatReference, type MemoryPlace, placeOf } from '../places.ts';
import { lineOf } from '../source-lines.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

/** Instructions in one answer, and how far from the address it may begin. */
const COUNT_MAX = 20_000;

export const disassembleRequest: HandlerOf<'disassemble'> = {
  capabilities: { supportsDisassembleRequest: true },
  handle(debuggee, { memoryReference, offset = 0, instructionOffset = 0, instructionCount, resolveSymbols = true }) {
    if (!(instructionCount >= 0 && instructionCount <= COUNT_MAX && Math.abs(instructionOffset) <= COUNT_MAX)) {
      throw new UserError('bad-argument', localized('at most {0} instructions can be listed at once', COUNT_MAX));
    }
    const { guest, text } = memoryOf(debuggee.guest, memoryReference);
    const place = placeOf(guest, text, offset);
    const { address } = exactPlace(place);
    const listed = listInstructions(guest, { ...place, address }, instructionOffset, instructionCount);
    return { instructions: listed.map((line) => describeLine(debuggee, { ...place, guest }, line, resolveSymbols)) };
  },
};

function describeLine(
  debuggee: Debuggee,
  { guest, space, isUpper = false }: MemoryPlace & { readonly guest: Guest },
  { address, bytes, instruction, codeSize }: ListedInstruction,
  resolveSymbols: boolean,
): DebugProtocol.DisassembledInstruction {
  const shown = formatReference({ space, address, isUpper }, guest.addressWidth);
  if (!instruction) return { address: shown, instruction: '??', presentationHint: 'invalid' };
  const isLinear = space === 'linear';
  const { source, line } = isLinear ? exactLine(debuggee, guest, address) : {};
  return {
    address: shown,
    instructionBytes: [...bytes].map((byte) => formatHex(byte, 8).slice(2)).join(' '),
    instruction: resolveSymbols && isLinear ? instructionText(guest, instruction, codeSize) : instruction.text,
    ...(resolveSymbols && isLinear ? { symbol: placeText(guest, address) } : {}),
    ...(source && line !== undefined ? { location: source, line } : {}),
  };
}

function exactLine(debuggee: Debuggee, guest: Guest, address: number): ReturnType<typeof lineOf> {
  return guest.symbols.lineAt(address)?.exact ? lineOf(debuggee, guest, address) : {};
}
