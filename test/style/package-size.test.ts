/** The budget of what ships: the package, and each bundle in it. Needs `npm run package` first, as `npm test` does. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packagePath } from '../../scripts/package.ts';
import { repositoryRoot } from '../../scripts/run-command.ts';

/** Sizes in KiB: what a file may have. Raise one only together with the reason, in the commit that needs it. */
const BUDGET_KIB: Readonly<Record<string, number>> = {
  'x86-vm-debugger.vsix': 2600,
  'extension.cjs': 140,
  'extension-web.cjs': 140,
  'extension-web.cjs.js': 140,
  'worker.js': 3900,
  'webviews/screen.js': 60,
  'webviews/speaker-worklet.js': 10,
  'webviews/memory.js': 60,
  'webviews/page-tables.js': 220,
  'webviews/branches.js': 150,
  'webviews/compiled-code.js': 200,
  // monaco-editor.
  'webviews/code-editor.js': 3000,
  'webviews/code-editor.css': 160,
};

describe.skipIf(!existsSync(packagePath))('the size of what ships (skipped: run `npm run package` first)', () => {
  it.each(Object.entries(BUDGET_KIB))('%s has at most %i KiB', (file, sizeMaxKib) => {
    expect(statSync(join(repositoryRoot, 'dist', file)).size / 1024).toBeLessThanOrEqual(sizeMaxKib);
  });
});
