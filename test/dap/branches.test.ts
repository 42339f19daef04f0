/** Steps to the next branch and the last branches, as clients see them. The guests need nasm; without it they are skipped. */
import { describe, expect, it } from 'vitest';
import type { BranchesUpdate } from '../../debug-adapter/protocol/branches.ts';
import { assembleListed, bootSectorSource, hasNasm } from '../support/boot-sectors.ts';
import { SessionClient } from './support/session-client.ts';

const SOURCE = `start: xor ax,ax
mov ds,ax
mov es,ax
mov ss,ax
mov sp,7c00h
mov word [21h*4],dos
mov word [21h*4+2],0
mov cx,3
again: loop again
nop
call f
cli
hlt
f: int 21h
ret
dos: iret`;

type Status = Extract<BranchesUpdate, { type: 'status' }>;

async function launched(): Promise<SessionClient> {
  const client = new SessionClient();
  const { image, listing } = assembleListed(bootSectorSource(SOURCE));
  client.host.files.set('/guest/branches.img', image);
  client.host.write('/guest/branches.lst', listing);
  await client.launch({ program: '/guest/branches.img', listing: '/guest/branches.lst' });
  await client.stop();
  return client;
}

const step = (client: SessionClient) => client.run('x86vm/stepToBranch');

/** What the view was told last. */
function shown(client: SessionClient): Status {
  const status = client.branches.findLast((update) => update.type === 'status');
  if (!status) throw new Error('the view was told nothing');
  return status;
}

/** Rows as text: the newest first. */
const rowsOf = (client: SessionClient): readonly string[] =>
  shown(client).rows.map(({ from, to, kind, name, count }) => `${from.symbol} > ${to.symbol} ${kind} ${name} ${count}`);

describe.skipIf(!hasNasm)('a step to the next branch', () => {
  it('ends where each branch led, whatever kind it is', async () => {
    const client = await launched();
    const places: string[] = [];
    for (let n = 0; n < 6; n++) places.push((await step(client)).replace(/ \(.*/, ''));
    expect(places).toEqual([
      ...['step 11 again', 'step 11 again', 'step 16 f', 'step 18 INT 21h: dos', 'step 17 f+0x2', 'step 14 again+0x6'],
    ]);
  });

  it('stops at a breakpoint before, and says what it is', async () => {
    const client = await launched();
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'f' }] });
    for (let n = 0; n < 2; n++) await step(client);
    expect(await step(client)).toMatch(/^(function )?breakpoint \d+ f /);
    await client.request('x86vm/stepToBranch', { threadId: 1 });
    expect(await client.event('continued')).toEqual({ threadId: 1, allThreadsContinued: true });
    const { reason, description } = await client.event('stopped');
    expect([reason, description]).toEqual(['step', 'Branch']);
  });

  it('is a command of the console', async () => {
    const client = await launched();
    await client.request('evaluate', { expression: 'branch', context: 'repl' });
    expect(await client.stop()).toMatch(/^step \d+ again /);
  });

  it('leaves no trace in the guest', async () => {
    const [plain, stepped] = [await launched(), await launched()];
    stepped.session.receiveBranches({ type: 'record', on: true });
    for (let n = 0; n < 4; n++) await step(stepped);
    for (const client of [plain, stepped])
      await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'dos' }] });
    await plain.run('continue');
    const values = async (client: SessionClient) =>
      Promise.all(['eax', 'ecx', 'esp', 'eip', 'eflags', 'dr7', 'dr6'].map((name) => client.evaluate(name)));
    expect(await values(stepped)).toEqual(await values(plain));
    expect(stepped.machine?.retired).toBe(plain.machine?.retired);
  });
});

describe.skipIf(!hasNasm)('the view of the last branches', () => {
  const withView = async (): Promise<SessionClient> => {
    const client = await launched();
    client.session.receiveBranches({ type: 'visible', visible: true });
    return client;
  };

  it('is empty until branches are recorded', async () => {
    const client = await withView();
    await step(client);
    expect(shown(client)).toMatchObject({ state: 'stopped', isRecording: false, rows: [] });
    client.session.receiveBranches({ type: 'record', on: true });
    expect(shown(client)).toMatchObject({ state: 'stopped', isRecording: true, rows: [] });
  });

  it('shows the newest first, with symbols, lines and interrupts; the same ones together', async () => {
    const client = await withView();
    client.session.receiveBranches({ type: 'record', on: true });
    for (let n = 0; n < 6; n++) await step(client);
    expect(rowsOf(client)).toEqual([
      'f+0x2 > again+0x6 return  1',
      'dos > f+0x2 interrupt-return  1',
      'f > dos software-interrupt INT 21h 1',
      'again+0x3 > f call  1',
      'again > again conditional  2',
    ]);
    const [, , interrupt] = shown(client).rows;
    expect(interrupt?.from).toEqual({ address: 0x7c22, place: '0000:7C22', symbol: 'f', line: 'branches.asm:16' });
    client.session.receiveBranches({ type: 'clear' });
    expect(shown(client)).toMatchObject({ isRecording: true, rows: [] });
  });

  it('finds the source line of an address, or its instructions', async () => {
    const client = await withView();
    client.session.receiveBranches({ type: 'locate', address: 0x7c22 });
    expect(client.branches.at(-1)).toMatchObject({ type: 'located', line: 16 });
    client.session.receiveBranches({ type: 'locate', address: 0x500 });
    const located = client.branches.at(-1) as Extract<BranchesUpdate, { type: 'located' }>;
    expect(located).toMatchObject({ line: 1, source: { name: '0x00000500.asm' } });
    const { content } = await client.request('source', { source: located.source, sourceReference: 0 });
    expect(content).toMatch(/^0x00000500 /);
    client.session.receiveBranches({ type: 'locate', address: 0xdead_0000 });
    expect(client.branches.at(-1)).toMatchObject({ type: 'failed' });
  });

  it('goes on recording when the guest is booted again', async () => {
    const client = await withView();
    client.session.receiveBranches({ type: 'record', on: true });
    await client.request('restart', {});
    await client.stop();
    expect(shown(client).isRecording).toBe(true);
  });

  it('is told nothing while nobody sees it, and says so without a guest', async () => {
    const client = await launched();
    await step(client);
    expect(client.branches).toEqual([]);
    const none = new SessionClient();
    none.session.receiveBranches({ type: 'visible', visible: true });
    expect(shown(none)).toMatchObject({ state: 'none', rows: [] });
    none.session.receiveBranches({ type: 'record', on: true });
    expect(none.branches.at(-1)).toMatchObject({ type: 'failed' });
  });

  it('has its rows in the console, too', async () => {
    const client = await launched();
    const type = async (expression: string) =>
      String((await client.request('evaluate', { expression, context: 'repl' }))['result']);
    const { success, message } = await client.send('evaluate', { expression: 'branches', context: 'repl' });
    expect([success, message]).toEqual([false, 'no branches were recorded; type branches on first']);
    await type('branches on');
    expect(await type('branches')).toBe('No branch was taken since branches are recorded.');
    for (let n = 0; n < 4; n++) await step(client);
    const lines = (await type('branches')).split('\n').map((line) => line.replace(/\s+/g, ' '));
    expect(lines).toEqual([
      '0000:7C1A again → 0000:7C1A again conditional 2 times',
      '0000:7C1D again+0x3 → 0000:7C22 f call',
      '0000:7C22 f → 0000:7C25 dos software-interrupt, INT 21h',
    ]);
    await type('branches off');
    expect((await client.send('evaluate', { expression: 'branches', context: 'repl' })).success).toBe(false);
  });
});
