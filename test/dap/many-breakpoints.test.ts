/** Thousands of breakpoints of all kinds at once: set, changed, hit and removed. */
import { expect, it } from 'vitest';
import { SessionClient } from './support/session-client.ts';

const LINES = 5000;
const WATCHED = 1000;
const SIGNATURE = 510;

/** 5000 lines with an instruction each, as image and listing. */
function manyLines(): { readonly image: Uint8Array; readonly listing: string } {
  const image = new Uint8Array(512 * 128);
  const rows: string[] = [];
  let offset = 0;
  const emit = (...bytes: number[]): void => {
    const shown = bytes.map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join('');
    const place = offset.toString(16).toUpperCase().padStart(8, '0');
    rows.push(`${String(rows.length + 1).padStart(6)} ${place} ${shown.padEnd(24)}x`);
    image.set(bytes, offset);
    offset += bytes.length;
  };
  for (let line = 0; line < LINES; line++) {
    if (offset === SIGNATURE) emit(0x55, 0xaa);
    // inc ax and nop
    emit(line % 2 === 0 ? 0x40 : 0x90);
  }
  return { image, listing: rows.join('\n') };
}

it('thousands of breakpoints hold, keep their ids, and go', async () => {
  const client = new SessionClient();
  const { image, listing } = manyLines();
  client.host.files.set('/many.img', image);
  client.host.write('/many.lst', listing);
  // The first sector is loaded by the BIOS; the rest is put behind it by hand.
  await client.launch({ program: '/many.img', listing: '/many.lst', exitDevice: false, realTime: false });
  await client.stop();
  const rest = Buffer.from(image.subarray(512, 0x2000)).toString('base64');
  await client.request('writeMemory', { memoryReference: '0x7e00', data: rest });
  // jmp over the signature
  await client.request('writeMemory', { memoryReference: '0x7dfc', data: Buffer.from([0xeb, 2]).toString('base64') });

  const lines = Array.from({ length: LINES }, (_, index) => ({ line: index + 1, condition: 'cx == 1234h' }));
  const instructions = Array.from({ length: LINES }, (_, index) => ({
    instructionReference: `0x${(0x7c00 + index).toString(16)}`,
    condition: index === 4000 ? 'ax != 0' : 'ax == 0FFFFh',
  }));
  const data = Array.from({ length: WATCHED }, (_, index) => ({ dataId: `linear:${0x500 + index * 2},2` }));

  const set = async (command: string, given: object): Promise<{ id: number; verified: boolean }[]> =>
    (await client.request(command, given))['breakpoints'] as { id: number; verified: boolean }[];
  const first = await set('setBreakpoints', { source: { path: '/many.asm' }, breakpoints: lines });
  expect(first.filter(({ verified }) => verified)).toHaveLength(LINES);
  await set('setInstructionBreakpoints', { breakpoints: instructions });
  const second = await set('setInstructionBreakpoints', { breakpoints: instructions.toReversed() });
  expect(second.filter(({ verified }) => verified)).toHaveLength(LINES);
  expect((await set('setDataBreakpoints', { breakpoints: data })).every(({ verified }) => verified)).toBe(true);
  const again = await set('setBreakpoints', { source: { path: '/many.asm' }, breakpoints: lines.toReversed() });
  expect(again.map(({ id }) => id)).toEqual(first.map(({ id }) => id).toReversed());

  expect(await client.run('continue')).toMatch(/^instruction breakpoint .*0000:8BA0\)?$/);
  expect(await client.run('next', { threadId: 1, granularity: 'instruction' })).toMatch(/^step/);
  // mov [0500h + 2 * 700], ax
  await client.request('writeMemory', {
    memoryReference: '0x8ba1',
    data: Buffer.from([0xa3, 0x78, 0x0a]).toString('base64'),
  });
  expect(await client.run('continue')).toMatch(/^data breakpoint .*0000:8BA4\)?$/);

  await set('setBreakpoints', { source: { path: '/many.asm' }, breakpoints: [] });
  await set('setInstructionBreakpoints', { breakpoints: [] });
  await set('setDataBreakpoints', { breakpoints: [] });
  const { result } = await client.request('evaluate', { expression: 'breakpoints', context: 'repl' });
  expect(result).toBe('There are no breakpoints.');
});
