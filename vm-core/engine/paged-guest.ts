/**
 * A guest for tests of paging: flat 32-bit protected mode, kernel and user segments, a handler for each exception, page
 * tables that map the low 2 MiB to themselves. Paging is off until the test or the guest turns it on.
 */
import type { PortSpace } from '../cpu/cpu.ts';
import type { CpuModel } from '../isa/cpu-model.ts';
import type { RunOutcome } from '../machine/machine.ts';
import { RAM_BASE } from '../memory/layout.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { CS, DS, ES, SS, slot } from '../state/layout.ts';
import { type BareMachine, createBareMachine } from './bare-machine.ts';

const MEMORY_SIZE = 0x200000;
const GDT = 0x600;
const IDT = 0x1000;
const TASK = 0x900;
export const DIRECTORY = 0x2000;
export const TABLE = 0x3000;
export const STACK = 0x6000;
export const PROGRAM = 0x7000;
/** The handler of vector n is at `HANDLERS + n * 64`: HLT unless a test puts something else there. */
export const HANDLERS = 0x8000;
const HANDLER_SIZE = 64;

export const P = 1;
export const W = 2;
export const U = 4;
export const A = 0x20;
export const D = 0x40;
export const LARGE = 0x80;

const CODE = 0x08;
const DATA = 0x10;
const USER_CODE = 0x1b;
const USER_DATA = 0x23;
const TASK_SELECTOR = 0x28;

const VECTORS_WITH_HANDLER = 32;

export class PagedGuest {
  readonly machine: BareMachine;
  readonly state: CpuState;
  readonly view: DataView;

  constructor(program: string, model: CpuModel = '486', ports?: PortSpace) {
    this.machine = createBareMachine(MEMORY_SIZE, ports, model);
    this.state = this.machine.processor.state;
    this.view = new DataView(this.machine.map.view.buffer, RAM_BASE, MEMORY_SIZE);
    this.#writeTables();
    this.poke(PROGRAM, program);
    this.#enterKernel();
  }

  /** Writes bytes in hexadecimal; what stands in brackets is a remark. */
  poke(address: number, text: string): void {
    const digits = text.replace(/\[(?:[^[\]]|\[[^\]]*\])*\]/g, '').match(/[0-9a-f]{2}/gi) ?? [];
    digits.forEach((byte, index) => {
      this.view.setUint8(address + index, Number.parseInt(byte, 16));
    });
  }

  handler(vector: number, text: string): void {
    this.poke(HANDLERS + vector * HANDLER_SIZE, text);
  }

  /** Writes the entry of the page table for the low 4 MiB. */
  map(linearAddress: number, entry: number): void {
    this.write32(TABLE + (linearAddress >>> 12) * 4, entry);
  }

  entry(linearAddress: number): number {
    return this.read32(TABLE + (linearAddress >>> 12) * 4);
  }

  read32(physicalAddress: number): number {
    return this.view.getUint32(physicalAddress, true);
  }

  write32(physicalAddress: number, value: number): void {
    this.view.setUint32(physicalAddress, value, true);
  }

  register(name: keyof typeof slot): number {
    return this.state.read32(slot[name]);
  }

  set(name: keyof typeof slot, value: number): void {
    this.state.write32(slot[name], value);
    this.state.onDerivedChange(slot[name]);
  }

  /** Turns paging on, with further bits of CR0. */
  enablePaging(bits = 0): void {
    this.set('CR3', DIRECTORY);
    this.set('CR0', 0x8000_0001 | bits);
    this.machine.processor.refresh();
  }

  /** Continues at privilege level 3, at the program. */
  enterUser(): void {
    const { state } = this;
    state.write8(slot.CPL, 3);
    state.onDerivedChange(slot.CPL);
    state.setSegment(CS, { selector: USER_CODE, base: 0, limit: 0xffff_ffff, attributes: 0xcfb });
    for (const index of [DS, ES, SS] as const) {
      state.setSegment(index, { selector: USER_DATA, base: 0, limit: 0xffff_ffff, attributes: 0xcf3 });
    }
    this.machine.processor.refresh();
  }

  run(instructionsMax = 10_000): RunOutcome {
    return this.machine.loop.run({ instructionsMax });
  }

  /** Runs until HLT and names the handler in which that is, or `program`. */
  runToHalt(): string {
    this.state.write8(slot.HALTED, 0);
    const result = this.run();
    if (result.reason !== 'halted') return result.reason;
    const at = this.state.eip - HANDLERS - 1;
    const isHandler = at >= 0 && at < VECTORS_WITH_HANDLER * HANDLER_SIZE;
    return isHandler ? `vector ${Math.floor(at / HANDLER_SIZE)}` : 'program';
  }

  /** What the handler that was entered found on its stack: error code, EIP. */
  frame(): readonly number[] {
    const top = this.register('ESP');
    return [this.read32(top), this.read32(top + 4)];
  }

  #writeTables(): void {
    this.poke(
      GDT + 8,
      `ff ff 00 00 00 9b cf 00  ff ff 00 00 00 93 cf 00  ff ff 00 00 00 fb cf 00  ff ff 00 00 00 f3 cf 00
       67 00 00 09 00 89 00 00`,
    );
    this.write32(TASK + 4, STACK);
    this.write32(TASK + 8, DATA);
    for (let vector = 0; vector < VECTORS_WITH_HANDLER; vector++) {
      const offset = HANDLERS + vector * HANDLER_SIZE;
      this.write32(IDT + vector * 8, (CODE << 16) | (offset & 0xffff));
      this.write32(IDT + vector * 8 + 4, (offset & 0xffff_0000) | 0xee00);
      this.poke(offset, 'f4');
    }
    this.write32(DIRECTORY, TABLE | P | W | U);
    for (let at = 0; at < MEMORY_SIZE; at += 0x1000) this.map(at, at | P | W);
  }

  #enterKernel(): void {
    const { state } = this;
    state.write32(slot.GDTR_BASE, GDT);
    state.write16(slot.GDTR_LIMIT, 0x2f);
    state.write32(slot.IDTR_BASE, IDT);
    state.write16(slot.IDTR_LIMIT, VECTORS_WITH_HANDLER * 8 - 1);
    state.setSegmentAt(slot.TR, { selector: TASK_SELECTOR, base: TASK, limit: 0x67, attributes: 0x8b });
    this.set('CR0', 1);
    state.setSegment(CS, { selector: CODE, base: 0, limit: 0xffff_ffff, attributes: 0xc9b });
    for (const index of [DS, ES, SS] as const) {
      state.setSegment(index, { selector: DATA, base: 0, limit: 0xffff_ffff, attributes: 0xc93 });
    }
    state.eip = PROGRAM;
    state.write32(slot.ESP, STACK);
    this.machine.processor.refresh();
  }
}
