/**
 * Callers from before calls were recorded: a guess from what lies on the stack, as real-mode code keeps no frame
 * pointers. A word counts as a return address if a CALL or INT stands in front of it that may have led to the frame above.
 */
import {
  type DecodedInstruction,
  decodeInstruction,
  INSTRUCTION_LENGTH_MAX,
} from '../disassembly/decode-instruction.ts';
import type { Guest } from './guest.ts';

/** A place in code, as CS:IP and linear. */
export interface CodePlace {
  readonly selector: number;
  readonly offset: number;
  readonly address: number;
}

/** What a caller goes on with, and the stack offset that it has then. */
export interface GuessedCaller extends CodePlace {
  readonly stackOffset: number;
}

const CALLERS_MAX = 32;
/** How far up the stack callers are looked for, in stack slots. */
const SLOTS_MAX = 512;
/** A CALL is at most this long (prefixes not counted). */
const CALL_LENGTH_MAX = 7;
/** First opcode bytes of CALL and INT: near, far and indirect calls; INT n, INT3, INTO, INT1. */
const CALL_OPCODES: ReadonlySet<number> = new Set([0xe8, 0x9a, 0xff, 0xcd, 0xcc, 0xce, 0xf1]);
/** A routine is taken to be no longer than this many bytes; a BIOS service no longer than its segment. */
const ROUTINE_SIZE_MAX = 0x2000;
const SEGMENT_SIZE = 0x10000;
/** EFLAGS bits whose value is fixed: bit 1 is one, bits 3, 5 and 15 are zero. */
const FIXED_FLAGS_MASK = 0x802a;
const FIXED_FLAGS = 0x0002;

/** Callers of the innermost frames known, from a stack offset upwards. */
export function guessedCallers(guest: Guest, innermost: CodePlace, from: number): readonly GuessedCaller[] {
  const { mode } = guest.vcpu;
  const callers: GuessedCaller[] = [];
  const size = slotSize(guest);
  for (let slot = 0; slot < SLOTS_MAX && callers.length < CALLERS_MAX; slot++) {
    const stackOffset = from + slot * size;
    if (guest.stackSize === 16 && stackOffset > 0xffff) break;
    const callee = callers.at(-1) ?? innermost;
    const caller =
      nearCaller(guest, stackOffset, callee) ??
      (mode === 'real' ? interruptCaller(guest, stackOffset, callee) : undefined);
    if (caller) callers.push(caller);
  }
  return callers;
}

/** Bytes that a near CALL pushes. */
function slotSize({ vcpu: { codeSize } }: Guest): 2 | 4 | 8 {
  return codeSize === 64 ? 8 : codeSize === 32 ? 4 : 2;
}

/** The frame that a near return address at a stack offset stands for, if a CALL in front of it fits. */
function nearCaller(guest: Guest, stackOffset: number, callee: CodePlace): GuessedCaller | undefined {
  const stackUnit = slotSize(guest);
  const value = guest.readInteger(guest.stackAddress(stackOffset), stackUnit);
  if (value === undefined) return undefined;
  const base = callee.address - callee.offset;
  const caller = {
    selector: callee.selector,
    offset: value,
    address: guest.wrapLinear(base + value),
    stackOffset: stackOffset + stackUnit,
  };
  const fits = instructionsBefore(guest, caller).some(({ kind, target }) => {
    if (kind !== 'call') return false;
    return target === undefined || mayLeadTo(guest.wrapLinear(base + target), callee.address, ROUTINE_SIZE_MAX);
  });
  return fits ? caller : undefined;
}

/** The real-mode frame IP, CS, FLAGS at a stack offset, if an INT in front of it leads to the callee's segment. */
function interruptCaller(guest: Guest, stackOffset: number, callee: CodePlace): GuessedCaller | undefined {
  const word = (at: number): number | undefined => guest.readInteger(guest.stackAddress(stackOffset + at), 2);
  const flags = word(4);
  if (flags === undefined || (flags & FIXED_FLAGS_MASK) !== FIXED_FLAGS) return undefined;
  const [offset, selector] = [word(0), word(2)];
  if (offset === undefined || selector === undefined) return undefined;
  const caller = { selector, offset, address: (selector << 4) + offset, stackOffset: stackOffset + 6 };
  const fits = instructionsBefore(guest, caller).some(({ vector }) => {
    const handler = vector === undefined ? undefined : handlerSegment(guest, vector);
    return handler !== undefined && mayLeadTo(handler, callee.address, SEGMENT_SIZE);
  });
  return fits ? caller : undefined;
}

/** Linear start of the segment that an interrupt vector of real mode points to. */
function handlerSegment(guest: Guest, vector: number): number | undefined {
  const selector = guest.readInteger(guest.register('IDTR.base') + vector * 4 + 2, 2);
  return selector === undefined ? undefined : selector << 4;
}

/** All readings of the bytes in front of a place as an instruction that ends there. */
function instructionsBefore(guest: Guest, { address, offset }: CodePlace): readonly DecodedInstruction[] {
  const start = address - CALL_LENGTH_MAX;
  if (start < 0 && !guest.is64Bit) return [];
  const bytes = guest.readLinear(start, CALL_LENGTH_MAX + INSTRUCTION_LENGTH_MAX);
  if (bytes.length < CALL_LENGTH_MAX) return [];
  // Most of what lies on a stack is no return address; to decode it seven times each would take most of a stop.
  if (!bytes.subarray(0, CALL_LENGTH_MAX).some((byte) => CALL_OPCODES.has(byte))) return [];
  const readings: DecodedInstruction[] = [];
  for (let length = 1; length <= CALL_LENGTH_MAX; length++) {
    const at = guest.codeOffset(offset - length);
    const decoded = decodeInstruction(bytes, CALL_LENGTH_MAX - length, guest.vcpu.codeSize, at, guest.isAmd);
    if (decoded.valid && decoded.length === length) readings.push(decoded);
  }
  return readings;
}

function mayLeadTo(target: number, callee: number, sizeMax: number): boolean {
  return callee >= target && callee - target < sizeMax;
}
