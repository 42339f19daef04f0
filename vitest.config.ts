/** How vitest runs the suite: every `x.test.ts` beside its `x.ts`, and everything under `test/`. */
import { defineConfig } from 'vitest/config';

// Vitest reads its configuration from the default export.
export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'dist/**', 'out/**', '.vscode-server-cache/**'],
    pool: 'threads',
    silent: 'passed-only',
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
