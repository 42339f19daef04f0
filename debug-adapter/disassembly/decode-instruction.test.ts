import { describe, expect, it } from 'vitest';
import { decodeInstruction, type InstructionKind } from './decode-instruction.ts';

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(hex.split(' ').map((byte) => Number.parseInt(byte, 16)));

describe('decodeInstruction', () => {
  const rows: readonly (readonly [string, 16 | 32, number, string, InstructionKind, number | undefined])[] = [
    ['b8 00 7c', 16, 0x7c00, 'mov ax, 0x7c00', 'plain', undefined],
    ['b8 00 7c 00 00', 32, 0x7c00, 'mov eax, 0x7c00', 'plain', undefined],
    ['cd 10', 16, 0x7c00, 'int 0x10', 'interrupt', undefined],
    ['cc', 16, 0x7c00, 'int3', 'interrupt', undefined],
    ['e8 0d 00', 16, 0x7c00, 'call 0x7c10', 'call', 0x7c10],
    ['ff d0', 16, 0x7c00, 'call ax', 'call', undefined],
    ['9a 00 00 00 f0', 16, 0x7c00, 'call 0xf000:0', 'call', undefined],
    ['eb fe', 16, 0x7c00, 'jmp 0x7c00', 'jump', 0x7c00],
    ['ea 05 7c 00 00', 16, 0x7c00, 'jmp 0:0x7c05', 'indirect-jump', undefined],
    ['ff e0', 16, 0x7c00, 'jmp ax', 'indirect-jump', undefined],
    ['74 02', 16, 0x7c00, 'je 0x7c04', 'branch', 0x7c04],
    ['e3 02', 16, 0x7c00, 'jcxz 0x7c04', 'branch', 0x7c04],
    ['e2 fc', 16, 0x7c02, 'loop 0x7c00', 'loop', 0x7c00],
    ['f3 a4', 16, 0x7c00, 'rep movsb', 'repeat', undefined],
    ['f2 ae', 16, 0x7c00, 'repne scasb', 'repeat', undefined],
    ['c3', 16, 0x7c00, 'ret', 'return', undefined],
    ['cb', 16, 0x7c00, 'retf', 'return', undefined],
    ['cf', 16, 0x7c00, 'iret', 'return', undefined],
    ['f4', 16, 0x7c00, 'hlt', 'halt', undefined],
    ['0f 0b', 16, 0x7c00, 'ud2', 'fault', undefined],
  ];
  it.each(rows)('%s (%i-bit)', (hex, codeSize, offset, text, kind, target) => {
    const bytes = bytesOf(hex);
    expect(decodeInstruction(bytes, 0, codeSize, offset)).toMatchObject({
      text,
      kind,
      target,
      length: bytes.length,
      valid: true,
    });
  });

  it.each([
    ['48 a1 00 00 00 00 01 80 ff ff', 'mov rax, [qword 0xffff800100000000]'],
    ['65 a0 00 00 00 00 01 00 00 00', 'mov al, [qword gs:0x100000000]'],
    ['48 a1 00 00 00 00 00 00 00 00', 'mov rax, [qword 0]'],
    ['48 8b 05 02 00 00 00', 'mov rax, [rel 0xffff800000001009]'],
  ])('%s has its whole address', (hex, text) => {
    expect(decodeInstruction(bytesOf(hex), 0, 64, -0x7fff_ffff_f000).text).toBe(text);
  });

  it('gives the vector of INT', () => {
    expect(decodeInstruction(bytesOf('cd 13'), 0, 16, 0).vector).toBe(0x13);
    expect(decodeInstruction(bytesOf('cc'), 0, 16, 0).vector).toBe(3);
    expect(decodeInstruction(bytesOf('90'), 0, 16, 0).vector).toBeUndefined();
  });

  it('turns bytes that are no instruction, or end early, into db', () => {
    expect(decodeInstruction(bytesOf('fe ff'), 0, 16, 0)).toMatchObject({ text: 'db 0xfe', length: 1, valid: false });
    expect(decodeInstruction(bytesOf('b8 00'), 0, 16, 0)).toMatchObject({ text: 'db 0xb8', length: 1, valid: false });
    expect(decodeInstruction(new Uint8Array(0), 0, 16, 0)).toMatchObject({ length: 1, valid: false });
  });

  it('wraps a branch of 16-bit code at 64 KiB', () => {
    expect(decodeInstruction(bytesOf('eb 10'), 0, 16, 0xfff8).target).toBe(0xa);
    // 66h makes a near branch of 64-bit code 16-bit on AMD, and nothing on Intel.
    const call = bytesOf('66 e8 02 00 00 00 00 00');
    expect(decodeInstruction(call, 0, 64, 0x12340, true)).toMatchObject({ length: 4, target: 0x2346 });
    expect(decodeInstruction(call, 0, 64, 0x12340)).toMatchObject({ length: 6, target: 0x12348 });
  });
});
