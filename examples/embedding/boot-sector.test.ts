import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

it('runs as its comment says', () => {
  const program = fileURLToPath(new URL('boot-sector.ts', import.meta.url));
  const output = execFileSync(process.execPath, [program], { encoding: 'utf8' });
  expect(output.replace(/after \d+/, 'after N').split('\n')).toEqual([
    'stopped: breakpoint, after N instructions of the BIOS',
    'DL, the drive we come from: 80h',
    'first bytes at 7C00h: 31c08ed8',
    'stopped: exit 0',
    'debug console: Hi!',
    'screen: Hi!',
    'picture: 720 by 400 pixels',
    '',
  ]);
});
