import { describe, expect, it } from 'vitest';
import { BYTE_CHANGED, BYTE_DIFFERS, BYTE_MAPPED } from '../../debug-adapter/protocol/memory.ts';
import { fitColumns, type GroupSize, makeRow } from './cells.ts';
import { describePlace, initialModel, isMemoryUpdate, type MemoryModel, withUpdate } from './memory-model.ts';

const widths = { linear: 32, physical: 32, shown: 32 } as const;

/** Bytes 0, 11h, 22h … at 100h; the third changed and was FFh, the last four are not mapped. */
const model: MemoryModel = withUpdate(initialModel, {
  type: 'block',
  space: 'linear',
  address: 0x100,
  bytes: Uint8Array.from({ length: 16 }, (_, index) => index * 0x11).buffer,
  marks: Uint8Array.from({ length: 16 }, (_, index) =>
    index > 11 ? 0 : BYTE_MAPPED | (index === 2 ? BYTE_CHANGED | BYTE_DIFFERS : 0),
  ).buffer,
  kept: new Uint8Array(16).fill(0xff).buffer,
  pointers: [{ name: 'SS:SP', linear: 0x105 }],
  widths,
});

function row(groupSize: GroupSize, space: 'linear' | 'physical' = 'linear', address = 0x100) {
  return makeRow(model, { space, bytesPerRow: 16, groupSize, characterSet: 'ascii' }, address);
}

describe('a row', () => {
  it('shows bytes, and values with the highest byte first', () => {
    expect(
      row(1)
        .groups.map(({ text }) => text)
        .join(' '),
    ).toBe('00 11 22 33 44 55 66 77 88 99 AA BB ·· ·· ·· ··');
    expect(
      row(4)
        .groups.map(({ text }) => text)
        .join(' '),
    ).toBe('33221100 77665544 BBAA9988 ········');
    expect(row(8).groups.map(({ text }) => text)).toEqual(['7766554433221100', '········BBAA9988']);
    expect(
      row(1)
        .characters.map(({ text }) => text)
        .join(''),
    ).toBe('.."3DUfw....····');
  });

  it('says what is known of a cell', () => {
    expect(row(1).groups[2]).toMatchObject({ classes: 'changed differs', title: 'changed, was FF' });
    expect(row(4).groups[0]).toMatchObject({ classes: 'changed differs', title: 'changed, was 33FF1100' });
    expect(row(2).groups[2]).toMatchObject({ classes: 'pointed', title: 'SS:SP' });
    expect(row(2).groups[6]).toMatchObject({ classes: 'unmapped', title: 'not mapped' });
    expect(row(1).pointers).toEqual(['SS:SP']);
  });

  it('is empty before the session has answered', () => {
    expect(row(1, 'physical').groups[0]).toMatchObject({ text: '  ', classes: '' });
    expect(row(1, 'linear', 0x200).characters[0]?.text).toBe(' ');
  });

  it('has as many columns as fit', () => {
    expect(fitColumns(91, 1)).toEqual({ bytesPerRow: 16, showPointers: true });
    expect(fitColumns(80, 1)).toEqual({ bytesPerRow: 16, showPointers: false });
    expect(fitColumns(74, 1).bytesPerRow).toBe(8);
    expect(fitColumns(63, 4)).toEqual({ bytesPerRow: 16, showPointers: false });
    expect(fitColumns(5, 1).bytesPerRow).toBe(4);
    expect(fitColumns(5, 8).bytesPerRow).toBe(8);
    expect(fitColumns(80, 1, 16).bytesPerRow).toBe(8);
    expect(fitColumns(83, 1, 16).bytesPerRow).toBe(16);
  });
});

describe('the model', () => {
  it('drops blocks whose buffers do not fit', () => {
    const update = { type: 'block', space: 'linear', address: 0, pointers: [], widths } as const;
    expect(withUpdate(model, { ...update, bytes: new ArrayBuffer(2), marks: new ArrayBuffer(1) })).toBe(model);
    const buffers = { bytes: new ArrayBuffer(2), marks: new ArrayBuffer(2), kept: new ArrayBuffer(3) };
    expect(withUpdate(model, { ...update, ...buffers })).toBe(model);
  });

  it('describes the place under the cursor', () => {
    expect(describePlace(model, 'linear', 0x102)).toBe('00000102: 8-bit 34, 16-bit 13090, 32-bit 1430532898 · was FF');
    expect(describePlace(model, 'linear', 0x10b)).toBe('0000010B: 8-bit 187 (-69)');
    expect(describePlace(model, 'linear', 0x10c)).toBe('0000010C: not mapped');
    expect(describePlace(model, 'physical', 0x10c)).toBe('p:0000010C');
  });

  it('describes a place of 64-bit mode with its whole address and quadwords', () => {
    const update = { type: 'block', space: 'linear', address: -0x8000_0000, pointers: [] } as const;
    const bytes = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0x80]).buffer;
    const marks = new Uint8Array(8).fill(BYTE_MAPPED).buffer;
    const long = withUpdate(model, { ...update, bytes, marks, widths: { linear: 48, physical: 46, shown: 64 } });
    expect(describePlace(long, 'linear', -0x8000_0000)).toBe(
      'FFFFFFFF80000000: 8-bit 0, 16-bit 0, 32-bit 0, 64-bit 9223372036854775808 (-9223372036854775808)',
    );
    expect(describePlace(long, 'linear', 0x102)).toBe('0000000000000102');
  });

  it('tells the session’s messages from others', () => {
    expect([{ type: 'block' }, { type: 'other' }, 'block', null].map(isMemoryUpdate)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});
