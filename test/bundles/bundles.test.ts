/**
 * The bundles as they ship: one `worker.js` that boots a guest and disassembles it in a thread of Node and in a scope that
 * has nothing of Node, as a Web Worker has not; no bundle loads what is not there. Needs `npm run build` first.
 */
import { existsSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { inflateSync } from 'node:zlib';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { describe, expect, it } from 'vitest';
import type { FromWorker, ToWorker } from '../../debug-adapter/protocol/worker.ts';
import { repositoryRoot, runCommand } from '../../scripts/run-command.ts';
import { parseSource, walk } from '../style/source-files.ts';

const dist = (name: string) => join(repositoryRoot, 'dist', name);
const BUNDLES = ['extension.cjs', 'extension-web.cjs', 'worker.js', 'cli.js', 'webviews/screen.js'];

/** A floppy whose boot sector is CLI and a jump to itself. */
const IMAGE = Uint8Array.from(
  { length: 1_474_560 },
  (_, at) => ({ 0: 0xfa, 1: 0xeb, 2: 0xfe, 510: 0x55, 511: 0xaa })[at] ?? 0,
);

/** A started worker, whichever kind. */
interface StartedWorker {
  post(message: ToWorker): void;
  receive: (message: FromWorker) => void;
  end(): void;
}

function startThread(): StartedWorker {
  const thread = new Worker(dist('worker.js'));
  const worker: StartedWorker = {
    post: (message) => thread.postMessage(message),
    receive: () => {},
    end: () => void thread.terminate(),
  };
  thread.on('message', (message: FromWorker) => worker.receive(message));
  return worker;
}

/** The globals of a Web Worker that the bundle may use; nothing else is there. */
function startBareScope(): StartedWorker {
  const channels: MessageChannel[] = [];
  const worker: StartedWorker = {
    post: (data) => setImmediate(() => scope.onmessage?.({ data: intoScope(data) })),
    receive: () => {},
    end: () => channels.forEach(({ port1 }) => void port1.close()),
  };
  const scope: { onmessage?: (event: { data: ToWorker }) => void } & Record<string, unknown> = createContext({
    postMessage: (message: FromWorker) => worker.receive(message),
    MessageChannel: class extends MessageChannel {
      constructor() {
        super();
        channels.push(this);
      }
    },
    ...{ performance, setTimeout, clearTimeout, TextDecoder, TextEncoder, atob, btoa },
  });
  // What comes by message belongs to the scope that gets it; arrays of bytes are told by their class.
  const bytesOfScope = runInContext('(bytes) => Uint8Array.from(bytes)', scope) as (bytes: Uint8Array) => Uint8Array;
  const intoScope = (data: ToWorker): ToWorker =>
    'value' in data && data.value instanceof Uint8Array ? { ...data, value: bytesOfScope(data.value) } : data;
  runInContext(readFileSync(dist('worker.js'), 'utf8'), scope);
  return worker;
}

/** Boots the image and gives the first instruction's text. */
function firstInstruction(worker: StartedWorker): Promise<string> {
  let seq = 1;
  const send = (command: string, given: unknown) =>
    worker.post({
      channel: 'dap',
      message: { seq: seq++, type: 'request', command, arguments: given } as DebugProtocol.Request,
    });
  return new Promise((resolve, reject) => {
    const answers: Record<string, (body: { instructions: DebugProtocol.DisassembledInstruction[] }) => void> = {
      initialize: () => send('launch', { program: '/boot.img', stopOnEntry: true }),
      disassemble: ({ instructions }) => resolve(instructions[0]?.instruction ?? 'nothing'),
    };
    const events: Record<string, () => void> = {
      initialized: () => send('configurationDone', {}),
      stopped: () => send('disassemble', { memoryReference: '0x7c00', instructionCount: 1 }),
    };
    const receiveDap = (message: DebugProtocol.Response | DebugProtocol.Event) => {
      if (message.type === 'event') return events[(message as DebugProtocol.Event).event]?.();
      const response = message as DebugProtocol.Response;
      if (!response.success) reject(new Error(`${response.command}: ${response.message}`));
      else answers[response.command]?.(response.body);
    };
    worker.receive = (message) => {
      if (message.channel === 'host') worker.post({ channel: 'host-reply', ...answerHost(message) });
      if (message.channel === 'dap') receiveDap(message.message as DebugProtocol.Response | DebugProtocol.Event);
    };
    worker.post({ channel: 'start', hostKind: 'browser', localTimeMs: 0 });
    send('initialize', { adapterID: 'x86vm' });
  });
}

function answerHost({ id, call }: Extract<FromWorker, { channel: 'host' }>): { id: number; value: unknown } {
  switch (call.method) {
    case 'fileSize':
      return { id, value: IMAGE.length };
    case 'readFile':
      return { id, value: IMAGE.slice(call.offset, call.offset + call.length) };
    case 'assemble':
      throw new Error('there is nothing to assemble');
  }
}

/** The modules that a bundle asks its surroundings for. */
function modulesWanted(name: string): string[] {
  const { parsed, text } = parseSource({ path: name, text: readFileSync(dist(name), 'utf8') });
  const wanted = new Set(parsed.module.staticImports.map(({ moduleRequest }) => moduleRequest.value));
  walk(parsed.program, (node) => {
    const source = text.slice(node.start, Math.min(node.end, node.start + 80));
    if (node.type === 'ImportExpression') wanted.add(source);
    const required = node.type === 'CallExpression' ? /^require\((["'])(.*?)\1\)/.exec(source)?.[2] : undefined;
    if (required !== undefined) wanted.add(required);
  });
  return [...wanted].sort();
}

describe.skipIf(!BUNDLES.map(dist).every(existsSync))('the bundles (skipped: run `npm run build` first)', () => {
  it.each([
    ['a thread of Node', startThread],
    ['a scope without Node', startBareScope],
  ])('worker.js boots a guest in %s', async (_, start) => {
    const worker = start();
    await expect(firstInstruction(worker).finally(() => worker.end())).resolves.toMatch(/^cli$/i);
  });

  it.each(['worker.js', 'cli.js'])('%s brings its interpreters', (name) => {
    const [, texts = '{}'] = /preparedInterpreters\s*=\s*(\{.*?\})/.exec(readFileSync(dist(name), 'utf8')) ?? [];
    for (const addressBits of ['32', '64']) {
      const text = new RegExp(`\\b${addressBits}:"([^"]+)"`).exec(texts)?.[1] as string;
      const module = new WebAssembly.Module(inflateSync(Buffer.from(text, 'base64')));
      expect(WebAssembly.Module.exports(module).map((one) => one.name)).toContain('run');
    }
  });

  it.each(['worker.js', 'webviews/screen.js'])('%s is complete', (name) => {
    expect(modulesWanted(name)).toEqual([]);
  });

  it('the extension asks for nothing but VS Code in a browser, and Node’s own modules on the desktop', () => {
    expect(modulesWanted('extension-web.cjs')).toEqual(['vscode']);
    expect(modulesWanted('extension.cjs').filter((name) => !isBuiltin(name))).toEqual(['vscode']);
    expect(readFileSync(dist('extension-web.cjs.js'))).toEqual(readFileSync(dist('extension-web.cjs')));
  });

  it('cli.js runs by itself', async () => {
    const { exitCode, output } = await runCommand(process.execPath, [dist('cli.js'), '--help']);
    expect(output).toMatch(/^Usage: x86vm run/);
    expect(exitCode).toBe(0);
  });
});
