import { expect, it } from 'vitest';
import type { Machine } from '../../vm-core/index.ts';
import { GuestOutput } from './guest-output.ts';

/** An output with a clock of its own and everything that it sent. */
function makeBench() {
  const sent: { readonly category: string; readonly text: string }[] = [];
  const bench = { nowMs: 0, sent, machine: {} as Pick<Machine, 'onOutput' | 'onLog'> };
  const output = new GuestOutput(
    { serial: 'console', debugcon: 'none', parallel: 'console' },
    (category, text) => sent.push({ category, text }),
    () => bench.nowMs,
  );
  output.attach(bench.machine);
  const print = (text: string, device = 'uart-1', channel = 'serial'): void =>
    bench.machine.onOutput?.(device, channel, new TextEncoder().encode(text));
  return { ...bench, output, print, advance: (ms: number) => (bench.nowMs += ms) };
}

it('sends the chosen channels only, without carriage returns', () => {
  const { output, print, sent } = makeBench();
  print('Hello\r\n');
  print('not asked for', 'debug-console', 'debugcon');
  print('printed', 'parallel-1', 'parallel');
  expect(sent).toEqual([]);
  output.flush();
  output.flush();
  expect(sent).toEqual([{ category: 'stdout', text: 'Hello\nprinted' }]);
});

it('bounds what a guest that never stops writing sends in a second, and tells the loss and the end', () => {
  const { output, print, sent, advance } = makeBench();
  for (let ms = 0; ms < 1000; ms++) {
    for (let line = 0; line < 100; line++) print('0123456789abcdef\n');
    output.flush();
    advance(1);
  }
  print('the end');
  output.flushAll();
  const shown = sent.map(({ text }) => text).join('');
  expect(shown.length).toBeLessThan(120_000);
  expect(sent.length).toBeLessThan(100);
  expect(shown).toMatch(/\[\d+ characters left out: the guest writes faster than they can be shown\]/);
  expect(shown.endsWith('the end')).toBe(true);
  const leftOut = [...shown.matchAll(/\[(\d+) characters/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  const printed = sent.filter(({ category }) => category === 'stdout').reduce((sum, { text }) => sum + text.length, 0);
  expect(leftOut + printed).toBe(1_700_000 + 'the end'.length);
});

it('bounds messages about what is not modelled too, and recovers', () => {
  const { output, machine, sent, advance } = makeBench();
  for (let port = 0; port < 65_536; port++) machine.onLog?.(`no device at port ${port}`);
  expect(sent.length).toBeLessThan(300);
  const told = sent.length;
  advance(1000);
  output.flush();
  expect(sent.at(-1)?.text).toContain(`[${65_536 - told} messages left out`);
  machine.onLog?.('one more');
  expect(sent.at(-1)).toEqual({ category: 'console', text: 'one more\n' });
});

it.each([
  ['vscode', []],
  ['neovim', ['console: serial: "terminal" needs', 'stdout: Hello']],
  [undefined, ['console: serial: "terminal" needs', 'stdout: Hello']],
])('shows what would go to a terminal to client %s, if that has none, and says why', (clientId, expected) => {
  const sent: string[] = [];
  const machine = {} as Pick<Machine, 'onOutput' | 'onLog'>;
  const output = new GuestOutput(
    { serial: 'terminal', debugcon: 'none', parallel: 'console' },
    (category, text) => sent.push(`${category}: ${text}`),
    () => 0,
    clientId,
  );
  output.attach(machine);
  machine.onOutput?.('uart-1', 'serial', new TextEncoder().encode('Hello'));
  output.flush();
  expect(sent.map((line, index) => line.slice(0, expected[index]?.length))).toEqual(expected);
});
