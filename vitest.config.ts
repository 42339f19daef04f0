/** How vitest runs the suite: every `x.test.ts` beside its `x.ts` and under `test/`, the end-to-end tests at the end. */
import { defineConfig } from 'vitest/config';
import { SkippedReporter } from './test/skipped-reporter.ts';

const ELSEWHERE = ['node_modules/**', 'dist/**', 'out/**', '.vscode-server-cache/**'];
const END_TO_END = 'test/end-to-end/**/*.test.ts';

// Vitest reads its configuration from the default export.
export default defineConfig({
  test: {
    pool: 'threads',
    // Vitest would leave one of the processors to itself, which has little to do.
    maxWorkers: '100%',
    // Files share a worker's modules, so that the interpreter is built once per worker and not once per file.
    isolate: false,
    silent: 'passed-only',
    reporters: [process.stdout.isTTY ? 'default' : 'minimal', new SkippedReporter()],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: [...ELSEWHERE, END_TO_END],
          setupFiles: ['test/support/engine.ts', 'test/support/random-input.ts'],
          // Ends what hangs; says nothing about how long a test should take.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'end-to-end',
          include: [END_TO_END],
          exclude: ELSEWHERE,
          // Each of them starts VS Code and a browser, which leave a processor waiting now and then: two at a time, and
          // nothing beside them.
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
          isolate: true,
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
