/**
 * How control transfers are built: their targets lie a few bytes ahead in the sequence, so that each of them goes on. A
 * table by row name.
 */
import { CS } from '../../vm-core/state/layout.ts';
import {
  callGateSelectors,
  codeSelectors,
  outerCallGateSelectors,
  outerCodeSelectors,
  outerWindowStackSelectors,
} from './descriptor-tables.ts';
import type { Size } from './encode.ts';
import type { Form } from './forms.ts';
import { DESCRIPTORS, RETURNING_VECTORS, WINDOW } from './layout.ts';
import { u16, u32 } from './machine-code.ts';
import { anySelector, type Builder, flagsImage, inOrder } from './preparations.ts';
import type { Emission } from './sequence.ts';
import type { Workshop } from './workshop.ts';

/** Targets are at most so far behind the instruction. */
const GAP_MAX = 6;
const ECX = 1;

const bytesOf = (value: number, size: Size) => (size === 16 ? u16(value & 0xffff) : u32(value >>> 0));

/** Bytes to be jumped over. */
const gapFor = ({ random }: Workshop): number[] => random.bytes(random.below(GAP_MAX));

/** Whether an EIP of this operand size can name places of the sequence. */
const isReachable = (workshop: Workshop, size: Size) => size === 32 || workshop.offset + 0x100 <= 0xffff;

const relative: Builder = (workshop, form) => {
  const gap = gapFor(workshop);
  if (!isReachable(workshop, form.operandSize)) return 'refused';
  const isByte = form.row.operands.includes('Jb');
  const immediate = isByte ? [gap.length] : bytesOf(gap.length, form.operandSize);
  return workshop.add(form, { immediate }, gap);
};

const callRelative: Builder = (workshop, form) =>
  inOrder(
    () => workshop.steadyStack(),
    () => relative(workshop, form),
  );

/** LOOP and JCXZ; one time in three backwards over another instruction. */
const loop: Builder = (workshop, form) => {
  const { random } = workshop;
  if (form.row.name === 'JCXZ' || random.chance(60)) {
    return inOrder(
      () => (random.chance(60) ? workshop.setRegister(ECX, random.below(3), random.pick([16, 32])) : 'done'),
      () => relative(workshop, form),
    );
  }
  if (!isReachable(workshop, form.operandSize)) return 'refused';
  const body = random.pick([[0x40], [0x29, 0xd8], [0xd1, 0xdb], [0x01, 0xd0], [0x66, 0xf7, 0xda]]);
  const begin = workshop.sequence.cursor + (workshop.codeSize === 16 ? 6 : 5);
  return inOrder(
    () => workshop.setRegister(ECX, random.between(1, 5)),
    () => workshop.sequence.emit(body, false),
    () => {
      const bytes = workshop.encode(form, { immediate: [0] });
      if (!bytes) return 'refused';
      const displacement = begin - (workshop.sequence.cursor + bytes.length);
      return workshop.sequence.emit([...bytes.slice(0, -1), displacement & 0xff], false);
    },
  );
};

/** A near transfer through a register or memory. */
const indirect: Builder = (workshop, form) => {
  const { random } = workshop;
  const size = form.operandSize;
  if (!isReachable(workshop, size)) return 'refused';
  if (form.row.name === 'CALL') {
    const steady = workshop.steadyStack();
    if (steady !== 'done') return steady;
  }
  const gap = gapFor(workshop);
  if (form.operand === 'register') {
    const rm = workshop.anyRegister();
    const bytes = workshop.encode(form, { rm });
    if (!bytes) return 'refused';
    const loadSize = (size === 32 || random.chance(50) ? 32 : 16) as Size;
    const loadLength = (loadSize === workshop.codeSize ? 1 : 2) + loadSize / 8;
    const target = workshop.offset + loadLength + bytes.length + gap.length;
    return inOrder(
      () => workshop.setRegister(rm, target, loadSize),
      () => workshop.sequence.emit(bytes, false, gap),
    );
  }
  return throughMemory(workshop, form, gap, (target) => bytesOf(target, size));
};

