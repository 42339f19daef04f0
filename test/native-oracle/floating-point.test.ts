/**
 * The arithmetic of floating point against this machine's own units: x87 at every precision and rounding, SSE at every
 * rounding, denormals as they are and as zero, results flushed and not, exceptions masked and unmasked. Needs a C compiler
 * and an x86-64 processor.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  extendedDifference,
  extendedProduct,
  extendedQuotient,
  extendedRoot,
  extendedSum,
} from '../../vm-core/isa/float/extended.ts';
import * as format from '../../vm-core/isa/float/formats.ts';
import { doubleOperations, type NarrowOperations, singleOperations } from '../../vm-core/isa/float/narrow.ts';
import { ModuleBuilder, type SharedFunction } from '../../vm-core/wasm/module-builder.ts';
import type { FunctionBuilder, Value } from '../../vm-core/wasm/function-builder.ts';
import { anyNumber, shapes } from '../../scripts/differential/float-numbers.ts';
import { randomWords } from '../../scripts/differential/random.ts';

const CASES = Number(process.env['ORACLE_CASES'] ?? 40) * 500;
const SEED = Number(process.env['ORACLE_SEED'] ?? 20261120);
/** Exceptions that are found before anything is computed. */
const EARLY = format.INVALID | format.DENORMAL | format.ZERO_DIVIDE;
const EXCEPTIONS = 0x3f;

const folder = mkdtempSync(join(tmpdir(), 'floating-point-'));
afterAll(() => rmSync(folder, { recursive: true }));

function compiled(name: string): string | undefined {
  const program = join(folder, name);
  const source = join(import.meta.dirname, `${name}.c`);
  const { status } = spawnSync('cc', ['-O1', '-o', program, source]);
  return process.arch === 'x64' && status === 0 ? program : undefined;
}

/** Memory of the functions: the exceptions' word, two operands, the result. */
const PLACES = { flags: 0, x: 16, y: 32, result: 48 };
type Body = (f: FunctionBuilder, flags: Value, environment: Value) => void;

function functionsOf(bodies: readonly Body[]) {
  const builder = new ModuleBuilder(1);
  bodies.forEach((body, n) => {
    const f = builder.defineFunction({ parameters: ['i32'] }, `run${n}`);
    body(f, f.i32(PLACES.flags), f.parameters[0] as Value);
  });
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(builder.build()), { env: { memory } });
  return {
    view: new DataView(memory.buffer),
    run: (n: number, environment: number) => (exports[`run${n}`] as (environment: number) => number)(environment),
  };
}

/** With an early exception that is not masked, nothing else is found. */
function exceptionsOf(flags: number, masks: number): number {
  return (flags & ~masks & EARLY) === 0 ? flags : flags & EARLY;
}

function environmentOf(rounding: number, precision: number, masks: number): number {
  const overflow = (masks & format.OVERFLOW) === 0 ? format.ENVIRONMENT_OVERFLOW : 0;
  const underflow = (masks & format.UNDERFLOW) === 0 ? format.ENVIRONMENT_UNDERFLOW : 0;
  return rounding | (precision << format.ENVIRONMENT_PRECISION_SHIFT) | overflow | underflow;
}

const x87 = compiled('extended');

describe.skipIf(x87 === undefined)('x87 (a C compiler and an x86-64 processor are needed)', () => {
  const operations = [extendedSum, extendedDifference, extendedProduct, extendedQuotient, extendedRoot];
  const { view, run } = functionsOf(
    operations.map((operation, n) => (f, flags, environment) => {
      const x = f.loadVector(128, flags, PLACES.x);
      const y = f.loadVector(128, flags, PLACES.y);
      const operands = operation === extendedRoot ? [x] : [x, y];
      f.storeVector(
        flags,
        PLACES.result,
        f.callShared(operations[n] as SharedFunction, flags, ...operands, environment),
      );
    }),
  );
  const SIZE = 64;

  it.each([{ masked: true }, { masked: false }])('computes the same, exceptions masked: $masked', ({ masked }) => {
    const next = randomWords(SEED + (masked ? 0 : 1));
    const below = (end: number) => next() % end;
    const input = Buffer.alloc(CASES * SIZE);
    for (let at = 0; at < input.length; at += SIZE) {
      const numbers = [anyNumber(next, shapes.extended)];
      numbers.push(anyNumber(next, shapes.extended, numbers[0]?.exponent));
      numbers.forEach(({ sign, exponent, fraction }, n) => {
        // Now and then the top bit contradicts the exponent.
        const top = BigInt(exponent === 0 ? 0 : 1) ^ BigInt(below(40) === 0 ? 1 : 0);
        input.writeBigUInt64LE(fraction | (top << 63n), at + n * 16);
        input.writeUInt16LE((sign << 15) | exponent, at + n * 16 + 8);
      });
      const masks = masked ? EXCEPTIONS : below(EXCEPTIONS + 1);
      const precision = [0, 2, 3][below(3)] as number;
      input.writeUInt16LE(0x40 | masks | (precision << 8) | (below(4) << 10), at + 48);
      input[at + 52] = below(operations.length);
    }
    const { stdout, status } = spawnSync(x87 as string, { input, maxBuffer: 1 << 30 });
    expect(status).toBe(0);
    const different: string[] = [];
    for (let at = 0; at < input.length; at += SIZE) {
      const control = input.readUInt16LE(at + 48);
      new Uint8Array(view.buffer).fill(0, 0, 64);
      new Uint8Array(view.buffer).set(input.subarray(at, at + 32), PLACES.x);
      run(input[at + 52] as number, environmentOf((control >> 10) & 3, (control >> 8) & 3, control));
      const flags = exceptionsOf(view.getInt32(PLACES.flags, true), control);
      const found = [flags & (EXCEPTIONS | format.ROUNDED_UP), view.getUint16(56, true), view.getBigUint64(48, true)];
      const wanted = stdout.readUInt16LE(at + 50) & (EXCEPTIONS | format.ROUNDED_UP);
      const delivered = (flags & ~control & EARLY) === 0;
      const native = [wanted, ...(delivered ? [stdout.readUInt16LE(at + 40), stdout.readBigUInt64LE(at + 32)] : [])];
      if (found.slice(0, native.length).join() !== native.join()) {
        different.push(`${input.toString('hex', at, at + 53)}: ours ${found.join()}, native ${native.join()}`);
      }
    }
    expect(different.slice(0, 5)).toEqual([]);
  });
});

