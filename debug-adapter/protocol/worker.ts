/** The envelope of every message between the extension host (or another embedder) and the worker. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { BranchesRequest, BranchesUpdate } from './branches.ts';
import type { CompiledCodeRequest, CompiledCodeUpdate } from './compiled-code.ts';
import type { DevicesRequest, DevicesUpdate } from './devices.ts';
import type { MemoryRequest, MemoryUpdate } from './memory.ts';
import type { PageTablesRequest, PageTablesUpdate } from './page-tables.ts';
import type { ScreenRequest, ScreenUpdate } from './screen.ts';
import type { SerialRequest, SerialUpdate } from './serial.ts';

/** To the worker. */
export type ToWorker =
  | {
      readonly channel: 'start';
      readonly hostKind: 'desktop' | 'browser';
      readonly localTimeMs: number;
      /** Translations of the session's texts by their English; without them texts are English. */
      readonly texts?: Readonly<Record<string, unknown>>;
    }
  | { readonly channel: 'dap'; readonly message: DebugProtocol.ProtocolMessage }
  | { readonly channel: 'screen'; readonly message: ScreenRequest }
  /** `view` tells the memory views of a session apart. */
  | { readonly channel: 'memory'; readonly view: number; readonly message: MemoryRequest }
  | { readonly channel: 'devices'; readonly message: DevicesRequest }
  | { readonly channel: 'serial'; readonly message: SerialRequest }
  | { readonly channel: 'page-tables'; readonly message: PageTablesRequest }
  | { readonly channel: 'branches'; readonly message: BranchesRequest }
  | { readonly channel: 'compiled-code'; readonly message: CompiledCodeRequest }
  | { readonly channel: 'host-reply'; readonly id: number; readonly value?: unknown; readonly error?: string };

/** From the worker. */
export type FromWorker =
  | { readonly channel: 'dap'; readonly message: DebugProtocol.ProtocolMessage }
  | { readonly channel: 'screen'; readonly message: ScreenUpdate }
  | { readonly channel: 'memory'; readonly view: number; readonly message: MemoryUpdate }
  | { readonly channel: 'devices'; readonly message: DevicesUpdate }
  | { readonly channel: 'serial'; readonly message: SerialUpdate }
  | { readonly channel: 'page-tables'; readonly message: PageTablesUpdate }
  | { readonly channel: 'branches'; readonly message: BranchesUpdate }
  | { readonly channel: 'compiled-code'; readonly message: CompiledCodeUpdate }
  | { readonly channel: 'host'; readonly id: number; readonly call: HostCall };

/** The calls of `Host` that leave the worker; the reply's value is what the method returns. */
export type HostCall =
  | { readonly method: 'fileSize'; readonly path: string }
  | { readonly method: 'readFile'; readonly path: string; readonly offset: number; readonly length: number }
  | { readonly method: 'assemble'; readonly source: string };
