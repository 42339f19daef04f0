import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { chunk, text, u16, u32 } from './moo-chunks.ts';
import { readMooFile } from './moo-file.ts';

const counted = (name: string, bytes: readonly number[]) => chunk(name, [...u32(bytes.length), ...bytes]);
const file = (...chunks: readonly number[][]) => gzipSync(Uint8Array.from(chunks.flat()));

const header = chunk('MOO ', [1, 1, 0, 0, ...u32(1), ...text('C286')]);

describe('MOO files', () => {
  it('give instruction, states, masks and exception, and skip unknown chunks', () => {
    const initial = [
      ...chunk('REGS', [...u16(0b1000000000000001), ...u16(0x1234)]),
      ...chunk('RAM ', [...u32(1), ...u32(0x12345), 0xf4]),
      ...chunk('QUEU', [1, 2, 3]),
    ];
    const final = [
      ...chunk('REGS', [...u16(0b10000000000010), ...u16(0x5678), ...u16(0xf002)]),
      ...chunk('RMSK', [...u16(0b10000000000000), ...u16(0x0fff)]),
    ];
    const test = [
      ...u32(7),
      ...counted('NAME', text('div al')),
      ...counted('BYTS', [0xf6, 0xf0]),
      ...chunk('INIT', initial),
      ...chunk('FINA', final),
      ...chunk('EXCP', [0, ...u32(0x2fffe)]),
      ...chunk('HASH', new Array<number>(20).fill(0)),
    ];
    const fileMasks = chunk('RMSK', [...u16(1), ...u16(0xff00)]);
    const { processor, vectors } = readMooFile(file(header, chunk('META', [1]), fileMasks, chunk('TEST', test)));
    expect(processor).toBe('C286');
    const [vector] = vectors;
    expect(vector).toMatchObject({ index: 7, name: 'div al', exception: { vector: 0 } });
    expect([...(vector?.bytes ?? [])]).toEqual([0xf6, 0xf0]);
    expect(vector?.initial).toEqual({
      registers: { ax: 0x1234 },
      masks: { ax: 0xff00 },
      memory: [[0x12345, 0xf4]],
    });
    expect(vector?.final.registers).toEqual({ bx: 0x5678, flags: 0xf002 });
    expect(vector?.final.masks).toEqual({ ax: 0xff00, flags: 0x0fff });
  });

  it('that are something else, or cut short, are refused', () => {
    expect(() => readMooFile(file(chunk('META', [])))).toThrow('not a MOO file');
    expect(() => readMooFile(file(header.slice(0, 12)))).toThrow('longer than the file');
  });
});
