/**
 * Symbol tables of listings that NASM 2.16 printed. The files in `golden` come from its sources; `UPDATE=1` assembles
 * them again, where there is a NASM, and rewrites what is expected.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadSymbols, type SymbolModule } from './load-symbols.ts';
import type { SymbolTable } from './symbol-table.ts';

const golden = fileURLToPath(new URL('golden', import.meta.url));
const update = process.env['UPDATE'] === '1';
const hasNasm = tryNasm(['-v']);
const programs = ['nested', 'sections', 'relocated', 'macros', 'high'];

function tryNasm(words: string[]): boolean {
  try {
    execFileSync('nasm', words, { cwd: golden, stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function assemble(name: string, suffix: string): void {
  const files = ['-l', `${name}${suffix}.lst`, '-o', `${name}${suffix}.img`];
  expect(tryNasm(['--before', `[map all ${name}${suffix}.map]`, ...files, `${name}.asm`])).toBe(true);
}

const read = (name: string): string => readFileSync(join(golden, name), 'utf8');
const readImage = (name: string): Uint8Array => new Uint8Array(readFileSync(join(golden, name)));

function moduleOf(name: string, more: Partial<SymbolModule> = {}): SymbolModule {
  return {
    listingName: `/src/${name}.lst`,
    listing: read(`${name}.lst`),
    source: `/src/${name}.asm`,
    image: readImage(`${name}.img`),
    imageName: `/src/${name}.img`,
    ...more,
  };
}

const withMap = (name: string): Partial<SymbolModule> => ({
  listing: `${read(`${name}.lst`)}\n${read(`${name}.map`)}`,
});

const hex = (address: number): string =>
  (address < 0 ? BigInt.asUintN(64, BigInt(address)) : address).toString(16).toUpperCase().padStart(8, '0');

/** Everything a table holds, as text. */
function dump(table: SymbolTable): string {
  const lines: string[] = [];
  for (const file of table.files()) {
    lines.push(file);
    for (const line of table.linesWithCode(file, 1, Number.MAX_SAFE_INTEGER)) {
      lines.push(`  ${line}: ${table.addressesOfLine(file, line)?.addresses.map(hex).join(' ')}`);
    }
  }
  return [...lines, 'labels', ...dumpLabels(table)].join('\n');
}

const dumpLabels = (table: SymbolTable): string[] =>
  [...table.labels()].map(({ name, address }) => `  ${hex(address)} ${name}`);

describe.each(programs)('%s.asm', (name) => {
  if (update && hasNasm) assemble(name, '');

  it('gives lines and labels from the listing alone', async () => {
    const { table, warnings } = await loadSymbols([moduleOf(name)]);
    expect(warnings).toEqual([]);
    const text = `${dump(table)}\n`;
    if (update) writeFileSync(join(golden, `${name}.symbols`), text);
    expect(text).toBe(read(`${name}.symbols`));
  });

  it('gives the same from listing and map, and every label of the map', async () => {
    const { table } = await loadSymbols([moduleOf(name)]);
    const mapped = await loadSymbols([moduleOf(name, withMap(name))]);
    expect(mapped.warnings).toEqual([]);
    const all = table.lineBoundaries(-(2 ** 52), 2 ** 52);
    expect(mapped.table.lineBoundaries(-(2 ** 52), 2 ** 52)).toEqual(all);
    for (const address of all) {
      expect(mapped.table.lineAt(address)).toEqual(table.lineAt(address));
    }
    expect(dumpLabels(mapped.table)).toEqual(expect.arrayContaining(dumpLabels(table)));
  });

  it.skipIf(!hasNasm)('gives the same with the NASM at hand', async () => {
    assemble(name, '.fresh');
    const fresh = await loadSymbols([moduleOf(name, { listing: read(`${name}.fresh.lst`) })]);
    expect(fresh.warnings).toEqual([]);
    expect(`${dump(fresh.table)}\n`).toBe(read(`${name}.symbols`));
  });
});

