/** Instructions of the guest around a place, with the names that a listing gives to addresses. */
import { disassemble, type ListedInstruction } from '../disassembly/disassemble.ts';
import type { Guest } from './guest.ts';
import { type MemoryPlace, type Place, readPlace } from './places.ts';

type CodeSize = Guest['vcpu']['codeSize'];

/** `count` instructions, the first being number `offset` counted from the one at the place. */
export function listInstructions(
  guest: Guest,
  { space, address, isUpper = address < 0 }: Place & Pick<MemoryPlace, 'isUpper'>,
  offset: number,
  count: number,
): readonly ListedInstruction[] {
  const { codeSize } = guest.vcpu;
  const isListed = space === 'linear' && isExecutedAsListed(guest);
  // Code behind a change of the mode is read as it will be executed.
  const codeSizeOf = isListed ? (at: number) => guest.symbols.codeSizeAt(at) ?? codeSize : () => codeSize;
  const source = {
    codeSizeOf,
    isAmd: guest.isAmd,
    read: (at: number, length: number) => readPlace(guest, { space, address: at, isUpper }, length),
    offsetOf: (at: number) => offsetOf(guest, at, codeSizeOf(at)),
    knownStarts: (start: number, end: number) =>
      space === 'linear'
        ? knownStarts(guest, start, end, isListed ? guest.symbols.lineBoundaries(start, end) : [])
        : [],
  };
  return disassemble(source, address, offset, count);
}

/** False if a listing says that the next instruction is code of another size than the processor will take it for. */
function isExecutedAsListed({ symbols, vcpu: { codeSize, linearEip } }: Guest): boolean {
  return (symbols.codeSizeAt(linearEip) ?? codeSize) === codeSize;
}

/** Code of another size than the current one is taken to have a flat segment. */
function offsetOf(guest: Guest, linearAddress: number, codeSize: CodeSize): number {
  if (codeSize === guest.vcpu.codeSize) return guest.codeOffset(linearAddress - guest.codeBase);
  return codeSize === 16 ? linearAddress & 0xffff : linearAddress;
}

/** Lines of listings, labels and the next instruction are where instructions begin, whatever the bytes before say. */
function knownStarts({ vcpu }: Guest, start: number, end: number, lines: readonly number[]): readonly number[] {
  const next = vcpu.linearEip;
  if (next < start || next >= end || lines.includes(next)) return lines;
  return [...lines, next].sort((left, right) => left - right);
}

/** The text of an instruction; a branch target with a label is named behind it. */
export function instructionText(
  guest: Guest,
  { text, target }: NonNullable<ListedInstruction['instruction']>,
  codeSize: CodeSize = guest.vcpu.codeSize,
): string {
  const isCurrent = codeSize === guest.vcpu.codeSize;
  const symbol =
    target === undefined ? undefined : guest.describeSymbol(isCurrent ? guest.codeAddress(target) : target);
  return symbol === undefined ? text : `${text}  ; ${symbol}`;
}

/** `0000:7C00 start`. */
export function placeText(guest: Guest, linearAddress: number): string {
  const place = guest.describeAddress(linearAddress);
  const symbol = guest.describeSymbol(linearAddress);
  return symbol === undefined ? place : `${place} ${symbol}`;
}
