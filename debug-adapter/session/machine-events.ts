/** Events of the machine at which it stopped, in words. */
import type { MachineEvent } from '../../vm-core/index.ts';
import { formatHex } from '../expressions/format.ts';
import { localized } from '../protocol/localized.ts';
import { exceptionName } from './exceptions.ts';
import type { Guest } from './guest.ts';

/** Upper-case hexadecimal as assemblers write it: `3F8h`. */
function hex(value: number, digits = 1): string {
  return `${(value >>> 0).toString(16).toUpperCase().padStart(digits, '0')}h`;
}

/** A short name: `INT 13h`, `OUT 60h`. */
export function machineEventId(event: MachineEvent): string {
  switch (event.kind) {
    case 'port':
      return `${event.isWrite ? 'OUT' : 'IN'} ${hex(event.port)}`;
    case 'interrupt':
      return event.source === 'software' ? softwareName(event.vector) : `interrupt ${hex(event.vector, 2)}`;
    case 'mode':
      return 'mode switch';
    case 'rom-write':
      return 'write to ROM';
    case 'msr':
      return `${event.isWrite ? 'WRMSR' : 'RDMSR'} ${hex(event.number)}`;
    case 'cr3':
      return 'write of CR3';
    case 'halt':
      return 'HLT';
  }
}

/** `INT 13h`; INT3 and INTO are known by their exceptions, too: `INT 03h (#BP)`. */
function softwareName(vector: number): string {
  const number = `INT ${hex(vector, 2)}`;
  return vector === VECTOR_BP || vector === VECTOR_OF ? `${number} (${exceptionName(vector)})` : number;
}

const VECTOR_BP = 3;
const VECTOR_OF = 4;

/** A headline and a line with the details. */
export function describeMachineEvent(
  guest: Guest,
  event: MachineEvent,
): { readonly description: string; readonly text: string } {
  const at = guest.describeAddress(guest.vcpu.linearEip);
  const id = machineEventId(event);
  switch (event.kind) {
    case 'port': {
      const value = formatHex(event.value >>> 0, event.size * 8);
      const done = event.isWrite ? `wrote ${value} to` : `read ${value} from`;
      return {
        description: localized('After {0}', id),
        text: `The guest ${done} port ${hex(event.port)}; next is ${at}`,
      };
    }
    case 'interrupt': {
      if (event.source !== 'software')
        return { description: localized('In {0}', id), text: `Handler of ${id}, at ${at}` };
      const ax = formatHex(guest.register('EAX') & 0xffff, 16);
      return { description: localized('Before {0}', id), text: `${id} with ax ${ax}, at ${at}` };
    }
    case 'mode':
      return {
        description: localized('Switch to {0} mode', event.to),
        text: `From ${event.from} to ${event.to} mode, at ${at}`,
      };
    case 'rom-write': {
      const value = formatHex(event.value >>> 0, event.size * 8);
      return {
        description: localized('Write to ROM'),
        text: `The guest wrote ${value} to ROM at ${hex(event.physicalAddress, 5)}, which keeps what it has; next is ${at}`,
      };
    }
    case 'msr': {
      const value = `0x${event.value.toString(16).padStart(16, '0')}`;
      const done = event.isWrite ? `wrote ${value} to` : `read ${value} from`;
      return {
        description: localized('After {0}', id),
        text: `The guest ${done} model-specific register ${hex(event.number)}; next is ${at}`,
      };
    }
    case 'cr3':
      return {
        description: localized('After {0}', id),
        text: `CR3 went from 0x${event.from.toString(16)} to 0x${event.to.toString(16)}; next is ${at}`,
      };
    case 'halt':
      return {
        description: localized('HLT with interrupts off'),
        text: `Only a reset can wake the processor; it halted in front of ${at}`,
      };
  }
}
