/** What an interrupt is called: by its instruction, by the processor's exception, or by the line of the PC's two PICs. */
import type { CallRecord } from '../../vm-core/index.ts';
import { localized } from '../protocol/localized.ts';
import { exceptionName } from './exceptions.ts';
import type { Guest } from './guest.ts';

const VECTOR_NMI = 2;
const LINES = 8;
const CONTROLLERS = ['pic-master', 'pic-slave'] as const;

/** `INT 10h`, `#GP`, `IRQ 0 (INT 08h)`, `NMI`. */
export function interruptName(guest: Guest, { vector = 0, source }: Pick<CallRecord, 'vector' | 'source'>): string {
  if (source === 'exception') return exceptionName(vector);
  const name = `INT ${vector.toString(16).toUpperCase().padStart(2, '0')}h`;
  if (source === 'software') return name;
  const line = interruptLine(guest, vector);
  if (line !== undefined) return `IRQ ${line} (${name})`;
  return vector === VECTOR_NMI ? 'NMI' : localized('{0} by hardware', name);
}

/** The line whose vector it is, as the controllers are programmed now. */
function interruptLine(guest: Guest, vector: number): number | undefined {
  for (const [index, name] of CONTROLLERS.entries()) {
    const device = guest.machine.devices.get(name);
    const first = device?.description.registers.find((register) => register.name === 'ICW2')?.value(device.state);
    if (first !== undefined && vector >= first && vector < first + LINES) return index * LINES + vector - first;
  }
  return undefined;
}
