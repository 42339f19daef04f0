import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createNodeHost } from './node-host.ts';
import { assembleWithNasm } from './run-nasm.ts';

const directory = mkdtempSync(join(tmpdir(), 'node-host-test-'));
const host = createNodeHost();

afterAll(() => rmSync(directory, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

function hasNasm(): boolean {
  try {
    execFileSync('nasm', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('files', () => {
  it('are read by ranges, short at their end', async () => {
    const path = file('digits', '0123456789');
    const read = async (offset: number, length: number): Promise<string> =>
      Buffer.from(await host.readFile(path, offset, length)).toString();
    expect(await host.fileSize(path)).toBe(10);
    expect(await read(0, 4)).toBe('0123');
    expect(await read(8, 4)).toBe('89');
    expect(await read(20, 4)).toBe('');
  });

  it('that cannot be read are named', async () => {
    const missing = join(directory, 'missing.img');
    await expect(host.fileSize(missing)).rejects.toThrow(`${missing}: no such file`);
    await expect(host.readFile(missing, 0, 1)).rejects.toThrow(`${missing}: no such file`);
    await expect(host.fileSize(directory)).rejects.toThrow(`${directory}: is a directory, not a file`);
    await expect(host.readFile(directory, 0, 1)).rejects.toThrow(`${directory}: is a directory, not a file`);
  });
});

describe('the assembler', () => {
  it('that is missing is told how to get', async () => {
    const source = file('x.asm', 'nop');
    await expect(assembleWithNasm(source, 'no-such-nasm')).rejects.toThrow(
      /^no-such-nasm was not found on PATH. Install it .* or give a prebuilt image together with its listing\.$/,
    );
  });

  it.skipIf(!hasNasm())('gives an image and a listing with its map', async () => {
    const source = file('boot with space.asm', '%include "part.inc"\n');
    file('part.inc', 'start: hlt\n');
    const { image, listing, messages } = await host.assemble(source);
    expect(messages).toEqual([]);
    expect([...readFileSync(image ?? '')]).toEqual([0xf4]);
    expect(readFileSync(listing ?? '', 'utf8')).toMatch(/F4 .*<1> start: hlt.*NASM Map file.*start/s);
  });

  it.skipIf(!hasNasm())('reports errors where they are, and gives no image', async () => {
    const source = file('bad.asm', 'nop\nmov ax\n%include "missing.inc"\n');
    const { image, messages } = await host.assemble(source);
    expect(image).toBeUndefined();
    expect(messages).toContainEqual(expect.objectContaining({ severity: 'error', file: source, line: 3 }));
    const gone = await host.assemble(join(directory, 'gone.asm'));
    expect(gone.messages).toMatchObject([{ severity: 'error', file: join(directory, 'gone.asm'), line: 1 }]);
  });
});

describe('time', () => {
  it('goes on, and local time is what a clock on the wall shows', () => {
    const before = host.now();
    expect(host.now()).toBeGreaterThanOrEqual(before);
    const wall = new Date();
    expect(new Date(host.localTimeMs()).getUTCHours()).toBeOneOf([wall.getHours(), (wall.getHours() + 1) % 24]);
  });

  it('lets other work go first', async () => {
    const order: string[] = [];
    await new Promise<void>((settle) => {
      host.defer(() => {
        order.push('deferred');
        settle();
      });
      order.push('now');
    });
    expect(order).toEqual(['now', 'deferred']);
  });
});
