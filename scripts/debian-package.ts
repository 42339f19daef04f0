/** Files of Debian packages, for tests that boot what Debian ships and for the bench: fetched once, unpacked, never installed. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './run-command.ts';

const CACHE: string = join(repositoryRoot, 'node_modules', '.cache', 'debian');

/** Path of a file of a package; undefined where there is no Debian, no network, or no such package. */
export function debianFile(packageName: string, file: string): string | undefined {
  const folder = join(CACHE, packageName);
  const path = join(folder, file);
  if (!existsSync(path)) fetchPackage(packageName, folder);
  return existsSync(path) ? path : undefined;
}

function fetchPackage(packageName: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const apt = (...words: readonly string[]) =>
    execFileSync('apt-get', ['-q', ...words], { cwd: folder, stdio: 'ignore', timeout: 120_000 });
  try {
    try {
      apt('download', packageName);
    } catch {
      // A new machine has no list of packages yet.
      apt('update');
      apt('download', packageName);
    }
    const archive = readdirSync(folder).find((name) => name.endsWith('.deb'));
    if (archive !== undefined) execFileSync('dpkg-deb', ['-x', archive, '.'], { cwd: folder, stdio: 'ignore' });
  } catch {
    // Who asked finds the file missing and skips by name.
  }
}
