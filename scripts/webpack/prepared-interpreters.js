/**
 * A webpack loader for `debug-adapter/prepared-interpreters.ts`: the interpreters, made by the sources as they are now, in a
 * process of their own, so that nothing of an earlier state is left while webpack watches.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const WRITER = fileURLToPath(new URL('write-interpreters.ts', import.meta.url));
const SOURCES = fileURLToPath(new URL('../../vm-core', import.meta.url));
const OUTPUT_MAX = 16 << 20;

/** @this {import('webpack').LoaderContext<unknown>} @param {string} source */
export default async function prepareInterpreters(source) {
  this.addContextDependency(SOURCES);
  const { stdout } = await promisify(execFile)(process.execPath, [WRITER], { maxBuffer: OUTPUT_MAX });
  const filled = source.replace('= {};', () => `= ${stdout};`);
  if (filled === source) throw new Error('there is no place for the interpreters; adapt prepared-interpreters.js');
  return filled;
}
