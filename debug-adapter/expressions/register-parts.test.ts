import { describe, expect, it } from 'vitest';
import { registers } from '../../vm-core/index.ts';
import { fieldParts, findRegisterPart, registerPartNames, wholePart } from './register-parts.ts';

describe('register parts', () => {
  it('names every register and field of the table', () => {
    for (const register of registers) {
      expect(findRegisterPart(register.name)).toEqual(wholePart(register));
      for (const field of fieldParts(register))
        expect(findRegisterPart(`${register.name}.${field.name}`)).toEqual(field);
    }
  });

  it('stays within 32 bits, which is what expressions compute with', () => {
    for (const name of registerPartNames) {
      const part = findRegisterPart(name);
      expect(part && part.low + part.width, name).toBeLessThanOrEqual(32);
    }
  });

  it('finds flags without their register, in any case', () => {
    expect(findRegisterPart('zf')?.register.name).toBe('EFLAGS');
    expect(findRegisterPart('cs.Base')?.name).toBe('CS.base');
    expect(findRegisterPart('pe')).toBeUndefined();
  });
});
