import type { DebugProtocol } from '@vscode/debugprotocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { commands } from '../../debug-adapter/session/console/commands.ts';
import { expectGolden } from './support/golden.ts';
import { SessionClient } from './support/session-client.ts';

let client: SessionClient;

beforeEach(async () => {
  client = new SessionClient();
  await client.launch({ program: '/guest/guest.img', listing: '/guest/guest.lst', engine: 'compiler' });
  await client.stop();
});

const type = async (expression: string): Promise<string> =>
  String((await client.request('evaluate', { expression, context: 'repl' }))['result']);

const complain = async (expression: string): Promise<string | undefined> =>
  (await client.send('evaluate', { expression, context: 'repl' })).message;

describe('commands of the console', () => {
  it('answer, each of them', async () => {
    // What the BIOS and the devices say is theirs to change; it is compared by pattern.
    const patterns: Readonly<Record<string, RegExp>> = {
      regs: /^EAX=\w{8} .*\n.*\nCS=0000 .*\nEIP=00007C00 EFLAGS=\w{8} .*\nnext: 0000:7C00 start$/,
      'idt 6': /^06h {2}IVT\[6\] at 0x00000018: F000:\w{4}$/,
      gdt: /^GDT {2}none: not in real mode$/,
      ldt: /^LDT {2}none: not in real mode$/,
      tss: /^TSS {2}none: not in real mode$/,
      'ivt 6,10h': /^06h {2}IVT\[6\] at 0x00000018: F000:\w{4}\n10h {2}IVT\[16\] at 0x00000040: \w{4}:\w{4}$/,
      devices: /^pic-master +\S/,
      'devices pit': /^pit\n {2}\w+ +[0-9A-F]+ +\S/,
      screen: /BIOS/,
      code: /^\d+ blocks kept, \d+ decoded, .* 0 made room for others \(0 times\), \d+ flushes$/,
      compiled: /^0 regions in 0 modules, 0 KiB; 0 compiled so far, 0 dropped, 0 made room; 0 % of all instructions$/,
      tlb: /^0 cached: 0 found, 0 walked for, /,
    };
    const lines = [
      'help',
      'help x',
      'cpu',
      'cpuid 1,80000000h',
      'cpuid 99',
      'x start 32',
      'x 7c00 8 w',
      'x p:0x7dfe 1 w',
      'x p:7dfe 1 w',
      'x p:start+1feh 1 w',
      'dis again 4',
      'dis',
      'find "no such text in here"',
      'pages',
      'walk start w user',
      'breakpoints',
      'log',
      'keys ab<enter>',
      'branches on',
      'branches',
      'branches off',
      'trace 1',
      'reset',
    ];
    const whenStopped = 'branch';
    for (const [line, pattern] of Object.entries(patterns)) expect(await type(line)).toMatch(pattern);
    const answers: string[] = [];
    for (const line of lines) answers.push(`> ${line}`, await type(line));
    await client.stop();
    answers.push(`> ${whenStopped}`, await type(whenStopped));
    expectGolden('console', answers);
    const tried = new Set([...lines, whenStopped, ...Object.keys(patterns)].map((line) => line.split(' ')[0]));
    expect(commands.map(({ name }) => name).filter((name) => !tried.has(name))).toEqual([]);
  });

  it.each([
    ['help nothing', 'there is no command nothing; help lists them'],
    ['x 7c00 0', '0: give a count from 1 to 4096'],
    ['x 7c00 9999999', '9999999: give a count from 1 to 4096'],
    ['x 7c00 4 z', 'z: write b, w, d or q for the size of units'],
    ['x nowhere', 'nowhere: no register, flag or label is called nowhere'],
    ['x p:0xf0000000 1', 'nothing is mapped at p:0xf0000000'],
    ['dis 7c00 many', 'many: give a count from 1 to 500'],
    ['find', 'find: write a text in quotes, or bytes of two hexadecimal digits'],
    ['find 5', 'find: write a text in quotes, or bytes of two hexadecimal digits'],
    ['cpuid here', 'here: write leaves such as 1 or 80000001h'],
    ['ivt all', 'all: write vectors such as 10h,13h or 0-1Fh'],
    ['ivt 300', '300: write vectors such as 10h,13h or 0-1Fh'],
    ['x p:nowhere', 'nowhere: no register, flag or label is called nowhere'],
    ['keys', 'keys: write what is to be typed'],
    ['keys <nokey>', /^keys: <nokey> is no key/],
    ['devices toaster', /^no device is called toaster; there are pic-master/],
    ['trace 0', '0: give a count from 1 to 10000'],
    ['trace show', 'nothing was recorded; type trace on first'],
    ['trace all', 'all: give a count from 1 to 10000'],
  ])('%s says what is wrong', async (line, message) => {
    expect(await complain(line)).toEqual(typeof message === 'string' ? message : expect.stringMatching(message));
  });

  it.each(['continue', 'bt', 'u 7c00', 'print eax', 'e 7c00 90'])(
    '%s of other debuggers is told of help',
    async (line) => {
      expect(await complain(line)).toBe(
        `${line.split(' ')[0]} is no command, register, flag or label; help lists the commands`,
      );
    },
  );

  it.each(['', '  '])('%j is nothing to evaluate', async (line) => {
    expect(await complain(line)).toBe('write an expression or a command; help lists the commands');
  });

  it.each([
    ['F000:FFF0', '0x000ffff0 (1048560)'],
    ['  $start', '0x00007c00 (31744)'],
    ['byte[F000:FFF0] & 0', '0x00000000'],
    ['cr0.pe', '0'],
  ])('%s is an expression', async (line, value) => {
    expect(await type(line)).toBe(value);
  });

  it('leave expressions and other contexts alone', async () => {
    expect(await type('al = 5')).toBe('0x05');
    expect(await type('start + 1')).toBe('0x00007c01 (31745)');
    expect((await client.send('evaluate', { expression: 'help', context: 'watch' })).message).toMatch(
      /no register, flag or label is called help/,
    );
  });

  it('need a guest', async () => {
    const fresh = new SessionClient();
    expect((await fresh.send('evaluate', { expression: 'regs', context: 'repl' })).message).toMatch(
      /there is no machine yet/,
    );
  });

  it('find text and bytes', async () => {
    await type('dword[20000h] = 0x44434241');
    expect(await type('find "ABCD"')).toMatch(/^p:0x00020000$/m);
    expect(await type('find 41 42 43 44')).toMatch(/^p:0x00020000$/m);
  });

  it('trace on records what is executed, until trace off', async () => {
    await type('trace on');
    expect(await type('trace show')).toBe('→ 0000:7C00 start        xor ax, ax');
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'outer' }] });
    await client.run('continue');
    expectGolden('trace', (await type('trace show 23')).split('\n'));
    expect((await type('trace show 4')).split('\n')).toEqual([
      '0000:7C22 again+0x14     rep movsb',
      '0000:7C24 again+0x16     add bx, bx',
      '0000:7C26 again+0x18     nop',
      '0000:7C27 again+0x19     call 0x7c44  ; outer',
      '→ 0000:7C44 outer        push bx',
    ]);
    await type('trace off');
    expect(await complain('trace show')).toBe('nothing was recorded; type trace on first');
  });

  it('trace on holds over a restart', async () => {
    await type('trace on');
    await client.run('restart', {});
    await client.run('stepIn');
    expect(await type('trace show 1')).toMatch(/^0000:7C00 start +xor ax, ax\n/);
  });

  it('trace on shows how the guest came to a triple fault', async () => {
    // mov cx, 5; l: loop l; cli; lidt [7c20h] (limit 0); ud2
    const bytes = [0xb9, 5, 0, 0xe2, 0xfe, 0xfa, 0x0f, 0x01, 0x1e, 0x20, 0x7c, 0x0f, 0x0b, ...new Array(25).fill(0)];
    const data = Buffer.from(bytes).toString('base64');
    await client.request('writeMemory', { memoryReference: '0x7c00', data });
    await client.request('setExceptionBreakpoints', { filters: ['triple-fault'] });
    await type('trace on');
    await client.run('continue');
    expect((await type('trace show')).split('\n')).toEqual([
      '0000:7C00 start          mov cx, 5',
      '0000:7C03 start+0x3      loop 0x7c03  ; start+0x3',
      '0000:7C03 start+0x3      loop 0x7c03  ; start+0x3',
      '  … 3 times',
      '0000:7C03 start+0x3      loop 0x7c03  ; start+0x3',
      '0000:7C05 start+0x5      cli',
      '0000:7C06 start+0x6      lidt [0x7c20]',
      '  — #UD at 0000:7C0B start+0xb',
      '→ 0000:7C0B start+0xb    ud2',
    ]);
  });

  it('trace executes and shows instructions', async () => {
    await type('trace 3');
    expect(await client.stop()).toBe('step 14 start+0x6 (0000:7C06)');
    const output = client.transcript.filter((line) => line.includes('event output')).at(-1);
    expect(output).toContain(
      '0000:7C00 start          xor ax, ax\\n0000:7C02 start+0x2      mov ds, ax\\n0000:7C04 start+0x4      mov es, ax\\n',
    );
  });

  it('trace stops at breakpoints and not while the guest runs', async () => {
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'start+4' }] });
    await type('trace 100');
    expect(await client.stop()).toBe('function breakpoint 13 start+0x4 (0000:7C04)');
    await type('word[again] = 0xfeeb');
    await client.request('continue', { threadId: 1 });
    expect(await complain('trace')).toMatch(/pause it first/);
  });

  it('keys reach the guest at a pace, once it runs', async () => {
    await type('keys ab');
    expect(client.machine?.inputLog).toHaveLength(0);
    await client.request('writeMemory', {
      memoryReference: '0x7c00',
      data: Buffer.from([0xeb, 0xfe]).toString('base64'),
    });
    await client.request('continue', { threadId: 1 });
    for (let slice = 0; slice < 20; slice++) client.host.runOne();
    expect(client.machine?.inputLog.map(({ bytes }) => [...bytes])).toEqual([
      [0x1e, 0x9e],
      [0x30, 0xb0],
    ]);
  });

  it('reset leaves the machine at the reset vector', async () => {
    await type('reset');
    expect(await client.event('stopped')).toMatchObject({ description: 'Reset vector' });
    expect(await type('regs')).toContain('next: F000:FFF0');
  });

  it('list breakpoints of all kinds', async () => {
    const source = { path: '/guest/guest.asm', name: 'guest.asm' };
    await client.request('setBreakpoints', { source, breakpoints: [{ line: 40, condition: 'cx == 1' }] });
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'nowhere' }] });
    await client.request('setDataBreakpoints', { breakpoints: [{ dataId: 'linear:counter,2', accessType: 'write' }] });
    expect((await type('breakpoints')).split('\n')).toEqual([
      '1  source  guest.asm:40 0x00007c3f, if cx == 1',
      '2  function  nowhere (not set: nowhere: no register, flag or label is called nowhere)',
      '3  data  write of counter (2 bytes)',
    ]);
  });

  it('mark what changed for a client that shows styles', async () => {
    const styled = new SessionClient();
    await styled.request('initialize', { adapterID: 'x86vm', supportsANSIStyling: true });
    await styled.request('launch', { program: '/guest/guest.img', listing: '/guest/guest.lst' });
    await styled.request('configurationDone');
    await styled.stop();
    await styled.run('next');
    const { result } = await styled.request('evaluate', { expression: 'regs', context: 'repl' });
    expect(result).toContain('\x1b[33mEIP=00007C02\x1b[0m');
    expect(await type('regs')).not.toContain('\x1b');
  });
});

