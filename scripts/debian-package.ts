/** Files of Debian packages, for tests that boot what Debian ships and for the bench: fetched once, unpacked, never installed. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './run-command.ts';

const CACHE: string = join(repositoryRoot, 'node_modules', '.cache', 'debian');
/** Lists of packages for other architectures than this computer's; the system's own are left as they are. */
const FOREIGN_LISTS = join(CACHE, 'lists');
const FOREIGN_OPTIONS = ['-o', 'APT::Architectures::=i386', '-o', `Dir::State::Lists=${FOREIGN_LISTS}`];

/**
 * Path of a file of a package; `busybox-static:i386` is a package of another architecture. Undefined where there is no
 * Debian, no network, or no such package.
 */
export function debianFile(packageName: string, file: string): string | undefined {
  const folder = folderOf(packageName);
  const path = join(folder, file);
  if (!existsSync(path)) fetchPackage(packageName, folder);
  return existsSync(path) ? path : undefined;
}

/** Path of the kernel that a package stands for: `linux-image-686:i386` depends on that of the present version. */
export function debianKernel(packageName: string): string | undefined {
  const [name, architecture] = packageName.split(':');
  const folder = folderOf(packageName);
  if (archiveIn(folder) === undefined) fetchPackage(packageName, folder);
  const archive = archiveIn(folder);
  if (archive === undefined) return undefined;
  const depends = execFileSync('dpkg-deb', ['-f', archive, 'Depends'], { cwd: folder, encoding: 'utf8' });
  const present = /linux-image-[^ ,]+/.exec(depends)?.[0];
  if (present === undefined) throw new Error(`${name} depends on no kernel: ${depends}`);
  const kernel = `boot/vmlinuz-${present.slice('linux-image-'.length)}`;
  return debianFile(architecture === undefined ? present : `${present}:${architecture}`, kernel);
}

const folderOf = (packageName: string) => join(CACHE, packageName.replace(':', '-'));

function archiveIn(folder: string): string | undefined {
  return existsSync(folder) ? readdirSync(folder).find((name) => name.endsWith('.deb')) : undefined;
}

function fetchPackage(packageName: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  const isForeign = packageName.includes(':');
  if (isForeign) mkdirSync(join(FOREIGN_LISTS, 'partial'), { recursive: true });
  const apt = (...words: readonly string[]) =>
    execFileSync('apt-get', ['-q', ...(isForeign ? FOREIGN_OPTIONS : []), ...words], {
      ...{ cwd: folder, stdio: 'ignore', timeout: 120_000 },
    });
  try {
    try {
      apt('download', packageName);
    } catch {
      // A new machine has no list of packages yet. A list of updates that does not come does no harm.
      try {
        apt('update');
      } catch {}
      apt('download', packageName);
    }
    const archive = archiveIn(folder);
    if (archive !== undefined) execFileSync('dpkg-deb', ['-x', archive, '.'], { cwd: folder, stdio: 'ignore' });
    // A kernel's modules take hundreds of megabytes.
    rmSync(join(folder, 'lib', 'modules'), { recursive: true, force: true });
  } catch {
    // Who asked finds the file missing and skips by name.
  }
}
