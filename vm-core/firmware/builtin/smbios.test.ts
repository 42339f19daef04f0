import { describe, expect, it } from 'vitest';
import { createBuiltinBios } from './builtin-bios.ts';
import { ROM_BASE, SMBIOS_ENTRY } from './rom.ts';

const MIB = 1024 * 1024;

/** One structure as a program reads it: header, formatted part, strings. */
interface Structure {
  readonly type: number;
  readonly handle: number;
  readonly view: DataView;
  readonly strings: readonly string[];
}

function structuresOf(memorySize: number): { readonly rom: Uint8Array; readonly structures: readonly Structure[] } {
  const { rom } = createBuiltinBios({ machine: { memorySize, cpuModel: '386' } });
  const entry = new DataView(rom.buffer, SMBIOS_ENTRY, 0x1f);
  let at = entry.getUint32(0x18, true) - ROM_BASE;
  const end = at + entry.getUint16(0x16, true);
  const structures: Structure[] = [];
  while (at < end) {
    const length = rom[at + 1] as number;
    const view = new DataView(rom.buffer, at, length);
    let textEnd = at + length;
    while (rom[textEnd] !== 0 || rom[textEnd + 1] !== 0) textEnd++;
    const text = String.fromCharCode(...rom.subarray(at + length, textEnd));
    structures.push({ type: rom[at] as number, handle: view.getUint16(2, true), view, strings: text.split('\0') });
    at = textEnd + 2;
  }
  expect(at).toBe(end);
  expect(structures).toHaveLength(entry.getUint16(0x1c, true));
  return { rom, structures };
}

const ofType = (memorySize: number, type: number): Structure => {
  const found = structuresOf(memorySize).structures.find((structure) => structure.type === type);
  if (!found) throw new Error(`no structure of type ${type}`);
  return found;
};

describe('the SMBIOS', () => {
  it('is found by its anchor on a paragraph, with both sums zero', () => {
    const { rom } = structuresOf(16 * MIB);
    const text = (from: number, length: number): string =>
      String.fromCharCode(...rom.subarray(SMBIOS_ENTRY + from, SMBIOS_ENTRY + from + length));
    expect([SMBIOS_ENTRY % 16, text(0, 4), text(0x10, 5)]).toEqual([0, '_SM_', '_DMI_']);
    const sum = (from: number): number =>
      rom.subarray(SMBIOS_ENTRY + from, SMBIOS_ENTRY + 0x1f).reduce((total, value) => (total + value) & 0xff, 0);
    expect([sum(0), sum(0x10)]).toEqual([0, 0]);
    expect([rom[SMBIOS_ENTRY + 6], rom[SMBIOS_ENTRY + 7], rom[SMBIOS_ENTRY + 0x1e]]).toEqual([2, 8, 0x28]);
  });

  it('has the structures that every machine must have, with the lengths of version 2.8', () => {
    const { rom, structures } = structuresOf(16 * MIB);
    expect(structures.map(({ type, view }) => [type, view.byteLength])).toEqual([
      [0, 0x18],
      [1, 0x1b],
      [3, 0x16],
      [4, 0x2a],
      [16, 0x17],
      [17, 0x28],
      [19, 0x1f],
      [32, 0x0b],
      [127, 0x04],
    ]);
    expect(new Set(structures.map(({ handle }) => handle)).size).toBe(structures.length);
    const sizes = structures.map(({ view, strings }) => view.byteLength + strings.join('\0').length + 2);
    expect(new DataView(rom.buffer, SMBIOS_ENTRY).getUint16(8, true)).toBe(Math.max(...sizes));
  });

  it('names BIOS and processor', () => {
    expect(ofType(16 * MIB, 0).strings).toEqual([
      'x86 VM Debugger',
      '1.0',
      expect.stringMatching(/^\d\d\/\d\d\/\d{4}$/),
    ]);
    expect(ofType(16 * MIB, 4).strings).toContain('386');
    expect(ofType(16 * MIB, 4).view.getUint8(6)).toBe(5);
  });

  it.each([
    [1 * MIB, 1],
    [16 * MIB, 16],
    [2048 * MIB, 2048],
    [MIB + 0x10000, 0x8000 | 1088],
    [64 * MIB + 0x10000, 64],
  ])('tells %i bytes of memory', (memorySize, size) => {
    expect(ofType(memorySize, 17).view.getUint16(0x0c, true)).toBe(size);
    expect(ofType(memorySize, 16).view.getUint32(7, true)).toBe(memorySize / 1024);
    expect(ofType(memorySize, 19).view.getUint32(8, true)).toBe(memorySize / 1024 - 1);
  });
});
