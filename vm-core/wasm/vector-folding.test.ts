/** What is computed while a function is built is what WebAssembly computes. */
import { expect, it } from 'vitest';
import type { FunctionBuilder, Value } from './function-builder.ts';
import { ModuleBuilder } from './module-builder.ts';
import { type OperationName, operations } from './vector-opcodes.ts';
import { foldVector } from './vector-folding.ts';

const names = (Object.keys(operations) as OperationName[]).filter((name) =>
  /^(i8x16|i16x8|i32x4|i64x2|v128)\./.test(name),
);

/** Vectors with bytes of all kinds, of which the second chooses bytes and the third is a mask of whole ones. */
const vectors = [
  0x00ff_7f80_0102_fffe_8001_1234_cdef_0a0bn * 0x1_0000_0000_0000n + 0x9876_5432_10fen,
  0x0f0e_1000_0302_ff01_0504_8007_0908_0b11n,
  0xff00_00ff_ffff_0000_00ff_00ff_ff00_ff00n,
].map((vector) => BigInt.asUintN(128, vector));

/** Operands by their types: vectors, and numbers that are too large as a shift's count. */
function operandsOf(f: FunctionBuilder, name: OperationName, isKnown: boolean): readonly Value[] {
  return operations[name].operands.map((type, n) => {
    const vector = vectors[n] as bigint;
    if (type === 'i32') return isKnown ? f.i32(0x4321_0085) : f.load('i32', 32, f.i32(64));
    if (type === 'i64') return isKnown ? f.i64(0x1234_5678_9abcn) : f.load('i64', 64, f.i32(72));
    return isKnown ? f.v128(vector, vector >> 64n) : f.loadVector(128, f.i32(16 * n));
  });
}

function run(name: OperationName, isKnown: boolean): string {
  const module = new ModuleBuilder(1);
  const f = module.defineFunction({ parameters: [], result: 'i32' }, 'run');
  const result = f.operate(name, ...operandsOf(f, name, isKnown));
  if (result.type === 'v128') f.storeVector(f.i32(128), 0, result);
  else f.store(32, f.i32(128), 0, result);
  f.return(f.i32(0));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const view = new DataView(memory.buffer);
  vectors.forEach((vector, n) => {
    view.setBigUint64(16 * n, BigInt.asUintN(64, vector), true);
    view.setBigUint64(16 * n + 8, vector >> 64n, true);
  });
  view.setInt32(64, 0x4321_0085, true);
  view.setBigInt64(72, 0x1234_5678_9abcn, true);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env: { memory } });
  (instance.exports['run'] as () => number)();
  return Buffer.from(memory.buffer, 128, 16).toString('hex');
}

it.each(names)('%s of what is known', (name) => {
  expect(run(name, true)).toBe(run(name, false));
});

it('chooses bytes by a known mask and by known numbers', () => {
  const x: Value = { type: 'v128', local: 0 };
  const known = (vector: bigint): Value => ({ type: 'v128', local: -1, vector });
  expect(foldVector('i8x16.swizzle', [x, known(vectors[1] as bigint)])).toMatchObject({ x });
  expect(foldVector('v128.bitselect', [x, x, known(vectors[2] as bigint)])).toMatchObject({ x, y: x });
  expect(foldVector('v128.bitselect', [x, x, known(1n)])).toBeUndefined();
  expect(foldVector('i32x4.add', [known(1n), known((1n << 32n) - 1n)])).toEqual({ vector: 0n });
});
