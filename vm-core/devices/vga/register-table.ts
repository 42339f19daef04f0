/**
 * The indexed registers of the VGA, one row each (IBM PS/2 Video Subsystem Technical Reference, section 2). Reset values,
 * writable bits, the device view and what makes the picture change come from here. (A table: exempt from the length
 * limit.)
 */

export type RegisterBank = 'sequencer' | 'crtc' | 'graphics' | 'attribute';

export interface IndexedRegister {
  readonly bank: RegisterBank;
  readonly index: number;
  readonly name: string;
  readonly description: string;
  readonly reset: number;
  /** Bits that a guest write may change; the others read as 0. */
  readonly writable: number;
  /** Bits on which the picture depends. */
  readonly visible: number;
  /** The picture depends on them in text modes only. */
  readonly textOnly: boolean;
}

type Row = readonly [description: string, writable: number, visible: number, textOnly?: 'text'];

const sequencer: readonly Row[] = [
  ['reset: bits 0 and 1 clear stop the sequencer', 0x03, 0x03],
  ['clocking mode: 8 dots, shift loads, half dot clock, screen off', 0x3d, 0x21],
  ['map mask: planes that writes reach', 0x0f, 0x00],
  ['character map select: fonts B (bits 4, 1–0) and A (bits 5, 3–2)', 0x3f, 0x3f, 'text'],
  ['memory mode: extended memory, odd/even off, chain 4', 0x0e, 0x00],
];

const crtc: readonly Row[] = [
  ['horizontal total, in characters, less 5', 0xff, 0xff],
  ['horizontal display end, in characters, less 1', 0xff, 0xff],
  ['start horizontal blanking', 0xff, 0x00],
  ['end horizontal blanking', 0xff, 0x00],
  ['start horizontal retrace', 0xff, 0x00],
  ['end horizontal retrace', 0xff, 0x00],
  ['vertical total, in lines, less 2 (bits 7–0)', 0xff, 0xff],
  ['overflow: high bits of the vertical registers', 0xff, 0xff],
  ['preset row scan, byte panning', 0x7f, 0x7f],
  ['maximum scan line of a row, line compare bit 9, double scan', 0xff, 0xff],
  ['cursor start line, cursor off', 0x3f, 0x3f, 'text'],
  ['cursor end line, cursor skew', 0x7f, 0x7f, 'text'],
  ['start address high', 0xff, 0xff],
  ['start address low', 0xff, 0xff],
  ['cursor location high', 0xff, 0xff, 'text'],
  ['cursor location low', 0xff, 0xff, 'text'],
  ['vertical retrace start (bits 7–0)', 0xff, 0x00],
  ['vertical retrace end, interrupt control, protection of CR00–CR07', 0xff, 0x00],
  ['vertical display end, in lines, less 1 (bits 7–0)', 0xff, 0xff],
  ['offset from row to row, in words', 0xff, 0xff],
  ['underline location, count by 4, doubleword addressing', 0x7f, 0x7f],
  ['start vertical blanking', 0xff, 0x00],
  ['end vertical blanking', 0xff, 0x00],
  ['mode control: address wiring, counting, sync enable', 0xef, 0xef],
  ['line compare (bits 7–0): below this line the address starts over', 0xff, 0xff],
];

const graphics: readonly Row[] = [
  ['set/reset: the bit for each plane', 0x0f, 0x00],
  ['enable set/reset, by plane', 0x0f, 0x00],
  ['colour compare, by plane', 0x0f, 0x00],
  ['data rotate and function (0 copy, 1 AND, 2 OR, 3 XOR with the latches)', 0x1f, 0x00],
  ['read map select', 0x03, 0x00],
  ['graphics mode: write mode, read mode, odd/even, shift register', 0x7b, 0x60],
  ['miscellaneous: graphics, chain odd/even, memory map', 0x0f, 0x01],
  ["colour don't care, by plane", 0x0f, 0x00],
  ['bit mask', 0xff, 0x00],
];

const attribute: readonly Row[] = [
  ...Array.from({ length: 16 }, (_, color): Row => [`palette: DAC index of colour ${color}`, 0x3f, 0x3f]),
  ['attribute mode control', 0xef, 0xef],
  ['overscan colour', 0xff, 0xff],
  ['colour plane enable', 0x3f, 0x0f],
  ['horizontal pixel panning', 0x0f, 0x0f],
  ['colour select: upper bits of the DAC index', 0x0f, 0x0f],
];

const banks: Readonly<Record<RegisterBank, { readonly prefix: string; readonly rows: readonly Row[] }>> = {
  sequencer: { prefix: 'SR', rows: sequencer },
  crtc: { prefix: 'CR', rows: crtc },
  graphics: { prefix: 'GR', rows: graphics },
  attribute: { prefix: 'AR', rows: attribute },
};

const hex2 = (value: number): string => value.toString(16).toUpperCase().padStart(2, '0');

function rowsOf(bank: RegisterBank): readonly IndexedRegister[] {
  return banks[bank].rows.map(([description, writable, visible, text], index) => ({
    bank,
    index,
    name: `${banks[bank].prefix}${hex2(index)}`,
    description,
    reset: 0,
    writable,
    visible,
    textOnly: text === 'text',
  }));
}

const table: Readonly<Record<RegisterBank, readonly IndexedRegister[]>> = {
  sequencer: rowsOf('sequencer'),
  crtc: rowsOf('crtc'),
  graphics: rowsOf('graphics'),
  attribute: rowsOf('attribute'),
};

/** The registers of a bank, in the order of their indices. */
export function registersOf(bank: RegisterBank): readonly IndexedRegister[] {
  return table[bank];
}
