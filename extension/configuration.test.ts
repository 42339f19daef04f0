import { describe, expect, it } from 'vitest';
import { configurationFor, whyNotBootable, withSessionPaths } from './configuration.ts';

describe('configurationFor', () => {
  it('boots one file under its name', () => {
    expect(configurationFor('/a/boot.asm')).toEqual({
      type: 'x86vm',
      request: 'launch',
      name: 'boot.asm',
      program: '/a/boot.asm',
    });
  });
});

describe('whyNotBootable', () => {
  it('says nothing of what boots', () => {
    expect(whyNotBootable('/a/boot.asm')).toBeUndefined();
    expect(whyNotBootable('/a/floppy.img')).toBeUndefined();
  });

  it('names the file and what to do of what does not', () => {
    expect(whyNotBootable('/a/cd.iso')).toMatch(/cd\.iso: images of the kind \.iso are not supported yet/);
    expect(whyNotBootable('/a/readme.md')).toMatch(/readme\.md is neither .*\.asm.*\.img/);
  });
});

describe('withSessionPaths', () => {
  const resolve = (path: string) => `/folder/${path}`;
  const base = { type: 'x86vm', request: 'launch', name: 'n' };

  it('resolves every path and nothing else', () => {
    expect(
      withSessionPaths(
        {
          ...base,
          program: 'a.img',
          listing: 'a.lst',
          memory: '64M',
          listings: ['b.lst', { path: 'c.lst', source: 'c.asm', loadAddress: 1 }],
        },
        resolve,
      ),
    ).toEqual({
      ...base,
      program: '/folder/a.img',
      listing: '/folder/a.lst',
      memory: '64M',
      listings: ['/folder/b.lst', { path: '/folder/c.lst', source: '/folder/c.asm', loadAddress: 1 }],
    });
  });

  it('leaves words that are no path and values of a wrong type', () => {
    const odd = { ...base, firmware: 'builtin', program: 5, listings: 'x', floppy: '' };
    expect(withSessionPaths(odd, resolve)).toEqual(odd);
    expect(withSessionPaths({ ...base, firmware: 'bios.bin', listings: [null, 3, {}] }, resolve)).toMatchObject({
      firmware: '/folder/bios.bin',
      listings: [null, 3, {}],
    });
  });
});
