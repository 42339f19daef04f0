/** What can go wrong around a session: each is told by name, and the session goes on being one. */
import { describe, expect, it } from 'vitest';
import { fixture, SessionClient } from './support/session-client.ts';

const outputs = (client: SessionClient): string =>
  client.transcript.filter((line) => line.startsWith('← event output')).join('\n');

/** Guests that do nothing but fault or change their own code are slow: slices must end all the same. */
const INSTRUCTIONS_PER_MS = 20;
/** More than a BIOS needs to boot. */
const SLICES = 10;

/** Boots an image that holds this code at 7C00h, and lets it run. */
async function running(...code: readonly number[]): Promise<SessionClient> {
  const client = new SessionClient();
  const image = new Uint8Array(512);
  image.set(code);
  image.set([0x55, 0xaa], 510);
  client.host.files.set('/boot.img', image);
  await client.launch({ program: '/boot.img', listing: undefined, stopOnEntry: false, exitDevice: false });
  client.host.workMs = () => (client.machine?.retired ?? 0) / INSTRUCTIONS_PER_MS;
  return client;
}

/** Lets it run for a while, then pauses; the registers must be there to look at. */
async function pauseLater(client: SessionClient): Promise<string> {
  for (let slice = 0; slice < SLICES; slice++) client.host.runOne();
  const place = await client.run('pause');
  expect(await client.evaluate('eip')).toMatch(/^0x/);
  return place;
}

