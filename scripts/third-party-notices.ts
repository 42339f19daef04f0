/** The licences of the packages whose code is in the bundles; most of them ask that their text goes along. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** A package of the bundles, and the folder in which it lies. */
interface Package {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** One text with name, version, licence and licence text of every run-time dependency, direct or not, by name. */
export async function thirdPartyNotices(root: string): Promise<string> {
  const packages = new Map<string, Package>();
  const pending = [{ folder: root, manifest: await readManifest(root) }];
  for (let dependant = pending.pop(); dependant !== undefined; dependant = pending.pop()) {
    for (const name of Object.keys(dependant.manifest.dependencies ?? {})) {
      const found = await findPackage(root, dependant.folder, name);
      const key = `${name} ${found.manifest.version}`;
      if (!packages.has(key)) pending.push(found);
      packages.set(key, found);
    }
  }
  const keys = [...packages.keys()].sort();
  const parts = await Promise.all(keys.map((key) => notice(packages.get(key) as Package)));
  return `This extension contains code of these packages.\n\n${parts.join('\n')}`;
}

/** A package that two want in different versions lies in the folder of one of them. */
async function findPackage(root: string, dependant: string, name: string): Promise<Package> {
  const folders = [join(dependant, 'node_modules', name), join(root, 'node_modules', name)];
  const folder = folders.find((path) => existsSync(path)) ?? (folders[1] as string);
  return { folder, manifest: await readManifest(folder) };
}

async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
}

async function notice({ folder, manifest: { name, version, license } }: Package): Promise<string> {
  const isNotice = (file: string): boolean => /^(licen[cs]e|copying|(third-?party-?)?notice)/i.test(file);
  const files = (await readdir(folder)).filter(isNotice).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return `---- ${name} ${version} (${license ?? 'see text'})\n\n${texts.join('\n')}`;
}
