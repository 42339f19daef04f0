import { expect, it } from 'vitest';
import { ModuleBuilder } from './module-builder.ts';

it('writes late code where its place was kept, with what is known by then', () => {
  const module = new ModuleBuilder(1);
  const f = module.defineFunction({ parameters: ['i32'], result: 'i32' }, 'run');
  const sum = f.local('i32');
  let known = 1;
  const add = (): void => f.set(sum, f.binary('add', sum, f.i32(known)));
  f.late.add(add);
  const first = f.size;
  f.if(f.parameters[0] as (typeof f.parameters)[0], () => {
    f.late.add(add);
    f.set(sum, f.binary('mul', sum, f.i32(3)));
    known = 10;
  });
  const last = f.size;
  f.return(sum);
  const moved = f.late.fill();
  const [behindOne, behindTwo] = [moved(first) - first, moved(last) - last];
  expect(behindOne).toBeGreaterThan(0);
  // The product is kept in no local of its own.
  expect(behindTwo).toBe(2 * behindOne - 2);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env: { memory } });
  const run = instance.exports['run'] as (condition: number) => number;
  expect([run(0), run(1)]).toEqual([10, 60]);
});
