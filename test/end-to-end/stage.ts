/** What the tests of one file share: a folder of guests, a VS Code server on it with the packaged extension, and a window. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, it, onTestFailed } from 'vitest';
import { packagePath } from '../../scripts/package.ts';
import { type RunningServer, startServer } from '../../scripts/vscode-server.ts';
import { type FolderKind, GuestFolder } from './guest-folder.ts';
import { browserPath, Workbench } from './workbench.ts';

/** How long a step of several gestures may take, each of which a busy machine may need a minute for. */
const STEP_MS = 600_000;

/** Whether there is what the tests need: a browser and the package. */
export const runnable = browserPath() !== undefined && existsSync(packagePath);

/** Settings that run the extension in the web extension host. */
export const WEB_HOST = { 'remote.extensionKind': { 'x86-vm-debugger.x86-vm-debugger': ['web'] } };

const SETTINGS = {
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'debug.internalConsoleOptions': 'neverOpen',
};

/** How a stage is set up. */
interface StageOptions {
  /** What pictures of failures are named after. */
  readonly name: string;
  readonly folder: FolderKind;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly language?: string;
  /** Writes what the folder holds besides. */
  readonly prepare?: (folder: GuestFolder) => Promise<void>;
}

/** The window and its folder, for the bodies of steps and what they call. */
export interface Stage {
  readonly folder: GuestFolder;
  readonly workbench: Workbench;
  readonly page: Page;
}

/** A stage that is there while the steps of its `describe` run. */
export interface Setting extends Stage {
  /** A test. The steps are one run: what comes after a failure would only fail slowly. */
  readonly step: (name: string, body: (stage: Stage) => Promise<void>) => void;
}

/** Sets a stage up before the steps of a `describe`, and takes it down afterwards. */
export function setStage(options: StageOptions): Setting {
  let folder: GuestFolder | undefined;
  let server: RunningServer | undefined;
  let workbench: Workbench | undefined;
  let failed = false;

  beforeAll(async () => {
    folder = await GuestFolder.create(options.folder);
    await options.prepare?.(folder);
    const settings = { ...SETTINGS, ...options.settings };
    server = await startServer({
      port: 0,
      dataDir: folder.serverData,
      folder: folder.path,
      vsix: packagePath,
      settings,
    });
    workbench = await Workbench.open(server.url, options.language);
  }, STEP_MS);

  afterAll(async () => {
    await workbench?.close();
    await server?.stop();
    await folder?.remove();
  });

  const setting: Setting = {
    get folder() {
      return present(folder);
    },
    get workbench() {
      return present(workbench);
    },
    get page() {
      return present(workbench).page;
    },
    step: (name, body) =>
      it(name, { timeout: STEP_MS }, async () => {
        if (failed) throw new Error('an earlier step failed');
        failed = true;
        onTestFailed(async () => {
          const path = join(tmpdir(), `x86vm-${options.name}-${name.replace(/\W+/g, '-')}.png`);
          await setting.page.screenshot({ path });
          console.log(`what VS Code showed: ${path}`);
        });
        await body(setting);
        failed = false;
      }),
  };
  return setting;
}

/** Writes the folder's launch.json with one configuration. */
export async function writeLaunch(
  folder: GuestFolder,
  configuration: Readonly<Record<string, unknown>>,
): Promise<void> {
  await mkdir(join(folder.path, '.vscode'));
  const configurations = [{ type: 'x86vm', request: 'launch', ...configuration }];
  await folder.write(join('.vscode', 'launch.json'), JSON.stringify({ version: '0.2.0', configurations }));
}

function present<Thing>(thing: Thing | undefined): Thing {
  if (thing === undefined) throw new Error('the stage is not set up');
  return thing;
}
