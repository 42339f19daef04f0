/** The commands of the extension: one row each. The manifest, the menus and the handlers are derived from it. */
import { ASSEMBLY_LANGUAGES, IMAGE_EXTENSIONS, SOURCE_EXTENSIONS, whenExtension } from './file-types.ts';

export interface CommandRow {
  readonly title: string;
  /** A codicon. */
  readonly icon: string;
  /** When the command can be called; a `when` clause of VS Code. */
  readonly enablement?: string;
  /** Menus of VS Code in which it stands, each with its `when` clause and group. */
  readonly menus: Readonly<Record<string, { readonly when: string; readonly group: string }>>;
}

/** A machine is being debugged. */
export const IN_SESSION = "inDebugMode && debugType == 'x86vm'";
const ON_SOURCE = whenExtension(SOURCE_EXTENSIONS);
/** In the editor of an assembly source. */
const ON_ASSEMBLY = `editorLangId =~ /^(${ASSEMBLY_LANGUAGES.join('|').replaceAll('.', '\\.')})$/`;
/** On a thread in the call stack that stands still. */
const ON_STOPPED_THREAD = "debugType == 'x86vm' && callStackItemType == 'thread' && callStackItemStopped";
const ON_IMAGE = whenExtension(IMAGE_EXTENSIONS);

export const COMMANDS = {
  'x86vm.openScreen': {
    title: 'Open Screen',
    icon: 'vm',
    menus: { 'debug/toolBar': { when: "debugType == 'x86vm'", group: 'navigation@100' } },
  },
  'x86vm.reset': {
    title: 'Reset Machine',
    icon: 'debug-restart-frame',
    enablement: IN_SESSION,
    menus: {
      'debug/toolBar': { when: "debugType == 'x86vm'", group: 'navigation@101' },
    },
  },
  'x86vm.screenshot': {
    title: 'Save Screenshot…',
    icon: 'device-camera',
    enablement: IN_SESSION,
    menus: {},
  },
  'x86vm.openSerialTerminal': {
    title: 'Open Serial Terminal',
    icon: 'plug',
    enablement: IN_SESSION,
    menus: {},
  },
  'x86vm.openMemory': {
    title: 'Open Memory View',
    icon: 'file-binary',
    menus: {
      'debug/toolBar': { when: "debugType == 'x86vm'", group: 'navigation@102' },
      'view/title': { when: "view == workbench.debug.variablesView && debugType == 'x86vm'", group: 'navigation@90' },
      'debug/variables/context': { when: "debugType == 'x86vm' && canViewMemory", group: '1_view@90' },
    },
  },
  'x86vm.openPageTables': {
    title: 'Open Page Tables',
    icon: 'list-tree',
    menus: {
      'debug/toolBar': { when: "debugType == 'x86vm'", group: 'navigation@103' },
      'view/title': { when: "view == workbench.debug.variablesView && debugType == 'x86vm'", group: 'navigation@91' },
    },
  },
  'x86vm.addCpuBreakpoint': {
    title: 'Add Breakpoint for One CPU…',
    icon: 'debug-breakpoint-conditional',
    menus: {
      'editor/lineNumber/context': { when: ON_ASSEMBLY, group: 'debug@90' },
      commandPalette: { when: ON_ASSEMBLY, group: '' },
    },
  },
  'x86vm.continueCpu': {
    title: 'Continue This CPU Alone',
    icon: 'debug-continue-small',
    enablement: IN_SESSION,
    menus: { 'debug/callstack/context': { when: ON_STOPPED_THREAD, group: '2_alone@1' } },
  },
  'x86vm.stepCpu': {
    title: 'Step This CPU Alone',
    icon: 'debug-step-over',
    enablement: IN_SESSION,
    menus: { 'debug/callstack/context': { when: ON_STOPPED_THREAD, group: '2_alone@2' } },
  },
  'x86vm.openBranches': {
    title: 'Open Last Branches',
    icon: 'git-branch',
    menus: {
      'debug/toolBar': { when: "debugType == 'x86vm'", group: 'navigation@104' },
      'view/title': { when: "view == workbench.debug.callStackView && debugType == 'x86vm'", group: 'navigation@90' },
    },
  },
  'x86vm.openCompiledCode': {
    title: 'Open Compiled Code',
    icon: 'flame',
    menus: {
      'view/title': { when: "view == workbench.debug.callStackView && debugType == 'x86vm'", group: 'navigation@91' },
    },
  },
  'x86vm.stepToBranch': {
    title: 'Step to Next Branch',
    icon: 'git-commit',
    enablement: `${IN_SESSION} && debugState == 'stopped'`,
    menus: {
      'debug/toolBar': { when: "debugType == 'x86vm'", group: 'navigation@60' },
      'debug/callstack/context': { when: ON_STOPPED_THREAD, group: '1_step@90' },
      'editor/context': { when: `${IN_SESSION} && editorTextFocus`, group: 'debug@90' },
    },
  },
  'x86vm.newBootSector': {
    title: 'New Boot Sector',
    icon: 'new-file',
    menus: {},
  },
  'x86vm.openWalkthrough': {
    title: 'First Steps',
    icon: 'book',
    menus: {},
  },
  'x86vm.assembleAndDebug': {
    title: 'Assemble and Debug',
    icon: 'debug-alt',
    menus: {
      'editor/title/run': { when: ON_SOURCE, group: 'navigation@1' },
      'explorer/context': { when: ON_SOURCE, group: 'navigation@90' },
      commandPalette: { when: ON_SOURCE, group: '' },
    },
  },
  'x86vm.bootImage': {
    title: 'Boot and Debug Image',
    icon: 'debug-alt',
    menus: {
      'editor/title/run': { when: ON_IMAGE, group: 'navigation@1' },
      'explorer/context': { when: ON_IMAGE, group: 'navigation@90' },
      commandPalette: { when: ON_IMAGE, group: '' },
    },
  },
} as const satisfies Readonly<Record<string, CommandRow>>;

export type CommandId = keyof typeof COMMANDS;
