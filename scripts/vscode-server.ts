/**
 * A real VS Code to start and to test in: the server of Visual Studio Code as the npm package `code-server` carries it,
 * installed once into `.vscode-server-cache/` and opened in a browser.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { environmentWithThisNode, mustRun, repositoryRoot } from './run-command.ts';

/** The release that the end-to-end tests are written against; it holds VS Code 1.139. */
const CODE_SERVER_VERSION = '4.139.1';

/** The native modules without which the server does not start; the others belong to features nobody uses here. */
const NATIVE_MODULES = ['@vscode/spdlog', 'node-pty', '@parcel/watcher', '@vscode/native-watchdog'];

/** Settings of a workbench that asks nothing and offers nothing: no trust dialog, no welcome page, no chat. */
const QUIET_SETTINGS: Readonly<Record<string, unknown>> = {
  'security.workspace.trust.enabled': false,
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
};

/** An installed server: its entry and the Node that runs it. */
export interface PreparedServer {
  readonly serverMain: string;
  readonly node: string;
}

/** What a server is started with. */
export interface ServerOptions {
  /** TCP port on 127.0.0.1; 0 takes any, a range such as `3000-3099` the first that is free. */
  readonly port: number | string;
  /** Folder for everything the server stores: user settings, installed extensions, logs. */
  readonly dataDir: string;
  /** Packaged extension to install before the start. */
  readonly vsix?: string;
  /** User settings on top of the quiet ones. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Folder that the address opens. */
  readonly folder?: string;
}

/** A server that answers. */
export interface RunningServer {
  /** The workbench's address, with the folder to open if one was given. */
  readonly url: string;
  /** Ends the server and what it started; safe to call twice. */
  stop(): Promise<void>;
}

/** Installs the server unless it is there; two callers at once do not disturb each other. Takes about a minute once. */
export async function prepareServer(): Promise<PreparedServer> {
  const cache = join(repositoryRoot, '.vscode-server-cache');
  const home = join(cache, `code-server-${CODE_SERVER_VERSION}`);
  const server = join('node_modules', 'code-server', 'lib', 'vscode');
  const prepared = { serverMain: join(home, server, 'out', 'server-main.js'), node: process.execPath };
  if (existsSync(prepared.serverMain)) return prepared;

  // The folder gets its name when everything is in it, so what has the name is complete.
  const building = join(cache, `building-${process.pid}`);
  try {
    await mkdir(building, { recursive: true });
    await writeFile(join(building, 'package.json'), '{ "private": true }\n');
    await mustRun('npm', ['install', '--ignore-scripts', `code-server@${CODE_SERVER_VERSION}`], {
      directory: building,
    });
    const directory = join(building, server);
    await mustRun('npm', ['install', '--omit=dev', '--ignore-scripts'], { directory });
    await mustRun('npm', ['rebuild', ...NATIVE_MODULES], { directory });
    await rename(building, home);
  } catch (error) {
    // Another process may have been faster; its server is as good.
    if (!existsSync(prepared.serverMain)) throw error;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
  return prepared;
}

/** Installs the extension into a data folder, writes the user settings there and starts a server on it. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { serverMain, node } = await prepareServer();
  const userFolder = join(options.dataDir, 'data', 'User');
  await mkdir(userFolder, { recursive: true });
  const settings = { ...QUIET_SETTINGS, ...options.settings };
  await writeFile(join(userFolder, 'settings.json'), `${JSON.stringify(settings, null, 2)}\n`);

  const common = ['--accept-server-license-terms', '--server-data-dir', options.dataDir];
  if (options.vsix !== undefined) {
    await mustRun(node, [serverMain, ...common, '--install-extension', options.vsix, '--force']);
  }
  const address = ['--host', '127.0.0.1', '--port', String(options.port), '--without-connection-token'];
  const child = spawn(node, [serverMain, ...common, ...address], {
    env: environmentWithThisNode(),
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own process group, so that `stop` also ends the extension hosts and terminals that the server started.
    detached: process.platform !== 'win32',
  });
  const killAtExit = () => killGroup(child);
  process.once('exit', killAtExit);
  child.once('exit', () => process.off('exit', killAtExit));
  const port = await boundPort(child);
  const query = options.folder === undefined ? '' : `?folder=${encodeURIComponent(options.folder)}`;
  return { url: `http://127.0.0.1:${port}/${query}`, stop: () => endGroup(child) };
}

/** The port that the server says it listens on. Rejects with its output when it ends instead. */
function boundPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const bound = /Server bound to [^\s]*:(\d+)/.exec(output);
      if (bound?.[1] !== undefined) resolve(Number(bound[1]));
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`The VS Code server ended with ${code}:\n${output}`)));
  });
}

function endGroup(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    killGroup(child);
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  if (process.platform === 'win32') child.kill();
  else process.kill(-child.pid, 'SIGKILL');
}
