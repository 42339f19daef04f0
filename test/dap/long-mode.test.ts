import { expect, it } from 'vitest';
import { fixture, SessionClient } from './support/session-client.ts';

const FAR_JUMP = '7C63';

/** From real mode into 64-bit mode: stops, steps and registers follow the mode, with nothing connected anew. */
it('steps across the switch to 64-bit mode, and over and into a call there', async () => {
  const client = new SessionClient();
  client.host.files.set('/guest/long.img', fixture('long.img'));
  await client.request('initialize', { adapterID: 'x86vm' });
  await client.request('launch', { program: '/guest/long.img', cpu: 'x86-64-v3' });
  await client.request('configurationDone');
  expect(await client.stop()).toBe('entry 0 0000:7C00');
  await client.request('setFunctionBreakpoints', { breakpoints: [{ name: FAR_JUMP }] });
  const stops = [await client.run('continue')];
  for (const command of ['stepIn', 'next', 'next', 'stepIn', 'next', 'stepOut', 'next']) {
    stops.push(await client.run(command, { threadId: 1, granularity: 'instruction' }));
  }
  expect(stops).toEqual([
    'function breakpoint 0 0000:7C63',
    'step 0 0008:0000000000007C68',
    'step 0 0008:0000000000007C6D',
    'step 0 0008:0000000000007C77',
    'step 0 0008:0000000000007C7E',
    'step 0 0008:0000000000007C81',
    'step 0 0008:0000000000007C7C',
    'step 0 0008:0000000000007C7D',
  ]);
  expect(await client.evaluate('rax')).toBe('0x1122334455667789');
  const registers = (await client.request('evaluate', { expression: 'regs', context: 'repl' })) as { result: string };
  expect(registers.result).toContain('RAX=1122334455667789');
  expect(registers.result).toContain('RIP=0000000000007C7D');
});
