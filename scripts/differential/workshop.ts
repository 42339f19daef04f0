/** What the builders of instructions work with: the sequence, random choices, and small steps that prepare operands. */
import { isMemoryOnly, isRegisterOrMemory } from '../../vm-core/isa/operand.ts';
import { CS, SS, slot } from '../../vm-core/state/layout.ts';
import {
  encode,
  loadRegister,
  pushImmediate,
  randomPlace,
  registerOf,
  segmentsThatReach,
  type Situation,
  type Size,
  storeBytes,
  type Wishes,
} from './encode.ts';
import type { Form } from './forms.ts';
import type { Mode } from './image.ts';
import { isInDataZone } from './layout.ts';
import type { Random } from './random.ts';
import type { Emission, SequenceInProgress } from './sequence.ts';

/** An instruction that faults ends the sequence in so many of 100 cases; in the others another one takes its place. */
const FAULT_PERCENT = 30;

/** Rows that only read their first operand. */
const READS_FIRST = new Set([
  'CMP',
  'TEST',
  'BT',
  'PUSH',
  'CALL',
  'JMP',
  'MUL',
  'IMUL',
  'DIV',
  'IDIV',
  'VERR',
  'VERW',
  'LLDT',
  'LTR',
  'LMSW',
  'LGDT',
  'LIDT',
  'CALL_FAR_MEMORY',
  'JMP_FAR_MEMORY',
  'ESC',
  'LEA',
]);

/** Rows with an `Ev` operand that is a word in memory whatever the operand size. */
const WORD_IN_MEMORY = new Set(['SLDT', 'STR', 'SMSW', 'LAR', 'LSL']);

export function memorySizeOf({ row, operandSize }: Form): number {
  const code = row.operands.find((one) => isRegisterOrMemory(one) || isMemoryOnly(one) || one === 'Ob' || one === 'Ov');
  const operand = operandSize / 8;
  if (WORD_IN_MEMORY.has(row.name) || (row.name === 'MOV' && row.operands.includes('Sw'))) return 2;
  switch (code) {
    case 'Eb':
    case 'Ob':
      return 1;
    case 'Ew':
      return 2;
    case 'Mp':
      return operand + 2;
    case 'Ma':
      return operand * 2;
    case 'Ms':
      return 6;
    default:
      return operand;
  }
}

function writesMemory({ row }: Form): boolean {
  const [first] = row.operands;
  const isMemory = first !== undefined && (isRegisterOrMemory(first) || isMemoryOnly(first) || first.startsWith('O'));
  return (isMemory && !READS_FIRST.has(row.name)) || row.name === 'XCHG';
}

export class Workshop {
  readonly random: Random;
  readonly sequence: SequenceInProgress;
  readonly mode: Mode;

  constructor(random: Random, sequence: SequenceInProgress, mode: Mode) {
    this.random = random;
    this.sequence = sequence;
    this.mode = mode;
  }

  get situation(): Situation {
    return { random: this.random, state: this.sequence.bench.state, codeSize: this.codeSize };
  }

  get codeSize(): Size {
    return this.sequence.bench.codeSize;
  }

  /** Offset of the next instruction in the code segment. */
  get offset(): number {
    return this.sequence.bench.state.eip;
  }

  get isProtected(): boolean {
    return (this.sequence.bench.state.read32(slot.CR0) & 1) !== 0;
  }

  /** The current privilege level. */
  get level(): number {
    return this.sequence.bench.state.read8(slot.CPL);
  }

  register(number: number): number {
    return registerOf(this.sequence.bench.state, number);
  }

  encode(form: Form, wishes: Wishes = {}): number[] | undefined {
    const defaults = { memorySize: memorySizeOf(form), isWrite: writesMemory(form) };
    return encode(this.situation, form, { ...defaults, ...wishes });
  }

  /** Encodes a form and executes it. */
  add(form: Form, wishes: Wishes = {}, gap: readonly number[] = []): Emission {
    const bytes = this.encode(form, wishes);
    if (!bytes) return 'refused';
    return this.sequence.emit(bytes, this.random.chance(FAULT_PERCENT), gap);
  }

  /** Executes instructions that have to succeed, one after the other. */
  all(instructions: readonly (readonly number[])[] | undefined): Emission {
    if (!instructions) return 'refused';
    for (const bytes of instructions) {
      const emission = this.sequence.emit(bytes, false);
      if (emission !== 'done') return emission;
    }
    return 'done';
  }

  setRegister(number: number, value: number, size: Size = 32): Emission {
    return this.sequence.emit(loadRegister(this.codeSize, number, value, size), false);
  }

  push(value: number, size: Size): Emission {
    return this.sequence.emit(pushImmediate(this.codeSize, value, size), false);
  }

  /** Writes bytes to a linear address. */
  store(linear: number, bytes: readonly number[]): Emission {
    return this.all(storeBytes(this.situation, linear, bytes));
  }

  place(size: number): number {
    return randomPlace(this.random, size);
  }

  /** Puts the address of a random place into an index register, for a segment; refused if the segment reaches none. */
  point(number: number, segment: number, size: number, addressSize: Size, isWrite: boolean): Emission {
    const { state } = this.sequence.bench;
    for (let tries = 0; tries < 4; tries++) {
      const linear = this.place(size);
      if (!segmentsThatReach(state, linear, size, isWrite, addressSize).includes(segment)) continue;
      return this.setRegister(number, (linear - state.segment(segment).base) >>> 0, addressSize);
    }
    return 'refused';
  }

  /** Moves the stack pointer to a place with room on both sides, if it is not at one. */
  steadyStack(): Emission {
    const { state } = this.sequence.bench;
    const mask = (state.segment(SS).attributes & 0x400) === 0 ? 0xffff : 0xffffffff;
    const at = ((state.segment(SS).base + ((state.read32(slot.ESP) & mask) >>> 0)) >>> 0) - 0x40;
    const reach = segmentsThatReach(state, at, 0x80, true, mask === 0xffff ? 16 : 32);
    if (reach.includes(SS) && this.#isRoomy(at)) return 'done';
    return this.point(4, SS, 0x100, 32, true);
  }

  #isRoomy(linear: number): boolean {
    return [linear, linear + 0x80].every((at) => isInDataZone(at, 1));
  }

  /** A general register that is not the stack pointer. */
  anyRegister(): number {
    return this.random.pick([0, 1, 2, 3, 5, 6, 7]);
  }

  /** A random segment other than CS. */
  anySegment(): number {
    return this.random.pick([0, 1, 2, 3, 4, 5].filter((index) => index !== CS));
  }
}