describe('a listing', () => {
  it('has addresses of the upper half of 64-bit mode, those of the source before those it is loaded at', async () => {
    const { table } = await loadSymbols([moduleOf('high')]);
    expect(table.label('start')).toBe(-0x8000_0000 + 0x10_0000);
    expect(table.label('far_away')).toBe(-(2 ** 47) + 0x1000);
    expect(table.lineAt(-0x8000_0000 + 0x10_0000)).toEqual({ file: '/src/high.asm', line: 7, exact: true });
    expect(table.lineAt(0x7c00)).toEqual({ file: '/src/high.asm', line: 7, exact: true });
    expect(table.nearestLabel(-0x8000_0000 + 0x10_0012)).toEqual({ name: 'start.again', offset: 1 });
    expect(table.nearestLabel(1)).toBeUndefined();
    expect(table.codeSizeAt(0x7c00)).toBe(64);
    expect(table.codeSizeAt(0x1000)).toBeUndefined();
    const loaded = await loadSymbols([moduleOf('high', { loadAddress: 0x10_0000 })]);
    expect(loaded.table.addressesOfLine('/src/high.asm', 7)?.addresses).toEqual([-0x7ff0_0000, 0x10_0000]);
  });

  it('attributes macros to their call, includes to their file, repetitions to their body', async () => {
    const { table } = await loadSymbols([moduleOf('nested')]);
    // `put` on line 28: two instructions, one line.
    expect(table.lineAt(0x7c07)).toEqual({ file: '/src/nested.asm', line: 28, exact: true });
    expect(table.lineAt(0x7c0a)).toEqual({ file: '/src/nested.asm', line: 7, exact: true });
    expect(table.spanAt(0x7c07)).toMatchObject({ start: 0x7c07, end: 0x7c0c });
    expect(table.spanAt(0x7c0a)).toMatchObject({ start: 0x7c0a, end: 0x7c0c });
    expect(table.lineBoundaries(0x7c07, 0x7c0c)).toEqual([0x7c07, 0x7c0a]);
    // A macro that includes a file: the file's lines are its own.
    expect(table.lineAt(0x7c30)).toEqual({ file: '/src/nested/deep.inc', line: 3, exact: true });
    expect(table.lineAt(0x7c31)).toEqual({ file: '/src/nested.asm', line: 33, exact: true });
    // `%rep 2` with a macro in it.
    expect(table.addressesOfLine('/src/nested.asm', 36)?.addresses).toEqual([0x7c35, 0x7c3b]);
    expect(table.addressesOfLine('/src/nested.asm', 37)?.addresses).toEqual([0x7c36, 0x7c3c]);
  });

  it('slides to the next line with code, and not beyond the file', async () => {
    const { table } = await loadSymbols([moduleOf('nested')]);
    expect(table.addressesOfLine('/src/nested.asm', 1)).toEqual({ line: 24, addresses: [0x7c00] });
    expect(table.addressesOfLine('/src/nested.asm', 62)).toBeUndefined();
    expect(table.addressesOfLine('/src/unknown.asm', 1)).toBeUndefined();
  });

  it('defines labels of branches that were taken only', async () => {
    const { table } = await loadSymbols([moduleOf('nested')]);
    expect(table.label('alive')).toBe(0x7c41);
    expect(table.label('always')).toBe(0x7c42);
    for (const name of ['dead', 'gone', 'never']) expect(table.label(name)).toBeUndefined();
  });

  it('qualifies local labels and finds the nearest label', async () => {
    const { table } = await loadSymbols([moduleOf('nested')]);
    expect(table.label('start.again')).toBe(0x7c02);
    expect(table.label('FIRST')).toBe(0x7c11);
    expect(table.label('first.inside')).toBe(0x7c12);
    expect(table.nearestLabel(0x7c20)).toEqual({ name: 'text', offset: 1 });
    expect(table.nearestLabel(0x7bff)).toBeUndefined();
  });

  it('is found by path in either notation, and else by the end of the path', async () => {
    const { table } = await loadSymbols([moduleOf('nested', { source: 'C:\\project\\nested.asm' })]);
    expect(table.files()).toContain('C:\\project\\nested\\deep.inc');
    expect(table.addressesOfLine('c:/project/nested.asm', 24)?.addresses).toEqual([0x7c00]);
    expect(table.addressesOfLine('/elsewhere/nested/DEEP.INC', 1)?.addresses).toEqual([0x7c2f]);
  });

  it('looks for includes in the directories given', async () => {
    const there = new Set(['/include/print.inc', '/src/table.inc']);
    const module = moduleOf('nested', { includeDirectories: ['/include'] });
    const { table } = await loadSymbols([module], async (path) => there.has(path));
    expect(table.lineAt(0x7c1b)?.file).toBe('/include/print.inc');
    expect(table.lineAt(0x7c32)?.file).toBe('/src/table.inc');
  });
});

