/** The licences of the packages whose code is in the bundles; most of them ask that their text goes along. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** One text with name, version, licence and licence text of every run-time dependency, direct or not, by name. */
export async function thirdPartyNotices(root: string): Promise<string> {
  const manifests = new Map<string, Manifest>();
  const pending = Object.keys((await readManifest(root)).dependencies ?? {});
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (manifests.has(name)) continue;
    const manifest = await readManifest(join(root, 'node_modules', name));
    manifests.set(name, manifest);
    pending.push(...Object.keys(manifest.dependencies ?? {}));
  }
  const names = [...manifests.keys()].sort();
  const parts = await Promise.all(names.map((name) => notice(root, manifests.get(name)!)));
  return `This extension contains code of these packages.\n\n${parts.join('\n')}`;
}

async function readManifest(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
}

async function notice(root: string, { name, version, license }: Manifest): Promise<string> {
  const folder = join(root, 'node_modules', name);
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return `---- ${name} ${version} (${license ?? 'see text'})\n\n${texts.join('\n')}`;
}
