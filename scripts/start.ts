/**
 * `npm start`: builds and packages the extension, then opens VS Code with it on `examples/bootloader`: the desktop one
 * if `code` is on the PATH, else a server whose address it prints.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packagePath } from './package.ts';
import { mustRun, repositoryRoot, runCommand } from './run-command.ts';
import { startServer } from './vscode-server.ts';

const example = join(repositoryRoot, 'examples', 'bootloader');
const port = '3000-3099';

await mustRun('npm', ['run', 'package'], { show: true });
const desktop = await runCommand('code', ['--version']);
if (desktop.exitCode === 0) {
  await mustRun('code', ['--install-extension', packagePath, '--force'], { show: true });
  await mustRun('code', ['--new-window', example], { show: true });
  console.log('VS Code is open on examples/bootloader. Press F5.');
} else {
  console.log('`code` is not on the PATH; starting the VS Code server instead (the first time takes a minute).');
  const dataDir = await mkdtemp(join(tmpdir(), 'x86-vm-debugger-'));
  const server = await startServer({ port, dataDir, vsix: packagePath, folder: example });
  const end = async () => {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
    process.exit(0);
  };
  process.once('SIGINT', end);
  process.once('SIGTERM', end);
  console.log(`\nOpen ${server.url}\nthen press F5. Ctrl+C ends the server.`);
}
