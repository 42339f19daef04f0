/**
 * Delivery of interrupts and exceptions, and what follows when a delivery itself faults: the double fault, and the
 * shutdown that is called triple fault (SDM vol. 3A §6.12, §6.15 interrupt 8).
 */
import type { EventRecord } from '../machine/machine.ts';
import { CS } from '../state/layout.ts';
import {
  type Cpu,
  GuestFault,
  VECTOR_DE,
  VECTOR_DF,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_PF,
  VECTOR_SS,
  VECTOR_TS,
} from './cpu.ts';
import { codeAddressOf } from './mode.ts';
import { type CpuEvent, enterHandler, enterHandlerQuickly } from './interrupt-entry.ts';

/** What became of an event. */
export type Delivery =
  | { readonly kind: 'delivered' }
  /** The processor shuts down. `chain` begins with the event and ends with the double fault that failed. */
  | { readonly kind: 'triple-fault'; readonly chain: readonly EventRecord[] };

const DELIVERED: Delivery = { kind: 'delivered' };

/** Vector 9 (80287 segment overrun) is contributory too but no processor raises it any more. */
const contributory: ReadonlySet<number> = new Set([VECTOR_DE, VECTOR_TS, VECTOR_NP, VECTOR_SS, VECTOR_GP]);

/** Delivers an event. On entry EIP is the value to push: of the faulting instruction, or of the next one. */
export function deliver(cpu: Cpu, event: CpuEvent): Delivery {
  if (enterHandlerQuickly(cpu, event)) return DELIVERED;
  const chain: EventRecord[] = [];
  let current: CpuEvent = event;
  for (;;) {
    chain.push(recordOf(cpu, current));
    const obstacle = tryToEnter(cpu, current);
    if (!obstacle) return DELIVERED;
    if (current.kind === 'exception' && current.vector === VECTOR_DF) return { kind: 'triple-fault', chain };
    const fault: CpuEvent = { vector: obstacle.vector, errorCode: obstacle.errorCode, kind: 'exception' };
    if (!makesDoubleFault(current, fault)) current = fault;
    else {
      chain.push(recordOf(cpu, fault));
      current = { vector: VECTOR_DF, errorCode: 0, kind: 'exception' };
    }
  }
}

/** The event as reports show it: with the place where the processor is. */
export function recordOf(cpu: Cpu, event: CpuEvent): EventRecord {
  const { selector } = cpu.state.segment(CS);
  const { eip, rip } = cpu.state;
  const { vector, errorCode, kind } = event;
  return { vector, errorCode, kind, cs: selector, eip, linearAddress: Number(codeAddressOf(cpu.state, rip)) };
}

/** As `enterHandler`, with the fault as a value. */
function tryToEnter(cpu: Cpu, event: CpuEvent): GuestFault | undefined {
  try {
    enterHandler(cpu, event);
    return undefined;
  } catch (error) {
    if (error instanceof GuestFault) return error;
    throw error;
  }
}

/** SDM vol. 3A table 6-5: which second fault cannot be handled one after the other. */
function makesDoubleFault(first: CpuEvent, second: CpuEvent): boolean {
  if (first.kind !== 'exception') return false;
  if (contributory.has(first.vector)) return contributory.has(second.vector);
  return first.vector === VECTOR_PF && (second.vector === VECTOR_PF || contributory.has(second.vector));
}
