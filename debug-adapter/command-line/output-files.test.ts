import { mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkOutputFiles } from './output-files.ts';
import { parseRunOptions } from './run-options.ts';

describe('files of a run', () => {
  let folder = '';
  const file = (name: string): string => join(folder, name);
  const check = (...words: string[]): void => checkOutputFiles(parseRunOptions(words));
  const overwritten = (option: string, path: string, use: string): string =>
    `--${option}: ${path} would be overwritten, but ${use}; give another name`;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'x86-vm-outputs-'));
    writeFileSync(file('boot.img'), 'an image');
    symlinkSync(file('boot.img'), file('link.img'));
    symlinkSync(file('circle'), file('circle'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['', 'serial', 'file:'],
    ['--disk', 'stats', ''],
    ['--floppy', 'trace', ''],
    ['--cdrom', 'screenshot', ''],
    ['--kernel', 'debugcon', 'file:'],
  ])('%s is not overwritten by --%s, under no name', (input, option, kind) => {
    for (const path of [file('boot.img'), file('link.img')]) {
      const words = [...(input === '' ? [] : [input]), file('boot.img'), `--${option}`, kind + path];
      expect(() => check(...words)).toThrow(overwritten(option, path, 'the run reads it'));
    }
  });

  it('are not two outputs at once', () => {
    const twice = file('twice.txt');
    const use = '--serial writes it';
    expect(() => check(file('boot.img'), '--serial', `file:${twice}`, '--trace', twice)).toThrow(
      overwritten('trace', twice, use),
    );
    expect(readdirSync(folder)).not.toContain('twice.txt');
  });

  it('may be a device, and what cannot be looked at is left to those who open it', () => {
    check(file('boot.img'), '--serial', 'file:/dev/null', '--debugcon', 'file:/dev/null');
    check(file('circle'), '--trace', file('trace.txt'));
  });
});
