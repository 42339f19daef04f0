/** `npm run demo`: boots `examples/bootloader` without a user interface, presses the key it asks for, prints its screen. */
import { join } from 'node:path';
import { repositoryRoot, runCommand } from './run-command.ts';

const { exitCode } = await runCommand(
  process.execPath,
  [
    join(repositoryRoot, 'dist', 'cli.js'),
    'run',
    join(repositoryRoot, 'examples', 'bootloader', 'boot.asm'),
    ...['--keys-after', 'Press a key', '--keys', 'x'],
    ...['--until', 'All done', '--max-seconds', '60', '--print-screen'],
  ],
  { show: true },
);
process.exitCode = exitCode;