describe('load addresses', () => {
  it('puts sections where vstart says, the rest where the image lies', async () => {
    const { table } = await loadSymbols([moduleOf('sections')]);
    expect(table.label('stage2_start')).toBe(0x8000);
    expect(table.label('high_start')).toBe(0x10_0000);
    expect(table.label('variable')).toBe(0x600);
    expect(table.label('count')).toBe(0x7c3c);
    expect(table.label('point.x')).toBeUndefined();
  });

  it('takes the address of a section from the caller', async () => {
    const { table } = await loadSymbols([moduleOf('sections', { sectionAddresses: { high: 0x20_0000 } })]);
    expect(table.label('high_start')).toBe(0x20_0000);
  });

  it('knows code that moves itself at both places', async () => {
    const { table } = await loadSymbols([moduleOf('relocated')]);
    expect(table.addressesOfLine('/src/relocated.asm', 9)?.addresses).toEqual([0x7c10, 0x610]);
    expect(table.lineAt(0x610)?.line).toBe(10);
  });

  it('loads several modules, each at its own address', async () => {
    const second = moduleOf('relocated', { loadAddress: 0x1_0000 });
    const { table } = await loadSymbols([moduleOf('nested'), second]);
    expect(table.lineAt(0x7c00)?.file).toBe('/src/nested.asm');
    expect(table.addressesOfLine('/src/relocated.asm', 9)?.addresses).toEqual([0x1_0010]);
    expect(table.label('moved')).toBe(0x1_0010);
    expect(table.label('start')).toBe(0x7c00);
  });

  it('finds a module further inside the image, at its origin', async () => {
    const image = new Uint8Array(2048);
    image.set(readImage('relocated.img'), 1024);
    const { table, warnings } = await loadSymbols([moduleOf('relocated', { image, imageOffset: 1024 })]);
    expect(warnings).toEqual([]);
    expect(table.label('moved')).toBe(0x610);
  });

  it('keeps CS:IP out of it: an origin of 0 is an offset in the segment of the boot sector', async () => {
    const listing =
      '     1                                  org 0\n     2 00000000 F4                      start: hlt\n';
    const { table } = await loadSymbols([{ listingName: 'a.lst', listing, source: 'a.asm' }]);
    expect([...table.labels()]).toEqual([{ name: 'start', address: 0x7c00 }]);
    expect(table.addressesOfLine('a.asm', 2)?.addresses).toEqual([0x7c00]);
  });
});

describe('a listing that does not fit', () => {
  it('is left out with a warning that names listing, image and line', async () => {
    const image = readImage('nested.img');
    image[5] = 0x90;
    const { table, warnings } = await loadSymbols([moduleOf('nested', { image })]);
    expect(warnings).toEqual([
      '/src/nested.lst does not match /src/nested.img: /src/nested.asm:27 made E2 FB, but offset 5h of the image holds ' +
        '90 FB. Lines and labels of section .text are left out; assemble the source again.',
    ]);
    expect(table.files()).toEqual([]);
  });

  it('is compared only as far as the image is at hand', async () => {
    const image = readImage('nested.img').subarray(0, 4);
    expect((await loadSymbols([moduleOf('nested', { image })])).warnings).toEqual([]);
  });

  it('is no listing at all', async () => {
    for (const listing of ['', 'hello\nworld', '\0\u{1F600}'.repeat(1000)]) {
      const { warnings, table } = await loadSymbols([{ listingName: 'x.lst', listing, source: 'x.asm' }]);
      expect(warnings).toEqual(['x.lst: no NASM listing, or an empty one; make it with nasm -f bin -l FILE']);
      expect(table.lineAt(0x7c00)).toBeUndefined();
    }
  });
});

describe('a hostile listing', () => {
  const row = (line: number, text: string): string =>
    `${String(line).padStart(6)}                                  ${text}`;

  it('does not make us work for ever', async () => {
    const wide = Array.from({ length: 40 }, (_, index) =>
      row(index + 1, `%define a${index} ${`a${index + 1}+`.repeat(100)}0`),
    );
    const circle = [row(50, '%define x y'), row(51, '%define y x'), row(52, 'org x')];
    const repeated = Array.from({ length: 200 }, (_, index) => {
      return `${String(index + 60).padStart(6)} ${(index * 8).toString(16).toUpperCase().padStart(8, '0')} 0000000000000000               dq 0`;
    });
    const last = `   999 00000640 FFFF                            dw -1`;
    const listing = [...wide, row(49, 'org a0'), ...circle, ...repeated, last].join('\n');
    const image = new Uint8Array(2 ** 20);
    const { warnings } = await loadSymbols([{ listingName: 'x.lst', listing, source: 'x.asm', image }]);
    expect(warnings).toHaveLength(1);
  });

  it('has lines where an old NASM does not tell how often a statement is repeated', async () => {
    const listing = [
      '     1 00000000 90<rept>                        times 16 nop',
      '     2 00000010 F4                      end:    hlt',
    ].join('\n');
    const { table } = await loadSymbols([{ listingName: 'x.lst', listing, source: 'x.asm' }]);
    expect(table.lineAt(0x7c0f)).toEqual({ file: 'x.asm', line: 1, exact: false });
    expect(table.label('end')).toBe(0x7c10);
  });
});
