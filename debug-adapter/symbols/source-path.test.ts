import { describe, expect, it } from 'vitest';
import { commonSuffixLength, comparablePath, directoryOf, joinPath } from './source-path.ts';

describe('paths of sources', () => {
  it.each([
    ['/a/b', 'c.inc', '/a/b/c.inc'],
    ['/a/b', '../c.inc', '/a/c.inc'],
    ['/a/b', './d/./c.inc', '/a/b/d/c.inc'],
    ['/', 'c.inc', '/c.inc'],
    ['/a', '/abs/c.inc', '/abs/c.inc'],
    ['', 'c.inc', 'c.inc'],
    ['relative', 'c.inc', 'relative/c.inc'],
    ['C:\\a', 'inc\\c.inc', 'C:\\a\\inc\\c.inc'],
    ['C:\\a', 'd:\\c.inc', 'd:\\c.inc'],
    ['vscode-test-web://mount/a', 'c.inc', 'vscode-test-web://mount/a/c.inc'],
    ['vscode-test-web://mount', '../../c.inc', 'vscode-test-web://mount/c.inc'],
  ])('joins %s and %s', (directory, name, path) =>
    expect(comparablePath(joinPath(directory, name))).toBe(comparablePath(path)),
  );

  it('takes the directory of a path', () => {
    expect(directoryOf('/a/b.asm')).toBe('/a');
    expect(directoryOf('C:\\a\\b.asm')).toBe('C:\\a');
    expect(directoryOf('b.asm')).toBe('');
  });

  it('compares paths in either notation', () => {
    expect(comparablePath('C:\\a\\.\\x\\..\\b.asm')).toBe(comparablePath('c:/a/b.asm'));
    expect(comparablePath('/a/b.asm')).not.toBe(comparablePath('/a/c.asm'));
  });

  it('counts the segments that agree at the end', () => {
    expect(commonSuffixLength('/a/b/c.asm', '/x/B/C.ASM')).toBe(2);
    expect(commonSuffixLength('c.asm', '/x/c.asm')).toBe(1);
    expect(commonSuffixLength('/a/c.asm', '/a/cc.asm')).toBe(0);
  });
});
