/**
 * The National Semiconductor 16550A UART (data sheet PC16550D) behind a PC's serial port, with a terminal on the line
 * that is always there. A byte reaches the host when the guest writes it, so that nothing is lost when the run ends; the
 * status and the interrupts follow the time that the byte takes on the line.
 */
import type { Device, DeviceContext, Region, Timer } from '../device.ts';
import { resetState } from '../device-state.ts';
import {
  capacityOf,
  FCR_ENABLE,
  interruptIdentification,
  IER_THRE,
  isLoopback,
  isRequesting,
  IIR_THRE,
  LCR_BREAK,
  LCR_DLAB,
  LSR_BI,
  lineStatus,
  MCR_WRITABLE,
  modemLines,
  modemStatus,
  uartDescription,
  IER_WRITABLE,
  POWER_ON_UART,
  type UartState,
} from './uart-state.ts';

/** The host may be this far ahead of the guest, in bytes. */
const INCOMING_MAX = 0x10000;
const FCR_CLEAR_RECEIVER = 0x02;
const FCR_CLEAR_TRANSMITTER = 0x04;
const FCR_TRIGGER = 0xc0;
/** Marks a byte in the transmitter that was written in loopback mode. */
const LOOPBACK_MARK = 0x100;
/** Bits per second at divisor 1. */
const BAUD_RATE_MAX = 115_200;

/** Makes the port: region `registers` (8 ports), line `irq`, channel `serial` in both directions. */
export function createUart(context: DeviceContext): Device<UartState> {
  const uart = new Uart(context);
  return {
    description: uartDescription,
    state: uart.state,
    ports: { registers: uart.registers },
    channels: { serial: (bytes) => uart.hear(bytes) },
    reset: () => uart.reset(),
  };
}

class Uart {
  readonly state: UartState = { ...POWER_ON_UART };
  readonly registers: Region = {
    size: 8,
    width: 8,
    read: (offset) => this.#read(offset),
    write: (offset, _size, value) => this.#write(offset, value),
  };
  readonly #context: DeviceContext;
  readonly #transmitTimer: Timer;
  readonly #receiveTimer: Timer;
  readonly #timeoutTimer: Timer;

