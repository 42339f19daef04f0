import { describe, expect, it } from 'vitest';
import { cpuModels } from '../../vm-core/index.ts';
import { fixture, SessionClient } from './support/session-client.ts';

const SIZES = 'give 1M to 2G in steps of 64K, such as 128M or 1G; a number alone counts MiB';

describe('launch', () => {
  const failure = async (
    given: object,
    prepare: (client: SessionClient) => void = () => {},
  ): Promise<string | undefined> => {
    const client = new SessionClient();
    prepare(client);
    return (await client.send('launch', given)).message;
  };

  it.each([
    [{}, 'nothing to boot: give program, floppy, disk, cdrom or kernel'],
    [{ program: '/no.img' }, 'program: /no.img does not exist'],
    [{ program: '' }, 'program: a path is expected'],
    [{ program: '/guest/guest.img', listing: '/no.lst' }, 'listing: /no.lst does not exist'],
    [{ program: '/a.asm' }, 'program: nasm was not found; install it or launch a prebuilt image'],
    [{ floppy: '/no.img' }, 'floppy: /no.img does not exist'],
    [{ disk: '/empty.img' }, 'disk: /empty.img is empty'],
    [{ cdrom: '/x.iso' }, 'cdrom: /x.iso does not exist'],
    [{ kernel: '/x' }, 'kernel: /x does not exist'],
    [{ kernel: '/guest/guest.img', modules: [{}] }, 'modules: a list of paths or { path, commandLine } is expected'],
    [{ kernel: '/guest/guest.img', initrd: '/x' }, 'initrd: /x does not exist'],
    [{ program: '/guest/guest.img', append: 'quiet' }, 'append: there is no kernel to give it to; set kernel'],
    [
      { program: '/guest/guest.img', cpus: 2 },
      'cpus: a 486 has no local APIC, so it is alone; choose another cpu or one processor',
    ],
    [
      { program: '/guest/guest.img', cpu: 'max', cpus: 2, localApic: 'hidden' },
      'cpus: with localApic "hidden" a processor is alone; leave it away, or give one processor',
    ],
    [{ program: '/guest/guest.img', engine: 'jit' }, 'engine: "jit" is none of "compiler", "interpreter"'],
    [{ program: '/guest/guest.img', localApic: 'shown' }, 'localApic: "shown" is none of "model", "hidden"'],
    [
      { program: '/guest/guest.img', cpus: 0 },
      'cpus: 0 cannot be; give 1 to 16 processors, or packages, cores and threads as 1x4x2',
    ],
    [
      { program: '/guest/guest.img', cpu: '586' },
      `cpu: "586" is none of ${cpuModels.map((model) => `"${model}"`).join(', ')}`,
    ],
    [{ program: '/guest/guest.img', memory: '64 megs' }, `memory: 64 megs cannot be; ${SIZES}`],
    [{ program: '/guest/guest.img', memory: '4G' }, `memory: 4G cannot be; ${SIZES}`],
    [{ program: '/guest/guest.img', memory: '100K' }, `memory: 100K cannot be; ${SIZES}`],
    [{ program: '/guest/guest.img', stopOnEntry: 'never' }, 'stopOnEntry: "never" is none of true, false, "reset"'],
    [
      { program: '/guest/guest.img', loadAddress: 'there' },
      'loadAddress: a linear address such as "0x7c00" is expected',
    ],
    [
      { program: '/guest/guest.img', listings: [{ path: 1 }] },
      'listings: a list of paths or { path, source, loadAddress, imageOffset } is expected',
    ],
    [
      { program: '/guest/guest.img', firmware: '/empty.img' },
      'firmware: /empty.img has 0 bytes; a BIOS image has 64, 128, 192 or 256 KiB',
    ],
    [
      { program: '/guest/guest.img', vgaFirmware: '/guest/guest.img' },
      'vgaFirmware: /guest/guest.img is no option ROM (55 AA and at most 64 KiB)',
    ],
    [
      { program: '/guest/guest.img', floppy: '/guest/guest.img', disk: '/guest/guest.img' },
      'floppy and disk leave no drive for program',
    ],
  ])('%j fails: %s', async (given, message) => {
    expect(await failure(given, (client) => client.host.files.set('/empty.img', new Uint8Array(0)))).toBe(message);
  });

  it('of the last guest counts for a restart after one that failed', async () => {
    const client = new SessionClient();
    await client.launch();
    await client.stop();
    expect((await client.send('restart', { arguments: { program: '/no.img' } })).message).toMatch(/does not exist/);
    await client.request('restart', {});
    expect(await client.stop()).toBe('entry 11 start (0000:7C00)');
  });

  it('is left at once by a client that disconnects, and starts nothing afterwards', async () => {
    const client = new SessionClient();
    let finish: (result: object) => void = () => {};
    client.host.assemble = () =>
      new Promise((settle) => {
        finish = settle as typeof finish;
      });
    client.host.write('/slow.asm', 'nop');
    const launch = client.send('launch', { program: '/slow.asm' });
    const threads = client.send('threads');
    await client.request('disconnect');
    finish({ image: '/guest/guest.img', messages: [] });
    expect((await launch).message).toBe('the client has left');
    expect((await threads).message).toBe('cancelled');
    expect(client.host.runOne()).toBe(false);
  });

  it('gives a guest all of 2 GiB', async () => {
    const client = new SessionClient();
    await client.launch({ memory: '2G' });
    await client.stop();
    const last = { memoryReference: 'p:0x7fffffff' };
    expect(await client.request('writeMemory', { ...last, data: 'pQ==' })).toMatchObject({ bytesWritten: 1 });
    expect(await client.evaluate('byte[0x7fffffff]')).toBe('0xa5');
    expect(await client.request('readMemory', { ...last, count: 2 })).toMatchObject({
      data: 'pQ==',
      unreadableBytes: 1,
    });
    expect(await client.run('stepIn')).toMatch(/^step/);
  });

  it('fails with what the assembler said, and shows it with its line', async () => {
    const client = new SessionClient();
    const messages = [
      { severity: 'warning' as const, file: '/a.asm', line: 1, message: 'label alone' },
      { severity: 'error' as const, file: '/b.inc', line: 7, message: 'invalid combination of opcode and operands' },
      { severity: 'error' as const, file: '/a.asm', line: 9, message: 'symbol x not defined' },
    ];
    client.host.write('/a.asm', 'nothing that assembles');
    client.host.sources.set('/a.asm', { messages });
    const { message } = await client.send('launch', { program: '/a.asm' });
    expect(message).toBe(
      '/a.asm could not be assembled: /b.inc:7: invalid combination of opcode and operands (and 1 more)',
    );
    const outputs = client.transcript.filter((line) => line.startsWith('← event output'));
    expect(outputs).toHaveLength(3);
    expect(outputs[1]).toContain('"source":{"name":"b.inc","path":"/b.inc"},"line":7');
  });

  it('can be repeated after it failed, but not after it succeeded', async () => {
    const client = new SessionClient();
    await client.send('launch', { program: '/no.img' });
    await client.request('launch', { program: '/guest/guest.img' });
    expect((await client.send('launch', { program: '/guest/guest.img' })).message).toBe(
      'this session has its guest already',
    );
  });

  it('lines requests up behind it', async () => {
    const client = new SessionClient();
    const launched = client.send('launch', { program: '/guest/guest.img', listing: '/guest/guest.lst' });
    const { breakpoints } = await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'count' }] });
    expect(breakpoints).toMatchObject([{ verified: true }]);
    expect((await launched).success).toBe(true);
  });

  it('takes an image of a floppy as floppy, any other as disk', async () => {
    const client = new SessionClient();
    const floppy = new Uint8Array(1474560);
    floppy.set(fixture('guest.img'));
    client.host.files.set('/floppy.img', floppy);
    await client.launch({ program: '/floppy.img' });
    expect(client.machine?.config.floppy?.name).toBe('/floppy.img');
    const other = new SessionClient();
    await other.launch({});
    expect(other.machine?.config.disk?.name).toBe('/guest/guest.img');
  });

  it('finds the listing beside an image', async () => {
    const client = new SessionClient();
    await client.launch({ listing: undefined });
    expect(await client.stop()).toBe('entry 11 start (0000:7C00)');
  });

  it('takes several modules at their places in image and memory', async () => {
    const client = new SessionClient();
    const image = new Uint8Array([...fixture('guest.img'), ...fixture('guest.img')]);
    client.host.files.set('/guest/two.img', image);
    client.host.files.set('/guest/lists/second.lst', fixture('guest.lst'));
    await client.launch({
      program: '/guest/two.img',
      listings: [{ path: '/guest/lists/second.lst', source: '../second.asm', loadAddress: '0x8000', imageOffset: 512 }],
    });
    await client.stop();
    expect((await client.request('loadedSources', {}))['sources']).toMatchObject([
      { path: '/guest/guest.asm' },
      { path: '/guest/second.asm' },
    ]);
    const set = (path: string): Promise<unknown> =>
      client.request('setBreakpoints', { source: { path }, breakpoints: [{ line: 40 }] });
    expect(await set('/guest/guest.asm')).toMatchObject({ breakpoints: [{ instructionReference: '0x00007c3f' }] });
    expect(await set('/guest/second.asm')).toMatchObject({ breakpoints: [{ instructionReference: '0x0000803f' }] });
  });

  it('reads a large image while the guest runs, and stops if it cannot', async () => {
    const large = new Uint8Array(9 * 2 ** 20);
    large.set(fixture('guest.img'));
    const client = new SessionClient();
    client.host.files.set('/large.img', large);
    await client.launch({ program: '/large.img', listing: undefined });
    expect(await client.stop()).toBe('entry 0 0000:7C00');

    const unlucky = new SessionClient();
    unlucky.host.files.set('/large.img', large);
    await unlucky.request('launch', { program: '/large.img' });
    unlucky.host.files.delete('/large.img');
    expect(await unlucky.run('configurationDone')).toMatch(/^exception/);
    expect((await unlucky.request('exceptionInfo', { threadId: 1 }))['description']).toBe(
      'program: /large.img does not exist',
    );
  });

  it('without debugging stops nowhere', async () => {
    const client = new SessionClient();
    await client.launch({ noDebug: true }, () =>
      client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'count' }] }),
    );
    expect(await client.event('exited')).toEqual({ exitCode: 43 });
    expect(client.transcript.some((line) => line.startsWith('← event stopped'))).toBe(false);
  });
});
