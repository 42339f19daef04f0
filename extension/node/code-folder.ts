/**
 * Where compiled code of the worker's script is kept: in a folder of its own for each version of the extension and of Node, as
 * nobody else can use it. It has some megabytes.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** The folder for code of a version of the extension, in the extension's storage. */
export function codeFolderOf(storage: string, version: string): string {
  return join(storage, 'code', nameOf(version));
}

/** Removes what other versions have left. What cannot be removed stays. */
export async function removeOtherCode(storage: string, version: string): Promise<void> {
  const folder = join(storage, 'code');
  const names = await readdir(folder).catch(() => []);
  const others = names.filter((name) => name !== nameOf(version));
  await Promise.allSettled(others.map((name) => rm(join(folder, name), { recursive: true })));
}

function nameOf(version: string): string {
  return `${version}-node-${process.versions.node}`;
}
