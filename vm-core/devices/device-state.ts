/**
 * Copying device state (DESIGN §7). States are plain data, so one pair of functions serves reset and snapshots of every
 * device.
 */
import type { DeviceState, StateValue } from './device.ts';

function cloneValue(value: StateValue): StateValue {
  if (typeof value !== 'object') return value;
  if (value instanceof Uint8Array) return value.slice();
  if (Array.isArray(value)) return value.map(cloneValue);
  return cloneState(value as DeviceState);
}

/** A copy that shares nothing with the original. */
export function cloneState<State extends DeviceState>(state: State): State {
  return Object.fromEntries(Object.entries(state).map(([key, value]) => [key, cloneValue(value)])) as State;
}

/** Overwrites `state` in place with a copy of `values`; keys that `values` does not have keep their value. */
export function resetState<State extends DeviceState>(state: State, values: Partial<State>): void {
  Object.assign(state, cloneState(values as DeviceState));
}