/** Writes a pointer to memory with instructions of a known length, then transfers through it. */
function throughMemory(
  workshop: Workshop,
  form: Form,
  gap: readonly number[],
  pointerTo: (target: number) => number[] | undefined,
): Emission {
  const shape = pointerTo(workshop.offset);
  if (!shape) return 'refused';
  const linear = workshop.place(shape.length);
  const stored = workshop.store(linear, shape);
  if (stored !== 'done') return stored;
  // The pointer is stored twice: the first time shows how long the instructions are.
  const bytes = workshop.encode(form, { linear });
  if (!bytes) return 'refused';
  const before = workshop.offset;
  const again = workshop.store(linear, shape);
  if (again !== 'done') return again;
  const length = workshop.offset - before;
  const pointer = pointerTo(workshop.offset + length + bytes.length + gap.length);
  if (!pointer) return 'refused';
  return inOrder(
    () => workshop.store(linear, pointer),
    () => workshop.sequence.emit(bytes, workshop.random.chance(30), gap),
  );
}

interface FarTarget {
  readonly selector: number;
  readonly offset: number;
}

/** A selector and offset that lead to a linear address; sometimes a selector that may do anything. */
function farTarget(workshop: Workshop, linear: number, size: Size, forCall: boolean): FarTarget | undefined {
  const { random } = workshop;
  if (!workshop.isProtected) {
    const selector = Math.max((linear >>> 4) - random.below(0xff0), 0);
    return { selector, offset: linear - selector * 16 };
  }
  if (forCall && random.chance(workshop.level === 0 ? 15 : 45)) {
    const gates = workshop.level === 0 ? callGateSelectors : outerCallGateSelectors;
    return { selector: random.pick(gates), offset: random.next() & 0xffff };
  }
  if (random.chance(10)) return { selector: anySelector(workshop), offset: random.next() & 0xffff };
  return segmentedTarget(workshop, linear, size, workshop.level);
}

/** A code segment of a privilege level with an offset that lead to a linear address. */
function segmentedTarget(
  { random, sequence }: Workshop,
  linear: number,
  size: Size,
  level: number,
): FarTarget | undefined {
  const { bench } = sequence;
  const usable = (level === 0 ? codeSelectors : outerCodeSelectors).flatMap((selector) => {
    const low = bench.read32(DESCRIPTORS + selector);
    const high = bench.read32(DESCRIPTORS + selector + 4);
    const base = ((low >>> 16) | ((high & 0xff) << 16) | (high & 0xff00_0000)) >>> 0;
    const units = (low & 0xffff) | (high & 0xf0000);
    const limit = high & 0x800000 ? units * 0x1000 + 0xfff : units;
    const offset = linear - base;
    const isBig = (high & 0x400000) !== 0;
    const room = isBig && size === 32 ? 0xffffffff : 0xffff;
    const fits = offset >= 0 && offset + 0x100 <= limit && offset + 0x100 <= room;
    return fits ? [{ selector: selector | level, offset }] : [];
  });
  return usable.length === 0 ? undefined : random.pick(usable);
}

const linearOf = (workshop: Workshop, offset: number) => workshop.sequence.bench.state.segment(CS).base + offset;

const farImmediate: Builder = (workshop, form) => {
  const isCall = form.row.name.startsWith('CALL');
  const gap = gapFor(workshop);
  return inOrder(
    () => (isCall ? workshop.steadyStack() : 'done'),
    () => {
      const size = form.operandSize;
      const prefix = size === workshop.codeSize ? 0 : 1;
      const length = prefix + 1 + size / 8 + 2;
      const target = farTarget(workshop, linearOf(workshop, workshop.offset + length + gap.length), size, isCall);
      if (!target) return 'refused';
      const immediate = [...bytesOf(target.offset, size), ...u16(target.selector)];
      return workshop.add(form, { addressSize: workshop.codeSize, immediate }, gap);
    },
  );
};

const farMemory: Builder = (workshop, form) => {
  const isCall = form.row.name.startsWith('CALL');
  const gap = gapFor(workshop);
  const size = form.operandSize;
  return inOrder(
    () => (isCall ? workshop.steadyStack() : 'done'),
    () =>
      throughMemory(workshop, form, gap, (offset) => {
        const target = farTarget(workshop, linearOf(workshop, offset), size, isCall);
        return target && [...bytesOf(target.offset, size), ...u16(target.selector)];
      }),
  );
};

