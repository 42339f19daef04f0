/** What a memory view knows of the guest: the messages of the session, one after the other. */
import { localized } from '../../debug-adapter/protocol/localized.ts';
import {
  type AddressWidths,
  BYTE_CHANGED,
  BYTE_DIFFERS,
  BYTE_MAPPED,
  type KeptMoment,
  type MemoryPointer,
  type MemorySpace,
  type MemoryUpdate,
} from '../../debug-adapter/protocol/memory.ts';
import type { ScreenState } from '../../debug-adapter/protocol/screen.ts';
import { addressDigits, hexadecimal } from './address-space.ts';

/** Bytes that the session sent, with what is known of each. */
export interface Block {
  readonly space: MemorySpace;
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly marks: Uint8Array;
  readonly kept: Uint8Array | undefined;
}

export interface MemoryModel {
  readonly state: ScreenState;
  readonly detail: string;
  readonly kept: KeptMoment | undefined;
  readonly block: Block | undefined;
  readonly pointers: readonly MemoryPointer[];
  readonly widths: AddressWidths;
  /** Index of the processor whose linear memory is shown, and how many processors there are. */
  readonly cpu: number;
  readonly cpus: number;
}

export const initialModel: MemoryModel = {
  state: 'none',
  detail: '',
  kept: undefined,
  block: undefined,
  pointers: [],
  widths: { linear: 32, physical: 32, shown: 32 },
  cpu: 0,
  cpus: 0,
};

/** The model after a message; a block whose buffers do not fit each other is dropped. */
export function withUpdate(model: MemoryModel, update: MemoryUpdate): MemoryModel {
  if (update.type === 'status') {
    const { state, detail, kept, cpu = 0, cpus = 0 } = update;
    return { ...model, state, detail, kept, cpu, cpus };
  }
  if (update.type !== 'block') return model;
  const { space, address, pointers, widths } = update;
  const [bytes, marks] = [new Uint8Array(update.bytes), new Uint8Array(update.marks)];
  const kept = update.kept === undefined ? undefined : new Uint8Array(update.kept);
  if (marks.length !== bytes.length || (kept && kept.length !== bytes.length)) return model;
  return { ...model, block: { space, address, bytes, marks, kept }, pointers, widths };
}

const TYPES: ReadonlySet<unknown> = new Set<MemoryUpdate['type']>([
  'status',
  'block',
  'went',
  'searching',
  'found',
  'failed',
]);

/** Whether something that arrived as a message is one from the session; the page's own tools send messages too. */
export function isMemoryUpdate(message: unknown): message is MemoryUpdate {
  return typeof message === 'object' && message !== null && 'type' in message && TYPES.has(message.type);
}

/** One byte as it is shown. */
export interface ByteView {
  /** Undefined where nothing is mapped, or where the session has not answered yet. */
  readonly value: number | undefined;
  readonly known: boolean;
  readonly changed: boolean;
  /** What it was at the kept moment, if that was something else. */
  readonly was: number | undefined;
}

const UNKNOWN: ByteView = { value: undefined, known: false, changed: false, was: undefined };

export function byteAt({ block }: MemoryModel, space: MemorySpace, address: number): ByteView {
  if (block === undefined || block.space !== space) return UNKNOWN;
  const index = address - block.address;
  const marks = block.marks[index];
  if (marks === undefined) return UNKNOWN;
  return {
    value: (marks & BYTE_MAPPED) === 0 ? undefined : block.bytes[index],
    known: true,
    changed: (marks & BYTE_CHANGED) !== 0,
    was: (marks & BYTE_DIFFERS) === 0 ? undefined : block.kept?.[index],
  };
}

/** The registers that point at an address, by name. */
export function pointersAt(model: MemoryModel, space: MemorySpace, address: number, size: number): readonly string[] {
  return model.pointers
    .filter((pointer) => {
      const at = space === 'linear' ? pointer.linear : pointer.physical;
      return at !== undefined && at >= address && at < address + size;
    })
    .map(({ name }) => name);
}

/** The little-endian integer at an address, as far as it is mapped. */
export function integerAt(
  model: MemoryModel,
  space: MemorySpace,
  address: number,
  size: 1 | 2 | 4 | 8,
): bigint | undefined {
  let value = 0n;
  for (let index = size - 1; index >= 0; index--) {
    const byte = byteAt(model, space, address + index).value;
    if (byte === undefined) return undefined;
    value = (value << 8n) | BigInt(byte);
  }
  return value;
}

/** An address as the mode has it. */
export function addressText({ widths }: MemoryModel, space: MemorySpace, address: number): string {
  return hexadecimal(address, addressDigits(space, widths));
}

/** What the status line says of the place under the cursor. */
export function describePlace(model: MemoryModel, space: MemorySpace, address: number): string {
  const place = `${space === 'physical' ? 'p:' : ''}${addressText(model, space, address)}`;
  const byte = byteAt(model, space, address);
  if (!byte.known) return place;
  if (byte.value === undefined) return `${place}: ${localized('not mapped')}`;
  const sizes = model.widths.shown === 64 ? ([1, 2, 4, 8] as const) : ([1, 2, 4] as const);
  const values = sizes.flatMap((size) => {
    const value = integerAt(model, space, address, size);
    if (value === undefined) return [];
    const signed = BigInt.asIntN(size * 8, value);
    return [`${localized('{0}-bit', size * 8)} ${value}${signed < 0n ? ` (${signed})` : ''}`];
  });
  const was = byte.was === undefined ? '' : ` · ${localized('was {0}', hexadecimal(byte.was, 2))}`;
  return `${place}: ${values.join(', ')}${was}`;
}
