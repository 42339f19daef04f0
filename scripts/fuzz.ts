/**
 * `npm run fuzz [-- ROUNDS]`: runs the tests that feed random input, and those of our own generators for longer than
 * `npm test` does. A failure prints the seed that repeats it.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot, runCommand } from './run-command.ts';

const ROUNDS = '3000';
const RANDOM_INPUT = /from 'fast-check'|FUZZ_ROUNDS/;

const files = globSync('{vm-core,debug-adapter,extension,webviews,test}/**/*.test.ts', { cwd: repositoryRoot });
const fuzzing = files.filter((file) => RANDOM_INPUT.test(readFileSync(join(repositoryRoot, file), 'utf8')));
process.env['FUZZ_ROUNDS'] = process.argv[2] ?? ROUNDS;
const vitest = join(repositoryRoot, 'node_modules', 'vitest', 'vitest.mjs');
const { exitCode } = await runCommand(process.execPath, [vitest, 'run', '--testTimeout', '600000', ...fuzzing], {
  show: true,
});
process.exitCode = exitCode;