describe('completions', () => {
  const complete = async (text: string, column = text.length + 1): Promise<readonly string[]> => {
    const { targets } = await client.request('completions', { text, column });
    return (targets as DebugProtocol.CompletionItem[]).map(({ label }) => label);
  };

  it('offer commands first, then what expressions know', async () => {
    expect((await complete('')).slice(0, 3)).toEqual(['help', 'regs', 'devices']);
    expect(await complete('dev')).toEqual(['devices']);
    expect(await complete('cou')).toEqual(['count', 'counter']);
    expect(await complete('es.b')).toEqual(['es.base']);
    expect(await complete('1 + inn')).toEqual(['inner', 'inner.never']);
    expect(await complete('WOR')).toEqual(['word[…]']);
  });

  it('offer what may follow a command', async () => {
    expect(await complete('devices pi')).toEqual(['pic-master', 'pic-slave', 'pit']);
    expect(await complete('help tr')).toEqual(['trace']);
    expect(await complete('x cou')).toEqual(['count', 'counter']);
    expect(await complete('regs a')).toEqual([]);
  });

  it('replace the word in front of the cursor only', async () => {
    const { targets } = await client.request('completions', { text: 'eax + cou * 2', column: 10 });
    expect((targets as DebugProtocol.CompletionItem[])[0]).toMatchObject({ label: 'count', start: 6, length: 3 });
  });
});
