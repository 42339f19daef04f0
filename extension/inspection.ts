/**
 * Hovers and inline values in assembly sources while a machine of ours stands. Both only read: they evaluate in the
 * context `hover`, in which the session assigns nothing.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import { ASSEMBLY_LANGUAGES, DEBUG_TYPE } from './file-types.ts';
import { contextOf, type Inspectable, inspectableAt, type LineContext } from './inspectable.ts';
import { nearestInspectables } from './inline-parts.ts';

/** Registers both providers for every language that assembly is written in. */
export function registerInspection(): vscode.Disposable[] {
  const selector = ASSEMBLY_LANGUAGES.map((language) => ({ language }));
  return [
    vscode.languages.registerEvaluatableExpressionProvider(selector, { provideEvaluatableExpression }),
    vscode.languages.registerInlineValuesProvider(selector, { provideInlineValues }),
  ];
}

function provideEvaluatableExpression(
  document: vscode.TextDocument,
  position: vscode.Position,
): vscode.EvaluatableExpression | undefined {
  // Once a provider is there, VS Code takes no word by itself: other debuggers get the word as if we were not.
  if (vscode.debug.activeDebugSession?.type !== DEBUG_TYPE) {
    const word = document.getWordRangeAtPosition(position);
    return word && new vscode.EvaluatableExpression(word);
  }
  const context = contextIn(document, position.line);
  const found = inspectableAt(document.lineAt(position.line).text, position.character, context);
  return found && new vscode.EvaluatableExpression(rangeOf(position.line, found), found.expression);
}

async function provideInlineValues(
  document: vscode.TextDocument,
  viewPort: vscode.Range,
  { frameId, stoppedLocation }: vscode.InlineValueContext,
): Promise<vscode.InlineValue[]> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== DEBUG_TYPE) return [];
  const last = Math.min(viewPort.end.line, stoppedLocation.end.line, document.lineCount - 1);
  const parts = nearestInspectables((line) => document.lineAt(line).text, viewPort.start.line, last);
  const values = await Promise.all(
    parts.map(async ({ line, part }): Promise<vscode.InlineValue[]> => {
      const value = await evaluated(session, frameId, part);
      return value === undefined ? [] : [new vscode.InlineValueText(rangeOf(line, part), `${part.text} = ${value}`)];
    }),
  );
  return values.flat();
}

/** Undefined for what is no name of the session's, as constants of the assembler are, and for memory that is not there. */
async function evaluated(
  session: vscode.DebugSession,
  frameId: number,
  { expression }: Inspectable,
): Promise<string | undefined> {
  const given: DebugProtocol.EvaluateArguments = { expression, frameId, context: 'hover' };
  try {
    return ((await session.customRequest('evaluate', given)) as DebugProtocol.EvaluateResponse['body']).result;
  } catch {
    return undefined;
  }
}

function contextIn(document: vscode.TextDocument, line: number): LineContext {
  return contextOf((index) => document.lineAt(index).text, line);
}

function rangeOf(line: number, { start, length }: Inspectable): vscode.Range {
  return new vscode.Range(line, start, line, start + length);
}