describe('images', () => {
  const boot = async (bytes: Uint8Array): Promise<SessionClient> => {
    const client = new SessionClient();
    client.host.files.set('/odd.img', bytes);
    await client.launch({ program: '/odd.img', listing: undefined });
    return client;
  };

  it.each([1, 511, 512, 1024])('of %i bytes without the signature 55AA are told what they lack', async (size) => {
    const client = await boot(new Uint8Array(size).fill(0x90));
    expect(await client.stop()).toMatch(/^exception/);
    const { exceptionId, description } = await client.request('exceptionInfo', { threadId: 1 });
    expect(exceptionId).toBe('boot failure');
    expect(description).toBe(
      'No bootable disk: disk image /odd.img has no 55AA signature. A boot sector is the first 512 bytes of an image, of ' +
        'which the last two are 55h AAh; in NASM: times 510-($-$$) db 0, then dw 0xAA55.',
    );
    expect(outputs(client)).toContain(description);
  });

  it.each([
    [2879, 'what is missing cannot be read'],
    [2881, 'the rest belongs to no file system'],
  ])('of %i sectors that say 2880 boot with a warning', async (sectors, effect) => {
    const image = new Uint8Array(sectors * 512);
    // jmp $, and the parameter block of a floppy.
    image.set([0xeb, 0xfe], 0);
    image.set([0, 2, 1, 1, 0, 2, 224, 0, 0x40, 0x0b, 0xf0, 9, 0, 18, 0, 2, 0], 0x0b);
    image.set([0x55, 0xaa], 510);
    const client = new SessionClient();
    client.host.files.set('/cut.img', image);
    await client.launch({ disk: '/cut.img', program: undefined, listing: undefined });
    expect(await client.stop()).toMatch(/^entry/);
    expect(outputs(client)).toContain(
      `disk: /cut.img has ${sectors * 512} bytes, but its BIOS parameter block says 1474560; ${effect}.`,
    );
  });

  it.each(['floppy', 'program'])('too large for a floppy are refused by name and sizes as %s', async (argument) => {
    const client = new SessionClient();
    client.host.files.set('/other.img', new Uint8Array(512));
    const { fileSize } = client.host;
    client.host.fileSize = async (path) => (path === '/large.img' ? 5 * 2 ** 30 : fileSize.call(client.host, path));
    client.host.readFile = async (_, __, length) => new Uint8Array(length);
    const { message } = await client.send('launch', { disk: '/other.img', [argument]: '/large.img' });
    expect(message).toBe(
      `${argument}: /large.img has 5368709120 bytes; a floppy has 160, 180, 320, 360, 720, 1200, 1440, 1680, 1722 or 2880 KiB`,
    );
  });

  it('of 0 bytes are refused', async () => {
    const client = new SessionClient();
    client.host.files.set('/odd.img', new Uint8Array(0));
    expect((await client.send('launch', { program: '/odd.img' })).message).toBe('program: /odd.img is empty');
  });

  it('that end in the middle of a sector boot', async () => {
    const client = await boot(new Uint8Array([...fixture('guest.img'), 1, 2, 3]));
    expect(await client.stop()).toMatch(/^entry/);
  });

  it('of 4 GiB are not read as a whole', async () => {
    const client = new SessionClient();
    const { host } = client;
    let bytesRead = 0;
    host.fileSize = async () => 4 * 2 ** 30;
    host.readFile = async (_, offset, length) => {
      bytesRead += length;
      const bytes = new Uint8Array(length);
      if (offset < 512) bytes.set(fixture('guest.img').subarray(offset, offset + length));
      return bytes;
    };
    await client.request('initialize', { adapterID: 'x86vm' });
    await client.request('launch', { disk: '/huge.img' });
    await client.request('configurationDone');
    expect(await client.stop()).toMatch(/^entry/);
    expect(bytesRead).toBeLessThan(2 ** 23);
  });

  it.each([
    ['deleted', () => Promise.reject(new Error('no such file')), 'disk: /huge.img: no such file'],
    [
      'cut off',
      async () => new Uint8Array(5),
      'disk: /huge.img has become shorter while the guest was running; put it back and continue, or restart',
    ],
  ])('that are %s while the guest runs stop it, until they are back', async (_, gone, message) => {
    const client = new SessionClient();
    const { host } = client;
    const sector = new Uint8Array(512);
    // xor ax,ax; mov ds,ax; mov si,7C20h; mov ah,42h; mov dl,80h; int 13h; jmp $; at 7C20h the packet: sector 100000 to 8000h
    sector.set([0x31, 0xc0, 0x8e, 0xd8, 0xbe, 0x20, 0x7c, 0xb4, 0x42, 0xb2, 0x80, 0xcd, 0x13, 0xeb, 0xfe]);
    sector.set([16, 0, 1, 0, 0, 0x80, 0, 0, 0xa0, 0x86, 1, 0, 0, 0, 0, 0], 0x20);
    sector.set([0x55, 0xaa], 510);
    host.fileSize = async () => 2 ** 30;
    const read = async (_path: string, offset: number, length: number): Promise<Uint8Array> => {
      const bytes = new Uint8Array(length).fill(7);
      if (offset < 512) bytes.set(sector.subarray(offset, offset + length));
      return bytes;
    };
    host.readFile = read;
    await client.launch({ disk: '/huge.img', program: undefined, listing: undefined, exitDevice: false });
    await client.stop();
    host.readFile = gone;
    expect(await client.run('continue')).toMatch(/^exception/);
    expect((await client.request('exceptionInfo', { threadId: 1 }))['description']).toBe(message);
    expect(outputs(client)).toContain(message);
    expect(outputs(client)).not.toContain('Internal error');
    host.readFile = read;
    await client.request('setInstructionBreakpoints', { breakpoints: [{ instructionReference: '0x7c0d' }] });
    await client.run('continue');
    expect(await client.evaluate('byte[8000h]')).toBe('0x07');
    expect(await client.evaluate('cf')).toBe('0');
  });

  it('are not written: a guest writes to an overlay', async () => {
    // xor ax,ax; mov es,ax; mov bx,7C00h; mov ax,0301h; mov cx,1; mov dx,80h; inc byte [7DF0h]; int 13h; jmp $
    const code = [0x31, 0xc0, 0x8e, 0xc0, 0x8e, 0xd8, 0xbb, 0, 0x7c, 0xb8, 1, 3, 0xb9, 1, 0, 0xba, 0x80, 0];
    const client = await running(...code, 0xfe, 0x06, 0xf0, 0x7d, 0xcd, 0x13, 0xeb, 0xfe);
    await client.request('setInstructionBreakpoints', { breakpoints: [{ instructionReference: '0x7c18' }] });
    await client.stop();
    expect(await client.evaluate('ah')).toBe('0x00');
    expect(await client.evaluate('cf')).toBe('0');
    expect(client.host.files.get('/boot.img')?.[0x1f0]).toBe(0);
  });
});

describe('a kernel', () => {
  it('that is none is refused with what a kernel has, and another launch works', async () => {
    const client = new SessionClient();
    client.host.files.set('/odd.elf', new Uint8Array(512));
    const { message } = await client.send('launch', { kernel: '/odd.elf' });
    expect(message).toMatch(
      /^kernel: \/odd\.elf is no kernel that can be booted directly; it needs a Multiboot header/,
    );
    expect(outputs(client)).not.toContain('Internal error');
    await client.launch();
    expect(await client.stop()).toMatch(/^entry/);
  });
});

