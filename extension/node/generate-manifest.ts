/** Writes the derived parts of package.json: `node extension/node/generate-manifest.ts`. */
import { readFile, writeFile } from 'node:fs/promises';
import { contributions } from '../manifest.ts';

const MANIFEST = new URL('../../package.json', import.meta.url);

const manifest = JSON.parse(await readFile(MANIFEST, 'utf8')) as Record<string, unknown>;
await writeFile(MANIFEST, `${JSON.stringify({ ...manifest, contributes: contributions() }, null, 2)}\n`);
