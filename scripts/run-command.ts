/** Runs programs for the scripts: npm under the Node that runs the script, and others with their output shown or kept. */
import { spawn } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const repositoryRoot = dirname(fileURLToPath(new URL('.', import.meta.url)));

/** What a program did. `output` holds standard output and standard error in the order they came. */
export interface CommandResult {
  readonly exitCode: number;
  readonly output: string;
}

/** How to run a program; `show` passes its output through to the terminal instead of keeping it. */
export interface CommandOptions {
  readonly directory?: string;
  readonly show?: boolean;
  /** Added to the environment. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

/** The environment with the running Node first on the PATH, so that npm and what it starts use the same one. */
export function environmentWithThisNode(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}` };
}

/** Runs a program to its end; a program that cannot be started gives exit code 127. */
export function runCommand(
  command: string,
  commandArguments: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, commandArguments, {
      cwd: options.directory ?? repositoryRoot,
      env: { ...environmentWithThisNode(), ...options.environment },
      stdio: options.show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      // On Windows npm and VS Code's `code` are batch files, which only a shell can start.
      shell: process.platform === 'win32' && !command.endsWith('.exe'),
    });
    let output = '';
    const keep = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', (error) => resolve({ exitCode: 127, output: error.message }));
    child.on('close', (code) => resolve({ exitCode: code ?? 1, output }));
  });
}

/** Runs a program that must succeed; throws an Error with its output otherwise. */
export async function mustRun(
  command: string,
  commandArguments: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { exitCode, output } = await runCommand(command, commandArguments, options);
  if (exitCode !== 0) {
    throw new Error(`${command} ${commandArguments.join(' ')} ended with ${exitCode}\n${output}`);
  }
  return output;
}
