import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import { afterEach, describe, expect, it } from 'vitest';

/** The command line as other clients start it: the bundle if there is one, else the sources. */
const root = fileURLToPath(new URL('../..', import.meta.url));
const script = existsSync(`${root}dist/cli.js`) ? 'dist/cli.js' : 'debug-adapter/command-line/main.ts';
const example = `${root}examples/bootloader`;
const source = (name: string): string => `${example}/${name}`;

/** Line of a source file that begins with a text, counted from 1. */
function lineOf(name: string, text: string): number {
  const index = readFileSync(source(name), 'utf8')
    .split('\n')
    .findIndex((line) => line.trim().startsWith(text));
  if (index < 0) throw new Error(`${name} has no line "${text}"`);
  return index + 1;
}

const open: { client?: DebugClient; server?: ChildProcess } = {};

afterEach(async () => {
  await open.client?.stop();
  open.server?.kill();
});

/** The test client starts adapters that take no arguments; ours takes one. */
class StdioClient extends DebugClient {
  startCommand(): void {
    const server = spawn(process.execPath, [script, 'dap'], { cwd: root });
    open.server = server;
    this.connect(server.stdout, server.stdin);
  }
}

/** A client of an adapter of its own, on standard input and output. */
function startOnStdio(): DebugClient {
  const client = new StdioClient('', '', 'x86vm');
  open.client = client;
  client.startCommand();
  return client;
}

/** A client of a server on a port. */
async function startOnPort(): Promise<DebugClient> {
  const server = spawn(process.execPath, [script, 'dap', '--port', '0'], { cwd: root });
  open.server = server;
  const port = await new Promise<number>((resolve, reject) => {
    server.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
    server.stdout.on('data', (bytes: Buffer) => {
      const found = /:(\d+)\s*$/.exec(String(bytes))?.[1];
      if (found) resolve(Number(found));
    });
  });
  const client = new DebugClient('', '', 'x86vm');
  open.client = client;
  await client.start(port);
  return client;
}

async function top(client: DebugClient): Promise<DebugProtocol.StackFrame> {
  const { body } = await client.stackTraceRequest({ threadId: 1, levels: 1 });
  return body.stackFrames[0] as DebugProtocol.StackFrame;
}

describe('the bundled example', () => {
  it('stops at the first instruction of boot.asm, steps, and reaches a breakpoint in protected mode', async () => {
    const client = startOnStdio();
    await Promise.all([
      client.configurationSequence(),
      client.launch({ program: source('boot.asm') }),
      client.assertStoppedLocation('entry', { path: source('boot.asm'), line: lineOf('boot.asm', 'jmp 0x0000:') }),
    ]);
    expect((await top(client)).instructionPointerReference).toBe('0x00007c00');
    await Promise.all([
      client.nextRequest({ threadId: 1 }),
      client.assertStoppedLocation('step', { path: source('boot.asm'), line: lineOf('boot.asm', 'cli') }),
    ]);
    const line = lineOf('protected.asm', 'mov ax,');
    const { body } = await client.setBreakpointsRequest({
      source: { path: source('protected.asm') },
      breakpoints: [{ line }],
    });
    expect(body.breakpoints[0]).toMatchObject({ verified: true, line });
  });

  it('is served on a port as well, several times over', async () => {
    const client = await startOnPort();
    await Promise.all([
      client.configurationSequence(),
      client.launch({ program: source('boot.asm'), stopOnEntry: 'reset' }),
      client.waitForEvent('stopped'),
    ]);
    expect((await top(client)).instructionPointerReference).toBe('0xfffffff0');
    const breakpoint = { path: source('boot.asm'), line: lineOf('boot.asm', 'call read_stage2') };
    await client.setBreakpointsRequest({ source: { path: breakpoint.path }, breakpoints: [breakpoint] });
    await Promise.all([
      client.continueRequest({ threadId: 1 }),
      client.assertStoppedLocation('breakpoint', breakpoint),
    ]);
    await Promise.all([client.restartRequest({}), client.waitForEvent('stopped')]);
    expect((await top(client)).instructionPointerReference).toBe('0xfffffff0');
    await Promise.all([client.terminateRequest(), client.waitForEvent('terminated')]);
  });

  it('fails to launch with a message that names the file', async () => {
    const client = startOnStdio();
    await client.initializeRequest();
    await expect(client.launchRequest({ program: source('nothing.img') } as object)).rejects.toThrow(
      /program: .*nothing\.img/,
    );
    await expect(client.customRequest('fly')).rejects.toThrow('unknown request fly');
  });
});
