/** The lock file installs on every platform, whatever registry it was written with; `npm run lock` repairs it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { missingPackages } from '../../scripts/complete-lock-file.ts';
import { repositoryRoot } from '../../scripts/run-command.ts';

it('package-lock.json names the packages of every platform', () => {
  const lock = JSON.parse(readFileSync(join(repositoryRoot, 'package-lock.json'), 'utf8'));
  expect(Object.keys(missingPackages(lock))).toEqual([]);
});

it('a missing package is written with its platform, version and C library', () => {
  const wanted = { '@x/cli-linux-x64-musl': '1.0.0', '@x/cli-darwin-arm64': '1.0.0', '@x/cli-wasm': '1.0.0' };
  const packages = { 'node_modules/x': { dev: true, optionalDependencies: wanted } };
  expect(missingPackages({ packages })).toEqual({
    'node_modules/@x/cli-linux-x64-musl': {
      version: '1.0.0',
      os: ['linux'],
      cpu: ['x64'],
      libc: ['musl'],
      dev: true,
      optional: true,
    },
    'node_modules/@x/cli-darwin-arm64': { version: '1.0.0', os: ['darwin'], cpu: ['arm64'], dev: true, optional: true },
  });
});
