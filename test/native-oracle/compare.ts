/** What a case left on this machine's processor against what it left on ours; results that the manual leaves undefined aside. */
import { Decoder } from '../../vm-core/isa/decoder.ts';
import { instructionRows } from '../../vm-core/isa/instruction-table.ts';
import { longGeneralSlots } from '../../vm-core/state/layout.ts';
import { ARITHMETIC_FLAGS } from '../../vm-core/state/lazy-flags.ts';
import type { Case, Outcome } from './case.ts';
import { explained } from './explained.ts';
import { hasArea, withOurMask } from './state-areas.ts';
import { compareStates, STATUS_WORD, wordAt } from './unit-state.ts';
import { accessesInAnyOrder, hasUndefinedFlags, isPointer } from './undefined-states.ts';
import { undefinedFlags } from './undefined-flags.ts';

const VECTOR_PF = 14;
const PRESENT = 1;
/** Where Linux ends a program's half of the addresses. */
const USER_END = 0x7fff_ffff_f000n;
const decoder = new Decoder('max');

/** The size of the operand and the shift count, cut as the processor does; 0 where the row has none. */
function facts({ row, code, mode, general }: Case): { readonly bits: number; readonly count: number } {
  const { rowIndex, operandSize, immediate } = decoder.decode((at) => code[at] ?? 0, mode);
  const isByte = row.operands[0]?.endsWith('b') ?? false;
  const bits = isByte ? 8 : operandSize;
  const mask = operandSize === 64 && !isByte ? 63 : 31;
  const last = row.operands.at(-1);
  if (instructionRows[rowIndex] !== row) return { bits, count: 0 };
  if (last === '1') return { bits, count: 1 };
  if (last === 'CL') return { bits, count: Number((general[1] as bigint) & BigInt(mask)) };
  return { bits, count: last === 'Ib' ? immediate & mask : 0 };
}

/** The kernel hides from programs which of its own pages are there: to them all of them are. */
function errorOf({ vector, error, address }: Outcome): number {
  return vector === VECTOR_PF && address >= USER_END ? error | PRESENT : error;
}

const hex = (value: number | bigint | undefined) => (value ?? 0).toString(16);

/** The first difference as text. */
export function compare(test: Case, native: Outcome, ours: Outcome): string | undefined {
  const words = Buffer.from(test.code).toString('hex');
  const found = differenceOf(test, native, ours);
  if (found === undefined || explained.some(({ applies }) => applies(test, native, ours))) return undefined;
  const state = `rsp=${hex(test.general[4])} flags=${hex(test.flags)} rip=${hex(test.rip)} sel=${test.selectors.map(hex)}`;
  return `${test.row.opcode} ${test.row.name} (${test.mode}-bit ${words}; ${state}): ${found}`;
}

function differenceOf(test: Case, native: Outcome, ours: Outcome): string | undefined {
  const say = (what: string, theirs: number | bigint | undefined, own: number | bigint | undefined) =>
    `${what} is ${hex(theirs)}, ours ${hex(own)}`;
  const ended = ({ vector, error, rip }: Outcome) => `${vector}(${hex(error)}) at ${hex(rip)}`;
  if (native.vector !== ours.vector || errorOf(native) !== errorOf(ours) || native.rip !== ours.rip) {
    return `ends with ${ended(native)}, ours ${ended(ours)}`;
  }
  if (native.vector === VECTOR_PF && native.address !== ours.address && !accessesInAnyOrder(test))
    return say('CR2', native.address, ours.address);
  const { bits, count } = facts(test);
  const { name } = test.row;
  if (/^SH[LR]D$/.test(name) && count > bits) return undefined;
  const noSource = /^BS[FR]$/.test(name) && (native.flags & 0x40) !== 0;
  const own = registersOf(test, ours);
  const differs = (value: bigint, n: number) => ((value ^ (own[n] as bigint)) & definedBits(test, n)) !== 0n;
  const register = noSource ? -1 : registersOf(test, native).findIndex(differs);
  if (register >= 0) {
    return say(
      `register ${register} from ${hex(test.general[register])}`,
      native.general[register],
      ours.general[register],
    );
  }
  const selector = native.selectors.findIndex((value, n) => value !== asReported(ours.selectors[n]));
  if (selector >= 0) return say(`selector ${selector}`, native.selectors[selector], ours.selectors[selector]);
  const state = compareStates(test, native.state, ours.state);
  if (state) return state;
  const memory = hasArea(test.row) ? withOurMask(native.memory, ours.memory) : native.memory;
  const byte = memory.findIndex((value, n) => value !== ours.memory[n] && !isPointer(test, n));
  if (byte >= 0) return say(`memory at ${byte}`, native.memory[byte], ours.memory[byte]);
  if (native.fsBase !== ours.fsBase) return say('FS.base', native.fsBase, ours.fsBase);
  if (native.gsBase !== ours.gsBase) return say('GS.base', native.gsBase, ours.gsBase);
  if (hasUndefinedFlags(test, wordAt(native.state, STATUS_WORD))) return undefined;
  const undefinedOnes = undefinedFlags(name, count, bits);
  const compared = ~0 & ~(undefinedOnes & ARITHMETIC_FLAGS);
  if (((native.flags ^ ours.flags) & compared) === 0) return undefined;
  return say('flags', native.flags & compared, ours.flags & compared);
}

/** The way back from the kernel takes the level out of a null selector; the processor is asked behind that. */
function asReported(selector: number | undefined): number {
  return selector === undefined || selector <= 3 ? 0 : selector;
}

/** Bits 16 to 19 of what LAR gives are undefined (SDM vol. 2A LAR). */
function definedBits({ row, code, mode }: Case, register: number): bigint {
  if (row.name !== 'LAR') return ALL;
  const { regSlot } = decoder.decode((at) => code[at] ?? 0, mode);
  return longGeneralSlots[register] === regSlot ? ~0xf_0000n : ALL;
}

const ALL = -1n;

/** Outside 64-bit mode there are eight registers, and their upper halves are undefined (SDM vol. 1 §3.4.1.1). */
function registersOf({ mode }: Case, { general, selectors }: Outcome): readonly bigint[] {
  const isLong = mode === 64 && selectors[1] === 0x33;
  return isLong ? general : general.slice(0, 8).map((value) => BigInt.asUintN(32, value));
}
