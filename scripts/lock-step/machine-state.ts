/** Two machines compared: what differs of their processors, their devices and their memory, as text. */
import { isDeepStrictEqual } from 'node:util';
import { type CpuState, type Machine, readState, type Vcpu } from '../../vm-core/index.ts';
import { RAM_BASE } from '../../vm-core/memory/layout.ts';
import { apicSlot, internal, slot } from '../../vm-core/state/layout.ts';

/** Registers of all kinds lie in front of the engine's own fields, which may differ. */
const REGISTERS_END = Math.min(...Object.values(internal));
/** Where they are worked out on demand they are not compared in the middle of a run. */
const EXACT_END = Math.min(...Object.values(apicSlot));
const SHOWN_MAX = 12;

/** Counts, and the registers of all processors. Both machines are at rest. */
export function registersDiffer(expected: Machine, actual: Machine): readonly string[] {
  const counts = (['retired', 'time'] as const).flatMap((name) => differ(name, expected[name], actual[name]));
  return [...counts, ...expected.cpus.flatMap((cpu, n) => processorsDiffer(cpu, actual.cpus[n] as Vcpu))];
}

/** What is exact in the middle of a run, too, of the vCPU that runs. */
export function runningDiffer(expected: Vcpu, actual: CpuState): readonly string[] {
  const { state } = expected;
  if (state.eflags === actual.eflags && Buffer.compare(exactBytes(state), exactBytes(actual)) === 0) return [];
  return valuesDiffer(`vCPU ${expected.index} `, state, actual);
}

function exactBytes(state: CpuState): Uint8Array {
  const bytes = registerBytes(state, EXACT_END);
  return bytes.fill(0, slot.INTERRUPT_REQUESTED, slot.INTERRUPT_REQUESTED + 8);
}

function processorsDiffer(expected: Vcpu, actual: Vcpu): readonly string[] {
  const name = `vCPU ${expected.index} `;
  const retired = differ(`${name}retired`, expected.retired, actual.retired);
  const [whole, found] = [expected, actual].map(({ state }) => registerBytes(state, REGISTERS_END)) as [Buffer, Buffer];
  if (expected.state.eflags === actual.state.eflags && whole.equals(found)) return retired;
  return [...retired, ...valuesDiffer(name, expected.state, actual.state)];
}

function valuesDiffer(name: string, expected: CpuState, actual: CpuState): readonly string[] {
  const found = readState(actual);
  return readState(expected).flatMap(({ tag, value }, n) => differ(`${name}${tag}`, value, found[n]?.value));
}

/** The registers as they lie in memory, but for the flags, which are worked out on demand. */
function registerBytes({ view, base }: CpuState, end: number): Buffer {
  const bytes = Buffer.from(new Uint8Array(view.buffer, base, end));
  bytes.fill(0, slot.EFLAGS, slot.EFLAGS + 4);
  return bytes;
}

/** RAM, memory of devices, and their state. */
export function restDiffers(expected: Machine, actual: Machine): readonly string[] {
  const devices = [...expected.devices].flatMap(([name, { state }]) =>
    isDeepStrictEqual(state, actual.devices.get(name)?.state) ? [] : [`device ${name}`],
  );
  return [...devices, ...memoryDiffers(ramOf(expected), ramOf(actual))];
}

function ramOf({ cpus }: Machine): Buffer {
  return Buffer.from(cpus[0].state.view.buffer as ArrayBuffer, RAM_BASE);
}

function memoryDiffers(expected: Buffer, actual: Buffer): readonly string[] {
  if (Buffer.compare(expected, actual) === 0) return [];
  const found: string[] = [];
  for (let at = 0; at < expected.length && found.length < SHOWN_MAX; at++) {
    if (expected[at] !== actual[at]) found.push(...differ(`byte ${hex(at)}`, expected[at] ?? 0, actual[at]));
  }
  return found;
}

function differ(name: string, expected: number | bigint, actual: number | bigint | undefined): readonly string[] {
  return expected === actual ? [] : [`${name}: ${hex(expected)} interpreted, ${hex(actual ?? 0)} compiled`];
}

const hex = (value: number | bigint): string => `${value.toString(16).toUpperCase()}h`;
