/** Tells the client of a guest that was booted, and which sources and modules came and went with it. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Guest } from './guest.ts';
import type { SentEvent } from './protocol-support.ts';
import { sourceOf } from './source-lines.ts';

type SendEvent = (event: SentEvent, body: unknown) => void;

/** `before` is the guest that this one replaces; what a client knows of the first one it has asked for. */
export function announceGuest(sendEvent: SendEvent, name: string, guest: Guest, before: Guest | undefined): void {
  const pointerSize = guest.expressions.isLong ? 64 : 32;
  sendEvent('process', { name, startMethod: 'launch', isLocalProcess: false, pointerSize });
  if (!before) return;
  announceChanges(sourcesOf(before), sourcesOf(guest), (reason, source) => {
    sendEvent('loadedSource', { reason, source });
  });
  announceChanges(modulesOf(before), modulesOf(guest), (reason, module) => {
    sendEvent('module', { reason, module });
  });
}

function sourcesOf(guest: Guest): ReadonlyMap<unknown, DebugProtocol.Source> {
  return new Map(guest.symbols.files().map((file) => [file, sourceOf(file, guest)]));
}

function modulesOf(guest: Guest): ReadonlyMap<unknown, DebugProtocol.Module> {
  return new Map(guest.modules.map((module) => [module.id, module]));
}

function announceChanges<Item>(
  before: ReadonlyMap<unknown, Item>,
  after: ReadonlyMap<unknown, Item>,
  tell: (reason: 'new' | 'changed' | 'removed', item: Item) => void,
): void {
  for (const [key, item] of before) if (!after.has(key)) tell('removed', item);
  for (const [key, item] of after) {
    const known = before.get(key);
    if (known === undefined) tell('new', item);
    else if (JSON.stringify(known) !== JSON.stringify(item)) tell('changed', item);
  }
}
