import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { localized, translateBy, translateWith } from '../debug-adapter/protocol/localized.ts';
import { localizableManifest } from './manifest.ts';

const root = new URL('../', import.meta.url);
const readTexts = (path: string) => JSON.parse(readFileSync(new URL(path, root), 'utf8')) as Record<string, string>;

/** What a translation must hold as it stands: code, commands behind links, places for values. */
const fixedParts = (text = '') => (text.match(/`[^`]+`|\]\(command:[^)]+\)|\{\d\}/g) ?? []).sort();

/** The literals that the sources give to `localized` and `marked`. */
function textsOfSources(): ReadonlySet<string> {
  const files = ['extension/', 'webviews/', 'debug-adapter/session/', 'debug-adapter/expressions/'].flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
      .map((name) => readFileSync(new URL(folder + name, root), 'utf8')),
  );
  const calls = files.flatMap((text) => [
    ...text.matchAll(/\b(?:localized|marked)\(\s*(?:'([^'\n]*)'|"([^"\n]*)"|(.))/g),
  ]);
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

describe('texts of the running extension, its sessions and its views', () => {
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

  it('come from a table, with its gaps in English', () => {
    translateBy({ 'Found {0}.': '{0} gefunden.', toString: 1 });
    try {
      expect([localized('Found {0}.', 3), localized('Other {0}', 4), localized('toString')]).toEqual([
        '3 gefunden.',
        'Other 4',
        'toString',
      ]);
    } finally {
      translateWith();
    }
  });
});
