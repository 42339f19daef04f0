/**
 * The local APIC of one processor (SDM vol. 3A chapter 11). Its registers stand in the register table, so that a debugger
 * sees and writes them; what interrupts there are to deliver is derived from them when they change, not when it is asked.
 *
 * Until software enables that of the bootstrap processor, the pins pass it by: INTR and NMI reach the processor as they do on
 * one without a local APIC, as a PC has to be at power-on (MultiProcessor Specification 1.4 §3.6.2).
 */
import type { CpuModelFacts } from '../../isa/cpu-model.ts';
import {
  DELIVER_EXTINT,
  DELIVER_FIXED,
  DELIVER_INIT,
  DELIVER_LOWEST,
  DELIVER_NMI,
  DELIVER_SMI,
  DELIVER_STARTUP,
  EVERYBODY,
  type InterruptBus,
  type InterruptMessage,
  type LocalApicPort,
} from '../../devices/interrupt-bus.ts';
import { LVT_LEVEL, LVT_MASKED, LVT_REMOTE_IRR, SVR_ENABLED } from '../../state/apic-table.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { apicSlot, slot } from '../../state/layout.ts';
import { APIC_BOOTSTRAP, APIC_ENABLED, APIC_X2 } from './apic-base.ts';
import { ApicTimer, type TimerMaker } from './apic-timer.ts';
import { VectorSet } from './vector-set.ts';

const ERROR_SEND_VECTOR = 1 << 5;
const ERROR_RECEIVE_VECTOR = 1 << 6;
/** Software accessed a register that is not there. */
export const ERROR_REGISTER: number = 1 << 7;

const CLASS = 0xf0;
/** Vectors below are the processor's. */
const VECTOR_MIN = 16;

const ICR_LOGICAL = 1 << 11;
const ICR_ASSERT = 1 << 14;
const ICR_LEVEL = 1 << 15;

const LVT_ENTRIES = [
  apicSlot.LVT_TIMER,
  apicSlot.LVT_THERMAL,
  apicSlot.LVT_PERF,
  apicSlot.LVT_LINT0,
  apicSlot.LVT_LINT1,
  apicSlot.LVT_ERROR,
] as const;

/** What the local APIC needs of the processor and what lies around it. */
export interface LocalApicSurroundings {
  readonly model: CpuModelFacts;
  readonly bus: InterruptBus;
  readonly timer: TimerMaker;
  now(): number;
  /** The level of the pin LINT0, which is INTR. */
  isInterruptPinHigh(): boolean;
  /** The INTA cycle on the pins. */
  acknowledgeAtPin(): number;
  /** There is something to be delivered. */
  wake(): void;
  log(message: string): void;
}

export class LocalApic implements LocalApicPort {
  readonly timer: ApicTimer;
  readonly isX2Capable: boolean;
  readonly hasDeadline: boolean;
  readonly #state: CpuState;
  readonly #around: LocalApicSurroundings;
  readonly #isPresent: boolean;
  /** Processors with architectural performance monitoring mask the entry when its interrupt is delivered, others not. */
  readonly #masksCounters: boolean;
  readonly #requested: VectorSet;
  readonly #inService: VectorSet;
  readonly #levels: VectorSet;
  /** Derived from the registers: the pins go straight to the processor; what of their own is to be delivered. */
  #isPassedBy = true;
  #takesExternal = false;
  #isDeliverable = false;

