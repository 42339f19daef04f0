/**
 * `disassemble`: exactly as many instructions as asked for, in the width of the current code segment. Addresses are
 * linear, as clients need them to be numbers; `symbol` carries seg:off and the label.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { disassemble, type ListedInstruction } from '../../disassembly/disassemble.ts';
import { formatHex } from '../../expressions/format.ts';
import type { Debuggee } from '../debuggee.ts';
import { formatReference, parseReference, type Place, readPlace } from '../places.ts';
import { lineOf } from '../source-lines.ts';
import { UserError } from '../user-error.ts';
import type { HandlerOf } from './request-handler.ts';

/** Instructions in one answer, and how far from the address it may begin. */
const COUNT_MAX = 20_000;

export const disassembleRequest: HandlerOf<'disassemble'> = {
  capabilities: { supportsDisassembleRequest: true },
  handle(debuggee, { memoryReference, offset = 0, instructionOffset = 0, instructionCount, resolveSymbols = true }) {
    const { guest } = debuggee;
    if (!(instructionCount >= 0 && instructionCount <= COUNT_MAX && Math.abs(instructionOffset) <= COUNT_MAX)) {
      throw new UserError('bad-argument', `at most ${COUNT_MAX} instructions can be listed at once`);
    }
    const { space, address } = parseReference(memoryReference, offset);
    const source = {
      codeSize: guest.vcpu.codeSize,
      read: (at: number, length: number) => readPlace(guest, { space, address: at }, length),
      offsetOf: (at: number) => guest.codeOffset(at - guest.codeBase),
      knownStarts: (start: number, end: number) => (space === 'linear' ? knownStarts(debuggee, start, end) : []),
    };
    const listed = disassemble(source, address, instructionOffset, instructionCount);
    return { instructions: listed.map((line) => describeLine(debuggee, space, line, resolveSymbols)) };
  },
};

/** Lines of listings, labels and the next instruction are where instructions begin, whatever the bytes before say. */
function knownStarts({ guest }: Debuggee, start: number, end: number): readonly number[] {
  const { symbols, vcpu } = guest;
  const next = vcpu.linearEip;
  const lines = symbols.lineBoundaries(start, end);
  if (next < start || next >= end || lines.includes(next)) return lines;
  return [...lines, next].sort((left, right) => left - right);
}

function describeLine(
  debuggee: Debuggee,
  space: Place['space'],
  { address, bytes, instruction }: ListedInstruction,
  resolveSymbols: boolean,
): DebugProtocol.DisassembledInstruction {
  const shown = formatReference({ space, address });
  if (!instruction) return { address: shown, instruction: '??', presentationHint: 'invalid' };
  const isLinear = space === 'linear';
  const { source, line } = isLinear ? exactLine(debuggee, address) : {};
  return {
    address: shown,
    instructionBytes: [...bytes].map((byte) => formatHex(byte, 8).slice(2)).join(' '),
    instruction: resolveSymbols && isLinear ? withTarget(debuggee, instruction) : instruction.text,
    ...(resolveSymbols && isLinear ? { symbol: symbolOf(debuggee, address) } : {}),
    ...(source && line !== undefined ? { location: source, line } : {}),
  };
}

function exactLine(debuggee: Debuggee, address: number): ReturnType<typeof lineOf> {
  const { guest } = debuggee;
  return guest.symbols.lineAt(address)?.exact ? lineOf(debuggee, guest, address) : {};
}

/** A branch target with a label is named behind the instruction. */
function withTarget({ guest }: Debuggee, { text, target }: NonNullable<ListedInstruction['instruction']>): string {
  const symbol = target === undefined ? undefined : guest.describeSymbol(guest.codeAddress(target));
  return symbol === undefined ? text : `${text}  ; ${symbol}`;
}

function symbolOf({ guest }: Debuggee, address: number): string {
  const place = guest.describeAddress(address);
  const symbol = guest.describeSymbol(address);
  return symbol === undefined ? place : `${place} ${symbol}`;
}
