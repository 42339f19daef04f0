import { describe, expect, it } from 'vitest';
import { CpuState, registers } from '../../vm-core/index.ts';
import { CPU_STATE_SIZE } from '../../vm-core/state/layout.ts';
import {
  fieldParts,
  findRegisterPart,
  isWide,
  type RegisterPart,
  readExact,
  readPart,
  registerPartNames,
  wholePart,
  writePart,
} from './register-parts.ts';

describe('register parts', () => {
  it('names every register and field of the table', () => {
    for (const register of registers) {
      expect(findRegisterPart(register.name)).toEqual(wholePart(register));
      for (const field of fieldParts(register))
        expect(findRegisterPart(`${register.name}.${field.name}`)).toEqual(field);
    }
  });

  it('reads and writes every part, also of 64 bits, and leaves the rest of its register alone', () => {
    const state = new CpuState(new WebAssembly.Memory({ initial: Math.ceil(CPU_STATE_SIZE / 65536) }), 0);
    for (const name of registerPartNames) {
      const part = findRegisterPart(name) as RegisterPart;
      // The flags have bits that are always set or clear.
      if (part.register.name.endsWith('FLAGS')) continue;
      const pattern = BigInt.asUintN(part.register.size * 8, 0x9e3779b97f4a7c15n);
      state.writeRegister(part.register, pattern);
      const expected = BigInt.asUintN(part.width, pattern >> BigInt(part.low));
      expect(readExact(state, part), name).toBe(expected);
      expect(readPart(state, part), name).toBe(Number(expected));
      expect(isWide(part), name).toBe(part.low + part.width > 32);
      writePart(state, part, BigInt.asUintN(part.width, ~expected));
      const flipped = ((1n << BigInt(part.width)) - 1n) << BigInt(part.low);
      expect(state.readRegister(part.register), name).toBe(pattern ^ flipped);
    }
  });

  it('finds flags without their register, in any case', () => {
    expect(findRegisterPart('zf')?.register.name).toBe('EFLAGS');
    expect(findRegisterPart('cs.Base')?.name).toBe('CS.base');
    expect(findRegisterPart('pe')).toBeUndefined();
  });
});