describe('a listing that does not match', () => {
  it('is said, and its lines are left out', async () => {
    const client = new SessionClient();
    const image = fixture('guest.img').slice();
    image[0x40] = 0x99;
    client.host.files.set('/guest/other.img', image);
    await client.launch({ program: '/guest/other.img' });
    expect(await client.stop()).toBe('entry 0 0000:7C00');
    expect(outputs(client)).toMatch(/guest\.lst does not match \/guest\/other\.img/);
  });
});

// These guests are slow by nature; on a computer that is busy with other tests they take a while.
describe('guests', { timeout: 120_000 }, () => {
  it.each([
    ['halts with interrupts off', [0xfa, 0xf4]],
    ['spins with interrupts off', [0xfa, 0xeb, 0xfe]],
    ['jumps into nothing', [0xea, 0x00, 0x00, 0x00, 0xc0]],
    // xor di,di; mov es,di; mov ax,7C0Ch; mov cx,512; rep stosw; int 5
    ['writes over its vectors', [0x31, 0xff, 0x8e, 0xc7, 0xb8, 0x0c, 0x7c, 0xb9, 0, 2, 0xf3, 0xab, 0xcd, 5]],
    // xor dx,dx; l: in al,dx; inc dx; jnz l; jmp $
    ['reads every port', [0x31, 0xd2, 0xec, 0x42, 0x75, 0xfc, 0xeb, 0xfe]],
  ])('that %s can be paused and looked at', async (_, code) => {
    const client = await running(...code);
    expect(await pauseLater(client)).toMatch(/^pause/);
    expect((await client.request('stackTrace', { threadId: 1 }))['totalFrames']).toBeGreaterThan(0);
    expect(
      (await client.request('disassemble', { memoryReference: '0', instructionCount: 5 }))['instructions'],
    ).toHaveLength(5);
  });

  it('that halt for good are told of', async () => {
    const client = await running(0xfa, 0xf4);
    for (let slice = 0; slice < SLICES; slice++) client.host.runOne();
    expect(outputs(client)).toContain('halted with interrupts disabled');
  });

  it('that write every port end in some stop or can be paused', async () => {
    // mov dx,0FFFFh; l: mov al,dl; out dx,al; dec dx; jnz l; jmp $
    const client = await running(0xba, 0xff, 0xff, 0x88, 0xd0, 0xee, 0x4a, 0x75, 0xfa, 0xeb, 0xfe);
    expect(await pauseLater(client)).toMatch(/^(pause|exception)/);
    expect(outputs(client).match(/no device at/g)?.length).toBe(33);
  });

  it('whose breakpoint has a long condition in a hot loop can still be paused', async () => {
    // inc ax; jmp 7C00h
    const client = await running(0x40, 0xeb, 0xfd);
    const condition = Array.from({ length: 200 }, (_, n) => `eax == 0x${(n + 0x10000).toString(16)}`).join(' || ');
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: '0x7c00', condition }] });
    expect(await pauseLater(client)).toMatch(/^pause/);
  });
});

describe('conditions', () => {
  it('cannot be nested so deep that they do not end', async () => {
    const client = await running(0xeb, 0xfe);
    const condition = `${'('.repeat(500)}1${')'.repeat(500)}`;
    const { breakpoints } = await client.request('setFunctionBreakpoints', {
      breakpoints: [{ name: '0x7c00', condition }],
    });
    expect(breakpoints).toMatchObject([{ verified: false, message: expect.stringContaining('nested too deeply') }]);
  });
});

describe('two sessions at once', () => {
  it('do not know of each other', async () => {
    const [one, other] = [new SessionClient(), new SessionClient()];
    await Promise.all([one.launch(), other.launch()]);
    await one.stop();
    await one.request('setFunctionBreakpoints', { breakpoints: [{ name: 'count' }] });
    await one.request('setDataBreakpoints', { breakpoints: [{ dataId: 'linear:counter,2' }] });
    await one.request('setExceptionBreakpoints', { filters: ['interrupt'] });
    await one.run('continue');
    await one.request('evaluate', { expression: 'bx = 1234h', context: 'repl' });
    await other.stop();
    expect(await other.evaluate('bx')).not.toBe('0x1234');
    await other.request('continue', { threadId: 1 });
    expect(await other.event('exited')).toEqual({ exitCode: 43 });
    expect(await one.place()).toBe('40 count (0000:7C3F)');
    one.session.dispose();
    expect((await other.request('threads'))['threads']).toHaveLength(1);
  });
});
