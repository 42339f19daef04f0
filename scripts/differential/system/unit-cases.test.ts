import { describe, expect, it } from 'vitest';
import { Random } from '../random.ts';
import { unitCase } from './integer-cases.ts';
import { UNITS } from './layout.ts';
import { RegisterStack } from './register-stack.ts';
import { unitRows } from './unit-operands.ts';

const rowOf = (opcode: string) => {
  const row = unitRows.find((one) => one.opcode === opcode);
  if (!row) throw new Error(opcode);
  return row;
};

describe('cases of the floating-point and vector units', () => {
  it('have every row sooner or later, and a state to begin with', () => {
    const random = new Random(7);
    const seen = new Set<string>();
    for (let n = 0; n < 12_000; n++) {
      const { text, patches } = unitCase(random);
      for (const name of text.replace(/^.*?: /, '').split(', ')) seen.add(name);
      if (n === 0) expect(patches.some(({ at }) => at === UNITS)).toBe(true);
    }
    const names = new Set(unitRows.map(({ name }) => name));
    expect([...names].filter((name) => !seen.has(name))).toEqual([]);
  });

  it('take from the register stack what is there', () => {
    const [pop, add, load] = [rowOf('DE C0+i'), rowOf('D8 C0+i'), rowOf('D9 E8')];
    const stack = new RegisterStack(2);
    expect([stack.accepts(add, [0xd8, 0xc1]), stack.accepts(add, [0xd8, 0xc2])]).toEqual([true, false]);
    expect([stack.accepts(pop, [0xde, 0xc1]), stack.accepts(pop, [0xde, 0xc1])]).toEqual([true, false]);
    for (let n = 0; n < 7; n++) expect(stack.accepts(load, [0xd9, 0xe8])).toBe(true);
    expect(stack.accepts(load, [0xd9, 0xe8])).toBe(false);
  });

  it('have no arithmetic of the x87 behind MMX', () => {
    const stack = new RegisterStack(8);
    expect(stack.accepts(rowOf('NP 0F EF'), [0x0f, 0xef, 0xc1])).toBe(true);
    expect(stack.accepts(rowOf('D8 C0+i'), [0xd8, 0xc0])).toBe(false);
    expect(stack.accepts(rowOf('DB E3'), [0xdb, 0xe3])).toBe(true);
    expect(stack.accepts(rowOf('D9 E8'), [0xd9, 0xe8])).toBe(true);
  });
});