/** Pushes what a return pops, then returns. `words` are those below the offset, the last pushed first. */
function returnWith(workshop: Workshop, form: Form, words: 'near' | 'far' | 'interrupt'): Emission {
  const { random } = workshop;
  const size = form.operandSize;
  const gap = gapFor(workshop);
  if (words === 'near' && !isReachable(workshop, size)) return 'refused';
  const steady = workshop.steadyStack();
  if (steady !== 'done') return steady;
  const outward = words !== 'near' && workshop.isProtected && workshop.level === 0 && random.chance(20);
  const parameters = outward ? 0 : random.below(0x24);
  const immediate = form.row.operands.includes('Iw') ? { immediate: u16(parameters) } : {};
  const bytes = workshop.encode(form, { ...immediate, addressSize: workshop.codeSize });
  if (!bytes) return 'refused';
  const pushLength = (size === workshop.codeSize ? 1 : 2) + size / 8;
  const pushes = { near: 1, far: 2, interrupt: 3 }[words] + (outward ? 2 : 0);
  const offset = workshop.offset + pushes * pushLength + bytes.length + gap.length;
  const target = returnTarget(workshop, words, offset, size, outward);
  if (!target) return 'refused';
  const outerStack = random.pick(outerWindowStackSelectors) | 3;
  return inOrder(
    () => (outward ? workshop.push(outerStack, size) : 'done'),
    () => (outward ? workshop.push(workshop.place(0x100) + 0x80 - WINDOW, size) : 'done'),
    () => (words === 'interrupt' ? workshop.push(flagsImage(workshop), size) : 'done'),
    () => (words === 'near' ? 'done' : workshop.push(target.selector, size)),
    () => workshop.push(target.offset, size),
    () => workshop.sequence.emit(bytes, random.chance(30), gap),
  );
}

function returnTarget(
  workshop: Workshop,
  words: 'near' | 'far' | 'interrupt',
  offset: number,
  size: Size,
  outward: boolean,
): FarTarget | undefined {
  if (words === 'near') return { offset, selector: 0 };
  const linear = linearOf(workshop, offset);
  return outward ? segmentedTarget(workshop, linear, size, 3) : farTarget(workshop, linear, size, false);
}

const interrupt: Builder = (workshop, form) => {
  const { random } = workshop;
  const returning = random.chance(60);
  const vector = returning ? random.between(RETURNING_VECTORS.first, RETURNING_VECTORS.last) : random.below(0x48);
  return inOrder(
    () => workshop.steadyStack(),
    () => workshop.add(form, { immediate: [random.chance(10) ? random.next() & 0xff : vector] }),
  );
};

const trap: Builder = (workshop, form) =>
  inOrder(
    () => workshop.steadyStack(),
    () => workshop.add(form),
  );

const conditions = ['O', 'NO', 'B', 'AE', 'E', 'NE', 'BE', 'A', 'S', 'NS', 'P', 'NP', 'L', 'GE', 'LE', 'G'];

const near =
  (byRelative: Builder): Builder =>
  (workshop, form) =>
    form.operand === 'none' ? byRelative(workshop, form) : indirect(workshop, form);

export const transferBuilders: Readonly<Record<string, Builder>> = {
  ...Object.fromEntries(conditions.map((name) => [`J${name}`, relative])),
  JMP: near(relative),
  CALL: near(callRelative),
  ...Object.fromEntries(['LOOP', 'LOOPE', 'LOOPNE', 'JCXZ'].map((name) => [name, loop])),
  JMP_FAR_IMMEDIATE: farImmediate,
  CALL_FAR_IMMEDIATE: farImmediate,
  JMP_FAR_MEMORY: farMemory,
  CALL_FAR_MEMORY: farMemory,
  RET: (workshop, form) => returnWith(workshop, form, 'near'),
  RET_FAR: (workshop, form) => returnWith(workshop, form, 'far'),
  RET_FAR_POP: (workshop, form) => returnWith(workshop, form, 'far'),
  IRET: (workshop, form) => returnWith(workshop, form, 'interrupt'),
  INT: interrupt,
  INT3: trap,
  INT1: trap,
  INTO: trap,
};
