/** All instruction rows, and the opcode maps that the decoder walks (SDM vol. 2D appendix A). */
import type { InstructionRow } from './instruction-row.ts';
import { arithmeticRows } from './rows/arithmetic.ts';
import { bitRows } from './rows/bits.ts';
import { controlRows } from './rows/control.ts';
import { dataTransferRows } from './rows/data-transfer.ts';
import { decimalRows } from './rows/decimal.ts';
import { shiftRows } from './rows/shifts.ts';
import { stackRows } from './rows/stack.ts';
import { stringRows } from './rows/strings.ts';
import { systemRows } from './rows/system.ts';

export const instructionRows: readonly InstructionRow[] = [
  ...arithmeticRows,
  ...bitRows,
  ...controlRows,
  ...dataTransferRows,
  ...decimalRows,
  ...shiftRows,
  ...stackRows,
  ...stringRows,
  ...systemRows,
];

/** What an opcode leads to: a row, or eight rows chosen by the reg field of ModR/M. Values are indices of rows. */
export type OpcodeEntry = number | readonly (number | undefined)[] | undefined;

/** Places 0–255: one-byte opcodes; 256–511: those after 0Fh. The first map is that of 16- and 32-bit code. */
export const opcodeMap: readonly OpcodeEntry[] = buildMap('o64');
export const opcodeMapOf64BitMode: readonly OpcodeEntry[] = buildMap('i64');

function buildMap(withoutMode: InstructionRow['mode']): OpcodeEntry[] {
  const map: (number | (number | undefined)[] | undefined)[] = new Array(512).fill(undefined);
  instructionRows.forEach((row, index) => {
    if (row.mode === withoutMode) return;
    const { place, extension, count } = parseOpcode(row.opcode);
    if (extension !== undefined) {
      const group = (map[place] as (number | undefined)[] | undefined) ?? new Array(8).fill(undefined);
      requireFree(group[extension], row);
      group[extension] = index;
      map[place] = group;
      return;
    }
    for (let n = 0; n < count; n++) {
      // NOP's row stands behind XCHG's and takes 90h from it.
      if (row.name !== 'NOP') requireFree(map[place + n], row);
      map[place + n] = index;
    }
  });
  return map;
}

function requireFree(taken: unknown, row: InstructionRow): void {
  if (taken !== undefined) throw new Error(`opcode ${row.opcode} is in two rows`);
}

/** `40+r` → place 40h, 8 places; `0F BA /4` → place 1BAh, extension 4. */
function parseOpcode(opcode: string): { place: number; extension: number | undefined; count: number } {
  const match = /^(0F )?([0-9A-F]{2})(?: \/([0-7]))?(\+r)?$/.exec(opcode);
  if (!match) throw new Error(`opcode ${opcode} is not in the manual's notation`);
  const place = (match[1] ? 256 : 0) + Number.parseInt(match[2] as string, 16);
  return { place, extension: match[3] === undefined ? undefined : Number(match[3]), count: match[4] ? 8 : 1 };
}
