/** Checks what a view of compiled code sends: a webview is a page, and a page's messages are input like any other. */
import type { CompiledCodeRequest } from '../debug-adapter/protocol/compiled-code.ts';

/** Ids of regions are numbers with spaces between them. */
const ID = /^[-0-9. ]{1,80}$/;

type Fields = Readonly<Record<string, unknown>>;

/** What each request must have besides its type. */
const REQUESTS: Readonly<Record<CompiledCodeRequest['type'], (fields: Fields) => boolean>> = {
  visible: ({ visible }) => typeof visible === 'boolean',
  refresh: () => true,
  show: ({ id }) => typeof id === 'string' && ID.test(id),
};

/** Whether a message has the form of a request, all of it. */
export function isCompiledCodeRequest(message: unknown): message is CompiledCodeRequest {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false;
  const { type } = message;
  if (typeof type !== 'string' || !Object.hasOwn(REQUESTS, type)) return false;
  return REQUESTS[type as CompiledCodeRequest['type']](message as Fields);
}
