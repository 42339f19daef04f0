import { describe, expect, it } from 'vitest';
import { findComments } from '../../debug-adapter/session/source-comments.ts';
import { fixture, SessionClient } from './support/session-client.ts';

/** A session whose source has comments at the ends of lines, by number. */
async function launched(comments: Readonly<Record<number, string>>, given: object = {}): Promise<SessionClient> {
  const client = new SessionClient();
  const lines = new TextDecoder().decode(fixture('guest.asm')).split('\n');
  for (const [line, comment] of Object.entries(comments)) lines[Number(line) - 1] += `  ; ${comment}`;
  client.host.write('/guest/guest.asm', lines.join('\n'));
  await client.launch(given);
  if (!('noDebug' in given)) await client.stop();
  return client;
}

const outputs = (client: SessionClient): string =>
  client.transcript.filter((line) => line.startsWith('← event output')).join('\n');

describe('source comments', () => {
  it('are found with their text, in upper case only', () => {
    const text =
      'nop ; ASSERT ax == 1 \n;LOG a {bx}\r\n; assert x\nnop ; about ASSERTing\n\t;  WATCH counter, 2, rw\n; LOG';
    expect(findComments('f', text)).toEqual([
      { kind: 'ASSERT', text: 'ax == 1', file: 'f', line: 1 },
      { kind: 'LOG', text: 'a {bx}', file: 'f', line: 2 },
      { kind: 'WATCH', text: 'counter, 2, rw', file: 'f', line: 5 },
    ]);
  });

  it('ASSERT stops where it does not hold', async () => {
    const client = await launched({ 40: 'ASSERT cx != 2' });
    expect(outputs(client)).toContain('From comments of the source: 1 ASSERT.');
    await client.request('continue', { threadId: 1 });
    expect(await client.event('stopped')).toMatchObject({
      reason: 'breakpoint',
      description: 'the assertion cx != 2 does not hold',
    });
    expect(await client.evaluate('cx')).toBe('0x0002');
  });

  it('LOG writes and goes on', async () => {
    const client = await launched({ 39: 'LOG turn {cx,d}' });
    await client.request('continue', { threadId: 1 });
    expect(await client.event('exited')).toEqual({ exitCode: 43 });
    expect(outputs(client).match(/turn \d/g)).toEqual(['turn 3', 'turn 2', 'turn 1']);
  });

  it.each([
    ['WATCH counter', /written by .*0x0000 → 0x0001/],
    ['WATCH counter,1', /counter \(1 byte\) written by .*0x00 → 0x01/],
    ['WATCH counter, 2, r', /read by/],
    ['WATCH word[counter],2,RW', /written by/],
  ])('%s stops at accesses', async (comment, text) => {
    const client = await launched({ 64: comment });
    await client.request('continue', { threadId: 1 });
    const body = await client.event('stopped');
    expect(body).toMatchObject({ reason: 'data breakpoint', text: expect.stringMatching(text) });
  });

  it('are told with their place when something is wrong, and do not stand in the way', async () => {
    const client = await launched({
      11: 'ASSERT ax ==',
      12: 'LOG {1 +}',
      13: 'WATCH nowhere',
      14: 'WATCH ax',
      15: 'WATCH counter,0',
      67: 'ASSERT 1',
    });
    const told = outputs(client);
    expect(told).toContain('/guest/guest.asm:11: ASSERT: \\"ax ==\\", column 6: expected a value, found the end');
    expect(told).toContain('/guest/guest.asm:12: LOG: log message \\"{1 +}\\", column 4');
    expect(told).toContain('/guest/guest.asm:13: WATCH: nowhere: no register, flag or label is called nowhere');
    expect(told).toContain('/guest/guest.asm:14: WATCH: ax is no memory');
    expect(told).toContain('/guest/guest.asm:15: WATCH: 0 bytes cannot be watched');
    expect(told).toContain(
      '/guest/guest.asm:67: ASSERT: There is no code at or after this line in any listing of guest.asm.',
    );
    expect(told).toContain('"line":11');
    await client.request('continue', { threadId: 1 });
    expect(await client.event('exited')).toEqual({ exitCode: 43 });
  });

  it('are read again at a restart', async () => {
    const client = await launched({ 40: 'ASSERT cx != 2' });
    client.host.files.set('/guest/guest.asm', fixture('guest.asm'));
    await client.request('restart', {});
    await client.stop();
    await client.request('continue', { threadId: 1 });
    expect(await client.event('exited')).toEqual({ exitCode: 43 });
  });

  it('do not hold in a run without debugging', async () => {
    const client = await launched({ 40: 'ASSERT 0' }, { noDebug: true });
    expect(await client.event('exited')).toEqual({ exitCode: 43 });
  });

  it('stand in the list of breakpoints', async () => {
    const client = await launched({ 40: 'ASSERT cx != 2' });
    const { result } = await client.request('evaluate', { expression: 'breakpoints', context: 'repl' });
    expect(result).toBe('1  source  guest.asm:40 0x00007c3f, if !(cx != 2)');
  });
});
