/** Generated files are what their generators make; `UPDATE=1` or `npm run generate` rewrites the documents. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generatedPages } from '../../scripts/generate-docs.ts';
import { repositoryRoot } from '../../scripts/run-command.ts';

describe('generated pages are current', () => {
  it.each([...generatedPages()])('%s', (path, text) => {
    const file = join(repositoryRoot, path);
    if (process.env['UPDATE'] === '1') {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});
