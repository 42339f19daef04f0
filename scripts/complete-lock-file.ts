/**
 * `npm run lock`: completes `package-lock.json`. npm leaves out packages for other platforms that it could not find when
 * it wrote the file (some mirrors carry none), and then refuses the file in `npm ci`. Their names, versions and platforms
 * are known from the packages that want them, so they can be written without being fetched.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { repositoryRoot } from './run-command.ts';

interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface LockFile {
  packages: Record<string, LockedPackage>;
}

const PLATFORMS = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];

/** The packages that should be in a lock file and are not, as npm would have written them but for their checksums. */
export function missingPackages({ packages }: LockFile): Record<string, LockedPackage> {
  const missing: Record<string, LockedPackage> = {};
  for (const { optionalDependencies = {}, dev } of Object.values(packages)) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const path = `node_modules/${name}`;
      const platform = platformOf(name);
      if (packages[path] !== undefined || platform === undefined) continue;
      missing[path] = { version, ...platform, ...(dev === undefined ? {} : { dev }), optional: true };
    }
  }
  return missing;
}

/** What a name such as `@biomejs/cli-linux-x64-musl` says about where the package runs. */
function platformOf(name: string): Pick<LockedPackage, 'os' | 'cpu' | 'libc'> | undefined {
  const words = name.split(/[/-]/);
  const at = words.findIndex((word) => PLATFORMS.includes(word));
  const os = words[at];
  const cpu = words[at + 1];
  if (os === undefined || cpu === undefined) return undefined;
  const suffix = words[at + 2] ?? '';
  const libc = os !== 'linux' ? undefined : suffix.startsWith('musl') ? ['musl'] : ['glibc'];
  return { os: [os], cpu: [cpu], ...(libc === undefined ? {} : { libc }) };
}

if (import.meta.main) {
  const path = join(repositoryRoot, 'package-lock.json');
  const lock = JSON.parse(await readFile(path, 'utf8')) as LockFile;
  const packages = { ...lock.packages, ...missingPackages(lock) };
  // The order in which npm writes them.
  const sorted = Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, 'en')));
  await writeFile(path, `${JSON.stringify({ ...lock, packages: sorted }, null, 2)}\n`);
}
