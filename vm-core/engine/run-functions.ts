/** The run functions of one machine: the interpreters of the code sizes, bound to its memory. */
import type { OperandSize } from '../isa/operand.ts';
import type { EnterFunction } from './events/quick-events.ts';
import type { BoundInterpreter, RunFunction } from './bound-interpreter.ts';
import { interpreter } from './interpreter.ts';
import type { SlowPathImports } from './slow-paths.ts';

export class RunFunctions {
  readonly #memory: WebAssembly.Memory;
  readonly #imports: SlowPathImports;
  readonly #bound: { 32?: BoundInterpreter; 64?: BoundInterpreter } = {};

  constructor(memory: WebAssembly.Memory, imports: SlowPathImports) {
    this.#memory = memory;
    this.#imports = imports;
  }

  /**
   * The function that runs blocks of a code size; made when code of the kind is first met. There is another for code whose
   * branches are to be told.
   */
  of(codeSize: OperandSize, tellsBranches: boolean): RunFunction {
    const bound = this.#interpreter(codeSize);
    return tellsBranches ? bound.runTelling() : bound.run;
  }

  /** The functions that the records of a code size name. */
  tableOf(codeSize: OperandSize): WebAssembly.Table {
    return this.#interpreter(codeSize).table;
  }

  /** The function that enters the handlers of usual events from code of a size. */
  enterOf(codeSize: OperandSize): EnterFunction {
    return this.#interpreter(codeSize).enter;
  }

  #interpreter(codeSize: OperandSize): BoundInterpreter {
    const addressBits = codeSize === 64 ? 64 : 32;
    this.#bound[addressBits] ??= interpreter(codeSize).instantiate(this.#memory, this.#imports);
    return this.#bound[addressBits];
  }
}
