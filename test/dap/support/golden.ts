/** Comparison with a golden file; `UPDATE=1` rewrites it, for reading in review. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/** Compares lines with test/dap/golden/NAME.txt. */
export function expectGolden(name: string, lines: readonly string[]): void {
  const path = fileURLToPath(new URL(`../golden/${name}.txt`, import.meta.url));
  const text = `${lines.join('\n')}\n`;
  if (process.env['UPDATE'] === '1') {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  expect(text).toBe(existsSync(path) ? readFileSync(path, 'utf8') : '(no golden file; run with UPDATE=1)');
}
