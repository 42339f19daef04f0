import { describe, expect, it } from 'vitest';
import type { Host } from '../debug-adapter/host.ts';
import { isUri, routedHost } from './routed-host.ts';

function named(kind: Host['kind']): Host {
  return {
    kind,
    fileSize: () => Promise.reject(new Error(kind)),
    readFile: () => Promise.reject(new Error(kind)),
    assemble: () => Promise.reject(new Error(kind)),
    now: () => 1,
    localTimeMs: () => 2,
    defer: (callback) => callback(),
  };
}

describe('routedHost', () => {
  const host = routedHost(named('desktop'), named('browser'));

  it.each([
    ['/a/b', 'desktop'],
    ['C:\\a', 'desktop'],
    ['vscode-vfs://github/a', 'browser'],
  ])('sends %s to the %s host', async (path, kind) => {
    await expect(host.fileSize(path)).rejects.toThrow(kind);
    await expect(host.readFile(path, 0, 1)).rejects.toThrow(kind);
    await expect(host.assemble(path)).rejects.toThrow(kind);
  });

  it('tells a scheme from a drive letter', () => {
    expect(isUri('vscode-remote://host+1/a')).toBe(true);
    expect(isUri('C:/a')).toBe(false);
    expect(isUri('c://a')).toBe(false);
  });
});