  constructor(context: DeviceContext) {
    this.#context = context;
    resetState(this.state, POWER_ON_UART);
    this.#transmitTimer = context.timer('transmit', () => this.#byteSent());
    this.#receiveTimer = context.timer('receive', () => this.#byteHeard());
    this.#timeoutTimer = context.timer('timeout', () => {
      this.state.timedOut = true;
      this.#update();
    });
  }

  /** Bytes from the host: they wait on the line until the receiver has room, as a sender with flow control does. */
  hear(bytes: Uint8Array): void {
    const room = INCOMING_MAX - this.state.incoming.length;
    if (bytes.length > room) this.#context.logOnce('serial input was dropped: the guest does not read its port');
    this.state.incoming.push(...bytes.subarray(0, room));
    this.#update();
  }

  reset(): void {
    resetState(this.state, POWER_ON_UART);
    for (const timer of [this.#transmitTimer, this.#receiveTimer, this.#timeoutTimer]) timer.cancel();
    this.#update();
  }

  /** Drives the interrupt line and starts what can go on. */
  #update(): void {
    const { state } = this;
    if (state.shifting < 0 && state.sending.length > 0) {
      state.shifting = state.sending.shift() as number;
      if (state.sending.length === 0) state.threPending = true;
      this.#transmitTimer.arm(this.#context.now() + this.#characterTicks());
    }
    const mayReceive = state.incoming.length > 0 && state.received.length < capacityOf(state) && !isLoopback(state);
    if (!mayReceive) this.#receiveTimer.cancel();
    else if (this.#receiveTimer.deadline === undefined) {
      this.#receiveTimer.arm(this.#context.now() + this.#characterTicks());
    }
    this.#context.setLine('irq', isRequesting(state));
  }

  /** How long one character is on the line with its start, parity and stop bits. */
  #characterTicks(): number {
    const { lcr, divisor } = this.state;
    const dataBits = 5 + (lcr & 3);
    const parityBits = (lcr & 8) !== 0 ? 1 : 0;
    const stopBits = (lcr & 4) === 0 ? 1 : dataBits === 5 ? 1.5 : 2;
    const halfBits = 2 * (1 + dataBits + parityBits + stopBits);
    return Math.ceil((halfBits * (divisor || 0x10000) * this.#context.ticksPerSecond) / (2 * BAUD_RATE_MAX));
  }

  #byteSent(): void {
    const { state } = this;
    const byte = state.shifting;
    state.shifting = -1;
    if ((byte & LOOPBACK_MARK) !== 0) this.#receive(byte & 0xff);
    this.#update();
  }

  #byteHeard(): void {
    const byte = this.state.incoming.shift();
    if (byte !== undefined) this.#receive(byte & this.#wordMask());
    this.#update();
  }

  #wordMask(): number {
    return (1 << (5 + (this.state.lcr & 3))) - 1;
  }

  /** A character with its LSR error bits (in bits 8–15) enters the receiver. */
  #receive(character: number): void {
    const { state } = this;
    if (state.received.length < capacityOf(state)) {
      state.received.push(character);
    } else {
      state.overrun = true;
      // Without FIFOs the new character replaces the old one; the FIFO keeps what it has.
      if ((state.fcr & FCR_ENABLE) === 0) state.received = [character];
    }
    this.#restartTimeout();
  }

  /** The FIFO reports characters below its trigger level when nothing happened for four character times. */
  #restartTimeout(): void {
    const { state } = this;
    state.timedOut = false;
    if ((state.fcr & FCR_ENABLE) === 0 || state.received.length === 0) this.#timeoutTimer.cancel();
    else this.#timeoutTimer.arm(this.#context.now() + 4 * this.#characterTicks());
  }

  #read(offset: number): number {
    const { state } = this;
    const latch = (state.lcr & LCR_DLAB) !== 0;
    switch (offset) {
      case 0:
        return latch ? state.divisor & 0xff : this.#readReceiver();
      case 1:
        return latch ? state.divisor >> 8 : state.ier;
      case 2:
        return this.#readIdentification();
      case 3:
        return state.lcr;
      case 4:
        return state.mcr;
      case 5:
        return this.#readLineStatus();
      case 6: {
        const status = modemStatus(state);
        state.modemChanges = 0;
        this.#update();
        return status;
      }
      default:
        return state.scratch;
    }
  }

  #readReceiver(): number {
    const { state } = this;
    const character = state.received.shift();
    if (character !== undefined) {
      state.lastRead = character & 0xff;
      this.#restartTimeout();
      this.#update();
    }
    return state.lastRead;
  }

  #readIdentification(): number {
    const identification = interruptIdentification(this.state);
    if ((identification & 0x0f) === IIR_THRE) {
      this.state.threPending = false;
      this.#update();
    }
    return identification;
  }

  #readLineStatus(): number {
    const { state } = this;
    const status = lineStatus(state);
    state.overrun = false;
    if (state.received.length > 0) state.received[0] = (state.received[0] as number) & 0xff;
    this.#update();
    return status;
  }

  #write(offset: number, value: number): void {
    const { state } = this;
    const latch = (state.lcr & LCR_DLAB) !== 0;
    if (latch && offset === 0) state.divisor = (state.divisor & 0xff00) | value;
    else if (latch && offset === 1) state.divisor = (state.divisor & 0x00ff) | (value << 8);
    else if (offset === 0) this.#writeTransmitter(value);
    else if (offset === 1) this.#writeInterruptEnable(value);
    else if (offset === 2) this.#writeFifoControl(value);
    else if (offset === 3) this.#writeLineControl(value);
    else if (offset === 4) this.#writeModemControl(value);
    else if (offset === 7) state.scratch = value;
    this.#update();
  }

  #writeTransmitter(byte: number): void {
    const { state } = this;
    const loopback = isLoopback(state);
    // The host gets whole bytes whatever the word length: a guest may print before it has programmed the port.
    if (!loopback) this.#context.output('serial', Uint8Array.of(byte));
    state.threPending = false;
    if (state.sending.length < capacityOf(state)) {
      state.sending.push(loopback ? (byte & this.#wordMask()) | LOOPBACK_MARK : byte);
      return;
    }
    this.#context.logOnce('a byte was written to a serial port that was not ready; a real port would have lost one');
  }

  #writeInterruptEnable(value: number): void {
    const { state } = this;
    const added = value & ~state.ier;
    state.ier = value & IER_WRITABLE;
    if ((added & IER_THRE) !== 0 && state.sending.length === 0) state.threPending = true;
  }

  #writeFifoControl(value: number): void {
    const { state } = this;
    const toggled = ((value ^ state.fcr) & FCR_ENABLE) !== 0;
    // Without bit 0 the other bits are not taken.
    const command = (value & FCR_ENABLE) !== 0 ? value : 0;
    state.fcr = command & (FCR_ENABLE | FCR_TRIGGER);
    if (toggled || (command & FCR_CLEAR_RECEIVER) !== 0) state.received = [];
    if (toggled || (command & FCR_CLEAR_TRANSMITTER) !== 0) {
      if (state.sending.length > 0) state.threPending = true;
      state.sending = [];
    }
    this.#restartTimeout();
  }

  #writeLineControl(value: number): void {
    const { state } = this;
    const breakStarts = (value & ~state.lcr & LCR_BREAK) !== 0;
    state.lcr = value;
    if (breakStarts && isLoopback(state)) this.#receive(LSR_BI << 8);
  }

  #writeModemControl(value: number): void {
    const { state } = this;
    const before = modemLines(state);
    state.mcr = value & MCR_WRITABLE;
    const after = modemLines(state);
    const changed = (before ^ after) >> 4;
    // The ring indicator reports its end only.
    const ringEnded = (before & ~after & 0x40) >> 4;
    state.modemChanges |= (changed & 0x0b) | ringEnded;
  }
}
