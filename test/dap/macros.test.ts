/** Debugging what macros expand to: breakpoints in their bodies, steps over and into their uses. */
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { SessionClient } from './support/session-client.ts';

const golden = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../debug-adapter/symbols/golden/${name}`, import.meta.url)));

describe('macros', () => {
  let client: SessionClient;

  beforeEach(async () => {
    client = new SessionClient();
    for (const name of ['macros.asm', 'macros.lst', 'macros.img', 'say.inc']) {
      client.host.files.set(`/src/${name}`, golden(name));
    }
    await client.launch({ program: '/src/macros.img', listing: '/src/macros.lst', exitDevice: false });
    await client.stop();
  });

  const setLines = (path: string, ...lines: number[]) =>
    client.request('setBreakpoints', { source: { path }, breakpoints: lines.map((line) => ({ line })) });

  it('stop at a line of their body in every use', async () => {
    expect(await setLines('/src/say.inc', 5, 18)).toMatchObject({
      breakpoints: [
        { verified: true, line: 5 },
        { verified: true, line: 18 },
      ],
    });
    expect(await client.run('continue')).toBe('breakpoint 5 start+0x6 (0000:7C06)');
    expect(await client.run('continue')).toBe('breakpoint 5 lab2+0x4 (0000:7C10)');
    expect(await client.run('continue')).toBe('breakpoint 18 lab2+0x6 (0000:7C12)');
    expect(await client.run('continue')).toBe('breakpoint 5 lab2+0x9 (0000:7C15)');
    expect((await client.request('stackTrace', { threadId: 1 }))['stackFrames']).toMatchObject([
      { source: { path: '/src/say.inc' }, line: 5 },
    ]);
  });

  it('show a stop at the first instruction at the line that uses them', async () => {
    await setLines('/src/say.inc', 3);
    expect(await client.run('continue')).toBe('breakpoint 8 start+0x4 (0000:7C04)');
  });

  it('say why a line cannot have a breakpoint, and keep others out of their bodies', async () => {
    expect(await setLines('/src/say.inc', 1, 2, 8, 24)).toMatchObject({
      breakpoints: [
        { verified: false, message: 'There is no code at or after this line in any listing of say.inc.' },
        { verified: true, line: 3 },
        { verified: false, message: 'There is no code at or after this line in any use of the macro say.' },
        { verified: false, message: 'There is no code at or after this line in any use of the macro unused.' },
      ],
    });
    expect(await setLines('/src/macros.asm', 13)).toMatchObject({ breakpoints: [{ verified: true, line: 14 }] });
    expect(
      await client.request('breakpointLocations', { source: { path: '/src/say.inc' }, line: 1, endLine: 99 }),
    ).toEqual({ breakpoints: [3, 5, 7, 11, 12, 17, 18, 21].map((line) => ({ line })) });
  });

  it('are stepped over as one line, also when they use others', async () => {
    await setLines('/src/macros.asm', 11);
    await client.run('continue');
    expect(await client.run('next')).toBe('step 12 lab2+0x12 (0000:7C1E)');
    expect(await client.run('next')).toBe('step 17 lab2+0x16 (0000:7C22)');
  });

  it('are stepped into line by line', async () => {
    await setLines('/src/macros.asm', 11);
    await client.run('continue');
    // thrice: mov al in say, then int 10h, a service of the BIOS; inc bx; the second say.
    expect(await client.run('stepIn')).toBe('step 5 lab2+0x4 (0000:7C10)');
    expect(await client.run('stepIn')).toBe('step 18 lab2+0x6 (0000:7C12)');
    expect(await client.run('next')).toBe('step 17 lab2+0x7 (0000:7C13)');
    expect(await client.run('next')).toBe('step 18 lab2+0xb (0000:7C17)');
  });

  it('take assertions and log messages in their comments', async () => {
    const source = Buffer.from(golden('say.inc')).toString().replace('; the letter', "; ASSERT bx != 2 || al != 'q'");
    client.host.files.set('/src/say.inc', new TextEncoder().encode(source));
    await client.request('restart', {});
    await client.stop();
    expect(await client.run('continue')).toBe('breakpoint 17 lab2+0xc (0000:7C18)');
    expect(await client.evaluate('bx')).toBe('0x0002');
  });
});
