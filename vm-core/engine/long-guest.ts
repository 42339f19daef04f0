/**
 * A guest for tests of 64-bit mode: page tables of 4 or 5 levels that map the low 2 MiB to themselves, kernel and user
 * segments, a handler for each exception. Values are bigint, as addresses may need all their bits.
 */
import type { CpuModel } from '../isa/cpu-model.ts';
import { RAM_BASE } from '../memory/layout.ts';
import { CR0_PE, CR0_PG, CR4_LA57, CR4_PAE, EFER_LMA, EFER_LME, EFER_SCE } from '../state/control-bits.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { CS, DS, ES, SS, slot } from '../state/layout.ts';
import { findRegister, type Register } from '../state/register-table.ts';
import { type BareMachine, createBareMachine } from './bare-machine.ts';

const MEMORY_SIZE = 0x200000;
const GDT = 0x600;
const TASK = 0x900;
const IDT = 0x1000;
/** Where the first table is. */
export const LONG_ROOT = 0x100000;
const HANDLERS = 0x8000;
const HANDLER_SIZE = 64;
const VECTORS = 32;

export const STACK = 0x6000;
export const PROGRAM = 0x7000;
/** Rights of pages. */
export const P = 1;
export const W = 2;
export const U = 4;

const CODE = 0x08;
const DATA = 0x10;
/** 32-bit code, data and 64-bit code at level 3, in the order that SYSRET wants. */
const USER_CODE_32 = 0x1b;
const USER_DATA = 0x23;
const USER_CODE = 0x2b;
/** 32-bit code at level 0: compatibility mode. */
const CODE_32 = 0x40;
const DESCRIPTORS: readonly bigint[] = [
  0n,
  0x00af_9b00_0000_ffffn,
  0x00cf_9300_0000_ffffn,
  0x00cf_fb00_0000_ffffn,
  0x00cf_f300_0000_ffffn,
  0x00af_fb00_0000_ffffn,
  0x0000_8900_0000_0067n | (BigInt(TASK) << 16n),
  0n,
  0x00cf_9b00_0000_ffffn,
];

const flat = { base: 0, limit: 0xffff_ffff };

export class LongGuest {
  readonly machine: BareMachine;
  readonly state: CpuState;
  readonly view: DataView;
  readonly #levels: 4 | 5;
  #nextTable = LONG_ROOT;

  constructor(program: Uint8Array, model: CpuModel = 'max', levels: 4 | 5 = 4) {
    this.machine = createBareMachine(MEMORY_SIZE, undefined, model);
    this.state = this.machine.processor.state;
    this.view = new DataView(this.machine.map.view.buffer, RAM_BASE, MEMORY_SIZE);
    this.#levels = levels;
    this.put(PROGRAM, program);
    this.#writeTables();
    const root = this.#newTable();
    this.set('CR3', BigInt(root));
    for (let page = 0; page < MEMORY_SIZE; page += 0x1000) this.map(BigInt(page), page);
    this.#enterKernel();
  }

  put(physical: number, bytes: Uint8Array): void {
    bytes.forEach((byte, n) => {
      this.view.setUint8(physical + n, byte);
    });
  }

  read64(physical: number): bigint {
    return this.view.getBigUint64(physical, true);
  }

  write64(physical: number, value: bigint): void {
    this.view.setBigUint64(physical, value, true);
  }

  get(name: string): bigint {
    return this.state.readRegister(registerOf(name));
  }

  set(name: string, value: bigint): void {
    this.state.writeRegister(registerOf(name), value);
  }

