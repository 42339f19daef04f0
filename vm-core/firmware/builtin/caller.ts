/**
 * The caller of a BIOS service: its registers under their manual's names, the FLAGS that IRET will give back to it, and
 * its memory. Nothing in here trusts what the guest left in registers, stack or tables.
 */
import type { CpuState } from '../../state/cpu-state.ts';
import { ATTRIBUTE_BIG } from '../../state/cpu-state.ts';
import { CF, ZF } from '../../state/lazy-flags.ts';
import { DS, ES, type SegmentIndex, SS, slot } from '../../state/layout.ts';
import type { FirmwareContext, FirmwareMemory } from '../firmware.ts';

/** Bytes from the stack pointer at the entry of an interrupt handler to the image of CS and of FLAGS. */
const FRAME_CS = 2;
const FRAME_FLAGS = 4;

export class Caller {
  readonly context: FirmwareContext;
  readonly state: CpuState;
  readonly memory: FirmwareMemory;

  constructor(context: FirmwareContext) {
    this.context = context;
    this.state = context.state;
    this.memory = context.memory;
  }

  get eax(): number {
    return this.state.read32(slot.EAX);
  }
  set eax(value: number) {
    this.state.write32(slot.EAX, value);
  }
  get ebx(): number {
    return this.state.read32(slot.EBX);
  }
  set ebx(value: number) {
    this.state.write32(slot.EBX, value);
  }
  get ecx(): number {
    return this.state.read32(slot.ECX);
  }
  set ecx(value: number) {
    this.state.write32(slot.ECX, value);
  }
  get edx(): number {
    return this.state.read32(slot.EDX);
  }
  set edx(value: number) {
    this.state.write32(slot.EDX, value);
  }

  get ax(): number {
    return this.state.read16(slot.EAX);
  }
  set ax(value: number) {
    this.state.write16(slot.EAX, value);
  }
  get bx(): number {
    return this.state.read16(slot.EBX);
  }
  set bx(value: number) {
    this.state.write16(slot.EBX, value);
  }
  get cx(): number {
    return this.state.read16(slot.ECX);
  }
  set cx(value: number) {
    this.state.write16(slot.ECX, value);
  }
  get dx(): number {
    return this.state.read16(slot.EDX);
  }
  set dx(value: number) {
    this.state.write16(slot.EDX, value);
  }
  get si(): number {
    return this.state.read16(slot.ESI);
  }
  set si(value: number) {
    this.state.write16(slot.ESI, value);
  }
  get di(): number {
    return this.state.read16(slot.EDI);
  }
  set di(value: number) {
    this.state.write16(slot.EDI, value);
  }
  get bp(): number {
    return this.state.read16(slot.EBP);
  }
  set bp(value: number) {
    this.state.write16(slot.EBP, value);
  }

  get al(): number {
    return this.state.read8(slot.EAX);
  }
  set al(value: number) {
    this.state.write8(slot.EAX, value);
  }
  get ah(): number {
    return this.state.read8(slot.EAX + 1);
  }
  set ah(value: number) {
    this.state.write8(slot.EAX + 1, value);
  }
  get bl(): number {
    return this.state.read8(slot.EBX);
  }
  set bl(value: number) {
    this.state.write8(slot.EBX, value);
  }
  get bh(): number {
    return this.state.read8(slot.EBX + 1);
  }
  set bh(value: number) {
    this.state.write8(slot.EBX + 1, value);
  }
  get cl(): number {
    return this.state.read8(slot.ECX);
  }
  set cl(value: number) {
    this.state.write8(slot.ECX, value);
  }
  get ch(): number {
    return this.state.read8(slot.ECX + 1);
  }
  set ch(value: number) {
    this.state.write8(slot.ECX + 1, value);
  }
  get dl(): number {
    return this.state.read8(slot.EDX);
  }
  set dl(value: number) {
    this.state.write8(slot.EDX, value);
  }
  get dh(): number {
    return this.state.read8(slot.EDX + 1);
  }
  set dh(value: number) {
    this.state.write8(slot.EDX + 1, value);
  }

  /** CF as the caller will see it. */
  set carry(value: boolean) {
    this.#setFlag(CF, value);
  }

  /** ZF as the caller will see it. */
  set zero(value: boolean) {
    this.#setFlag(ZF, value);
  }

  /** Physical address of `offset` in a segment; like a real-mode offset it is 16 bits. A buffer may run on from there. */
  address(segment: SegmentIndex, offset: number): number {
    return (this.state.segment(segment).base + (offset & 0xffff)) >>> 0;
  }

  es(offset: number): number {
    return this.address(ES, offset);
  }

  ds(offset: number): number {
    return this.address(DS, offset);
  }

  /** Loads ES as a real-mode MOV does. */
  setEs(selector: number): void {
    this.state.setSegment(ES, { ...this.state.segment(ES), selector, base: selector << 4 });
  }

  /** Selector and offset of the instruction behind the caller's INT. */
  get returnAddress(): { readonly cs: number; readonly ip: number } {
    return { cs: this.#readStack(FRAME_CS), ip: this.#readStack(0) };
  }

  #setFlag(mask: number, value: boolean): void {
    const flags = this.#readStack(FRAME_FLAGS);
    this.#writeStack(FRAME_FLAGS, value ? flags | mask : flags & ~mask);
  }

  #stackAddress(distance: number): number {
    const stack = this.state.segment(SS);
    const pointer = this.state.read32(slot.ESP) + distance;
    return (stack.base + ((stack.attributes & ATTRIBUTE_BIG) !== 0 ? pointer : pointer & 0xffff)) >>> 0;
  }

  #readStack(distance: number): number {
    const low = this.memory.read(this.#stackAddress(distance), 1);
    return low | (this.memory.read(this.#stackAddress(distance + 1), 1) << 8);
  }

  #writeStack(distance: number, value: number): void {
    this.memory.write(this.#stackAddress(distance), 1, value & 0xff);
    this.memory.write(this.#stackAddress(distance + 1), 1, (value >> 8) & 0xff);
  }
}
