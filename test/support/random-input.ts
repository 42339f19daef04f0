/**
 * Properties draw the same input in every run of the tests, so that a tree passes or does not; `npm run fuzz` sets FUZZ_ROUNDS
 * and draws anew each time.
 */
import fc from 'fast-check';

const SEED = 20_261_121;

if (process.env['FUZZ_ROUNDS'] === undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: SEED });
