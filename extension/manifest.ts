/** The manifest's `contributes`, derived from the tables of the extension and of the launch arguments. */
import { launchSchemaProperties } from '../debug-adapter/session/launch-schema.ts';
import { COMMANDS, type CommandRow, IN_SESSION } from './command-table.ts';
import { ASSEMBLY_LANGUAGES, DEBUG_TYPE, IMAGE_EXTENSIONS, INCLUDE_EXTENSIONS, whenExtension } from './file-types.ts';
import { extractTexts, type LocalizableManifest } from './manifest-texts.ts';
import { SETTINGS } from './setting-table.ts';
import { viewsWelcome, walkthroughs } from './welcome.ts';

const CATEGORY = 'x86 VM';
const LANGUAGE = 'nasm';

/** F5 in front of a disk image, which is no text editor and so names no language for VS Code to find a debugger by. */
const BOOT_IMAGE_KEY = {
  command: 'x86vm.bootImage',
  key: 'f5',
  when: `${whenExtension(IMAGE_EXTENSIONS)} && debugState == 'inactive' && !debugConfigurationType`,
};

/** Beside VS Code's keys for steps, which are F10 and F11. */
const STEP_TO_BRANCH_KEY = {
  command: 'x86vm.stepToBranch',
  key: 'alt+f11',
  when: `${IN_SESSION} && debugState == 'stopped'`,
};

/** The derived parts of package.json. */
export interface ManifestParts {
  readonly capabilities: unknown;
  readonly contributes: unknown;
}

/** What package.json holds, with keys for texts, and the English texts, which are package.nls.json. */
export function localizableManifest(): LocalizableManifest<ManifestParts> {
  return extractTexts({ capabilities: CAPABILITIES, contributes: contributions() }, new Set([CATEGORY]));
}

const CAPABILITIES = {
  untrustedWorkspaces: {
    supported: 'limited',
    description: 'VS Code asks for trust before it starts a debug session; highlighting works without.',
  },
  virtualWorkspaces: {
    supported: 'limited',
    description: 'Disk images with listings can be debugged; sources cannot be assembled.',
  },
};

/** The whole of `contributes`, in English. */
function contributions(): Readonly<Record<string, unknown>> {
  return {
    debuggers: [debuggerContribution()],
    breakpoints: ASSEMBLY_LANGUAGES.map((language) => ({ language })),
    languages: [
      {
        id: LANGUAGE,
        aliases: ['NASM', 'nasm'],
        extensions: ['.asm', '.nasm', ...INCLUDE_EXTENSIONS],
        configuration: './extension/languages/nasm-language-configuration.json',
      },
    ],
    grammars: [
      { language: LANGUAGE, scopeName: 'source.nasm.x86vm', path: './extension/languages/nasm.tmLanguage.json' },
    ],
    commands: rows().map(([command, { title, icon, enablement }]) => ({
      command,
      title,
      category: CATEGORY,
      icon: `$(${icon})`,
      ...(enablement === undefined ? {} : { enablement }),
    })),
    menus: menus(),
    views: {
      debug: [
        { id: 'x86vm.devices', name: 'Devices', when: IN_SESSION, visibility: 'collapsed', contextualTitle: CATEGORY },
      ],
    },
    viewsWelcome: viewsWelcome(),
    walkthroughs: walkthroughs(),
    keybindings: [BOOT_IMAGE_KEY, STEP_TO_BRANCH_KEY],
    configuration: { title: CATEGORY, properties: SETTINGS },
  };
}

function debuggerContribution(): Readonly<Record<string, unknown>> {
  return {
    type: DEBUG_TYPE,
    label: CATEGORY,
    languages: ASSEMBLY_LANGUAGES,
    configurationAttributes: { launch: { properties: launchSchemaProperties() } },
    configurationSnippets: [
      snippet('assemble and debug a boot sector', 'Assembles a NASM source and boots it.', {
        name: 'Debug boot sector',
        program: inWorkspace(1, 'boot.asm'),
      }),
      snippet('boot an image', 'Boots a disk image; a listing shows the source it was made from.', {
        name: 'Debug image',
        program: inWorkspace(1, 'boot.img'),
        listing: inWorkspace(2, 'boot.lst'),
      }),
      snippet('boot from the reset vector', 'Stops at the first instruction of the processor.', {
        name: 'Debug from reset',
        program: inWorkspace(1, 'boot.asm'),
        stopOnEntry: 'reset',
      }),
    ],
  };
}

function snippet(label: string, description: string, body: Readonly<Record<string, unknown>>): unknown {
  return { label: `${CATEGORY}: ${label}`, description, body: { type: DEBUG_TYPE, request: 'launch', ...body } };
}

/** A file of the workspace as the text of a snippet, with its name as a tab stop. */
function inWorkspace(tabStop: number, name: string): string {
  return `^"\\\${workspaceFolder}/\${${tabStop}:${name}}"`;
}

/** The commands' menus, turned around: from each menu to its commands. */
function menus(): Readonly<Record<string, readonly unknown[]>> {
  const result: Record<string, unknown[]> = {};
  for (const [command, row] of rows()) {
    for (const [menu, { when, group }] of Object.entries(row.menus)) {
      result[menu] ??= [];
      result[menu].push({ command, when, ...(group === '' ? {} : { group }) });
    }
  }
  return result;
}

function rows(): readonly (readonly [string, CommandRow])[] {
  return Object.entries(COMMANDS);
}
