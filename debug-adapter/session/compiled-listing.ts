/** A region of compiled code as two texts side by side: the guest's instructions, and the WebAssembly that was made of them. */
import type { CompiledBlock, CompiledRegion } from '../../vm-core/index.ts';
import { decodeInstruction } from '../disassembly/decode-instruction.ts';
import { formatHex } from '../expressions/format.ts';
import type { CodeLine } from '../protocol/compiled-code.ts';
import type { Guest } from './guest.ts';
import { sourceOf } from './source-lines.ts';

/** Instructions of more bytes push their texts aside. */
const BYTES_SHOWN = 6;
const PAGE_SIZE = 0x1000;

/** The guest's instructions in the order of their addresses; what lies between blocks is left out. */
export function guestLines(guest: Guest, region: CompiledRegion): readonly CodeLine[] {
  const blocks = region.blocks.toSorted((left, right) => Number(left.linearAddress) - Number(right.linearAddress));
  const lines: CodeLine[] = [];
  // Blocks may begin in the middle of others.
  const listed = new Set<number>();
  let end = Number(blocks[0]?.linearAddress);
  for (const block of blocks) {
    const start = Number(block.linearAddress);
    if (start > end) lines.push({ text: '…' });
    lines.push(...blockLines(guest, region, block, listed));
    end = Math.max(end, start + block.length);
  }
  return lines;
}

function blockLines(
  guest: Guest,
  region: CompiledRegion,
  { linearAddress, physicalAddress, length: size }: CompiledBlock,
  listed: Set<number>,
): readonly CodeLine[] {
  const isOnOnePage = (physicalAddress % PAGE_SIZE) + size <= PAGE_SIZE;
  // Of the page behind only the processor knows where it is.
  const bytes = isOnOnePage ? guest.machine.memory.read(physicalAddress, size) : guest.readLinear(linearAddress, size);
  const lines: CodeLine[] = [];
  for (let at = 0; at < bytes.length; ) {
    const address = Number(linearAddress) + at;
    // Targets are told as linear addresses, as those of instructions are.
    const { length, text, target } = decodeInstruction(bytes, at, region.codeSize, address, guest.isAmd);
    if (!listed.has(address)) {
      const label = guest.symbols.nearestLabel(address);
      if (label?.offset === 0) lines.push({ text: `${label.name}:` });
      const symbol = target === undefined ? undefined : guest.describeSymbol(target);
      const notes = [...(symbol === undefined ? [] : [symbol]), ...lineOf(guest, address)];
      lines.push({ text: instructionLine(region, address, bytes.subarray(at, at + length), text, notes), address });
    }
    listed.add(address);
    at += length;
  }
  return lines;
}

function instructionLine(
  { codeSize }: CompiledRegion,
  address: number,
  bytes: Uint8Array,
  text: string,
  notes: readonly string[],
): string {
  const shown = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const place = formatHex(address, codeSize === 64 ? 64 : 32);
  const code = `${place}  ${shown.padEnd(BYTES_SHOWN * 3)} ${text}`;
  return notes.length === 0 ? code : `${code}  ; ${notes.join(', ')}`;
}

function lineOf(guest: Guest, address: number): readonly string[] {
  const place = guest.symbols.lineAt(address);
  return place ? [`${sourceOf(place.file).name}:${place.line}`] : [];
}

/** The WebAssembly, one instruction a line. */
export function generatedLines(region: CompiledRegion): readonly CodeLine[] {
  return region.code().map(({ text, linearAddress }) => ({
    text,
    ...(linearAddress === undefined ? {} : { address: Number(linearAddress) }),
  }));
}
