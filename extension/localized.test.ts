import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { localized, translateWith } from './localized.ts';
import { localizableManifest } from './manifest.ts';

const root = new URL('../', import.meta.url);
const readTexts = (path: string) => JSON.parse(readFileSync(new URL(path, root), 'utf8')) as Record<string, string>;

/** What a translation must hold as it stands: code, commands behind links, places for values. */
const fixedParts = (text = '') => (text.match(/`[^`]+`|\]\(command:[^)]+\)|\{\d\}/g) ?? []).sort();

/** The literals that the sources give to `localized`. */
function textsOfSources(): ReadonlySet<string> {
  const folders = ['extension/', 'extension/node/', 'extension/browser/'];
  const files = folders.flatMap((folder) =>
    readdirSync(new URL(folder, root))
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name !== 'localized.ts')
      .map((name) => readFileSync(new URL(folder + name, root), 'utf8')),
  );
  const calls = files.flatMap((text) => [...text.matchAll(/\blocalized\(\s*(?:'([^'\n]*)'|"([^"\n]*)"|(.))/g)]);
  return new Set(
    calls.map(([call, single, double]) => {
      const text = single ?? double;
      if (text === undefined) throw new Error(`${call}…: the text must be a literal`);
      return text;
    }),
  );
}

describe('the manifest in other languages', () => {
  it('is current in English (npm run generate writes it)', () => {
    expect(readTexts('package.nls.json')).toEqual(localizableManifest().texts);
  });

  it('has every text in German, and none beside', () => {
    const [english, german] = [readTexts('package.nls.json'), readTexts('package.nls.de.json')];
    expect(Object.keys(german).sort()).toEqual(Object.keys(english).sort());
    for (const [key, text] of Object.entries(german)) expect(fixedParts(text), key).toEqual(fixedParts(english[key]));
  });
});

describe('texts of the running extension', () => {
  it('are all there in German, and none beside', () => {
    const german = readTexts('extension/l10n/bundle.l10n.de.json');
    expect(Object.keys(german).sort()).toEqual([...textsOfSources()].sort());
    for (const [text, translation] of Object.entries(german)) expect(fixedParts(translation)).toEqual(fixedParts(text));
  });

  it('are English until a translator is set, with their values filled in', () => {
    expect(localized('{0} was not written: {1}', 'a.png', 'full')).toBe('a.png was not written: full');
    translateWith((text, ...values) => `${text}|${values.join()}`);
    try {
      expect(localized('Ended')).toBe('Ended|');
    } finally {
      translateWith();
    }
  });
});
