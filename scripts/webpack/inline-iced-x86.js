/**
 * A webpack loader for `iced_x86.js` of the iced-x86 package. The package reads its WebAssembly with `node:fs` from
 * the folder it stands in; a bundle has no such folder and a browser no such module. The loader puts the bytes into the
 * source as base64 and takes TextDecoder and TextEncoder from the global object, which Node and browsers both have.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const READ_BYTES = /const path = require\('path'\)\.join\(__dirname, '(\w+\.wasm)'\);\s*const bytes = [^;]+;/;
const TEXT_CODERS = /const \{ TextDecoder, TextEncoder \} = require\(`util`\);/;

/** @this {import('webpack').LoaderContext<unknown>} @param {string} source */
export default function inlineIcedX86(source) {
  const read = READ_BYTES.exec(source);
  if (read === null || !TEXT_CODERS.test(source)) {
    throw new Error('iced-x86 loads its WebAssembly in a way this loader does not know; adapt inline-iced-x86.js');
  }
  const wasmPath = join(this.context, read[1]);
  this.addDependency(wasmPath);
  const base64 = readFileSync(wasmPath).toString('base64');
  return source.replace(TEXT_CODERS, '').replace(READ_BYTES, () => `const bytes = (${decodeBase64})('${base64}');`);
}

/** Goes into the bundle as its own text. Called for each character, a function would take a tenth of a second. */
function decodeBase64(/** @type {string} */ text) {
  if (globalThis.Buffer) return globalThis.Buffer.from(text, 'base64');
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let n = 0; n < bytes.length; n++) bytes[n] = characters.charCodeAt(n);
  return bytes;
}
