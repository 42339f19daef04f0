/** A folder to open in VS Code: a copy of the example, as its user has it or with an image made beforehand. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../scripts/run-command.ts';

/**
 * What a folder has besides the sources: `plain.img`, of which nothing tells where it comes from, or `boot.img` and
 * `boot.lst` with a launch.json that names them.
 */
export type FolderKind = 'sources' | 'image-and-listing';

export class GuestFolder {
  readonly path: string;
  private readonly base: string;

  private constructor(base: string) {
    this.base = base;
    this.path = join(base, 'bootloader');
  }

  static async create(kind: FolderKind): Promise<GuestFolder> {
    const folder = new GuestFolder(await mkdtemp(join(tmpdir(), 'x86vm-end-to-end-')));
    await cp(join(repositoryRoot, 'examples', 'bootloader'), folder.path, {
      recursive: true,
      filter: (path) => !path.endsWith('.test.ts'),
    });
    await rm(join(folder.path, '.vscode'), { recursive: true });
    await folder.assemble(kind);
    return folder;
  }

  /** A folder for what the server stores. */
  get serverData(): string {
    return join(this.base, 'server');
  }

  async remove(): Promise<void> {
    await rm(this.base, { recursive: true, force: true });
  }

  /** The number of the first line of a source that holds a text. */
  async lineOf(file: string, text: string): Promise<number> {
    const lines = (await readFile(join(this.path, file), 'utf8')).split('\n');
    const index = lines.findIndex((line) => line.includes(text));
    if (index < 0) throw new Error(`${file} has no line with ${text}`);
    return index + 1;
  }

  async write(file: string, text: string): Promise<void> {
    await writeFile(join(this.path, file), text);
  }

  /** Makes an image and a listing of a source, where VS Code itself has no assembler. */
  async assembleSource(name: string): Promise<void> {
    const makes = ['-o', `${name}.img`, '-l', `${name}.lst`];
    await promisify(execFile)('nasm', ['-f', 'bin', ...makes, `${name}.asm`], { cwd: this.path });
  }

  private async assemble(kind: FolderKind): Promise<void> {
    const makes = kind === 'sources' ? ['-o', 'plain.img'] : ['-o', 'boot.img', '-l', 'boot.lst'];
    await promisify(execFile)('nasm', ['-f', 'bin', ...makes, 'boot.asm'], { cwd: this.path });
    if (kind === 'sources') return;
    const program = { program: 'boot.img', listing: 'boot.lst' };
    const configurations = [{ type: 'x86vm', request: 'launch', name: 'Boot the image', ...program }];
    await mkdir(join(this.path, '.vscode'));
    await this.write(join('.vscode', 'launch.json'), JSON.stringify({ version: '0.2.0', configurations }));
  }
}
