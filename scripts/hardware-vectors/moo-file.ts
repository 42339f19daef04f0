/**
 * Reads files of recorded single-instruction tests in the MOO 1.1 format of the SingleStepTests project: a run of chunks,
 * each a 4-byte name, a little-endian length and a payload.
 */
import { gunzipSync } from 'node:zlib';

/** Registers in the order of a REGS chunk. */
export const registerNames = [
  'ax',
  'bx',
  'cx',
  'dx',
  'cs',
  'ss',
  'ds',
  'es',
  'sp',
  'bp',
  'si',
  'di',
  'ip',
  'flags',
] as const;
export type VectorRegister = (typeof registerNames)[number];
export type VectorRegisters = Partial<Record<VectorRegister, number>>;

/** Registers and bytes of memory; after the instruction only what has changed. */
export interface VectorState {
  readonly registers: VectorRegisters;
  /** Which bits of the registers are defined; all where it says nothing. */
  readonly masks: VectorRegisters;
  readonly memory: readonly (readonly [physicalAddress: number, value: number])[];
}

export interface Vector {
  readonly index: number;
  /** The instruction as text. */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly initial: VectorState;
  readonly final: VectorState;
  /** The exception that the instruction raised, or undefined. */
  readonly exception: { readonly vector: number } | undefined;
}

type Chunks = ReadonlyMap<string, Uint8Array>;

/** A file of tests, and the processor they were recorded on as its header names it: `8086`, `C286`. */
export interface MooFile {
  readonly processor: string;
  readonly vectors: readonly Vector[];
}

/** Where the four characters of the processor's name begin in a MOO chunk. */
const PROCESSOR_AT = 8;

/** Reads one compressed file. */
export function readMooFile(compressed: Uint8Array): MooFile {
  const chunks = splitChunks(gunzipSync(compressed));
  const [name, header = new Uint8Array()] = chunks[0] ?? [];
  if (name !== 'MOO ') throw new Error('not a MOO file: it does not begin with a MOO chunk');
  const masks = chunks.find(([name]) => name === 'RMSK');
  const fileMasks = masks ? readRegisters(masks[1]) : {};
  const tests = chunks.filter(([name]) => name === 'TEST');
  return {
    processor: textOf(header.subarray(PROCESSOR_AT, PROCESSOR_AT + 4)).trimEnd(),
    vectors: tests.map(([, payload]) => readVector(payload, fileMasks)),
  };
}

function splitChunks(bytes: Uint8Array): [name: string, payload: Uint8Array][] {
  const chunks: [string, Uint8Array][] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = viewOf(bytes).getUint32(at + 4, true);
    if (at + 8 + length > bytes.length) throw new Error(`chunk at ${at} is longer than the file`);
    chunks.push([textOf(bytes.subarray(at, at + 4)), bytes.subarray(at + 8, at + 8 + length)]);
    at += 8 + length;
  }
  return chunks;
}

function readVector(payload: Uint8Array, fileMasks: VectorRegisters): Vector {
  const chunks: Chunks = new Map(splitChunks(payload.subarray(4)));
  const exception = chunks.get('EXCP');
  return {
    index: viewOf(payload).getUint32(0, true),
    name: textOf(counted(chunks, 'NAME')),
    bytes: counted(chunks, 'BYTS'),
    initial: readState(chunks.get('INIT'), fileMasks),
    final: readState(chunks.get('FINA'), fileMasks),
    exception: exception && { vector: exception[0] ?? 0 },
  };
}

function counted(chunks: Chunks, name: string): Uint8Array {
  const payload = chunks.get(name);
  return payload ? payload.subarray(4, 4 + viewOf(payload).getUint32(0, true)) : new Uint8Array();
}

function readState(payload: Uint8Array | undefined, fileMasks: VectorRegisters): VectorState {
  const chunks: Chunks = new Map(splitChunks(payload ?? new Uint8Array()));
  const registers = chunks.get('REGS');
  const masks = chunks.get('RMSK');
  return {
    registers: registers ? readRegisters(registers) : {},
    masks: { ...fileMasks, ...(masks ? readRegisters(masks) : {}) },
    memory: readMemory(chunks.get('RAM ')),
  };
}

function readRegisters(payload: Uint8Array): VectorRegisters {
  const view = viewOf(payload);
  const present = view.getUint16(0, true);
  const registers: VectorRegisters = {};
  let at = 2;
  registerNames.forEach((name, bit) => {
    if ((present & (1 << bit)) === 0) return;
    registers[name] = view.getUint16(at, true);
    at += 2;
  });
  return registers;
}

function readMemory(payload: Uint8Array | undefined): [number, number][] {
  if (!payload) return [];
  const view = viewOf(payload);
  return Array.from({ length: view.getUint32(0, true) }, (_, index) => {
    const at = 4 + index * 5;
    return [view.getUint32(at, true), view.getUint8(at + 4)];
  });
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const textOf = (bytes: Uint8Array) => String.fromCharCode(...bytes);