const sse = compiled('narrow');

describe.skipIf(sse === undefined)('SSE (a C compiler and an x86-64 processor are needed)', () => {
  const listed = ({ sum, difference, product, quotient, root }: NarrowOperations) => [
    ...[sum, difference, product, quotient, root],
  ];
  const operations = [...listed(doubleOperations), ...listed(singleOperations)];
  const { view, run } = functionsOf(
    operations.map((operation, n) => (f, flags, environment) => {
      const x = f.load('i64', 64, flags, PLACES.x);
      const y = f.load('i64', 64, flags, PLACES.y);
      const operands = n % 5 === 4 ? [y] : [x, y];
      f.store(64, flags, PLACES.result, f.callShared(operation, flags, ...operands, environment));
    }),
  );
  const SIZE = 40;

  it.each([{ masked: true }, { masked: false }])('computes the same, exceptions masked: $masked', ({ masked }) => {
    const next = randomWords(SEED + (masked ? 2 : 3));
    const below = (end: number) => next() % end;
    const input = Buffer.alloc(CASES * SIZE);
    for (let at = 0; at < input.length; at += SIZE) {
      const shape = [shapes.double, shapes.single][below(2)] as typeof shapes.double;
      const { fraction: width } = shape;
      const bitsOf = ({ sign, exponent, fraction }: ReturnType<typeof anyNumber>) =>
        (BigInt(sign) << (width === 52 ? 63n : 31n)) | (BigInt(exponent) << BigInt(width)) | fraction;
      const x = anyNumber(next, shape);
      input.writeBigUInt64LE(bitsOf(x), at);
      input.writeBigUInt64LE(bitsOf(anyNumber(next, shape, x.exponent)), at + 8);
      const masks = masked ? EXCEPTIONS : below(EXCEPTIONS + 1);
      const modes = (below(4) << 13) | (below(3) === 0 ? 0x8000 : 0) | (below(3) === 0 ? 0x40 : 0);
      input.writeUInt32LE((masks << 7) | modes, at + 24);
      input.writeUInt32LE(below(5) + (width === 52 ? 0 : 8), at + 32);
    }
    const { stdout, status } = spawnSync(sse as string, { input, maxBuffer: 1 << 30 });
    expect(status).toBe(0);
    const different: string[] = [];
    for (let at = 0; at < input.length; at += SIZE) {
      const control = input.readUInt32LE(at + 24);
      const number = input.readUInt32LE(at + 32);
      view.setInt32(PLACES.flags, 0, true);
      view.setBigUint64(PLACES.x, input.readBigUInt64LE(at), true);
      view.setBigUint64(PLACES.y, input.readBigUInt64LE(at + 8), true);
      const special =
        ((control & 0x8000) === 0 ? 0 : format.ENVIRONMENT_FLUSH) |
        ((control & 0x40) === 0 ? 0 : format.ENVIRONMENT_DENORMALS_ARE_ZERO);
      run(number < 8 ? number : number - 3, environmentOf((control >> 13) & 3, 3, control >> 7) | special);
      const flags = exceptionsOf(view.getInt32(PLACES.flags, true), control >> 7) & EXCEPTIONS;
      const raised = (flags & ~(control >> 7)) === 0 ? 0 : 1;
      const mask = number < 8 ? ~0n : 0xffff_ffffn;
      const results = raised ? [] : [view.getBigUint64(PLACES.result, true)];
      const native = raised ? [] : [stdout.readBigUInt64LE(at + 16) & mask];
      const found = [flags, raised, ...results].join();
      const wanted = [stdout.readUInt32LE(at + 28) & EXCEPTIONS, stdout.readUInt32LE(at + 36), ...native].join();
      if (found !== wanted) different.push(`${input.toString('hex', at, at + 36)}: ours ${found}, native ${wanted}`);
    }
    expect(different.slice(0, 5)).toEqual([]);
  });
});
