/** Writes the derived parts of package.json, and package.nls.json: `node extension/node/generate-manifest.ts`. */
import { readFile, writeFile } from 'node:fs/promises';
import { localizableManifest } from '../manifest.ts';

const MANIFEST = new URL('../../package.json', import.meta.url);
const TEXTS = new URL('../../package.nls.json', import.meta.url);

const { parts, texts } = localizableManifest();
const manifest = JSON.parse(await readFile(MANIFEST, 'utf8')) as Record<string, unknown>;
await writeFile(MANIFEST, `${JSON.stringify({ ...manifest, ...parts }, null, 2)}\n`);
await writeFile(TEXTS, `${JSON.stringify(texts, null, 2)}\n`);
