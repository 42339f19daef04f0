/**
 * How instructions are built whose operands must fit each other or the machine: string instructions, divisions, ports,
 * the stack, selectors, control registers (a table by row name). All others are encoded with random operands.
 */
import { DS, ES, SS, slot } from '../../vm-core/state/layout.ts';
import { LOCAL_TABLE } from './descriptor-tables.ts';
import type { Size } from './encode.ts';
import { allForms, type Form } from './forms.ts';
import { u16, u32 } from './machine-code.ts';
import { anySelector, type Builder, dataSelector, flagsImage, inOrder } from './preparations.ts';
import { transferBuilders } from './transfers.ts';
import type { Emission } from './sequence.ts';
import type { Workshop } from './workshop.ts';

const ECX = 1;
const EDX = 2;
const EBX = 3;
const EBP = 5;
const ESI = 6;
const EDI = 7;

/** Ports that nobody claims on either machine. */
const FREE_PORTS = [0x2a0, 0x2a4, 0x5f0];
const FREE_IMMEDIATE_PORT = 0xe0;

/** Puts a word into the operand that the form will name, then builds the form. */
function withWordOperand(workshop: Workshop, form: Form, value: number, reg?: number): Emission {
  const wishes = reg === undefined ? {} : { reg };
  if (form.operand === 'register') {
    const rm = workshop.anyRegister();
    return inOrder(
      () => workshop.setRegister(rm, value, workshop.random.pick([16, 32] as const)),
      () => workshop.add(form, { ...wishes, rm }),
    );
  }
  const linear = workshop.place(2);
  return inOrder(
    () => workshop.store(linear, u16(value & 0xffff)),
    () => workshop.add(form, { ...wishes, linear, isWrite: false }),
  );
}

/** String instructions: index registers at allowed places, a small count. */
const string =
  (uses: { readonly source?: boolean; readonly destination?: boolean; readonly port?: boolean }): Builder =>
  (workshop, form) => {
    const { random } = workshop;
    const addressSize: Size = random.pick([16, 32]);
    const size = form.operandSize / 8;
    const { source = false, destination = false, port = false } = uses;
    const repeats = random.chance(60);
    const wishes = { addressSize, ...(repeats ? { repeatPrefix: random.pick([0xf2, 0xf3] as const) } : {}) };
    return inOrder(
      () => (source && random.chance(70) ? workshop.point(ESI, DS, size, addressSize, false) : 'done'),
      () => (destination && random.chance(70) ? workshop.point(EDI, ES, size, addressSize, true) : 'done'),
      () => (repeats && random.chance(80) ? workshop.setRegister(ECX, random.below(12), addressSize) : 'done'),
      () => (port ? workshop.setRegister(EDX, random.pick(FREE_PORTS), 16) : 'done'),
      () => workshop.add(form, wishes),
    );
  };

const divide: Builder = (workshop, form) => {
  const { random } = workshop;
  const signed = form.row.name === 'IDIV';
  const byte = form.row.opcode.startsWith('F6');
  const high = random.pick(signed ? [0, -1] : [0, 0, 1, 5]);
  const ready = () =>
    byte ? workshop.setRegister(0, (high << 8) | (random.next() & 0xff), 16) : workshop.setRegister(EDX, high);
  return inOrder(
    () => (random.chance(70) ? ready() : 'done'),
    () => workshop.add(form),
  );
};

/** Bounds around the index, or any. */
const bound: Builder = (workshop, form) => {
  const { random } = workshop;
  const reg = workshop.anyRegister();
  const size = form.operandSize;
  const bytes = (value: number) => (size === 16 ? u16(value & 0xffff) : u32(value >>> 0));
  const value = workshop.register(reg);
  const linear = workshop.place(size / 4);
  const bounds = [...bytes(value - random.below(3)), ...bytes(value + random.below(3))];
  return inOrder(
    () => (random.chance(80) ? workshop.store(linear, bounds) : 'done'),
    () => workshop.add(form, { reg, linear }),
  );
};

/** A bit offset from a register moves the operand. */
const bitTest: Builder = (workshop, form) => {
  if (form.operand !== 'memory' || !form.row.operands.includes('Gv')) return workshop.add(form);
  const reg = workshop.anyRegister();
  const bits = form.operandSize;
  const offset = bits === 16 ? (workshop.register(reg) << 16) >> 16 : workshop.register(reg) | 0;
  const extraDisplacement = (offset >> (bits === 16 ? 4 : 5)) * (bits / 8);
  return workshop.add(form, { reg, extraDisplacement });
};

