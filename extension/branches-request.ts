/** Checks what a view of the last branches sends: a webview is a page, and a page's messages are input like any other. */
import type { BranchesRequest } from '../debug-adapter/protocol/branches.ts';

/** Linear addresses have at most 57 bits with a sign. */
const LINEAR_MAX = 2 ** 57;

type Fields = Readonly<Record<string, unknown>>;

/** What the page asks of the session, or of VS Code: to step. */
export type BranchesPageRequest = BranchesRequest | { readonly type: 'step' };

/** What each request must have besides its type. */
const REQUESTS: Readonly<Record<BranchesPageRequest['type'], (fields: Fields) => boolean>> = {
  visible: ({ visible }) => typeof visible === 'boolean',
  record: ({ on }) => typeof on === 'boolean',
  clear: () => true,
  locate: ({ address }) => Number.isInteger(address) && Math.abs(address as number) <= LINEAR_MAX,
  step: () => true,
};

/** Whether a message has the form of a request, all of it. */
export function isBranchesRequest(message: unknown): message is BranchesPageRequest {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false;
  const { type } = message;
  if (typeof type !== 'string' || !Object.hasOwn(REQUESTS, type)) return false;
  return REQUESTS[type as BranchesPageRequest['type']](message as Fields);
}
