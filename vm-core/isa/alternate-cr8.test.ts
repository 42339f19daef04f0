/** LOCK makes CR8 of CR0 on processors that say so (AMD64 manual vol. 3 MOV CRn; CPUID 80000001h ECX 4); on others it is #UD. */
import { describe, expect, it } from 'vitest';
import type { CpuModel } from './cpu-model.ts';
import { Decoder } from './decoder.ts';
import { instructionRows } from './instruction-table.ts';
import type { OperandSize } from './operand.ts';

function decode(model: CpuModel, bytes: readonly number[], mode: OperandSize) {
  const { rowIndex, reg } = new Decoder(model).decode((at) => bytes[at] ?? 0, mode);
  return { name: instructionRows[rowIndex]?.name, reg };
}

describe.each([16, 32, 64] as const)('LOCK before MOV of a control register in %d-bit code', (mode) => {
  it('names CR8 on AMD, in both directions', () => {
    expect(decode('amd-zen', [0xf0, 0x0f, 0x20, 0xc0], mode)).toEqual({ name: 'MOV_FROM_CR', reg: 8 });
    expect(decode('amd-zen', [0xf0, 0x0f, 0x22, 0xc3], mode)).toEqual({ name: 'MOV_TO_CR', reg: 8 });
  });

  it('is invalid before other registers, and on Intel', () => {
    expect(decode('amd-zen', [0xf0, 0x0f, 0x20, 0xd8], mode).name).toBeUndefined();
    expect(decode('max', [0xf0, 0x0f, 0x20, 0xc0], mode).name).toBeUndefined();
  });
});