const translate: Builder = (workshop, form) => {
  const addressSize: Size = workshop.random.pick([16, 32]);
  return inOrder(
    () => workshop.point(EBX, DS, 0x100, addressSize, false),
    () => workshop.add(form, { addressSize }),
  );
};

const port: Builder = (workshop, form) =>
  inOrder(
    () => workshop.setRegister(EDX, workshop.random.pick(FREE_PORTS), 16),
    () => workshop.add(form),
  );

const immediatePort: Builder = (workshop, form) => workshop.add(form, { immediate: [FREE_IMMEDIATE_PORT] });

/** Moves the stack pointer to the stack first. */
const onStack: Builder = (workshop, form) =>
  inOrder(
    () => workshop.steadyStack(),
    () => workshop.add(form),
  );

const leave: Builder = (workshop, form) =>
  inOrder(
    () => (workshop.random.chance(80) ? workshop.point(EBP, SS, 8, 32, false) : 'done'),
    () => workshop.add(form),
  );

const enter: Builder = (workshop, form) => {
  const { random } = workshop;
  const level = random.chance(70) ? random.below(4) : random.next() & 0xff;
  const bytes = random.chance(80) ? random.below(0x20) : random.next() & 0xffff;
  return inOrder(
    () => workshop.steadyStack(),
    () => (level % 32 > 1 ? workshop.point(EBP, SS, 0x100, 32, false) : 'done'),
    () => workshop.add(form, { immediate: [...u16(bytes), level] }),
  );
};

const popFlags: Builder = (workshop, form) =>
  inOrder(
    () => workshop.steadyStack(),
    () => workshop.push(flagsImage(workshop), form.operandSize),
    () => workshop.add(form),
  );

const popSegment: Builder = (workshop, form) =>
  inOrder(
    () => workshop.steadyStack(),
    () => workshop.push(dataSelector(workshop, form.row.detail as number), form.operandSize),
    () => workshop.add(form),
  );

const moveToSegment: Builder = (workshop, form) => {
  const reg = workshop.random.chance(3) ? 1 : workshop.anySegment();
  return withWordOperand(workshop, form, dataSelector(workshop, reg), reg);
};

const POINTER_SEGMENTS: Readonly<Record<string, number>> = { LES: 0, LSS: 2, LDS: 3, LFS: 4, LGS: 5 };

const loadPointer: Builder = (workshop, form) => {
  const selector = dataSelector(workshop, POINTER_SEGMENTS[form.row.name] as number);
  const size = form.operandSize / 8;
  const linear = workshop.place(size + 2);
  return inOrder(
    () => workshop.store(linear + size, u16(selector)),
    () => workshop.add(form, { linear }),
  );
};

const aboutSelector: Builder = (workshop, form) => withWordOperand(workshop, form, anySelector(workshop));

const loadLocalTable: Builder = (workshop, form) => {
  const selector = workshop.random.chance(40) ? LOCAL_TABLE : anySelector(workshop);
  return withWordOperand(workshop, form, selector);
};

/** LGDT and LIDT with anything, looked at with SGDT and SIDT; then the tables as they were. */
const loadTable: Builder = (workshop, form) => {
  const { state } = workshop.sequence.bench;
  const isGlobal = form.row.name === 'LGDT';
  if ((state.eflags & 0x100) !== 0) return 'refused';
  const now = isGlobal
    ? [...u16(state.read16(slot.GDTR_LIMIT)), ...u32(state.read32(slot.GDTR_BASE))]
    : [...u16(state.read16(slot.IDTR_LIMIT)), ...u32(state.read32(slot.IDTR_BASE))];
  const first = workshop.place(6);
  const second = workshop.place(6);
  const third = workshop.place(6);
  if (Math.abs(first - second) < 6 || Math.abs(second - third) < 6) return 'refused';
  const store = formNamed(isGlobal ? '0F 01 /0' : '0F 01 /1', workshop.random.pick([16, 32]));
  const wide = { ...form, operandSize: 32 as const };
  const ready = inOrder(
    () => workshop.store(first, workshop.random.bytes(6)),
    () => workshop.store(second, now),
    () => workshop.add(form, { linear: first }),
  );
  if (ready !== 'done') return ready;
  const rest = inOrder(
    () => workshop.add(store, { linear: third }),
    () => workshop.add(wide, { linear: second }),
  );
  return rest === 'done' ? 'done' : 'lost';
};

