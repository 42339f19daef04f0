import { expect, it } from 'vitest';
import type { Value } from './function-builder.ts';
import { ModuleBuilder } from './module-builder.ts';
import { functionText } from './text.ts';

const [A, B] = [0, 1] as const;

function moduleOf(write: (module: ModuleBuilder) => void): ModuleBuilder {
  const module = new ModuleBuilder(1);
  write(module);
  return module;
}

function runOf(module: ModuleBuilder): (...operands: number[]) => number {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env: { memory } });
  return exports['run'] as (...operands: number[]) => number;
}

it('keeps no result in a local that is only used where it lies on the stack', () => {
  const module = moduleOf((to) => {
    const f = to.defineFunction({ parameters: ['i32', 'i32'], result: 'i32' }, 'run');
    const [a, b] = [f.parameters[A] as Value, f.parameters[B] as Value];
    f.binary('mul', a, b);
    const twice = f.binary('shl', f.binary('add', a, b), f.i32(1));
    f.return(f.binary('xor', f.i32(5), f.binary('sub', twice, a)));
  });
  const text = functionText(module.build(), 0).split('\n');
  expect(text.filter((line) => /local\.(set|tee)/.test(line))).toEqual([]);
  expect(text.filter((line) => line === 'drop')).toHaveLength(1);
  expect(runOf(module)(3, 4)).toBe(5 ^ (14 - 3));
});

it('keeps those that are asked for later, and variables', () => {
  const module = moduleOf((to) => {
    const f = to.defineFunction({ parameters: ['i32', 'i32'], result: 'i32' }, 'run');
    const [a, b] = [f.parameters[A] as Value, f.parameters[B] as Value];
    const sum = f.variable(f.binary('add', a, b));
    const product = f.binary('mul', sum, sum);
    f.set(sum, f.binary('add', product, f.i32(1)));
    f.return(f.binary('sub', f.binary('add', sum, a), product));
  });
  expect(runOf(module)(3, 4)).toBe(4);
});

it('gives the locals of a scope to code aside, which has them no more behind it', () => {
  const module = moduleOf((to) => {
    const f = to.defineFunction({ parameters: ['i32', 'i32'], result: 'i32' }, 'run');
    const [a, b] = [f.parameters[A] as Value, f.parameters[B] as Value];
    f.scope(() => {
      const sum = f.binary('add', a, b);
      const difference = f.binary('sub', a, b);
      f.if(f.binary('gtS', difference, f.i32(0)), () =>
        f.locals.aside(() => {
          const product = f.binary('mul', a, b);
          f.return(f.binary('sub', f.binary('add', product, a), product));
        }),
      );
      f.return(f.binary('mul', f.binary('sub', sum, f.i32(1)), f.binary('add', difference, sum)));
    });
  });
  const run = runOf(module);
  expect([run(7, 4), run(3, 4)]).toEqual([7, 36]);
});

it('takes a result out once that nobody asks for, though code aside has had its local', () => {
  const module = moduleOf((to) => {
    const f = to.defineFunction({ parameters: ['i32', 'i32'], result: 'i32' }, 'run');
    const [a, b] = [f.parameters[A] as Value, f.parameters[B] as Value];
    f.scope(() => {
      for (let n = 0; n < 3; n++) f.binary('add', f.binary('mul', a, b), f.i32(1));
      f.if(f.binary('gtS', a, b), () =>
        f.locals.aside(() => {
          const variables = [a, b, a, b].map((value) => f.variable(value));
          f.return(f.binary('add', variables[A] as Value, variables[B] as Value));
        }),
      );
      f.return(f.binary('sub', a, b));
    });
  });
  const run = runOf(module);
  expect([run(7, 4), run(3, 4)]).toEqual([11, -1]);
});
