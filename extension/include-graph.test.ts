import { describe, expect, it } from 'vitest';
import { rootSources, rootsOf } from './include-graph.ts';

const sources = new Map([
  ['/a/boot.asm', '; %include "other.asm"\n  %include "console.asm"\n%INCLUDE \'lib/stage2.asm\'\n'],
  ['/a/console.asm', 'ret'],
  ['/a/lib/stage2.asm', '%include "../lib/video.asm"'],
  ['/a/lib/video.asm', '%include "gone.asm"'],
  ['/a/other.asm', 'x: %include "console.asm"'],
]);

describe('the graph of includes', () => {
  it('finds what nothing includes; comments and labels before a directive do not count', () => {
    expect(rootSources(sources)).toEqual(['/a/boot.asm', '/a/other.asm']);
  });

  it('leads from an included source to its root', () => {
    expect(rootsOf(sources, '/a/lib/video.asm')).toEqual(['/a/boot.asm']);
    expect(rootsOf(sources, '/a/boot.asm')).toEqual(['/a/boot.asm']);
    expect(rootsOf(sources, '/elsewhere.asm')).toEqual(['/elsewhere.asm']);
  });

  it('gives every root of a shared source', () => {
    const shared = new Map([
      ['/one.asm', '%include "x.inc"'],
      ['/two.asm', '%include "x.inc"'],
      ['/x.inc', ''],
    ]);
    expect(rootsOf(shared, '/x.inc')).toEqual(['/one.asm', '/two.asm']);
  });

  it('ends on files that include each other or themselves', () => {
    const circle = new Map([
      ['/one.asm', '%include "two.asm"\n%include "one.asm"'],
      ['/two.asm', '%include "one.asm"'],
    ]);
    expect(rootSources(circle)).toEqual(['/one.asm', '/two.asm']);
    expect(rootsOf(circle, '/two.asm')).toEqual(['/two.asm']);
  });
});