function formNamed(opcode: string, operandSize: Size): Form {
  return allForms.find((form) => form.row.opcode === opcode && form.operandSize === operandSize) as Form;
}

/** Only MP, EM and TS change; ET stays set, as QEMU has it. */
const controlBits = ({ random, isProtected }: Workshop) => 0x10 | (isProtected ? 1 : 0) | (random.below(8) << 1);

const writeControl: Builder = (workshop, form) => {
  const { random } = workshop;
  const rm = workshop.anyRegister();
  const reg = random.chance(70) ? 0 : random.chance(60) ? random.pick([2, 3]) : random.pick([1, 5, 6, 7]);
  const value = reg === 0 ? controlBits(workshop) : random.next() & 0xffff_f000;
  return inOrder(
    () => workshop.setRegister(rm, value),
    () => workshop.add(form, { reg, rm }),
    () => (reg === 2 || reg === 3 ? workshop.add(formNamed('0F 20', 32), { reg }) : 'done'),
  );
};

const readControl: Builder = (workshop, form) =>
  workshop.add(form, { reg: workshop.random.chance(80) ? 0 : workshop.random.pick([1, 5, 6, 7]) });

/**
 * DR0–DR3 with anything; DR7 without a breakpoint turned on; DR6 without bit 12, which is reserved and kept by QEMU, and
 * without B0–B3, which a debug exception may clear (SDM vol. 3B §18.2.3).
 */
const debugRegister: Builder = (workshop) => {
  const { random } = workshop;
  const reg = random.below(8);
  const writable = reg < 4 ? 0xffff_ffff : (reg & 1) === 1 ? 0xffff_0000 : 0xffff_eff0;
  const value = (random.next() & writable) >>> 0;
  return inOrder(
    () => workshop.setRegister(0, value),
    () => workshop.add(formNamed('0F 23', 32), { reg, rm: 0 }),
    () => workshop.add(formNamed('0F 21', 32), { reg }),
  );
};

const loadStatusWord: Builder = (workshop, form) => withWordOperand(workshop, form, controlBits(workshop) & 0xf);

/** QEMU has a coprocessor and ours has none: they agree where CR0 has ESC raise #NM. */
const coprocessor: Builder = (workshop, form) =>
  inOrder(
    () => workshop.setRegister(0, controlBits(workshop) | 4),
    () => workshop.add(formNamed('0F 22', 32), { reg: 0, rm: 0 }),
    () => workshop.add(form),
  );

const named = (names: readonly string[], builder: Builder) => Object.fromEntries(names.map((name) => [name, builder]));

export const builders: Readonly<Record<string, Builder>> = {
  ...transferBuilders,
  ...named(['MOVSB', 'MOVS', 'CMPSB', 'CMPS'], string({ source: true, destination: true })),
  ...named(['STOSB', 'STOS', 'SCASB', 'SCAS'], string({ destination: true })),
  ...named(['LODSB', 'LODS'], string({ source: true })),
  INS: string({ destination: true, port: true }),
  OUTS: string({ source: true, port: true }),
  ...named(['DIV', 'IDIV'], divide),
  BOUND: bound,
  ...named(['BT', 'BTS', 'BTR', 'BTC'], bitTest),
  XLAT: translate,
  ...named(['IN_DX', 'OUT_DX'], port),
  ...named(['IN_IMMEDIATE', 'OUT_IMMEDIATE'], immediatePort),
  ...named(['PUSH', 'POP', 'PUSHA', 'POPA', 'PUSHF', 'PUSH_SREG'], onStack),
  LEAVE: leave,
  ENTER: enter,
  POPF: popFlags,
  POP_SREG: popSegment,
  MOV_SREG_RM: moveToSegment,
  ...named(Object.keys(POINTER_SEGMENTS), loadPointer),
  ...named(['LAR', 'LSL', 'VERR', 'VERW', 'LTR'], aboutSelector),
  LLDT: loadLocalTable,
  ...named(['LGDT', 'LIDT'], loadTable),
  MOV_TO_CR: writeControl,
  MOV_FROM_CR: readControl,
  ...named(['MOV_TO_DR', 'MOV_FROM_DR'], debugRegister),
  LMSW: loadStatusWord,
  ESC: coprocessor,
};
