/** Events that wait between instructions, as registers in the debugger: what they say, and what writing them does. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { assembleListed, bootSectorSource, hasNasm } from '../support/boot-sectors.ts';
import { SessionClient } from './support/session-client.ts';

const SOURCE = bootSectorSource(`
        cli
        xor ax, ax
        mov ds, ax
        mov word [8], nmi
        mov word [10], 0
        mov word [24], invalid
        mov word [26], 0
        sti
        nop
        mov ss, ax
        nop
fault:  ud2
after:  nop
        jmp done
nmi:    iret
invalid:
        add word [esp], 2
        iret
`);

/** A fast timer asks for an interrupt, while they are off. */
const WAITS = bootSectorSource(`
        cli
        mov al, 34h
        out 43h, al
        mov al, 0
        out 40h, al
        mov al, 10h
        out 40h, al
        mov ecx, 1000000
again:  dec ecx
        jnz again
after:  sti
        nop
served: nop
`);

describe.skipIf(!hasNasm)('pending events (they need nasm)', () => {
  let client: SessionClient;
  const children = async (variablesReference: number): Promise<readonly DebugProtocol.Variable[]> =>
    (await client.request('variables', { variablesReference }))['variables'] as DebugProtocol.Variable[];
  const events = async () => {
    const set = (await children(1)).find(({ name }) => name === 'Events and privilege');
    return { set, reference: set?.variablesReference ?? 0, rows: await children(set?.variablesReference ?? 0) };
  };
  const value = async (name: string) => (await events()).rows.find((row) => row.name === name)?.value;
  const write = async (name: string, text: string) =>
    client.request('setVariable', { variablesReference: (await events()).reference, name, value: text });
  const runTo = async (name: string) => {
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name }] });
    return client.run('continue');
  };

  const launch = async (source: string) => {
    client = new SessionClient();
    const { image, listing } = assembleListed(source);
    client.host.write('/g/guest.asm', source);
    client.host.write('/g/guest.lst', listing);
    client.host.files.set('/g/guest.img', image);
    await client.launch({ program: '/g/guest.img', listing: '/g/guest.lst' });
    await client.stop();
  };

  beforeEach(() => launch(SOURCE));

  it('show that the interrupt controller asks', async () => {
    await launch(WAITS);
    expect(await value('INTERRUPT_REQUESTED')).toBe('0x00');
    await runTo('after');
    expect(await value('INTERRUPT_REQUESTED')).toBe('0x01');
    const { message } = await client.send('setVariable', {
      variablesReference: (await events()).reference,
      name: 'INTERRUPT_REQUESTED',
      value: '0',
    });
    expect(message).toBe('INTERRUPT_REQUESTED cannot be set to 0');
    await runTo('served');
    expect(await value('INTERRUPT_REQUESTED')).toBe('0x00');
  });

  it('show the shadow of STI and of MOV SS for one instruction, and mark it as changed', async () => {
    const seen: (string | undefined)[] = [];
    for (let step = 0; step < 11; step++) {
      await client.run('next');
      seen.push(await value('INTERRUPT_SHADOW'));
    }
    expect(seen.slice(6)).toEqual(['0x00', '0x01 · STI', '0x00', '0x02 · MOV_SS', '0x00']);
    expect((await events()).set?.value).toBe('changed: INTERRUPT_SHADOW');
  });

  it('show the exception at which the debugger has stopped, which can be dropped', async () => {
    await client.request('setExceptionBreakpoints', { filters: ['exceptions'] });
    expect(await client.run('continue')).toContain(' fault (');
    expect(await value('PENDING_EXCEPTION')).toBe('0x80000006 · vector=6 valid');
    await write('PENDING_EXCEPTION', '0');
    await client.request('setExpression', { expression: 'ip', value: 'after' });
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'invalid' }, { name: 'done' }] });
    expect(await client.run('continue')).toContain(' done (');
  });

  it('deliver an exception that is raised', async () => {
    await runTo('after');
    await write('PENDING_EXCEPTION', '80000006h');
    expect(await runTo('invalid')).toContain(' invalid (');
    expect(await value('PENDING_EXCEPTION')).toBe('0x00000000');
  });

  it('deliver an NMI that is raised', async () => {
    await runTo('fault');
    await write('NMI_PENDING', '1');
    expect(await value('NMI_PENDING')).toBe('0x01');
    expect(await runTo('nmi')).toContain(' nmi (');
    expect([await value('NMI_PENDING'), await value('NMI_BLOCKED')]).toEqual(['0x00', '0x01']);
    await client.run('stepOut');
    expect(await value('NMI_BLOCKED')).toBe('0x00');
  });
});
