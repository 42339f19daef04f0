/** The builder against the engine that compiles its output. */
import { describe, expect, it } from 'vitest';
import { ByteWriter } from './byte-writer.ts';
import type { FunctionBuilder, Value } from './function-builder.ts';
import { ModuleBuilder, type Signature } from './module-builder.ts';

const BINARY: Signature = { parameters: ['i32', 'i32'], result: 'i32' };

function instantiate(define: (module: ModuleBuilder) => void, imports: Record<string, () => number> = {}) {
  const builder = new ModuleBuilder(1);
  define(builder);
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const module = new WebAssembly.Module(builder.build());
  const { exports } = new WebAssembly.Instance(module, { env: { memory, ...imports } });
  return { memory, exports: exports as Record<string, (...values: number[]) => number> };
}

function compute(body: (f: FunctionBuilder, x: Value, y: Value) => Value, x: number, y: number): number {
  const { exports } = instantiate((module) => {
    const f = module.defineFunction(BINARY, 'compute');
    const [left, right] = f.parameters as readonly [Value, Value];
    f.return(body(f, left, right));
  });
  return (exports['compute'] as (a: number, b: number) => number)(x, y);
}

describe('numbers', () => {
  it.each([0, 1, 63, 64, 127, 128, -1, -64, -65, 0x7fffffff, -0x80000000, 624485])(
    'encodes %d so that it comes back',
    (n) => {
      expect(compute((f) => f.i32(n), 0, 0)).toBe(n | 0);
      expect(compute((f) => f.narrow(f.i64(BigInt(n))), 0, 0)).toBe(n | 0);
    },
  );

  it('encodes unsigned numbers as the specification says', () => {
    const writer = new ByteWriter();
    writer.unsigned(624485);
    expect([...writer.bytes]).toEqual([0xe5, 0x8e, 0x26]);
    expect(() => writer.unsigned(0xffffffff)).not.toThrow();
  });
});

describe('operations', () => {
  it('work on operands and on constants alike', () => {
    for (const operation of ['add', 'sub', 'and', 'or', 'xor', 'shl', 'shrU', 'shrS'] as const) {
      const dynamic = compute((f, x, y) => f.binary(operation, x, y), 0x80000005, 3);
      const folded = compute((f) => f.binary(operation, f.i32(0x80000005), f.i32(3)), 0, 0);
      expect(folded, operation).toBe(dynamic);
    }
  });

  it('refuse operands of different types', () => {
    expect(() => compute((f, x) => f.binary('add', x, f.widen(x, true)), 0, 0)).toThrow(/i32 and i64/);
  });

  it('leave an operand alone that a variable changes later', () => {
    const result = compute(
      (f, x) => {
        const variable = f.variable(x);
        const kept = f.binary('add', variable, f.i32(0));
        f.set(variable, f.i32(100));
        return kept;
      },
      7,
      0,
    );
    expect(result).toBe(7);
  });
});

describe('control', () => {
  it('loops, leaves blocks and selects', () => {
    const sum = compute(
      (f, x) => {
        const left = f.variable(x);
        const total = f.variable(f.i32(0));
        f.block((done) => {
          f.loop((again) => {
            f.branchIf(f.eqz(left), done);
            f.set(total, f.binary('add', total, left));
            f.set(left, f.binary('sub', left, f.i32(1)));
            f.branch(again);
          });
        });
        return f.select(f.binary('gtS', total, f.i32(10)), total, f.i32(-1));
      },
      10,
      0,
    );
    expect(sum).toBe(55);
  });

  it('switches to numbered cases and to the last for all others, with locals that cases share', () => {
    const choose = (f: FunctionBuilder, x: Value, y: Value) => {
      const result = f.variable(f.i32(-1));
      const cases = [10, 20, 30].map((factor) => () => f.set(result, f.binary('mul', y, f.i32(factor))));
      f.switch(x, cases, () => f.set(result, f.binary('add', y, f.i32(1))));
      return result;
    };
    expect([0, 1, 2, 3, -1].map((selector) => compute(choose, selector, 7))).toEqual([70, 140, 210, 8, 8]);
  });

  it('calls imports, its own functions and the table', () => {
    const { exports } = instantiate(
      (module) => {
        const seven = module.importFunction('seven', { parameters: [], result: 'i32' });
        const double = module.defineFunction({ parameters: ['i32'], result: 'i32' });
        double.return(double.binary('add', double.parameters[0] as Value, double.parameters[0] as Value));
        const place = module.addToTable(double);
        const main = module.defineFunction({ parameters: [], result: 'i32' }, 'main');
        const direct = main.call(double, main.call(seven));
        main.return(main.callIndirect(double.signature, main.i32(place), direct));
      },
      { seven: () => 7 },
    );
    expect((exports['main'] as () => number)()).toBe(28);
  });

  it('refuses an import after a definition', () => {
    const builder = new ModuleBuilder(1);
    builder.defineFunction(BINARY);
    expect(() => builder.importFunction('late', BINARY)).toThrow(/late/);
  });
});

describe('memory', () => {
  it('loads and stores every width, zero- and sign-extended', () => {
    const { memory, exports } = instantiate((module) => {
      const f = module.defineFunction({ parameters: ['i32'], result: 'i32' }, 'run');
      const at = f.parameters[0] as Value;
      f.store(16, at, 4, f.load('i32', 8, at, 0, true));
      f.store(64, at, 8, f.load('i64', 16, at, 0, true));
      f.return(f.load('i32', 16, at, 0));
    });
    const view = new DataView(memory.buffer);
    view.setUint16(16, 0x80fe, true);
    expect((exports['run'] as (at: number) => number)(16)).toBe(0x80fe);
    expect(view.getUint16(20, true)).toBe(0xfffe);
    expect(view.getBigInt64(24, true)).toBe(BigInt.asIntN(16, 0x80fen));
  });
});
