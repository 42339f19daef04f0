/** Machines with several processors: what of VS Code is about one of them. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import { localized } from '../debug-adapter/protocol/localized.ts';
import {
  LOOK_AT_REQUEST,
  type LookAtArguments,
  STEP_TO_BRANCH_REQUEST,
  type StepToBranchArguments,
} from '../debug-adapter/protocol/requests.ts';
import { DEBUG_TYPE } from './file-types.ts';

/** So many processors a machine may have. */
const CPUS_MAX = 16;

/** Tells the session which thread is selected in the call stack, so that views and memory are those of its processor. */
export function followSelectedThread(): vscode.Disposable {
  return vscode.debug.onDidChangeActiveStackItem((item) => {
    if (item?.session.type !== DEBUG_TYPE) return;
    const given: LookAtArguments = { threadId: item.threadId };
    // A session that is about to end has nothing to look at.
    item.session.customRequest(LOOK_AT_REQUEST, given).then(undefined, () => undefined);
  });
}

/** Lets the processor of a thread run, or step, while all others stand still. */
export async function runAlone(command: 'continue' | 'next', argument: unknown): Promise<void> {
  const chosen = threadOf(argument);
  if (chosen === undefined) {
    void vscode.window.showInformationMessage(localized('Select the thread of a CPU in the call stack first.'));
    return;
  }
  const { session, threadId } = chosen;
  await session.customRequest(command, { threadId, singleThread: true });
}

/** Lets the processor of a thread run until it has taken a branch. */
export async function stepToBranch(argument: unknown): Promise<void> {
  const chosen = threadOf(argument);
  if (chosen === undefined) return;
  const given: StepToBranchArguments = { threadId: chosen.threadId };
  await chosen.session.customRequest(STEP_TO_BRANCH_REQUEST, given);
}

/** The thread that a menu of the call stack passes, else the one that is selected there. */
function threadOf(argument: unknown): { readonly session: vscode.DebugSession; readonly threadId: number } | undefined {
  const item = vscode.debug.activeStackItem;
  const session = item?.session ?? vscode.debug.activeDebugSession;
  if (session?.type !== DEBUG_TYPE) return undefined;
  const { threadId } = (argument ?? {}) as { readonly threadId?: unknown };
  // VS Code's own id of a thread ends in that of the adapter.
  const passed = /(\d+)$/.exec(typeof threadId === 'string' ? threadId : '')?.[1];
  const id = passed === undefined ? item?.threadId : Number(passed);
  return id === undefined ? undefined : { session, threadId: id };
}

/** Asks for a processor and sets a breakpoint for it: one with a condition, which can be edited like any other. */
export async function addCpuBreakpoint(argument: unknown): Promise<void> {
  const place = lineOf(argument);
  if (place === undefined) return;
  const cpu = await vscode.window.showQuickPick(await cpuNames(), {
    placeHolder: localized('On which CPU is the breakpoint to stop?'),
  });
  if (cpu === undefined) return;
  vscode.debug.addBreakpoints([new vscode.SourceBreakpoint(place, true, `cpu == ${cpu.index}`)]);
}

/** The line that the menu of line numbers passes, else that of the cursor. */
function lineOf(argument: unknown): vscode.Location | undefined {
  const { uri, lineNumber } = (argument ?? {}) as { readonly uri?: unknown; readonly lineNumber?: unknown };
  if (uri instanceof vscode.Uri && typeof lineNumber === 'number') {
    return new vscode.Location(uri, new vscode.Position(lineNumber - 1, 0));
  }
  const editor = vscode.window.activeTextEditor;
  return editor && new vscode.Location(editor.document.uri, new vscode.Position(editor.selection.active.line, 0));
}

/** The processors of the machine that is debugged, by what they are doing; without one all that there may be. */
async function cpuNames(): Promise<(vscode.QuickPickItem & { readonly index: number })[]> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== DEBUG_TYPE) {
    return Array.from({ length: CPUS_MAX }, (_, index) => ({ label: `CPU ${index}`, index }));
  }
  const { threads } = (await session.customRequest('threads')) as DebugProtocol.ThreadsResponse['body'];
  return threads.map(({ name }, index) => ({ label: name, index }));
}
