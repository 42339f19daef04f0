import { expect, it } from 'vitest';
import { ModuleBuilder } from './module-builder.ts';

it.each([1, 31, 32, 33, 64, 100])('a switch of %i cases runs the one that is named, and goes on behind', (count) => {
  const module = new ModuleBuilder(1);
  const f = module.defineFunction({ parameters: ['i32'], result: 'i32' }, 'choose');
  const [selector] = f.parameters;
  if (!selector) throw new Error('the function has no parameter');
  const sum = f.variable(f.i32(1000));
  const cases = Array.from({ length: count }, (_, n) => (end: Parameters<typeof f.branch>[0]) => {
    f.set(sum, f.binary('add', sum, f.i32(n)));
    if (n % 3 !== 0) return;
    f.branch(end);
    f.set(sum, f.i32(-1));
  });
  f.switch(selector, cases, () => f.set(sum, f.i32(7)));
  f.return(f.binary('add', sum, f.i32(10_000)));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env: { memory } });
  const choose = exports['choose'] as (n: number) => number;
  const chosen = Array.from({ length: count + 2 }, (_, n) => choose(n));
  expect(chosen).toEqual([...Array.from({ length: count }, (_, n) => 11_000 + n), 10_007, 10_007]);
});
