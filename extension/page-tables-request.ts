/** Checks what a page-table view sends: a webview is a page, and a page's messages are input like any other. */
import { type PageTablesRequest, TABLE_MODES } from '../debug-adapter/protocol/page-tables.ts';

/** Characters of an address or a value at most. */
const TEXT_MAX = 1000;
/** Physical addresses have at most 52 bits, linear ones 57 with a sign. */
const PHYSICAL_MAX = 2 ** 52;
const LINEAR_MAX = 2 ** 57;
const LEVEL_MAX = 5;
const CPU_MAX = 255;

type Fields = Readonly<Record<string, unknown>>;

const isText = (value: unknown): boolean => typeof value === 'string' && value.length <= TEXT_MAX;
const isAddress = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= -4 && (value as number) < PHYSICAL_MAX;

const isCpu = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= CPU_MAX;

/** What each request must have besides its type. */
const REQUESTS: Readonly<Record<PageTablesRequest['type'], (fields: Fields) => boolean>> = {
  visible: ({ visible }) => typeof visible === 'boolean',
  root: ({ text, mode }) => isText(text) && (TABLE_MODES as readonly unknown[]).includes(mode),
  cpu: ({ cpu }) => cpu === undefined || isCpu(cpu),
  cancel: () => true,
  table: ({ level, address, linear }) =>
    Number.isInteger(level) &&
    (level as number) >= 1 &&
    (level as number) <= LEVEL_MAX &&
    isAddress(address) &&
    Number.isInteger(linear) &&
    Math.abs(linear as number) <= LINEAR_MAX,
  walk: ({ text, access }) => isText(text) && isAccess(access),
  edit: ({ address, value }) => isAddress(address) && isText(value),
  watch: ({ address, on }) => isAddress(address) && typeof on === 'boolean',
  tlb: () => true,
};

/** Whether a message has the form of a request, all of it. */
export function isPageTablesRequest(message: unknown): message is PageTablesRequest {
  if (typeof message !== 'object' || message === null || !('type' in message)) return false;
  const { type } = message;
  if (typeof type !== 'string' || !Object.hasOwn(REQUESTS, type)) return false;
  return REQUESTS[type as PageTablesRequest['type']](message as Fields);
}

function isAccess(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, privilege } = value as Fields;
  const isKind = kind === 'read' || kind === 'write' || kind === 'fetch';
  return isKind && (privilege === 'supervisor' || privilege === 'user');
}
