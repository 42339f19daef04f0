/** Compiled code as the console and the view of it show it. The guests need nasm; without it they are skipped. */
import { describe, expect, it } from 'vitest';
import type { CompiledCodeUpdate } from '../../debug-adapter/protocol/compiled-code.ts';
import { assembleListed, bootSectorSource, hasNasm } from '../support/boot-sectors.ts';
import { HOT_LOOP, LONG_WAY } from '../support/compiled-guests.ts';
import { SessionClient } from './support/session-client.ts';

type Status = Extract<CompiledCodeUpdate, { type: 'status' }>;
type Code = Extract<CompiledCodeUpdate, { type: 'code' }>;

/** A guest that has run its loop. */
async function launched(engine: string, source = HOT_LOOP): Promise<SessionClient> {
  const client = new SessionClient();
  const { image, listing } = assembleListed(bootSectorSource(source));
  client.host.files.set('/guest/hot.img', image);
  client.host.write('/guest/hot.lst', listing);
  await client.launch({ program: '/guest/hot.img', listing: '/guest/hot.lst', engine });
  await client.stop();
  await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'over' }] });
  client.session.receiveCompiledCode({ type: 'visible', visible: true });
  expect(await client.run('continue')).toMatch(/^function breakpoint \d+ over/);
  return client;
}

function last<Type extends CompiledCodeUpdate['type']>(client: SessionClient, type: Type) {
  const update = client.compiledCode.findLast((one) => one.type === type);
  if (!update) throw new Error(`the view was told nothing of ${type}`);
  return update as Extract<CompiledCodeUpdate, { type: Type }>;
}

const type = async (client: SessionClient, expression: string): Promise<string> =>
  String((await client.request('evaluate', { expression, context: 'repl' }))['result']);

describe.skipIf(!hasNasm)('compiled code', () => {
  it('is listed at a stop, with what became of it', async () => {
    const client = await launched('compiler');
    const { state, totals, rows }: Status = last(client, 'status');
    expect(state).toBe('stopped');
    expect(totals?.share).toBeGreaterThan(0.8);
    expect(totals).toMatchObject({ regions: rows.length, evicted: 0 });
    const [hottest] = rows;
    expect(hottest).toMatchObject({ place: '0x00007c0f', symbol: 'again', line: 'hot.asm:9', codeSize: 16 });
    expect(hottest?.instructions).toBeGreaterThan(2_000_000);
    expect(hottest?.exits.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThanOrEqual(hottest?.entries ?? 0);
  });

  it('names the regions in which it goes on', async () => {
    const client = await launched('compiler', LONG_WAY);
    const { rows } = last(client, 'status');
    const ids = new Set(rows.map(({ id }) => id));
    const linked = rows.filter(({ links }) => links.length > 0);
    expect(linked.length).toBeGreaterThan(0);
    expect(linked.flatMap(({ links }) => links).every(({ id }) => ids.has(id))).toBe(true);
    const names = linked.flatMap(({ links }) => links.map(({ name }) => name));
    expect(names.some((name) => /^done\+0x[2-6]3/.test(name))).toBe(true);
    expect(await type(client, 'compiled')).toMatch(/^ {2}goes on in .*done\+0x[2-6]3/m);
  });

  it('is shown beside the instructions that it was made of', async () => {
    const client = await launched('compiler');
    const [hottest] = last(client, 'status').rows;
    client.session.receiveCompiledCode({ type: 'show', id: hottest?.id ?? '' });
    const { guest, generated }: Code = last(client, 'code');
    const texts = guest.map(({ text }) => text.replace(/\s+/g, ' '));
    expect(texts).toContain('again:');
    expect(texts).toContain('0x00007c13 49 dec cx ; hot.asm:10');
    const dec = generated.filter(({ address }) => address === 0x7c13).map(({ text }) => text.trim());
    expect(dec).toContain('i32.const -1');
    expect(dec).toContain('local.get $ecx.low');
    const addresses = new Set(generated.map(({ address }) => address));
    expect(guest.every(({ address }) => addresses.has(address))).toBe(true);
    client.session.receiveCompiledCode({ type: 'show', id: '1 2 16' });
    expect(last(client, 'failed').message).toBe('this code is compiled no more');
  });

  it('is listed in the console, and shown there', async () => {
    const client = await launched('compiler');
    const lines = (await type(client, 'compiled')).split('\n');
    expect(lines[0]).toMatch(
      /^0x00007c0f again {2}16-bit, \d+ blocks?, \d+ → \d+ bytes, \d+ instructions in \d+ entries$/,
    );
    expect(lines[1]).toMatch(/^ {2}left for budget \d+/);
    expect(lines.at(-1)).toMatch(
      /regions in \d+ modules, \d+ KiB; \d+ compiled so far, 0 dropped, 0 made room; \d\d %/,
    );
    expect(await type(client, 'compiled all')).toBe(lines.join('\n'));
    expect(await type(client, 'compiled again')).toMatch(
      /^0x00007c13 {2}49 +dec cx +; hot\.asm:10 +│ +local\.get \$ecx\.low$/m,
    );
    const refused = await client.send('evaluate', { expression: 'compiled 500', context: 'repl' });
    expect(refused.message).toBe('no compiled code has this address; compiled lists what there is');
  });

  it('is none of a guest that is interpreted', async () => {
    const client = await launched('interpreter');
    expect(last(client, 'status')).toEqual({ type: 'status', state: 'stopped', rows: [] });
    const refused = await client.send('evaluate', { expression: 'compiled', context: 'repl' });
    expect(refused.message).toBe('the guest is interpreted: the launch configuration has "engine": "interpreter"');
  });
});