  /** Maps the page of a linear address to a physical one, for every privilege. */
  map(linear: bigint, physical: number, rights: number = P | W | U): void {
    let table = Number(this.get('CR3'));
    for (let level = this.#levels; level > 1; level--) {
      const at = table + index(linear, level) * 8;
      if (this.read64(at) === 0n) this.write64(at, BigInt(this.#newTable() | P | W | U));
      table = Number(this.read64(at) & 0xf_ffff_f000n);
    }
    this.write64(table + index(linear, 1) * 8, BigInt(physical | rights));
  }

  /** Goes on at level 3, at the program; in compatibility mode if `bits` is 32. */
  enterUser(bits: 32 | 64 = 64): void {
    const { state } = this;
    const selector = bits === 64 ? USER_CODE : USER_CODE_32;
    state.write8(slot.CPL, 3);
    state.onDerivedChange(slot.CPL);
    state.setSegment(CS, { ...flat, selector, attributes: bits === 64 ? 0xafb : 0xcfb });
    for (const segment of [DS, ES, SS] as const) {
      state.setSegment(segment, { ...flat, selector: USER_DATA, attributes: 0xcf3 });
    }
    this.machine.processor.refresh();
  }

  /** Goes on in compatibility mode at level 0. */
  enterCompatibility(): void {
    this.state.setSegment(CS, { ...flat, selector: CODE_32, attributes: 0xc9b });
    this.machine.processor.refresh();
  }

  /** Runs until HLT and names the handler in which that is, or `program`. */
  runToHalt(instructionsMax = 10_000): string {
    this.state.write8(slot.HALTED, 0);
    const { reason } = this.machine.loop.run({ instructionsMax });
    if (reason !== 'halted') return reason;
    const at = this.state.eip - HANDLERS - 1;
    return at >= 0 && at < VECTORS * HANDLER_SIZE ? `vector ${Math.floor(at / HANDLER_SIZE)}` : 'program';
  }

  /** The words on top of the stack, which lies in the low 2 MiB. */
  stack(count: number): readonly bigint[] {
    const top = Number(this.get('RSP'));
    return Array.from({ length: count }, (_, n) => this.read64(top + n * 8));
  }

  #newTable(): number {
    const table = this.#nextTable;
    this.#nextTable += 0x1000;
    return table;
  }

  #writeTables(): void {
    DESCRIPTORS.forEach((descriptor, n) => {
      this.write64(GDT + n * 8, descriptor);
    });
    this.write64(TASK + 4, BigInt(STACK));
    for (let vector = 0; vector < VECTORS; vector++) {
      const offset = HANDLERS + vector * HANDLER_SIZE;
      this.write64(IDT + vector * 16, BigInt(offset & 0xffff) | (BigInt(CODE) << 16n) | (0xee00n << 32n));
      this.view.setUint8(offset, 0xf4);
    }
  }

  #enterKernel(): void {
    const { state } = this;
    this.set('GDTR.base', BigInt(GDT));
    this.set('GDTR.limit', BigInt(DESCRIPTORS.length * 8 - 1));
    this.set('IDTR.base', BigInt(IDT));
    this.set('IDTR.limit', BigInt(VECTORS * 16 - 1));
    state.setSegmentAt(slot.TR, { selector: 0x30, base: TASK, limit: 0x67, attributes: 0x8b });
    this.set('CR4', BigInt(CR4_PAE | (this.#levels === 5 ? CR4_LA57 : 0)));
    this.set('EFER', BigInt(EFER_LME | EFER_LMA | EFER_SCE));
    this.set('CR0', BigInt((CR0_PE | CR0_PG) >>> 0));
    state.setSegment(CS, { ...flat, selector: CODE, attributes: 0xa9b });
    for (const segment of [DS, ES, SS] as const) {
      state.setSegment(segment, { ...flat, selector: DATA, attributes: 0xc93 });
    }
    this.set('RIP', BigInt(PROGRAM));
    this.set('RSP', BigInt(STACK));
    this.machine.processor.refresh();
  }
}

function index(linear: bigint, level: number): number {
  return Number((linear >> BigInt(12 + (level - 1) * 9)) & 0x1ffn);
}

function registerOf(name: string): Register {
  const register = findRegister(name);
  if (!register) throw new Error(`no register ${name}`);
  return register;
}
