/** `npm run package`: puts the built bundles into `dist/x86-vm-debugger.vsix` and says how large it is. */
import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { mustRun, repositoryRoot } from './run-command.ts';
import { thirdPartyNotices } from './third-party-notices.ts';

/** Where the package is written; tests and `npm start` install it from here. */
export const packagePath = join(repositoryRoot, 'dist', 'x86-vm-debugger.vsix');

/** Writes the package from what `npm run build` left in `dist/`. */
export async function packageExtension(): Promise<void> {
  const worker = join(repositoryRoot, 'dist', 'worker.js');
  if (!existsSync(worker)) throw new Error('dist/ holds no bundles; run `npm run build` first');
  await writeFile(join(repositoryRoot, 'dist', 'third-party-notices.txt'), await thirdPartyNotices(repositoryRoot));
  const vsce = join(repositoryRoot, 'node_modules', '@vscode', 'vsce', 'vsce');
  await mustRun(process.execPath, [
    vsce,
    'package',
    // Everything that runs is in the bundles.
    '--no-dependencies',
    '--allow-missing-repository',
    '--no-rewrite-relative-links',
    '--out',
    packagePath,
  ]);
}

if (import.meta.main) {
  await packageExtension();
  const { size } = await stat(packagePath);
  console.log(`${relative(repositoryRoot, packagePath)}: ${(size / 1024).toFixed(0)} KiB`);
}
