/** The command line on real machines: exit statuses, what a run leaves behind, serving debug clients. */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { decode } from 'fast-png';
import { afterAll, describe, expect, it } from 'vitest';
import { runCommandLine } from './command-line.ts';

const directory = mkdtempSync(join(tmpdir(), 'command-line-test-'));

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const file = (name: string): string => join(directory, name);

/** Machine code at 0000:7C00, as hexadecimal digits; spaces are free. */
function bootSector(name: string, code: string): string {
  const image = Buffer.alloc(512);
  Buffer.from(code.replaceAll(' ', ''), 'hex').copy(image);
  image.writeUInt16LE(0xaa55, 510);
  writeFileSync(file(name), image);
  return file(name);
}

function hasNasm(): boolean {
  return spawnSync('nasm', ['-v']).status === 0;
}

interface Run {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(words: readonly string[], stdin = ''): Promise<Run> {
  const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
  streams.stdin.end(stdin);
  const status = await runCommandLine(words, streams as unknown as Parameters<typeof runCommandLine>[1]);
  const text = (stream: PassThrough): string => (stream.read() as Buffer | null)?.toString() ?? '';
  return { status, stdout: text(streams.stdout), stderr: text(streams.stderr) };
}

/** mov al, 10h; out F4h, al */
const exit = bootSector('exit.img', 'B010 E6F4 F4EBFD');
/** jmp $ */
const loop = bootSector('loop.img', 'EBFE');
/** xor ax, ax; mov ds, ax; lidt [7C20h], a table without entries; int3 */
const tripleFault = bootSector('triple-fault.img', '31C0 8ED8 0F011E207C CC');
/** mov al, FEh; out 64h, al; jmp $ */
const reset = bootSector('reset.img', 'B0FE E664 EBFE');
/** "OK" on the serial port, then sti; hlt; jmp */
const serial = bootSector('serial.img', 'BAF803 B04F EE B04B EE FB F4 EBFD');
/** "DB" on the debug console, then jmp $ */
/** Data, strobe, no strobe. */
const printed = (character: string): string => `BA7803 B0${character} EE 4242 B00D EE B00C EE`;
const printer = bootSector('printer.img', `${printed('4C')} ${printed('50')} EBFE`);
const debugcon = bootSector('debugcon.img', 'B044 E6E9 B042 E6E9 EBFE');
/** Prints "X" with INT 10h, then jmp $ */
const screen = bootSector('screen.img', 'B4 0E B0 58 31DB CD10 EBFE');
/** Sets 8 data bits, then sends back what the serial port receives. */
const echo = bootSector('echo.img', 'BAFB03 B003 EE BAFD03 EC A801 74FB BAF803 EC EE EBF1');
/** cli; hlt */
const sleep = bootSector('sleep.img', 'FA F4');
/** INT 16h, then prints the key with INT 10h, again and again */
const keys = bootSector('keys.img', '31C0 CD16 B40E 31DB CD10 EBF4');

/** xor ax, ax; mov ds, ax; #UD's vector to the UD2 that follows: mov word [18h], 7C10h; mov [1Ah], ax; ud2 */
const livelock = bootSector('livelock.img', '31C0 8ED8 C7061800107C A31A00 909090 0F0B');
/** No boot signature. */
const blank = file('blank.img');
writeFileSync(blank, Buffer.alloc(512));

describe('the exit status', () => {
  it.each([
    ['33: the exit device said 10h', 33, [exit, '--exit-device']],
    ['124: without the exit device nothing ends', 124, [exit, '--max-instructions', '20000']],
    ['124: the instructions are used up', 124, [loop, '--max-instructions', '5000']],
    ['124: the time is up', 124, [loop, '--max-seconds', '0.05']],
    ['3: triple fault', 3, [tripleFault]],
    ['0: triple fault that resets, without reboot', 0, [tripleFault, '--on-triple-fault', 'reset', '--no-reboot']],
    [
      '124: triple fault that resets again and again',
      124,
      [tripleFault, '--on-triple-fault', 'reset', '--max-instructions', '3000'],
    ],
    ['0: reset without reboot', 0, [reset, '--no-reboot']],
    ['124: reset again and again', 124, [reset, '--max-instructions', '3000']],
    ['0: text on the serial port', 0, [serial, '--until', 'OK']],
    ['0: text on the debug console', 0, [debugcon, '--until', 'DB']],
    ['0: text on the screen', 0, [screen, '--until', 'X', '--max-seconds', '10']],
    ['0: the guest sleeps for good', 0, [sleep]],
    ['124: the guest sleeps for good without the text', 124, [sleep, '--until', 'never']],
    ['1: no image', 1, []],
    ['1: no such image', 1, [file('missing.img')]],
    ['1: an empty image', 1, [file('empty.img')]],
    ['1: nothing to boot', 1, ['--disk', blank]],
    ['124: a guest whose handlers fault at once', 124, [livelock, '--max-instructions', '100000']],
    [
      '33: the exit device, on a processor whose local APIC is hidden',
      33,
      [exit, '--exit-device', '--cpu', 'max', '--local-apic', 'hidden'],
    ],
    ['1: processors that the model cannot have', 1, [exit, '--cpus', '2']],
    ['1: processors without local APICs', 1, [exit, '--cpus', '2', '--cpu', 'max', '--local-apic', 'hidden']],
    ['1: no kernel', 1, ['--kernel', blank]],
    ['1: a serial file that cannot be written', 1, [serial, '--serial', `file:${directory}`]],
    ['1: a trace that cannot be written', 1, [exit, '--trace', directory]],
  ])('is %s', async (_name, status, words) => {
    writeFileSync(file('empty.img'), '');
    const { stderr, ...result } = await run(['run', ...words]);
    expect({ ...result, stderr }).toMatchObject({ status });
    if (status === 1) expect(stderr).not.toBe('');
  });

  it('comes with a message that names what is wrong', async () => {
    const messageOf = async (...words: string[]): Promise<string> => (await run(words)).stderr.split('\n')[0] ?? '';
    expect(await messageOf('run', file('missing.img'))).toBe(`x86vm: ${file('missing.img')}: no such file`);
    expect(await messageOf('run', '--floppy', file('missing.img'))).toBe(
      `x86vm: --floppy: ${file('missing.img')}: no such file`,
    );
    expect(await messageOf('run', exit, '--disk', exit, '--floppy', exit)).toContain('leave no drive');
    expect(await messageOf('run', exit, '--firmware', exit)).toContain('--firmware: ');
    expect((await run(['run', '--disk', blank])).stderr).toContain(`disk image ${blank} has no 55AA signature`);
    expect(await messageOf('run', exit, '--cpus', '2')).toContain('cpus: a 486 has no local APIC');
    expect(await messageOf('run', '--kernel', blank)).toContain(`kernel: ${blank} is no kernel that can be booted`);
    expect(await messageOf('run', exit, '--append', 'x')).toBe(
      'x86vm: --append: there is no kernel to give it to; set kernel',
    );
    expect(await messageOf('boot')).toBe('x86vm: boot: there is no such command');
    expect(await messageOf('run', tripleFault)).toMatch(/^triple fault: vector \d+/);
    expect(await messageOf()).toContain('Usage');
  });

  it.each([
    ['screenshot', (path: string) => path],
    ['trace', (path: string) => path],
    ['stats', (path: string) => path],
    ['serial', (path: string) => `file:${path}`],
    ['debugcon', (path: string) => `file:${path}`],
    ['parallel', (path: string) => `file:${path}`],
  ])('comes with a message about --%s before the guest runs', async (option, written) => {
    // A run that began would end after its time, and with another message.
    const messageOf = async (path: string): Promise<string> =>
      (await run(['run', loop, `--${option}`, written(path), '--max-seconds', '60'])).stderr;
    const [missing, below] = [file('missing/out'), join(exit, 'out')];
    expect(await messageOf(missing)).toBe(
      `x86vm: --${option}: ${missing} cannot be written: there is no folder ${file('missing')}\n`,
    );
    expect(await messageOf(below)).toBe(`x86vm: --${option}: ${below} cannot be written: ${exit} is not a folder\n`);
    expect(await messageOf(directory)).toBe(`x86vm: --${option}: ${directory} is a folder; give the name of a file\n`);
  });

  it('comes with a message about a source that is not there', async () => {
    expect(await run(['run', file('missing.asm')])).toMatchObject({
      status: 1,
      stderr: `x86vm: ${file('missing.asm')}: no such file\n`,
    });
  });

  it.skipIf(!hasNasm())('comes with what the assembler said, once', async () => {
    writeFileSync(file('bad.asm'), '\nmov ax, nowhere\nmov bx, nowhere\n');
    const { status, stderr } = await run(['run', file('bad.asm')]);
    expect(status).toBe(1);
    expect(stderr.split('\n')).toEqual([
      expect.stringMatching(/bad\.asm:2: error: symbol .nowhere. not defined$/),
      expect.stringMatching(/bad\.asm:3: error: symbol .nowhere. not defined$/),
      'x86vm: nothing was run: NASM reported 2 errors',
      '',
    ]);
  });

  it('is that of the guest when its image is read-only, and the image stays as it is', async () => {
    // Writes its sector from 7C00h, with a byte changed, and ends with CF in the status.
    const code = '31C0 8EC0 8ED8 FE06F07D BB007C B80103 B90100 BA8000 CD13 0F92C0 E6F4 F4';
    const image = bootSector('read-only.img', code);
    const before = readFileSync(image);
    chmodSync(image, 0o444);
    expect(await run(['run', image, '--exit-device'])).toMatchObject({ status: 1, stderr: '' });
    expect(readFileSync(image).equals(before)).toBe(true);
  });

  it('comes with a warning about an image that was cut off', async () => {
    const image = bootSector('cut.img', 'B010 E6F4');
    const sector = readFileSync(image);
    sector.set([0, 2, 1, 1, 0, 2, 224, 0, 0x40, 0x0b, 0xf0], 0x0b);
    writeFileSync(image, sector);
    expect(await run(['run', '--disk', image, '--exit-device'])).toMatchObject({
      status: 33,
      stderr: `--disk: ${image} has 512 bytes, but its BIOS parameter block says 1474560; what is missing cannot be read.\n`,
    });
  });

  it('is 0 for the help', async () => {
    expect(await run(['--help'])).toMatchObject({ status: 0, stdout: expect.stringContaining('--max-instructions') });
  });
});

describe('what goes in and out', () => {
  it('carries the serial port on standard input and output', async () => {
    const { status, stdout } = await run(
      ['run', echo, '--serial', 'stdio', '--until', 'ready', '--max-seconds', '10'],
      'ready\n',
    );
    expect(status).toBe(0);
    expect(stdout).toBe('ready');
  });

  it('writes ports to files', async () => {
    await run(['run', debugcon, '--debugcon', `file:${file('debugcon.txt')}`, '--until', 'DB']);
    expect(readFileSync(file('debugcon.txt'), 'utf8')).toBe('DB');
    await run(['run', printer, '--parallel', `file:${file('printed.txt')}`, '--until', 'LP']);
    expect(readFileSync(file('printed.txt'), 'utf8')).toBe('LP');
    const { stdout } = await run(['run', serial, '--serial', 'stdio', '--debugcon', 'none', '--until', 'OK']);
    expect(stdout).toBe('OK');
  });

  it('presses keys', async () => {
    const words = [
      '--keys',
      'Hello, <lt>World!>',
      '--until',
      'Hello, <World!>',
      '--max-seconds',
      '10',
      '--print-screen',
    ];
    const { status, stdout } = await run(['run', keys, ...words]);
    expect(status).toBe(0);
    expect(stdout).toContain('Hello, <World!>\n');
  });

  it('shows the screen as text and as a picture', async () => {
    const { stdout } = await run(['run', screen, '--until', 'X', '--print-screen', '--screenshot', file('screen.png')]);
    expect(stdout).toMatch(/X\n$/);
    const { width, height, channels } = decode(readFileSync(file('screen.png')));
    expect({ width, height, channels }).toEqual({ width: 720, height: 400, channels: 4 });
  });

  it('gives figures', async () => {
    const { stdout } = await run(['run', loop, '--max-instructions', '5000', '--stats', '-']);
    expect(JSON.parse(stdout)).toMatchObject({
      instructions: 5000,
      wallSeconds: expect.any(Number),
      mips: expect.any(Number),
      stopReason: 'max-instructions',
    });
    await run(['run', exit, '--exit-device', '--stats', file('stats.json')]);
    expect(JSON.parse(readFileSync(file('stats.json'), 'utf8'))).toMatchObject({ stopReason: 'exit-device' });
  });

  it('says how much of the guest was compiled', async () => {
    const { stdout } = await run(['run', loop, '--engine=compiler', '--max-instructions', '3000000', '--stats', '-']);
    const { compiledInstructions } = JSON.parse(stdout) as Record<string, number>;
    expect(compiledInstructions).toBeGreaterThan(2_000_000);
    expect(compiledInstructions).toBeLessThan(3_000_000);
  });

  it('traces every instruction', async () => {
    await run(['run', exit, '--exit-device', '--trace', file('trace.txt'), '--stats', file('stats.json')]);
    const lines = readFileSync(file('trace.txt'), 'utf8').trimEnd().split('\n');
    const { instructions } = JSON.parse(readFileSync(file('stats.json'), 'utf8')) as { instructions: number };
    expect(lines).toHaveLength(instructions);
    expect(lines[0]).toMatch(/^F000:FFF0 {2}EA/);
    const start = lines.findIndex((line) => line.startsWith('0000:7C00'));
    expect(lines.slice(start)).toEqual([
      expect.stringMatching(/^0000:7C00 {2}B010 {14}mov al, 0x10 +EAX=[0-9A-F]{6}10$/),
      '0000:7C02  E6F4              out 0xf4, al',
    ]);
  });

  it('does the same with and without a trace, and every time', async () => {
    const words = ['run', screen, '--until', 'X', '--stats', '-'];
    const instructions = async (...more: string[]): Promise<number> =>
      (JSON.parse((await run([...words, ...more])).stdout) as { instructions: number }).instructions;
    const first = await instructions();
    expect(await instructions()).toBe(first);
    expect(await instructions('--trace', file('trace.txt'))).toBe(first);
  });
});

describe('dap', () => {
  const initialize = { seq: 1, type: 'request', command: 'initialize', arguments: { adapterID: 'x86vm' } };

  it('serves a client on standard input and output', async () => {
    const { status, stdout } = await run(['dap'], frame(initialize));
    expect(status).toBe(0);
    const [response] = unframe(stdout);
    expect(response).toMatchObject({ type: 'response', command: 'initialize', success: true, request_seq: 1 });
  });

  const disconnect = { seq: 2, type: 'request', command: 'disconnect', arguments: {} };

  it('ends its process when the client disconnects, although that keeps the pipe open', async () => {
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const server = spawn(process.execPath, [main, 'dap'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let said = '';
    server.stdout.on('data', (bytes) => {
      said += String(bytes);
    });
    server.stdin.write(frame(initialize) + frame(disconnect));
    const status = await new Promise((settle) => server.once('close', settle));
    expect(status).toBe(0);
    expect(unframe(said)).toMatchObject([{ command: 'initialize' }, { command: 'disconnect', success: true }]);
  });

  it('ends its process and the assembler when the client does not wait for that', async () => {
    // An assembler that never ends.
    const programs = file('programs');
    mkdirSync(programs);
    writeFileSync(join(programs, 'nasm'), '#!/bin/sh\nexec sleep 1000\n', { mode: 0o755 });
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const env = { ...process.env, PATH: `${programs}:${process.env['PATH']}` };
    const server = spawn(process.execPath, [main, 'dap'], { stdio: ['pipe', 'pipe', 'inherit'], env });
    let said = '';
    server.stdout.on('data', (bytes) => {
      said += String(bytes);
    });
    writeFileSync(file('endless.asm'), 'nop');
    const launch = { seq: 2, type: 'request', command: 'launch', arguments: { program: file('endless.asm') } };
    server.stdin.write(frame(initialize) + frame(launch) + frame({ ...disconnect, seq: 3 }));
    expect(await new Promise((settle) => server.once('close', settle))).toBe(0);
    expect(unframe(said).at(-1)).toMatchObject({ command: 'disconnect', success: true });
  });

  it('ends when a client speaks something else', async () => {
    const { status, stderr } = await run(['dap'], 'GET / HTTP/1.1\r\n\r\n');
    expect(status).toBe(0);
    expect(stderr).toContain('does not speak the Debug Adapter Protocol');
  });

  it('serves several clients on a port, at once and one after the other', async () => {
    const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
    const served = runCommandLine(['dap', '--port', '0'], streams as unknown as Parameters<typeof runCommandLine>[1]);
    const announced = await new Promise<string>((settle) =>
      streams.stdout.once('data', (bytes) => settle(String(bytes))),
    );
    const port = Number(/:(\d+)\n$/.exec(announced)?.[1]);
    const first = await client(port);
    const second = await client(port);
    expect(await second.ask(initialize)).toMatchObject({ success: true });
    expect(await first.ask(initialize)).toMatchObject({ success: true });
    expect(await first.ask(disconnect)).toMatchObject({ success: true });
    await first.closed;
    expect(await second.ask({ ...initialize, seq: 3 })).toMatchObject({ success: true });
    second.close();
    const third = await client(port);
    expect(await third.ask(initialize)).toMatchObject({ success: true });
    const taken = await run(['dap', '--port', String(port)]);
    expect(taken).toMatchObject({ status: 1, stderr: expect.stringContaining(`--port: ${port} is in use`) });
    process.emit('SIGTERM');
    expect(await served).toBe(0);
  });
});

function frame(message: object): string {
  const body = JSON.stringify(message);
  return `Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** Messages of a stream that ends with a whole one. */
function unframe(stream: string): { readonly type: string }[] {
  const bodies = stream.split(/Content-Length: \d+\r\n\r\n/).filter((body) => body !== '');
  return bodies.map((body) => JSON.parse(body) as { type: string });
}

interface Client {
  ask(message: typeof MESSAGE): Promise<unknown>;
  close(): void;
  /** Settles when the server has closed the connection. */
  readonly closed: Promise<void>;
}

const MESSAGE = { seq: 1, type: 'request', command: '', arguments: {} as object };

function client(port: number): Promise<Client> {
  return new Promise((settle, reject) => {
    const socket = connect(port, '127.0.0.1');
    const closed = new Promise<void>((settleClosed) => socket.once('close', () => settleClosed()));
    const waiting: ((message: unknown) => void)[] = [];
    socket.on('data', (bytes) => {
      for (const message of unframe(String(bytes))) if (message.type === 'response') waiting.shift()?.(message);
    });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject).on('error', () => {});
      settle({
        ask: (message) =>
          new Promise((answer) => {
            waiting.push(answer);
            socket.write(frame(message));
          }),
        close: () => socket.destroy(),
        closed,
      });
    });
  });
}
