import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from './command-table.ts';
import { localizableManifest } from './manifest.ts';

const root = new URL('../', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Record<string, unknown>;

describe('package.json', () => {
  it('is current (node extension/node/generate-manifest.ts writes it)', () => {
    const parts = JSON.parse(JSON.stringify(localizableManifest().parts));
    expect(manifest).toMatchObject(parts);
    expect(manifest['contributes']).toEqual(parts.contributes);
  });

  it('names files that are there', () => {
    const paths = JSON.stringify(manifest).matchAll(/"(?:\.\/)?(extension\/[^"]+)"/g);
    const missing = [...paths].map((match) => match[1] ?? '').filter((path) => !existsSync(new URL(path, root)));
    expect(missing).toEqual([]);
  });

  it('names every command after the extension', () => {
    for (const [id, row] of Object.entries(COMMANDS)) {
      expect(id).toMatch(/^x86vm\./);
      expect(row.title).not.toBe('');
    }
  });
});
