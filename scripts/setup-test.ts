/**
 * The set-up step of `npm test`: installs the programs that some tests start, where it may, and otherwise says what to
 * install and which tests will be skipped. It never fails: the tests that can run should run.
 */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { repositoryRoot, runCommand } from './run-command.ts';
import { prepareServer } from './vscode-server.ts';

/** A program that tests start. Any of the commands will do; `package` is its name in Debian and Ubuntu. */
interface Tool {
  readonly commands: readonly string[];
  readonly package: string;
  readonly tests: string;
}

const TOOLS: readonly Tool[] = [
  {
    commands: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    package: 'chromium',
    tests: 'the end-to-end tests in VS Code and the tests of the views in a browser',
  },
  { commands: ['nasm'], package: 'nasm', tests: 'the tests that assemble NASM sources' },
  {
    commands: ['qemu-system-i386', 'qemu-system-x86_64'],
    package: 'qemu-system-x86',
    tests: 'the test that compares system code with QEMU',
  },
  { commands: ['cc'], package: 'build-essential', tests: "the tests that compare with this computer's own processor" },
];

const missing = () => TOOLS.filter((tool) => !tool.commands.some(isOnPath));

function isOnPath(command: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const names = process.platform === 'win32' ? [`${command}.exe`, `${command}.cmd`] : [command];
  return folders.some((folder) => names.some((name) => existsSync(join(folder, name))));
}

async function installWithApt(tools: readonly Tool[]): Promise<void> {
  const packages = tools.map((tool) => tool.package);
  console.log(`Installing ${packages.join(', ')} ...`);
  process.env['DEBIAN_FRONTEND'] = 'noninteractive';
  await runCommand('apt-get', ['update', '-q']);
  const { exitCode, output } = await runCommand('apt-get', [
    'install',
    '-q',
    '-y',
    '--no-install-recommends',
    ...packages,
  ]);
  if (exitCode !== 0) console.warn(output);
}

const mayInstall = process.getuid?.() === 0 && isOnPath('apt-get');
if (mayInstall && missing().length > 0) await installWithApt(missing());

for (const tool of missing()) {
  console.warn(`\nNOT FOUND: ${tool.commands.join(' or ')}. SKIPPED: ${tool.tests}.`);
  console.warn(`  To run them: install ${tool.package} (Debian, Ubuntu: sudo apt-get install ${tool.package}).`);
}
if (!existsSync(join(repositoryRoot, '..', 'shared', 'vectors'))) {
  console.warn('\nNOT FOUND: ../shared/vectors. SKIPPED: the tests that run instruction vectors.');
}
await prepareServer().catch((error: unknown) => {
  console.warn(`\nThe VS Code server could not be installed. SKIPPED: the end-to-end tests in VS Code.\n  ${error}`);
});
