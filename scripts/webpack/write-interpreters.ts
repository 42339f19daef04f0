/** Writes the interpreters of these sources to standard output, as `debug-adapter/prepared-interpreters.ts` has them. */
import { deflateSync } from 'node:zlib';
import { interpreterBytes } from '../../vm-core/index.ts';

const deflated = (addressBits: 32 | 64): string =>
  deflateSync(interpreterBytes(addressBits), { level: 9 }).toString('base64');

process.stdout.write(JSON.stringify({ 32: deflated(32), 64: deflated(64) }));
