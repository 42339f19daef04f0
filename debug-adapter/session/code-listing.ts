/** Instructions of the guest around a place, with the names that a listing gives to addresses. */
import { disassemble, type ListedInstruction } from '../disassembly/disassemble.ts';
import type { Guest } from './guest.ts';
import { type MemoryPlace, type Place, readPlace } from './places.ts';

/** `count` instructions, the first being number `offset` counted from the one at the place. */
export function listInstructions(
  guest: Guest,
  { space, address, isUpper = address < 0 }: Place & Pick<MemoryPlace, 'isUpper'>,
  offset: number,
  count: number,
): readonly ListedInstruction[] {
  const source = {
    codeSize: guest.vcpu.codeSize,
    read: (at: number, length: number) => readPlace(guest, { space, address: at, isUpper }, length),
    offsetOf: (at: number) => guest.codeOffset(at - guest.codeBase),
    knownStarts: (start: number, end: number) => (space === 'linear' ? knownStarts(guest, start, end) : []),
  };
  return disassemble(source, address, offset, count);
}

/** Lines of listings, labels and the next instruction are where instructions begin, whatever the bytes before say. */
function knownStarts({ symbols, vcpu }: Guest, start: number, end: number): readonly number[] {
  const next = vcpu.linearEip;
  const lines = symbols.lineBoundaries(start, end);
  if (next < start || next >= end || lines.includes(next)) return lines;
  return [...lines, next].sort((left, right) => left - right);
}

/** The text of an instruction; a branch target with a label is named behind it. */
export function instructionText(guest: Guest, { text, target }: NonNullable<ListedInstruction['instruction']>): string {
  const symbol = target === undefined ? undefined : guest.describeSymbol(guest.codeAddress(target));
  return symbol === undefined ? text : `${text}  ; ${symbol}`;
}

/** `0000:7C00 start`. */
export function placeText(guest: Guest, linearAddress: number): string {
  const place = guest.describeAddress(linearAddress);
  const symbol = guest.describeSymbol(linearAddress);
  return symbol === undefined ? place : `${place} ${symbol}`;
}
