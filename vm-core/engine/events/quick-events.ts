/**
 * Usual interrupts, exceptions and the returns from them, in generated code: what a module has for them, the instructions
 * that use it, and the door through which TypeScript delivers.
 */
import { BRANCH, VECTOR_BP } from '../../cpu/cpu.ts';
import { is64BitMode } from '../../cpu/mode.ts';
import type { OperandSize } from '../../isa/operand.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { internal, slot } from '../../state/layout.ts';
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';
import type { FunctionReference, ModuleBuilder } from '../../wasm/module-builder.ts';
import { KIND_EXCEPTION, KIND_EXTERNAL, KIND_SOFTWARE } from '../call-entry.ts';
import * as record from '../record.ts';
import type { SlowPaths } from '../slow-paths.ts';
import { writeEnter } from './enter-code.ts';
import { writeFastCall, writeFastReturn, writeSystemCall, writeSystemReturn } from './fast-call-code.ts';
import { EventCode } from './event-code.ts';
import { writeReturn } from './return-code.ts';
import { writeFindAgain } from './find-code.ts';
import { writeLoadRoot } from './root-code.ts';
import { writeReach } from './translated-access.ts';
import type { TranslationFunctions } from './translation-code.ts';

/** The functions of a module. */
export interface EventFunctions {
  readonly addressBits: 32 | 64;
  /** (cpu, vector, kind, error code or -1, RF or 0) → whether the handler was entered. */
  readonly enter: FunctionReference;
  /** (cpu, record) → status, or 0. */
  readonly return: FunctionReference;
  /** The same of SYSCALL and SYSRET, with addresses of 32 bits of SYSENTER and SYSEXIT. */
  readonly call: FunctionReference;
  readonly callReturn: FunctionReference;
  /** The same of MOV to CR3. */
  readonly loadRoot: FunctionReference;
  /** (cpu, linear address, entry's place) → whether the entry of the jump cache is the address's in the current mode now. */
  readonly findAgain: FunctionReference;
}

/** (vCPU's base, vector, kind of call-entry.ts, error code or -1, RF or 0) → whether the handler was entered. */
export type EnterFunction = (cpu: number, vector: number, kind: number, errorCode: number, resume: number) => number;

/** The name by which a module exports its `enter`. */
export const ENTER = 'enter';

const KINDS = { software: KIND_SOFTWARE, exception: KIND_EXCEPTION, external: KIND_EXTERNAL } as const;

/** Defines what a module has for events. */
export function withEvents(module: ModuleBuilder, paths: SlowPaths): SlowPaths {
  const { addressBits, interruptPending } = paths;
  const i32s = (count: number) => new Array<'i32'>(count).fill('i32');
  const word = addressBits === 64 ? 'i64' : 'i32';
  const translation = paths.translation as TranslationFunctions;
  const reach = module.defineFunction({ parameters: ['i32', word, 'i32'], result: 'i32' });
  writeReach(new EventCode(reach, addressBits), translation);
  const enter = module.defineFunction({ parameters: i32s(5), result: 'i32' }, ENTER);
  writeEnter(new EventCode(enter, addressBits, reach));
  const transfer = (write: (s: EventCode, interruptPending: FunctionReference) => void) => {
    const f = module.defineFunction({ parameters: i32s(2), result: 'i32' });
    write(new EventCode(f, addressBits, reach), interruptPending);
    return f;
  };
  const isWide = addressBits === 64;
  const call = transfer(isWide ? writeSystemCall : writeFastCall);
  const callReturn = transfer(isWide ? writeSystemReturn : writeFastReturn);
  const loadRoot = transfer(writeLoadRoot);
  const findAgain = module.defineFunction({ parameters: ['i32', word, 'i32'], result: 'i32' });
  writeFindAgain(new EventCode(findAgain, addressBits), translation.translate);
  const transfers = { return: transfer(writeReturn), call, callReturn, loadRoot };
  return { ...paths, events: { addressBits, enter, ...transfers, findAgain } };
}

/** Code at the beginning of a system operation: it returns a status, or has changed nothing. */
export type QuickOperation = (f: FunctionBuilder, events: EventFunctions, operandSize: OperandSize) => void;

const softwareInterrupt =
  (vector: number | undefined): QuickOperation =>
  (f, { addressBits, enter }) => {
    const [cpu, at] = f.parameters as readonly [Value, Value];
    f.if(f.eqz(f.load('i32', 32, cpu, internal.INTERRUPTS_HEARD)), () => {
      const type = addressBits === 64 ? 'i64' : 'i32';
      const before = f.load(type, addressBits, cpu, slot.EIP);
      const length = f.load(type, 16, at, record.RECORD_NEXT_OFFSET);
      f.store(addressBits, cpu, slot.EIP, f.binary('add', before, length));
      const number = vector === undefined ? f.load('i32', 8, at, record.RECORD_IMMEDIATE) : f.i32(vector);
      f.if(f.call(enter, cpu, number, f.i32(KIND_SOFTWARE), f.i32(-1), f.i32(0)), () =>
        f.return(f.binary('or', f.load('i32', 32, cpu, internal.EXIT_REQUEST), f.i32(BRANCH))),
      );
      f.store(addressBits, cpu, slot.EIP, before);
    });
  };

/** An operation that one of the functions does, for code of that size of addresses and operands. */
const transferOf =
  (name: 'return' | 'call' | 'callReturn', bits: readonly (32 | 64)[], sized: boolean): QuickOperation =>
  (f, events, operandSize) => {
    if (!bits.includes(events.addressBits) || (sized && operandSize !== events.addressBits)) return;
    const status = f.call(events[name], ...f.parameters);
    f.if(status, () => f.return(status));
  };

/** MOV to a control register: to CR3. */
const loadControl: QuickOperation = (f, { loadRoot }) => {
  const [cpu, at] = f.parameters as readonly [Value, Value];
  f.if(f.binary('eq', f.load('i32', 8, at, record.RECORD_REG), f.i32(3)), () => {
    const status = f.call(loadRoot, cpu, at);
    f.if(status, () => f.return(status));
  });
};

/** By the names of rows. */
export const quickOperations: Readonly<Record<string, QuickOperation>> = {
  INT: softwareInterrupt(undefined),
  INT3: softwareInterrupt(VECTOR_BP),
  IRET: transferOf('return', [32, 64], true),
  MOV_TO_CR: loadControl,
  SYSCALL: transferOf('call', [64], false),
  SYSRET: transferOf('callReturn', [64], true),
  SYSENTER: transferOf('call', [32], false),
  SYSEXIT: transferOf('callReturn', [32], false),
};

/** The door of TypeScript to the functions that enter handlers. */
export class QuickEvents {
  readonly #state: CpuState;
  readonly #enterOf: (codeSize: 32 | 64) => EnterFunction;

  constructor(state: CpuState, enterOf: (codeSize: 32 | 64) => EnterFunction) {
    this.#state = state;
    this.#enterOf = enterOf;
  }

  enter(vector: number, kind: keyof typeof KINDS, errorCode: number, resume: number): boolean {
    const enter = this.#enterOf(is64BitMode(this.#state) ? 64 : 32);
    return enter(this.#state.base, vector, KINDS[kind], errorCode, resume) !== 0;
  }
}
