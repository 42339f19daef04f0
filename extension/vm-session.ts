/**
 * One debug session in the extension host: forwards the Debug Adapter Protocol and the views' messages between VS Code
 * and the session's worker and answers the worker's host calls. It knows nothing of what it forwards, except that a
 * worker that died must not leave VS Code waiting.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { DebugAdapter, DebugProtocolMessage } from 'vscode';
import type { Host } from '../debug-adapter/host.ts';
import {
  type BranchesRequest,
  type BranchesUpdate,
  statusWithoutBranches,
} from '../debug-adapter/protocol/branches.ts';
import {
  type CompiledCodeRequest,
  type CompiledCodeUpdate,
  statusWithoutCode,
} from '../debug-adapter/protocol/compiled-code.ts';
import type { DevicesRequest, DevicesUpdate } from '../debug-adapter/protocol/devices.ts';
import type { MemoryRequest, MemoryUpdate } from '../debug-adapter/protocol/memory.ts';
import {
  type PageTablesRequest,
  type PageTablesUpdate,
  statusWithoutTables,
} from '../debug-adapter/protocol/page-tables.ts';
import type { ScreenRequest, ScreenUpdate } from '../debug-adapter/protocol/screen.ts';
import type { SerialRequest, SerialUpdate } from '../debug-adapter/protocol/serial.ts';
import type { FromWorker } from '../debug-adapter/protocol/worker.ts';
import { answerHostCall } from './host-calls.ts';
import { localized } from '../debug-adapter/protocol/localized.ts';
import type { WorkerLink } from './worker-link.ts';
import { localTimeMs } from './workspace-host.ts';

type Listener = (message: DebugProtocolMessage) => unknown;
type ScreenListener = (update: ScreenUpdate) => void;
type SerialListener = (update: SerialUpdate) => void;
type MemoryListener = (update: MemoryUpdate) => void;
type PageTablesListener = (update: PageTablesUpdate) => void;
type BranchesListener = (update: BranchesUpdate) => void;
type CompiledCodeListener = (update: CompiledCodeUpdate) => void;
type DevicesListener = (update: DevicesUpdate) => void;

/** Error id of a session whose worker is gone (`DebugProtocol.Message.id`). */
const WORKER_DIED = 1;

export class VmSession implements DebugAdapter {
  /** Called once, with a text for the user, when the worker is gone although nobody ended it. */
  onDied: (text: string) => void = () => undefined;
  private readonly link: WorkerLink;
  private readonly host: Host;
  private readonly listeners = new Set<Listener>();
  private readonly screens = new Set<ScreenListener>();
  private readonly terminals = new Set<SerialListener>();
  /** By the number of the view. */
  private readonly memoryViews = new Map<number, MemoryListener>();
  private readonly pageTableViews = new Set<PageTablesListener>();
  private readonly branchViews = new Set<BranchesListener>();
  private readonly compiledCodeViews = new Set<CompiledCodeListener>();
  private readonly deviceTrees = new Set<DevicesListener>();
  private readonly unanswered = new Map<number, string>();
  /** Why the worker is gone; undefined while it runs. */
  private death: string | undefined;

  /** `texts` are the translations for the session's own texts. */
  constructor(link: WorkerLink, host: Host, texts: Readonly<Record<string, unknown>> = {}) {
    this.link = link;
    this.host = host;
    link.listen(
      (message) => this.receive(message),
      (reason) => this.workerDied(reason),
    );
    link.post({ channel: 'start', hostKind: host.kind, localTimeMs: localTimeMs(), texts });
  }

  readonly onDidSendMessage = (listener: Listener): { dispose(): void } => {
    this.listeners.add(listener);
    return { dispose: () => this.listeners.delete(listener) };
  };

  handleMessage(message: DebugProtocolMessage): void {
    const forwarded = message as DebugProtocol.ProtocolMessage;
    const request = forwarded.type === 'request' ? (forwarded as DebugProtocol.Request) : undefined;
    if (this.death !== undefined) {
      if (request !== undefined) this.refuse(request.seq, request.command, this.death);
      return;
    }
    if (request !== undefined) this.unanswered.set(request.seq, request.command);
    this.link.post({ channel: 'dap', message: forwarded });
  }

  /** Whether there is still a worker behind the session. */
  get alive(): boolean {
    return this.death === undefined;
  }

  /** Calls back with every update for the screen, the last one (`ended`) included. */
  onScreenUpdate(listener: ScreenListener): { dispose(): void } {
    this.screens.add(listener);
    return { dispose: () => this.screens.delete(listener) };
  }

  requestScreen(request: ScreenRequest): void {
    if (this.death === undefined) this.link.post({ channel: 'screen', message: request });
  }

  /** Calls back with every update for terminals on serial ports, the last one (`ended`) included. */
  onSerialUpdate(listener: SerialListener): { dispose(): void } {
    this.terminals.add(listener);
    return { dispose: () => this.terminals.delete(listener) };
  }

  requestSerial(request: SerialRequest): void {
    if (this.death === undefined) this.link.post({ channel: 'serial', message: request });
  }

