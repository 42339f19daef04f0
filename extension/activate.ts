/** Puts the extension's parts together; called by the entry of each kind of extension host. */
import * as vscode from 'vscode';
import { BranchesPanel } from './branches-panel.ts';
import { CompiledCodePanel } from './compiled-code-panel.ts';
import { registerCommands } from './commands.ts';
import { ConfigurationResolver, FolderConfigurations, InitialConfigurations } from './configuration-provider.ts';
import { followSelectedThread } from './cpu-commands.ts';
import { DeviceTree } from './device-tree.ts';
import { AssemblerDiagnostics } from './diagnostics.ts';
import { DEBUG_TYPE, SOURCE_EXTENSIONS } from './file-types.ts';
import { registerInspection } from './inspection.ts';
import { translateWith } from '../debug-adapter/protocol/localized.ts';
import { MEMORY_VIEW_TYPE } from './memory-panel.ts';
import { MemoryPanels } from './memory-panels.ts';
import { PageTablesPanel } from './page-tables-panel.ts';
import type { Platform } from './platform.ts';
import { SCREEN_VIEW_TYPE } from './screen-panel.ts';
import { ScreenPanels } from './screen-panels.ts';
import { SerialTerminals } from './serial-terminals.ts';
import { Sessions } from './sessions.ts';
import { setting } from './settings.ts';
import { HAS_SOURCES_CONTEXT, WALKTHROUGH } from './welcome.ts';

/** Registers everything; VS Code disposes of it when the extension is switched off. */
export function activateExtension(context: vscode.ExtensionContext, platform: Platform): void {
  translateWith((text, ...values) => vscode.l10n.t(text, ...values));
  const { debug, window, DebugConfigurationProviderTriggerKind: Trigger } = vscode;
  const sessions = new Sessions(platform, context.extensionUri);
  const screens = new ScreenPanels(context.extensionUri, context.globalState);
  const terminals = new SerialTerminals();
  const memory = new MemoryPanels(context.extensionUri);
  const pageTables = new PageTablesPanel(context.extensionUri);
  const branches = new BranchesPanel(context.extensionUri);
  const compiledCode = new CompiledCodePanel(context.extensionUri);
  const devices = new DeviceTree(sessions);
  const walkthrough = `${context.extension.id}#${WALKTHROUGH}`;
  void noteSources();
  sessions.onLaunched = async (session) => {
    const { vm, debugSession } = session;
    memory.serve(session);
    pageTables.serve(session);
    branches.serve(session);
    compiledCode.serve(session);
    devices.follow();
    await showDebugView();
    if (setting('x86vm.openScreenOnStart')) screens.open(vm, debugSession.name, false);
    if (debugSession.configuration['serial'] === 'terminal') terminals.open(vm, debugSession.name, 'uart-1', false);
  };
  context.subscriptions.push(
    sessions,
    terminals,
    devices,
    new AssemblerDiagnostics(),
    debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, sessions),
    debug.onDidTerminateDebugSession((session) => sessions.end(session)),
    debug.registerDebugConfigurationProvider(DEBUG_TYPE, new ConfigurationResolver(platform)),
    debug.registerDebugConfigurationProvider(DEBUG_TYPE, new FolderConfigurations(), Trigger.Dynamic),
    debug.registerDebugConfigurationProvider(DEBUG_TYPE, new InitialConfigurations(), Trigger.Initial),
    window.registerWebviewPanelSerializer(SCREEN_VIEW_TYPE, screens),
    window.registerWebviewPanelSerializer(MEMORY_VIEW_TYPE, memory),
    pageTables.register(),
    branches.register(),
    compiledCode.register(),
    followSelectedThread(),
    ...registerInspection(),
    ...registerCommands({
      ...{ platform, sessions, screens, terminals, walkthrough },
      ...{ memory, pageTables, branches, compiledCode },
    }),
  );
}

/**
 * Shows the registers, which VS Code does by itself only at the first breakpoint: a machine that stands at its first
 * instruction would show none. Who told VS Code to leave the sidebar alone is heard.
 */
async function showDebugView(): Promise<void> {
  if (vscode.workspace.getConfiguration('debug').get('openDebug') === 'neverOpen') return;
  await vscode.commands.executeCommand('workbench.view.debug');
  await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
}

/** Tells VS Code whether the window has sources, for what the debug view says while it is idle. */
async function noteSources(): Promise<void> {
  const pattern = `**/*.{${SOURCE_EXTENSIONS.map((extension) => extension.slice(1)).join(',')}}`;
  const found = await vscode.workspace.findFiles(pattern, '**/node_modules/**', 1);
  await vscode.commands.executeCommand('setContext', HAS_SOURCES_CONTEXT, found.length > 0);
}
