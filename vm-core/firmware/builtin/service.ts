/**
 * What a BIOS service is: one row of a table, found by interrupt and function number, run by one dispatcher.
 */
import type { FirmwareHook } from '../firmware.ts';
import { Caller } from './caller.ts';

/**
 * How a service ends: `undefined` returns to the caller; `wait` enables interrupts, halts, and runs the service again
 * after one; `poll` goes on with the interrupt's own code in the ROM, `mouse` with the exchange of bytes with the mouse,
 * `protected` with the switch to protected mode; a promise is for data from the host.
 */
export type ServiceResult = undefined | 'wait' | 'poll' | 'mouse' | 'protected' | Promise<void>;

/** One function of an interrupt. */
export interface Service {
  readonly interrupt: number;
  /** AH, or AX for the functions that are told apart by AL too, or `any` where the interrupt has one function only. */
  readonly function: { readonly ah: number } | { readonly ax: number } | 'any';
  readonly name: string;
  readonly run: (caller: Caller) => ServiceResult;
}

/** Where the hook of an interrupt's entry can go on besides the entry itself, as offsets into the ROM. */
export interface ServiceEntry {
  readonly offset: number;
  readonly wait: number;
  readonly poll: number;
  readonly mouse: number;
  readonly protected: number;
}

/** A key that is unique in the table and names the row in messages: `10h/0E`, `15h/E820`, `11h`. */
export function serviceKey({ interrupt, function: selector }: Pick<Service, 'interrupt' | 'function'>): string {
  const vector = `${hex(interrupt, 2)}h`;
  if (selector === 'any') return vector;
  return `${vector}/${'ax' in selector ? hex(selector.ax, 4) : hex(selector.ah, 2)}`;
}

export function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0');
}

/** Moves EIP by the distance between two places of the ROM, whatever CS the guest reached it through. */
export function goTo(caller: Caller, from: number, target: number): void {
  caller.state.eip = caller.state.eip + (target - from);
}

/** The hook of one interrupt: finds the row for AX or AH, else says once that it is missing and tells the caller so. */
export function serviceHook(
  interrupt: number,
  entry: ServiceEntry,
  services: readonly Service[],
  unknown: (caller: Caller) => void,
): FirmwareHook {
  const rows = new Map(services.filter((row) => row.interrupt === interrupt).map((row) => [serviceKey(row), row]));
  return (context) => {
    const caller = new Caller(context);
    const row =
      rows.get(serviceKey({ interrupt, function: { ax: caller.ax } })) ??
      rows.get(serviceKey({ interrupt, function: { ah: caller.ah } })) ??
      rows.get(serviceKey({ interrupt, function: 'any' }));
    if (!row) {
      context.logOnce(`BIOS: INT ${hex(interrupt, 2)}h, AX=${hex(caller.ax, 4)}h is not provided`);
      unknown(caller);
      return undefined;
    }
    const result = row.run(caller);
    if (result === 'wait') goTo(caller, entry.offset, entry.wait);
    else if (result === 'poll') goTo(caller, entry.offset, entry.poll);
    else if (result === 'mouse') goTo(caller, entry.offset, entry.mouse);
    else if (result === 'protected') goTo(caller, entry.offset, entry.protected);
    else return result;
    return undefined;
  };
}
