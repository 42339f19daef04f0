/**
 * Short runs of instructions with a purpose that no single row has: big real mode, code that changes itself, prefixes in
 * excess, opcodes that are none.
 */
import { SS, slot } from '../../vm-core/state/layout.ts';
import { TF } from '../../vm-core/state/lazy-flags.ts';
import { DATA_32 } from './descriptor-tables.ts';
import { SEGMENT_PREFIXES } from './encode.ts';
import { allForms } from './forms.ts';
import { u32 } from './machine-code.ts';
import { inOrder } from './preparations.ts';
import type { Emission } from './sequence.ts';
import type { Workshop } from './workshop.ts';

const EBX = 3;
const ESP = 4;

type Scenario = (workshop: Workshop) => Emission;

/** To protected mode and back, with a data segment of 4 GiB in between; then an access far beyond 64 KiB. */
const bigRealMode: Scenario = (workshop) => {
  const { random, sequence } = workshop;
  const { state } = sequence.bench;
  if (workshop.mode !== 'real' || (state.eflags & TF) !== 0) return 'refused';
  const segment = random.pick([0, 3, 4, 5]);
  const setProtected = [
    [0x0f, 0x20, 0xc0],
    [0x0c, 0x01],
    [0x0f, 0x22, 0xc0],
  ]; // mov eax, cr0; or al, 1; mov cr0, eax
  const load = [
    [0xbb, DATA_32, 0],
    [0x8e, 0xc3 | (segment << 3)],
  ]; // mov bx, DATA_32; mov segment, bx
  const setReal = [
    [0x24, 0xfe],
    [0x0f, 0x22, 0xc0],
  ]; // and al, FEh; mov cr0, eax
  const linear = workshop.place(4);
  const prepared = inOrder(
    () => workshop.all([...setProtected, ...load, ...setReal]),
    () => workshop.setRegister(EBX, linear - random.below(0x80)),
  );
  if (prepared !== 'done') return 'lost';
  const opcode = random.pick([0x00, 0x01, 0x02, 0x29, 0x31, 0x88, 0x8b]);
  const displacement = linear - state.read32(slot.EBX);
  return sequence.emit([SEGMENT_PREFIXES[segment] as number, 0x67, opcode, 0x4b, displacement & 0xff], false);
};

/** An instruction that writes over the immediate of the next one. */
const selfModifying: Scenario = (workshop) => {
  const { random, sequence } = workshop;
  const { bench } = sequence;
  const index = [3, 0, 4, 5, 2].find((one) => {
    const { base, limit } = bench.state.segment(one);
    const offset = sequence.cursor - base;
    return offset >= 0 && offset + 0x40 <= Math.min(limit, workshop.codeSize === 16 ? 0xffff : 0xffffffff);
  });
  if (index === undefined) return 'refused';
  const prefixes = [SEGMENT_PREFIXES[index] as number, ...(workshop.codeSize === 16 ? [0x67] : [])];
  const victim = random.pick([
    [0xb0, 0x11],
    [0x04, 0x22],
    [0x34, 0x33],
    [0x83, 0xc3, 0x44],
    [0x6a, 0x55],
  ]);
  const between = random.chance(50) ? [] : [0x40];
  const length = prefixes.length + 2 + 4 + 1;
  const target = sequence.cursor + length + between.length + victim.length - 1 - bench.state.segment(index).base;
  sequence.place([...prefixes, 0xc6, 0x05, ...u32(target >>> 0), random.next() & 0xff]);
  if (between.length > 0) sequence.place(between);
  sequence.place(victim);
  return sequence.run();
};

/** Opcodes that an 80386 has not, and forms of valid ones that are not defined. */
const undefinedOpcodes: readonly (readonly number[])[] = [
  [0x0f, 0x0b],
  [0x0f, 0xff],
  [0xfe, 0xd0],
  [0xfe, 0xf8],
  [0xff, 0xf8],
  [0xff, 0xd8],
  [0xff, 0xe8],
  [0x8d, 0xc0],
  [0x0f, 0x01, 0xe8],
  [0x0f, 0x01, 0xc0],
  [0x0f, 0x01, 0xd0],
  [0x0f, 0x00, 0xf0],
  [0x0f, 0xba, 0xc0],
  [0x0f, 0xba, 0xd8],
  [0x8e, 0xc8],
  [0x8e, 0xf0],
  [0x8c, 0xf8],
  [0xf0, 0x90],
  [0xf0, 0x01, 0xc0],
  [0xf0, 0x89, 0x00],
  [0x0f, 0x24, 0xc0],
];

const undefinedOpcode: Scenario = ({ random, sequence }) => sequence.emit(random.pick(undefinedOpcodes), true);

/** Any bytes at all, if they can be executed here. */
const anyBytes: Scenario = ({ random, sequence }) => {
  const bytes = random.bytes(12);
  return sequence.emitDecoded(bytes);
};

/** An instruction with prefixes that it does not need, up to and over the 15 bytes that an instruction may have. */
const manyPrefixes: Scenario = (workshop) => {
  const { random, sequence } = workshop;
  const form = random.pick(
    allForms.filter(({ row }) => row.semantics !== undefined && /^([0-3][0-9A-E]|8[4-9AB])/.test(row.opcode)),
  );
  const bytes = workshop.encode(form);
  if (!bytes) return 'refused';
  const extra = Array.from({ length: random.between(1, 16 - bytes.length + 1) }, () =>
    random.pick([0x26, 0x3e, 0x65, 0xf2, 0xf3]),
  );
  return sequence.emit([...extra, ...bytes], true);
};

/** The trap flag goes on before a load of SS, which holds the trap off for one instruction. */
const trapAfterStackLoad: Scenario = (workshop) => {
  const { random, sequence } = workshop;
  const { state } = sequence.bench;
  const selector = state.segment(SS).selector;
  const pointer = () => workshop.setRegister(ESP, state.read32(slot.ESP));
  return inOrder(
    () => workshop.steadyStack(),
    () => workshop.setRegister(EBX, selector),
    () => workshop.push((random.next() & 0xed5) | TF, workshop.codeSize),
    () => sequence.emit([0x9d], false), // popf
    () => (random.chance(80) ? sequence.emit([0x8e, 0xd3], false) : 'done'), // mov ss, bx
    () => (sequence.isEnded ? 'done' : pointer()),
    () => (sequence.isEnded ? 'done' : pointer()),
  );
};

export const scenarios: readonly Scenario[] = [
  ...[bigRealMode, selfModifying, undefinedOpcode, anyBytes, manyPrefixes],
  trapAfterStackLoad,
];
