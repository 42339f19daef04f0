/** A webpack loader for `debug-adapter/compiler-script.ts`: the script of the thread that compiles, bundled from the sources. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ENTRY = fileURLToPath(new URL('../../debug-adapter/compiler-main.ts', import.meta.url));
const SOURCES = fileURLToPath(new URL('../../vm-core', import.meta.url));
const PLACE = '= undefined as string | undefined;';

/** @this {import('webpack').LoaderContext<unknown>} @param {string} source */
export default async function bundleCompiler(source) {
  this.addContextDependency(SOURCES);
  this.addDependency(ENTRY);
  const { outputFiles } = await build({
    ...{ entryPoints: [ENTRY], bundle: true, write: false, platform: 'neutral', format: 'iife', target: 'es2023' },
    ...{ minifySyntax: true, minifyWhitespace: true, legalComments: 'none' },
  });
  const text = outputFiles[0]?.text ?? '';
  const filled = source.replace(PLACE, () => `= ${JSON.stringify(text)};`);
  if (filled === source) throw new Error('there is no place for the script; adapt compiler-script.js');
  return filled;
}
