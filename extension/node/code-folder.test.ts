import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { codeFolderOf, removeOtherCode } from './code-folder.ts';

let storage: string;
beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), 'x86vm-code-'));
});
afterAll(() => rm(storage, { recursive: true }));

it('keeps the code of this version and nothing else of what was kept', async () => {
  const mine = join(codeFolderOf(storage, '1.2.3'), 'v24', 'a');
  const other = join(codeFolderOf(storage, '1.2.2'), 'v24', 'a');
  // As it was kept before versions had folders.
  const early = join(storage, 'code', 'v22', 'a');
  const settings = join(storage, 'settings');
  for (const file of [mine, other, early, settings]) {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, 'code');
  }
  await removeOtherCode(storage, '1.2.3');
  const left = await readdir(storage, { recursive: true, withFileTypes: true });
  const files = left.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  expect(files.sort()).toEqual([mine, settings].sort());
  expect(await readdir(join(storage, 'code'))).toHaveLength(1);
});

it('has nothing to do where nothing was kept', async () => {
  await removeOtherCode(join(storage, 'none'), '1.2.3');
  expect(await readdir(storage)).not.toContain('none');
});
