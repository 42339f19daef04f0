/** The run functions of one machine: the interpreters of the code sizes, bound to its memory. */
import type { OperandSize } from '../isa/operand.ts';
import { interpreter, type RunFunction } from './interpreter.ts';
import type { SlowPathImports } from './slow-paths.ts';

export class RunFunctions {
  readonly #memory: WebAssembly.Memory;
  readonly #imports: SlowPathImports;
  readonly #bound: { 32?: RunFunction; 64?: RunFunction } = {};

  constructor(memory: WebAssembly.Memory, imports: SlowPathImports) {
    this.#memory = memory;
    this.#imports = imports;
  }

  /** The function that runs blocks of a code size; made when code of the kind is first met. */
  of(codeSize: OperandSize): RunFunction {
    const addressBits = codeSize === 64 ? 64 : 32;
    this.#bound[addressBits] ??= interpreter(codeSize).instantiate(this.#memory, this.#imports);
    return this.#bound[addressBits];
  }
}
