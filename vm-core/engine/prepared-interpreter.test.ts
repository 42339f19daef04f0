/**
 * The interpreter of 64-bit code is built in pieces ahead of its first use, or at once where that comes first, or has been
 * built elsewhere.
 */
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

it('is not built where its bytes come from elsewhere', async () => {
  const { interpreterBytes } = await fresh();
  const bytes = interpreterBytes(64);
  const { adoptInterpreter, interpreter, interpreterBytes: own, prepareInterpreter } = await fresh();
  const source = vi.fn(() => bytes);
  adoptInterpreter(64, source);
  expect(source).not.toHaveBeenCalled();
  expect(prepareInterpreter(64)).toBe(false);
  expect(own(64)).toBe(bytes);
  expect(compiledDuring(() => interpreter(64))).toBe(1);
  expect(source).toHaveBeenCalledOnce();
});

it('is built here as long as its bytes have not come, to the same ones', async () => {
  const { interpreterBytes } = await fresh();
  const bytes = interpreterBytes(32);
  const { adoptInterpreter, interpreterBytes: own, prepareInterpreter } = await fresh();
  adoptInterpreter(32, () => undefined);
  expect(prepareInterpreter(32)).toBe(true);
  expect(Buffer.compare(own(32), bytes)).toBe(0);
});
