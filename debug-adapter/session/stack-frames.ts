/**
 * The call stack. The first frame is the processor's; callers are a guess from what lies on the stack, as real-mode code
 * keeps no frame pointers: a word counts as a return address if a CALL stands in front of it that may have led to the
 * frame above. Guessed frames say so.
 */
import { decodeInstruction, INSTRUCTION_LENGTH_MAX } from '../disassembly/decode-instruction.ts';
import type { Guest } from './guest.ts';

export interface Frame {
  /** Linear address of the next instruction of the frame. */
  readonly address: number;
  /** False for the processor's own frame. */
  readonly guessed: boolean;
}

const FRAMES_MAX = 32;
/** How far up the stack callers are looked for, in stack slots. */
const SLOTS_MAX = 512;
/** A CALL is at most this long (prefixes not counted). */
const CALL_LENGTH_MAX = 7;
/** A routine is taken to be no longer than this many bytes. */
const ROUTINE_SIZE_MAX = 0x2000;

/** The frames, innermost first. */
export function stackFrames(guest: Guest): readonly Frame[] {
  const frames: Frame[] = [{ address: guest.vcpu.linearEip, guessed: false }];
  const size = guest.vcpu.codeSize === 16 ? 2 : 4;
  let callee = guest.vcpu.linearEip;
  for (let slot = 0; slot < SLOTS_MAX && frames.length < FRAMES_MAX; slot++) {
    const offset = guest.stackPointer + slot * size;
    if (guest.stackSize === 16 && offset > 0xffff) break;
    const value = guest.readInteger(guest.stackAddress(offset), size);
    if (value === undefined) break;
    const address = guest.codeAddress(value);
    if (!isReturnAddress(guest, address, callee)) continue;
    frames.push({ address, guessed: true });
    callee = address;
  }
  return frames;
}

/** True when a near CALL ends at the address that may have called the routine in which `callee` lies. */
function isReturnAddress(guest: Guest, address: number, callee: number): boolean {
  const start = address - CALL_LENGTH_MAX;
  if (start < 0) return false;
  const bytes = guest.readLinear(start, CALL_LENGTH_MAX + INSTRUCTION_LENGTH_MAX);
  for (let length = 2; length <= CALL_LENGTH_MAX; length++) {
    const index = CALL_LENGTH_MAX - length;
    if (index >= bytes.length) continue;
    const offset = guest.codeOffset(address - length - guest.codeBase);
    const { kind, length: decoded, target, valid } = decodeInstruction(bytes, index, guest.vcpu.codeSize, offset);
    if (!valid || kind !== 'call' || decoded !== length) continue;
    if (target === undefined || mayLeadTo(guest, guest.codeAddress(target), callee)) return true;
  }
  return false;
}

function mayLeadTo(guest: Guest, target: number, callee: number): boolean {
  return callee >= target && callee - target < ROUTINE_SIZE_MAX && guest.readLinear(target, 1).length === 1;
}
