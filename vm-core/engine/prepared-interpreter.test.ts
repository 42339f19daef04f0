/** The interpreter of 64-bit code is built in pieces ahead of its first use, or at once where that comes first. */
import { expect, it, vi } from 'vitest';

/** A fresh interpreter: it is one for all machines of a process. */
async function fresh(): Promise<typeof import('./interpreter.ts')> {
  vi.resetModules();
  return import('./interpreter.ts');
}

/** How many modules are compiled while something runs that waits for them. */
function compiledDuring(run: () => void): number {
  const { Module } = WebAssembly;
  let count = 0;
  WebAssembly.Module = new Proxy(Module, {
    construct(target, parameters) {
      count++;
      return Reflect.construct(target, parameters);
    },
  });
  try {
    run();
  } finally {
    WebAssembly.Module = Module;
  }
  return count;
}

it('is ready at its first use when all pieces are done', async () => {
  const { interpreter, prepareInterpreter } = await fresh();
  let pieces = 0;
  const compile = vi.spyOn(WebAssembly, 'compile');
  while (prepareInterpreter(64)) pieces++;
  expect(pieces).toBeGreaterThan(1000);
  expect(prepareInterpreter(64)).toBe(false);
  expect(compile).toHaveBeenCalledOnce();
  await compile.mock.results[0]?.value;
  compile.mockRestore();
  expect(compiledDuring(() => interpreter(64))).toBe(0);
});

it('is finished at once when it is used before', async () => {
  const { interpreter, prepareInterpreter } = await fresh();
  for (let piece = 0; piece < 100; piece++) expect(prepareInterpreter(64)).toBe(true);
  expect(compiledDuring(() => interpreter(64))).toBe(1);
  expect(prepareInterpreter(64)).toBe(false);
  expect(compiledDuring(() => interpreter(64))).toBe(0);
});
