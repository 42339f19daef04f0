import { describe, expect, it } from 'vitest';
import { bootFileKind, fileExtension, fileName } from './file-types.ts';

describe('file types', () => {
  it.each([
    ['/a/boot.asm', 'source'],
    ['C:\\a\\BOOT.ASM', 'source'],
    ['file:///a/boot.NASM', 'source'],
    ['a.b/x.s', 'source'],
    ['floppy.img', 'image'],
    ['floppy.IMA', 'image'],
    ['cd.iso', 'unsupported'],
    ['a.asm/readme', 'other'],
    ['.asm', 'other'],
    ['', 'other'],
  ])('%s is %s', (path, kind) => expect(bootFileKind(path)).toBe(kind));

  it('takes names and extensions from either kind of path', () => {
    expect(fileName('C:\\a\\b.asm')).toBe('b.asm');
    expect(fileExtension('/a.b/c')).toBe('');
  });
});
