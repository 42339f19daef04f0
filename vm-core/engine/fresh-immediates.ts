/**
 * Immediates that the guest writes over again and again, as code does that is patched or made at run time: they are read from
 * guest memory each time the instruction is executed, so that writing them changes nothing that was decoded or compiled
 * (SDM vol. 3A §11.6: what a processor stores to its own code it executes from the next branch on at the latest; here at once).
 */
import type { DecodedInstruction } from '../isa/decoded-instruction.ts';
import { instructionRows } from '../isa/instruction-table.ts';
import { immediateSize, isSignedImmediate, type OperandCode } from '../isa/operand.ts';
import { FRESH_FORMS, FRESH_FORMS_MAX } from '../memory/layout.ts';
import { internal } from '../state/layout.ts';
import type { FunctionBuilder, Value } from '../wasm/function-builder.ts';
import type { Signature } from '../wasm/module-builder.ts';
import { BLOCK_HOST, RECORD_FRESH, RECORD_IMMEDIATE, RECORD_NEXT_OFFSET, RECORD_WIDE_CONSTANT } from './record.ts';

/** How an immediate lies at the end of its instruction; a sum of these. */
const SIZE_MASK = 0xf;
const SIGNED = 0x10;

/** An entry of the table that says what is behind the handler of such records: u16 handler, u8 kind. */
const ENTRY_SIZE = 4;
const ENTRY_KIND = 2;

const IMMEDIATES: ReadonlySet<OperandCode> = new Set(['Ib', 'sIb', 'Iw', 'Iz', 'Iv'] as const);

/** By the indices of rows: the code of the one immediate of what neither branches nor is a system operation; undefined for others. */
const codes: readonly (OperandCode | undefined)[] = instructionRows.map((row) => {
  const constants = row.operands.filter((code) => immediateSize(code, 32, 32) > 0);
  const [code] = constants;
  if (!row.semantics || row.unit !== undefined || row.endsBlock || constants.length !== 1) return undefined;
  return code !== undefined && IMMEDIATES.has(code) ? code : undefined;
});

/** The kind of an instruction's immediate, of which the low four bits are its bytes; 0 if it is not to be read anew. */
export function immediateKind({ rowIndex, operandSize, addressSize }: DecodedInstruction): number {
  const code = rowIndex < 0 ? undefined : codes[rowIndex];
  if (code === undefined) return 0;
  return immediateSize(code, operandSize, addressSize) | (isSignedImmediate(code) ? SIGNED : 0);
}

/** Bytes of an immediate of a kind. */
export function bytesOfKind(kind: number): number {
  return kind & SIZE_MASK;
}

/** What a record stands for whose immediate is read anew. */
export interface FreshImmediate {
  /** Place of the handler that does the instruction once its record has the immediate. */
  readonly handler: number;
  readonly kind: number;
  /** Address of the immediate in the machine's memory. */
  readonly host: number;
}

/** The table of what such records stand for, of one machine. */
export class FreshForms {
  readonly #view: DataView;
  /** Numbers begin with 1. */
  readonly #numbers = new Map<number, number>();

  constructor(view: DataView) {
    this.#view = view;
  }

  /** The number for a handler and a kind, to be written into the record; 0 where there is no room for more. */
  numberOf(handler: number, kind: number): number {
    const key = handler | (kind << (8 * ENTRY_KIND));
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#numbers.size + 1;
    if (number >= FRESH_FORMS_MAX) return 0;
    this.#numbers.set(key, number);
    this.#view.setInt32(FRESH_FORMS + number * ENTRY_SIZE, key, true);
    return number;
  }
}

/** What a record stands for that has the handler of `stageFresh`. */
export function readFresh(view: DataView, block: number, at: number): FreshImmediate {
  const entry = FRESH_FORMS + view.getUint8(at + RECORD_FRESH) * ENTRY_SIZE;
  const kind = view.getUint8(entry + ENTRY_KIND);
  const next = view.getInt32(block + BLOCK_HOST, true) + view.getUint16(at + RECORD_NEXT_OFFSET, true);
  return { handler: view.getUint16(entry, true), kind, host: next - bytesOfKind(kind) };
}

/** The immediate as records have it: an i32, an i64 if it has eight bytes. */
export function loadFresh(f: FunctionBuilder, { kind, host }: FreshImmediate): Value {
  return load(f, kind, f.i32(host));
}

function load(f: FunctionBuilder, kind: number, host: Value): Value {
  const bytes = bytesOfKind(kind);
  if (bytes === 8) return f.load('i64', 64, host);
  return f.load('i32', (8 * bytes) as 8 | 16 | 32, host, 0, (kind & SIGNED) !== 0 && bytes < 4);
}

/** Writes the handler (cpu, record): the immediate goes into the record, and the instruction is done by its own handler. */
export function stageFresh(f: FunctionBuilder, handler: Signature): void {
  const [cpu, record] = f.parameters as readonly [Value, Value];
  const number = f.load('i32', 8, record, RECORD_FRESH);
  const entry = f.load('i32', 32, f.binary('shl', number, f.i32(2)), FRESH_FORMS);
  const block = f.load('i32', 32, cpu, internal.BLOCK);
  const next = f.binary('add', f.load('i32', 32, block, BLOCK_HOST), f.load('i32', 16, record, RECORD_NEXT_OFFSET));
  const kind = f.binary('shrU', entry, f.i32(8 * ENTRY_KIND));
  const place = f.binary('and', entry, f.i32(0xffff));
  const host = f.binary('sub', next, f.binary('and', kind, f.i32(SIZE_MASK)));
  for (const each of [1, 1 | SIGNED, 2, 2 | SIGNED, 4, 4 | SIGNED, 8]) {
    const at = bytesOfKind(each) === 8 ? RECORD_WIDE_CONSTANT : RECORD_IMMEDIATE;
    f.if(f.binary('eq', kind, f.i32(each)), () =>
      f.store(bytesOfKind(each) === 8 ? 64 : 32, record, at, load(f, each, host)),
    );
  }
  f.return(f.callIndirect(handler, place, cpu, record));
}
