/**
 * The registers of the performance counters as RDMSR, WRMSR and RDPMC reach them (SDM vol. 3B chapter 19, vol. 4 §2.1; AMD64
 * manual vol. 2 §13.2.1).
 */
import type { CpuModelFacts } from '../../isa/cpu-model.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { branchLayout } from '../branches/branch-layout.ts';
import type { Cpu } from '../cpu.ts';
import { controlSlots, type CounterFacts, counterBits, counterFacts, fixedSlots } from './counter-facts.ts';

const LOW = 0xffff_ffffn;
const STATUS_RESET = 0x390;
const STATUS_SET = 0x391;
const IN_USE = 0x392;
const FIXED_CONTROL = 0x38d;
const GLOBAL_CONTROL = 0x38f;
const GLOBAL_STATUS = 0x38e;
const CAPABILITIES = 0x345;

const ANY_THREAD = 1n << 21n;
const FIXED_ANY_THREAD = 0x444n;
const SMM_FREEZE = 1n << 12n;
const FW_WRITE = 1n << 13n;
/** Of GLOBAL_STATUS beside the bits of the counters. */
const OVERFLOW_OF_BUFFER = 1n << 62n;
const CONDITION_CHANGED = 1n << 63n;
const FROZEN = (1n << 58n) | (1n << 59n);
/** What AMD's event selects have; the others read as zero. */
const AMD_SELECT = 0x30f_ffd7_ffffn;

const whole = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

/** The value after RESET of a register whose value depends on the model. */
export function counterReset(model: CpuModelFacts, number: number): bigint {
  const facts = counterFacts(model);
  if (number === CAPABILITIES) return capabilities(model);
  return number === GLOBAL_CONTROL && facts ? whole(facts.programmable) : 0n;
}

function capabilities(model: CpuModelFacts): bigint {
  const layout = branchLayout(model);
  const freezes = layout?.hasSelect ? SMM_FREEZE : 0n;
  return BigInt(layout?.format ?? 0) | freezes | (model.features.has('FW_WRITE') ? FW_WRITE : 0n);
}

/** What a write makes of a register; undefined for a value that it does not take. */
export function takenByCounters({ model, state }: Cpu, number: number, value: bigint): bigint | undefined {
  const facts = counterFacts(model);
  const writable = facts && writableBits(facts, number);
  if (!facts || writable === undefined || (value & ~writable) !== 0n) return undefined;
  if (number === STATUS_RESET) return state.read64(controlSlots.STATUS) & ~value;
  if (number === STATUS_SET) return state.read64(controlSlots.STATUS) | value;
  if (facts.scheme === 'AMD') return value & (isAmdCounter(number) ? whole(facts.bits) : AMD_SELECT);
  return number >= 0xc1 && number <= 0xc8 ? BigInt.asUintN(facts.bits, BigInt.asIntN(32, value)) : value;
}

/** The slot that a write goes to. */
export function writtenSlot(number: number, own: number): number {
  return number === STATUS_RESET || number === STATUS_SET ? controlSlots.STATUS : own;
}

/** Undefined for what cannot be written at all. */
function writableBits(facts: CounterFacts, number: number): bigint | undefined {
  const { version, bits, scheme } = facts;
  if (scheme === 'AMD') return whole(64);
  const hasAny = version >= 3 && version < 5;
  switch (number) {
    case CAPABILITIES:
    case GLOBAL_STATUS:
    case IN_USE:
      return undefined;
    case GLOBAL_CONTROL:
      return counterBits(facts);
    case FIXED_CONTROL:
      return hasAny ? 0xfffn : 0xfffn & ~FIXED_ANY_THREAD;
    case STATUS_RESET:
      return counterBits(facts) | OVERFLOW_OF_BUFFER | CONDITION_CHANGED | (version >= 4 ? FROZEN : 0n);
    case STATUS_SET:
      return counterBits(facts) | OVERFLOW_OF_BUFFER | FROZEN;
    default:
  }
  if (number >= 0x186 && number <= 0x18d) return hasAny ? LOW : LOW & ~ANY_THREAD;
  return number <= 0xc8 ? whole(64) : whole(bits);
}

/** Odd numbers from C0010200h on, and the older ones from C0010004h on. */
function isAmdCounter(number: number): boolean {
  return number >= 0xc001_0200 ? (number & 1) === 1 : number >= 0xc001_0004;
}

/** Bit 30 of the number of a counter: it is a fixed one. */
const FIXED = 0x4000_0000;

/** The counter that RDPMC reads; undefined where there is none of the number. */
export function counterByNumber(model: CpuModelFacts, state: CpuState, number: number): bigint | undefined {
  const facts = counterFacts(model);
  if (!facts) return undefined;
  const isFixed = facts.fixed > 0 && number >= FIXED;
  const offset = isFixed ? fixedSlots[number - FIXED] : facts.values[number];
  return offset === undefined ? undefined : state.read64(offset);
}