  constructor(state: CpuState, around: LocalApicSurroundings) {
    this.#state = state;
    this.#around = around;
    const { features } = around.model;
    this.#isPresent = features.has('APIC');
    this.isX2Capable = features.has('x2APIC');
    this.hasDeadline = features.has('TSC-Deadline');
    this.#masksCounters = features.has('PERFMON2');
    this.#requested = new VectorSet(state, apicSlot.IRR0);
    this.#inService = new VectorSet(state, apicSlot.ISR0);
    this.#levels = new VectorSet(state, apicSlot.TMR0);
    const now = (): number => around.now();
    this.timer = new ApicTimer(state, now, around.timer, () => this.#raiseEntry(apicSlot.LVT_TIMER));
    around.bus.connect(this);
  }

  /** IA32_APIC_BASE.EN: the registers can be reached and messages come in. */
  get isOn(): boolean {
    return this.#isPresent && (this.#state.read32(slot.APIC_BASE) & APIC_ENABLED) !== 0;
  }

  get isX2Mode(): boolean {
    const both = APIC_ENABLED | APIC_X2;
    return this.#isPresent && (this.#state.read32(slot.APIC_BASE) & both) === both;
  }

  /** True while a maskable interrupt waits for the processor. */
  interruptPending(): boolean {
    if (this.#isPassedBy) return this.#around.isInterruptPinHigh();
    return this.#isDeliverable || (this.#takesExternal && this.#around.isInterruptPinHigh());
  }

  /** The processor takes an interrupt: its vector. */
  acknowledge(): number {
    if (this.#isPassedBy) return this.#around.acknowledgeAtPin();
    const vector = this.#requested.highest();
    if (!this.#isDeliverable || vector < 0) {
      return this.#takesExternal && this.#around.isInterruptPinHigh()
        ? this.#around.acknowledgeAtPin()
        : this.#state.read32(apicSlot.SVR) & 0xff;
    }
    this.#requested.remove(vector);
    this.#inService.add(vector);
    this.derive();
    return vector;
  }

  /** Derives what depends on registers; called when somebody has written them. */
  derive(): void {
    const { isOn } = this;
    const isEnabled = isOn && this.#isEnabled;
    this.#isPassedBy = !isEnabled && this.#isBootstrap;
    this.#takesExternal = isEnabled && this.#takesExternalAt(apicSlot.LVT_LINT0);
    const priority = this.processorPriority;
    this.#state.write32(apicSlot.PPR, priority);
    const request = this.#requested.highest();
    this.#isDeliverable = isEnabled && request >= 0 && (request & CLASS) > (priority & CLASS);
    if (this.#isDeliverable) this.#around.wake();
  }

  /** Brings what is worked out on demand into the registers that a debugger shows. */
  note(): void {
    if (!this.#isPresent) return;
    this.#state.write32(apicSlot.TIMER_CURRENT, this.timer.count);
    this.#state.write32(apicSlot.APR, this.arbitrationPriority);
  }

  get processorPriority(): number {
    const task = this.#state.read32(apicSlot.TPR) & 0xff;
    const service = Math.max(this.#inService.highest(), 0) & CLASS;
    return (task & CLASS) >= service ? task : service;
  }

  get arbitrationPriority(): number {
    const task = this.#state.read32(apicSlot.TPR) & 0xff;
    const service = Math.max(this.#inService.highest(), 0) & CLASS;
    const request = Math.max(this.#requested.highest(), 0) & CLASS;
    return (task & CLASS) >= request && (task & CLASS) > service ? task : Math.max(task & CLASS, service, request);
  }

  get priority(): number {
    return this.processorPriority;
  }

  /** The task priority has been written, here or as CR8. */
  setTaskPriority(value: number): void {
    this.#state.write32(apicSlot.TPR, value & 0xff);
    this.#state.write32(slot.CR8, (value >>> 4) & 0xf);
    this.derive();
  }

  /** The interrupt of the highest priority has been handled. */
  endOfInterrupt(): void {
    const vector = this.#inService.highest();
    if (vector < 0) return;
    this.#inService.remove(vector);
    if (this.#levels.has(vector)) {
      this.#endOfLevel(vector);
      this.#around.bus.end(vector);
    }
    this.derive();
  }

  setSpurious(value: number): void {
    this.#state.write32(apicSlot.SVR, value);
    if ((value & SVR_ENABLED) === 0) for (const entry of LVT_ENTRIES) this.setEntry(entry, this.#state.read32(entry));
    this.derive();
  }

  /** A write of an LVT entry; while software has the local APIC off, all are masked. */
  setEntry(entry: number, value: number): void {
    const isOff = (this.#state.read32(apicSlot.SVR) & SVR_ENABLED) === 0;
    const taken = (isOff ? value | LVT_MASKED : value) >>> 0;
    if (entry === apicSlot.LVT_TIMER) this.timer.setEntry(taken);
    else this.#state.write32(entry, taken);
    if (entry === apicSlot.LVT_LINT0) this.#lookAtLevel();
    this.derive();
  }

  /** ESR shows the errors since it was written last. */
  latchErrors(): void {
    this.#state.write32(apicSlot.ESR, this.#state.read32(apicSlot.ERRORS));
    this.#state.write32(apicSlot.ERRORS, 0);
  }

  noteError(bit: number): void {
    const before = this.#state.read32(apicSlot.ERRORS);
    if ((before & bit) !== 0) return;
    this.#state.write32(apicSlot.ERRORS, before | bit);
    this.#raiseEntry(apicSlot.LVT_ERROR);
  }

  /** A write of the interrupt command register. */
  sendCommand(low: number, high: number): void {
    this.#state.write32(apicSlot.ICR, low);
    this.#state.write32(apicSlot.ICR + 4, high);
    const mode = (low >>> 8) & 7;
    const vector = low & 0xff;
    const hasVector = mode === DELIVER_FIXED || mode === DELIVER_LOWEST;
    // INIT level de-assert sets arbitration numbers, which there are none of.
    if (mode === DELIVER_INIT && (low & ICR_LEVEL) !== 0 && (low & ICR_ASSERT) === 0) return;
    if (hasVector && vector < VECTOR_MIN) {
      this.noteError(ERROR_SEND_VECTOR);
      return;
    }
    const message = { mode, vector, isLevel: false, isLogical: (low & ICR_LOGICAL) !== 0 };
    const { bus } = this.#around;
    const shorthand = (low >>> 18) & 3;
    if (shorthand === 0) bus.send({ ...message, destination: this.#destinationOf(high) });
    else if (shorthand === 1) this.receive({ ...message, destination: this.number });
    else {
      const others = shorthand === 3 ? this : undefined;
      bus.send({ ...message, destination: EVERYBODY, isLogical: false }, others);
    }
  }

  /** The number by which physical destinations address it. */
  get number(): number {
    const id = this.#state.read32(apicSlot.ID);
    return this.isX2Mode ? id : id >>> 24;
  }

  isAddressed({ destination, isLogical, mode }: InterruptMessage): boolean {
    if (!this.isOn || (mode === DELIVER_LOWEST && !this.#isEnabled)) return false;
    if (isLogical && !this.isX2Mode) return this.#isInSet(destination & 0xff);
    if (destination === EVERYBODY) return true;
    return isLogical ? this.#isInSet(destination) : destination === this.number;
  }

  /** The bootstrap processor does not wait for start-up messages. */
  get #isBootstrap(): boolean {
    return !this.#isPresent || (this.#state.read32(slot.APIC_BASE) & APIC_BOOTSTRAP) !== 0;
  }

  get #isEnabled(): boolean {
    return (this.#state.read32(apicSlot.SVR) & SVR_ENABLED) !== 0;
  }

  receive({ mode, vector, isLevel }: InterruptMessage): void {
    switch (mode) {
      case DELIVER_FIXED:
      case DELIVER_LOWEST:
        if (this.#isEnabled) this.#accept(vector, isLevel);
        return;
      case DELIVER_NMI:
        this.#raiseNmi();
        return;
      case DELIVER_INIT:
        this.#state.write8(slot.INIT_PENDING, 1);
        this.#around.wake();
        return;
      case DELIVER_SMI:
      case DELIVER_EXTINT:
        this.#around.log('a message for system management or an external interrupt controller reached the local APIC');
        return;
      case DELIVER_STARTUP:
        this.#startUp(vector);
        return;
      default:
        this.#around.log(`a message of the reserved kind ${mode} reached the local APIC`);
    }
  }

  /** The level of LINT0 (INTR) or LINT1 (NMI) has changed. */
  setPin(pin: 0 | 1, high: boolean): void {
    const before = this.#state.read8(apicSlot.PINS);
    const after = high ? before | (1 << pin) : before & ~(1 << pin);
    this.#state.write8(apicSlot.PINS, after);
    if (after === before) return;
    if (pin === 0) this.#around.wake();
    if (this.#isPassedBy) {
      if (pin === 1 && high) this.#raiseNmi();
      return;
    }
    const entry = pin === 0 ? apicSlot.LVT_LINT0 : apicSlot.LVT_LINT1;
    const lvt = this.#state.read32(entry);
    if ((lvt & LVT_LEVEL) !== 0 && pin === 0) this.#lookAtLevel();
    else if (high) this.#raiseEntry(entry);
  }

  /** A performance counter has overflowed that is to interrupt. */
  counterOverflowed(): void {
    this.#raiseEntry(apicSlot.LVT_PERF);
  }

  /** Raises the interrupt of an LVT entry, as its delivery mode says. */
  #raiseEntry(entry: number): void {
    const lvt = this.#state.read32(entry);
    if (!this.isOn || !this.#isEnabled || (lvt & LVT_MASKED) !== 0) return;
    if (entry === apicSlot.LVT_PERF && this.#masksCounters) this.#state.write32(entry, lvt | LVT_MASKED);
    const hasMode = entry !== apicSlot.LVT_TIMER && entry !== apicSlot.LVT_ERROR;
    const mode = hasMode ? (lvt >>> 8) & 7 : DELIVER_FIXED;
    // An external interrupt controller is asked by the pin, for as long as that is high.
    if (mode !== DELIVER_EXTINT)
      this.receive({ mode, vector: lvt & 0xff, isLevel: false, isLogical: false, destination: this.number });
  }

  /** LINT0 as a level: requested again after each end of interrupt while the pin is high. */
  #lookAtLevel(): void {
    const lvt = this.#state.read32(apicSlot.LVT_LINT0);
    const isFixed = ((lvt >>> 8) & 7) === DELIVER_FIXED;
    if (!isFixed || (lvt & (LVT_LEVEL | LVT_MASKED | LVT_REMOTE_IRR)) !== LVT_LEVEL) return;
    if ((this.#state.read8(apicSlot.PINS) & 1) === 0) return;
    this.#state.write32(apicSlot.LVT_LINT0, lvt | LVT_REMOTE_IRR);
    this.#accept(lvt & 0xff, true);
  }

  #endOfLevel(vector: number): void {
    const lvt = this.#state.read32(apicSlot.LVT_LINT0);
    if ((lvt & LVT_REMOTE_IRR) === 0 || (lvt & 0xff) !== vector) return;
    this.#state.write32(apicSlot.LVT_LINT0, lvt & ~LVT_REMOTE_IRR);
    this.#lookAtLevel();
  }

  #accept(vector: number, isLevel: boolean): void {
    if (vector < VECTOR_MIN) {
      this.noteError(ERROR_RECEIVE_VECTOR);
      return;
    }
    this.#requested.add(vector);
    if (isLevel) this.#levels.add(vector);
    else this.#levels.remove(vector);
    this.derive();
  }

  /** Taken by a processor that waits for it, or will when it has carried out its INIT; ignored by all others. */
  #startUp(vector: number): void {
    const isInit = this.#state.read8(slot.INIT_PENDING) !== 0 && !this.#isBootstrap;
    if (!isInit && this.#state.read8(slot.WAITS_FOR_STARTUP) === 0) return;
    this.#state.write32(slot.STARTUP_PENDING, 0x100 | vector);
    this.#around.wake();
  }

  #raiseNmi(): void {
    this.#state.write8(slot.NMI_PENDING, 1);
    this.#around.wake();
  }

  #takesExternalAt(entry: number): boolean {
    const lvt = this.#state.read32(entry);
    return (lvt & LVT_MASKED) === 0 && ((lvt >>> 8) & 7) === DELIVER_EXTINT;
  }

  #destinationOf(high: number): number {
    if (this.isX2Mode) return high;
    return high >>> 24 === 0xff ? EVERYBODY : high >>> 24;
  }

  /** Logical destinations: a set of at most eight in the flat model, of four in a cluster, in x2APIC mode of sixteen. */
  #isInSet(destination: number): boolean {
    const ldr = this.#state.read32(apicSlot.LDR);
    if (this.isX2Mode) return ldr >>> 16 === destination >>> 16 && (ldr & destination & 0xffff) !== 0;
    const own = ldr >>> 24;
    if (this.#state.read32(apicSlot.DFR) >>> 28 === 0xf) return (own & destination) !== 0;
    const isCluster = destination >>> 4 === own >>> 4 || destination >>> 4 === 0xf;
    return isCluster && (own & destination & 0xf) !== 0;
  }
}
