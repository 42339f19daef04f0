/** Entries of the call shadow as the machine's embedder gets them. */
import type { CallRecord } from '../machine/vcpu.ts';
import * as entry from './call-entry.ts';

/** The entry at a place. */
export function recordAt(view: DataView, at: number): CallRecord {
  const kind = view.getUint8(at + entry.CALL_KIND);
  const changes = view.getUint8(at + entry.CALL_CHANGES_STACK) === 1;
  return {
    kind: KINDS[kind] ?? 'call',
    vector: kind >= entry.KIND_SOFTWARE ? view.getUint8(at + entry.CALL_VECTOR) : undefined,
    source: SOURCES[kind],
    target: readAddress(view, at + entry.CALL_TARGET),
    returnAddress: readAddress(view, at + entry.CALL_RETURN),
    selector: view.getUint16(at + entry.CALL_SELECTOR, true),
    slot: readAddress(view, at + (changes ? entry.CALL_INNER_SLOT : entry.CALL_SLOT)),
    size: view.getUint8(at + entry.CALL_ADDRESS_SIZE) as CallRecord['size'],
    callerStack: changes
      ? {
          selector: view.getUint16(at + entry.CALL_OUTER_SELECTOR, true),
          base: readAddress(view, at + entry.CALL_OUTER_BASE),
          pointer: readAddress(view, at + entry.CALL_OUTER_POINTER),
        }
      : undefined,
  };
}

const KINDS = ['call', 'far-call', 'interrupt', 'interrupt', 'interrupt'] as const;
const SOURCES = [undefined, undefined, 'software', 'exception', 'external'] as const;

/** A field of 64 bits; all ones are -1. */
export function readAddress(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getInt32(at + 4, true) * 2 ** 32;
}