  /** Calls back with every update for the memory view of that number, the last one (`ended`) included. */
  onMemoryUpdate(view: number, listener: MemoryListener): { dispose(): void } {
    this.memoryViews.set(view, listener);
    return { dispose: () => this.memoryViews.delete(view) };
  }

  requestMemory(view: number, message: MemoryRequest): void {
    if (this.death === undefined) this.link.post({ channel: 'memory', view, message });
  }

  /** Calls back with every update for the page-table view, the last one (`ended`) included. */
  onPageTablesUpdate(listener: PageTablesListener): { dispose(): void } {
    this.pageTableViews.add(listener);
    return { dispose: () => this.pageTableViews.delete(listener) };
  }

  requestPageTables(message: PageTablesRequest): void {
    if (this.death === undefined) this.link.post({ channel: 'page-tables', message });
  }

  /** Calls back with every update for the view of the last branches, the last one (`ended`) included. */
  onBranchesUpdate(listener: BranchesListener): { dispose(): void } {
    this.branchViews.add(listener);
    return { dispose: () => this.branchViews.delete(listener) };
  }

  requestBranches(message: BranchesRequest): void {
    if (this.death === undefined) this.link.post({ channel: 'branches', message });
  }

  /** Calls back with every update for the view of compiled code, the last one (`ended`) included. */
  onCompiledCodeUpdate(listener: CompiledCodeListener): { dispose(): void } {
    this.compiledCodeViews.add(listener);
    return { dispose: () => this.compiledCodeViews.delete(listener) };
  }

  requestCompiledCode(message: CompiledCodeRequest): void {
    if (this.death === undefined) this.link.post({ channel: 'compiled-code', message });
  }

  /** Calls back with every update for the device tree. */
  onDevicesUpdate(listener: DevicesListener): { dispose(): void } {
    this.deviceTrees.add(listener);
    return { dispose: () => this.deviceTrees.delete(listener) };
  }

  requestDevices(message: DevicesRequest): void {
    if (this.death === undefined) this.link.post({ channel: 'devices', message });
  }

  dispose(): void {
    this.end(localized('The session has ended.'), '');
  }

  private receive(message: FromWorker): void {
    switch (message.channel) {
      case 'dap':
        this.send(message.message);
        return;
      case 'screen':
        this.updateScreens(message.message);
        return;
      case 'serial':
        this.updateTerminals(message.message);
        return;
      case 'memory':
        this.memoryViews.get(message.view)?.(message.message);
        return;
      case 'page-tables':
        this.updatePageTables(message.message);
        return;
      case 'branches':
        for (const listener of this.branchViews) listener(message.message);
        return;
      case 'compiled-code':
        for (const listener of this.compiledCodeViews) listener(message.message);
        return;
      case 'devices':
        for (const listener of this.deviceTrees) listener(message.message);
        return;
      case 'host':
        void answerHostCall(this.host, message.id, message.call).then((reply) => {
          if (this.death === undefined) this.link.post(reply);
        });
    }
  }

  private workerDied(reason: string): void {
    if (this.death !== undefined) return;
    const [headline = ''] = reason.split('\n');
    const text = localized('The x86 VM stopped working: {0}', headline);
    this.end(text, text);
    for (const [seq, command] of this.unanswered) this.refuse(seq, command, text);
    this.unanswered.clear();
    this.sendEvent('output', {
      category: 'stderr',
      output: `${localized('The x86 VM stopped working: {0}', reason)}\n`,
    });
    this.sendEvent('terminated', undefined);
    this.onDied(text);
  }

  private updateScreens(update: ScreenUpdate): void {
    for (const listener of this.screens) listener(update);
  }

  private updatePageTables(update: PageTablesUpdate): void {
    for (const listener of this.pageTableViews) listener(update);
  }

  private updateTerminals(update: SerialUpdate): void {
    for (const listener of this.terminals) listener(update);
  }

  private end(reason: string, detail: string): void {
    if (this.death !== undefined) return;
    this.death = reason;
    this.link.terminate();
    this.updateScreens({ type: 'status', state: 'ended', detail });
    this.updateTerminals({ type: 'ended', detail: detail || localized('Ended') });
    for (const listener of this.memoryViews.values()) listener({ type: 'status', state: 'ended', detail });
    this.updatePageTables(statusWithoutTables('ended'));
    for (const listener of this.branchViews) listener(statusWithoutBranches('ended'));
    for (const listener of this.compiledCodeViews) listener(statusWithoutCode('ended'));
  }

  /** Answers a request that no worker will answer any more; leaving always succeeds. */
  private refuse(requestSeq: number, command: string, reason: string): void {
    const success = command === 'disconnect' || command === 'terminate';
    const error = { id: WORKER_DIED, format: reason.replace(/[{}]/g, '') };
    const response: DebugProtocol.Response = {
      type: 'response',
      seq: 0,
      request_seq: requestSeq,
      command,
      success,
      ...(success ? {} : { message: reason, body: { error } }),
    };
    this.send(response);
  }

  private sendEvent(event: string, body: unknown): void {
    const message: DebugProtocol.Event = { type: 'event', seq: 0, event, body };
    this.send(message);
  }

  private send(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'response') this.unanswered.delete((message as DebugProtocol.Response).request_seq);
    for (const listener of this.listeners) listener(message);
  }
}
