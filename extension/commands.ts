/** What the commands do. */
import * as vscode from 'vscode';
import type { SerialPort } from '../debug-adapter/protocol/serial.ts';
import { activeFile } from './active-file.ts';
import type { BranchesPanel } from './branches-panel.ts';
import type { CompiledCodePanel } from './compiled-code-panel.ts';
import { COMMANDS, type CommandId } from './command-table.ts';
import { bootFileFor, chooseBootFile } from './boot-files.ts';
import { configurationFor, whyNotBootable } from './configuration.ts';
import { addCpuBreakpoint, runAlone, stepToBranch } from './cpu-commands.ts';
import { localized } from '../debug-adapter/protocol/localized.ts';
import type { MemoryPanels } from './memory-panels.ts';
import { openNewBootSector } from './new-boot-sector.ts';
import type { PageTablesPanel } from './page-tables-panel.ts';
import type { Platform } from './platform.ts';
import { savePicture } from './save-picture.ts';
import type { ScreenPanels } from './screen-panels.ts';
import { encodePng, takeFrame } from './screenshot.ts';
import { PORT_NAMES, type SerialTerminals } from './serial-terminals.ts';
import type { RunningSession, Sessions } from './sessions.ts';

/** What the commands work on. */
export interface CommandContext {
  readonly platform: Platform;
  readonly sessions: Sessions;
  readonly screens: ScreenPanels;
  readonly terminals: SerialTerminals;
  readonly memory: MemoryPanels;
  readonly pageTables: PageTablesPanel;
  readonly branches: BranchesPanel;
  readonly compiledCode: CompiledCodePanel;
  /** What VS Code calls our walkthrough. */
  readonly walkthrough: string;
}

type Handler = (context: CommandContext, argument: unknown) => unknown;

const HANDLERS: Record<CommandId, Handler> = {
  'x86vm.openScreen': ({ sessions, screens }) =>
    screens.open(sessions.active?.vm, sessions.active?.debugSession.name ?? '', true),
  'x86vm.reset': (context) => withSession(context, ({ vm }) => vm.requestScreen({ type: 'reset' })),
  'x86vm.screenshot': (context) => withSession(context, (session) => saveScreenshot(context, session)),
  'x86vm.openSerialTerminal': (context) => withSession(context, (session) => openSerialTerminal(context, session)),
  'x86vm.openMemory': openMemory,
  'x86vm.openPageTables': ({ sessions, pageTables }) => pageTables.open(sessions.active),
  'x86vm.addCpuBreakpoint': (_context, argument) => addCpuBreakpoint(argument),
  'x86vm.continueCpu': (_context, argument) => runAlone('continue', argument),
  'x86vm.stepCpu': (_context, argument) => runAlone('next', argument),
  'x86vm.openBranches': ({ sessions, branches }) => branches.open(sessions.active),
  'x86vm.openCompiledCode': ({ sessions, compiledCode }) => compiledCode.open(sessions.active),
  'x86vm.stepToBranch': (_context, argument) => stepToBranch(argument),
  'x86vm.newBootSector': openNewBootSector,
  'x86vm.openWalkthrough': ({ walkthrough }) =>
    vscode.commands.executeCommand('workbench.action.openWalkthrough', walkthrough, false),
  'x86vm.assembleAndDebug': debugFile,
  'x86vm.bootImage': debugFile,
};

/** Registers every command of the table. */
export function registerCommands(context: CommandContext): vscode.Disposable[] {
  return (Object.keys(COMMANDS) as CommandId[]).map((id) =>
    vscode.commands.registerCommand(id, (argument: unknown) => HANDLERS[id](context, argument)),
  );
}

function withSession(context: CommandContext, act: (session: RunningSession) => unknown): unknown {
  const session = context.sessions.active;
  if (session !== undefined) return act(session);
  return vscode.window.showInformationMessage(
    localized('No x86 VM is being debugged. Start one with F5 on a NASM source.'),
  );
}

/** Debugs the file that a menu passes, or the one in front, or one of the folder that the user chooses. */
async function debugFile({ platform }: CommandContext, argument: unknown): Promise<void> {
  const file = argument instanceof vscode.Uri ? argument : (activeFile() ?? (await chooseBootFile()));
  if (file === undefined) return;
  const reason = whyNotBootable(file.path);
  if (reason !== undefined) {
    void vscode.window.showErrorMessage(reason);
    return;
  }
  const root = await bootFileFor(file);
  if (root === undefined) return;
  const configuration = configurationFor(platform.sessionPath(root));
  await vscode.debug.startDebugging(vscode.workspace.getWorkspaceFolder(file), configuration);
}

/** Opens a memory view; from the menu of a variable where that variable points. */
function openMemory({ sessions, memory }: CommandContext, argument: unknown): void {
  const session = sessions.active;
  const { variable } = (argument ?? {}) as { readonly variable?: { readonly memoryReference?: unknown } };
  const place = variable?.memoryReference;
  if (session !== undefined && typeof place === 'string') memory.openAt(session, place);
  else memory.open(session);
}

async function openSerialTerminal({ terminals }: CommandContext, session: RunningSession): Promise<void> {
  const ports = Object.entries(PORT_NAMES) as [SerialPort, string][];
  const choices = ports.map(([port, label]) => ({ label, description: port, port }));
  const choice = await vscode.window.showQuickPick(choices, { placeHolder: localized('Which serial port?') });
  if (choice !== undefined) terminals.open(session.vm, session.debugSession.name, choice.port, true);
}

async function saveScreenshot({ screens }: CommandContext, { vm }: RunningSession): Promise<void> {
  try {
    await savePicture(encodePng(await takeFrame(vm, screens.isVisible(vm))));
  } catch (cause) {
    void vscode.window.showErrorMessage(cause instanceof Error ? cause.message : String(cause));
  }
}
