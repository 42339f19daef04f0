import { describe, expect, it } from 'vitest';
import type { FileStat, Uri } from 'vscode';
import { WORKSPACE_FILE_SIZE_MAX, WorkspaceHost } from './workspace-host.ts';

const FILE = 1;
const DIRECTORY = 2;

function hostWith(files: Record<string, { type?: number; mtime: number; bytes: Uint8Array; size?: number }>) {
  const reads: string[] = [];
  const found = (uri: Uri) => {
    const file = files[String(uri)];
    if (file === undefined) throw new Error('FileNotFound');
    return file;
  };
  const fileSystem = {
    stat: async (uri: Uri): Promise<FileStat> => {
      const { type = FILE, mtime, bytes, size = bytes.length } = found(uri);
      return { type, mtime, ctime: 0, size };
    },
    readFile: async (uri: Uri) => {
      reads.push(String(uri));
      return found(uri).bytes;
    },
  };
  return {
    host: new WorkspaceHost(
      fileSystem,
      (path) => path as unknown as Uri,
      () => 5,
    ),
    reads,
    files,
  };
}

describe('WorkspaceHost', () => {
  it('reads ranges of a file that it loads once, until the file changes', async () => {
    const { host, reads, files } = hostWith({ 'm:/a': { mtime: 1, bytes: new Uint8Array([1, 2, 3, 4]) } });
    expect(await host.fileSize('m:/a')).toBe(4);
    expect([...(await host.readFile('m:/a', 1, 2))]).toEqual([2, 3]);
    expect([...(await host.readFile('m:/a', 3, 9))]).toEqual([4]);
    expect([...(await host.readFile('m:/a', 9, 9))]).toEqual([]);
    expect(reads).toHaveLength(1);
    files['m:/a'] = { mtime: 2, bytes: new Uint8Array([9, 9, 9, 9]) };
    expect([...(await host.readFile('m:/a', 0, 1))]).toEqual([9]);
    expect(reads).toHaveLength(2);
  });

  it('keeps the last few files only', async () => {
    const names = ['m:/a', 'm:/b', 'm:/c', 'm:/d', 'm:/e'];
    const { host, reads } = hostWith(
      Object.fromEntries(names.map((name) => [name, { mtime: 1, bytes: new Uint8Array(1) }])),
    );
    for (const name of [...names, 'm:/e', 'm:/a']) await host.readFile(name, 0, 1);
    expect(reads).toEqual([...names, 'm:/a']);
  });

  it('names the file that is missing, a folder or too large', async () => {
    const { host, reads } = hostWith({
      'm:/folder': { type: DIRECTORY, mtime: 1, bytes: new Uint8Array() },
      'm:/big': { mtime: 1, bytes: new Uint8Array(), size: WORKSPACE_FILE_SIZE_MAX + 1 },
    });
    await expect(host.fileSize('m:/gone')).rejects.toThrow('m:/gone cannot be read: FileNotFound');
    await expect(host.readFile('m:/folder', 0, 1)).rejects.toThrow('m:/folder is a folder');
    await expect(host.readFile('m:/big', 0, 1)).rejects.toThrow('at most 256 MiB');
    expect(reads).toEqual([]);
  });

  it('says how to go on without an assembler', async () => {
    await expect(hostWith({}).host.assemble('m:/boot.asm')).rejects.toThrow(
      /^boot.asm cannot be assembled here.*nasm -f bin -l/,
    );
  });
});
