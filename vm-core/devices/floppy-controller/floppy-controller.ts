/**
 * The Intel 82077AA floppy disk controller of the AT (data sheet 290166-007, PC-AT mode) with one drive whose disk is an
 * image. The drive has the times of a real one, steps, turns and data rate, but for a common factor.
 */
import type { BlockStore } from '../../machine/block-store.ts';
import type { Device, DeviceContext, Region, Timer } from '../device.ts';
import { resetState } from '../device-state.ts';
import * as code from './commands.ts';
import { DataTransfer, type FloppyDisk } from './data-transfer.ts';
import {
  codeOf,
  CONFIGURE_NO_FIFO,
  CONFIGURE_NO_POLLING,
  dataRates,
  digitalInput,
  DOR_DMA_GATE,
  DOR_NOT_RESET,
  DRIVE_COUNT,
  driveOf,
  DSR_RESET,
  floppyDescription,
  type FloppyState,
  mainStatus,
  POWER_ON_FLOPPY,
} from './floppy-state.ts';
import { mediumOf, SPEED_UP } from './media.ts';

/** Offsets of the registers from 3F0h on; those below DOR are not there in AT mode. */
const DOR = 2;
const TDR = 3;
const MSR_DSR = 4;
const FIFO = 5;

const FLOATING = 0xff;
/** What VERSION answers, and any invalid command. */
const ENHANCED = 0x90;
const INVALID = 0x80;
const ST0_ABNORMAL = 0x40;
const ST0_SEEK_END = 0x20;
const ST0_EQUIPMENT_CHECK = 0x10;
/** SENSE INTERRUPT STATUS after a reset: the drive's ready line has changed. */
const ST0_POLLED = 0xc0;
const ST3_READY_TWO_SIDES = 0x28;
const ST3_TRACK_0 = 0x10;
/** RECALIBRATE gives up after so many steps. */
const RECALIBRATE_STEPS = 79;
/** After a reset the drives are polled in this time. */
const POLL_MS = 1;
/** Milliseconds of a step at 500 kbit/s are this less the step rate. */
const STEP_RATE_BASE = 16;
const RELATIVE = 0x80;
const RELATIVE_INWARDS = 0x40;

/**
 * Makes the controller: regions `registers` (6 ports from 3F0h) and `change` (3F7h), line `irq`, DMA channel `data`.
 * Without a store there is no drive.
 */
export function createFloppyController(context: DeviceContext, store?: BlockStore): Device<FloppyState> {
  const controller = new FloppyController(context, store);
  return {
    description: floppyDescription,
    state: controller.state,
    ports: { registers: controller.registers, change: controller.change },
    reset: () => controller.reset(),
  };
}

class FloppyController {
  readonly state: FloppyState = { ...POWER_ON_FLOPPY };
  readonly registers: Region = {
    size: 6,
    width: 8,
    read: (offset) => this.#read(offset),
    write: (offset, _size, value) => this.#write(offset, value),
  };
  readonly change: Region = {
    size: 1,
    width: 8,
    read: () => digitalInput(this.state),
    write: (_offset, _size, value) => {
      this.state.rate = value & 3;
    },
  };
  readonly #context: DeviceContext;
  readonly #disk: FloppyDisk | undefined;
  readonly #transfer: DataTransfer;
  readonly #seekTimers: readonly Timer[];
  readonly #resetTimer: Timer;

  constructor(context: DeviceContext, store: BlockStore | undefined) {
    this.#context = context;
    this.#disk = store && { store, medium: mediumOf(store.size) };
    resetState(this.state, POWER_ON_FLOPPY);
    this.#transfer = new DataTransfer({
      state: this.state,
      context,
      diskIn: (drive) => this.#diskIn(drive),
      seek: (drive, cylinder) => this.#moveHead(drive, cylinder - driveOf(this.state, drive).cylinder, cylinder),
      finish: (result) => this.#finish(result),
      update: () => this.#update(),
    });
    this.#seekTimers = Array.from({ length: DRIVE_COUNT }, (_, drive) =>
      context.timer(`seek${drive}`, () => this.#seekDone(drive)),
    );
    this.#resetTimer = context.timer('reset', () => {
      this.state.senses = Array.from({ length: DRIVE_COUNT }, (_, drive) => ST0_POLLED | drive);
      this.state.interrupt = true;
      this.#update();
    });
  }

  reset(): void {
    this.#stop();
    resetState(this.state, POWER_ON_FLOPPY);
    this.#update();
  }

  #diskIn(drive: number): FloppyDisk | undefined {
    return drive === 0 ? this.#disk : undefined;
  }

  #update(): void {
    const { state } = this;
    const requests = state.interrupt || state.hostTurn;
    this.#context.setLine('irq', requests && (state.dor & DOR_DMA_GATE) !== 0);
  }

  #read(offset: number): number {
    switch (offset) {
      case DOR:
        return this.state.dor;
      case TDR:
        return 0xfc | this.state.tdr;
      case MSR_DSR:
        return mainStatus(this.state);
      case FIFO:
        return this.#readFifo();
      default:
        return FLOATING;
    }
  }

  #write(offset: number, value: number): void {
    const { state } = this;
    switch (offset) {
      case DOR:
        this.#writeDor(value);
        break;
      case TDR:
        state.tdr = value & 3;
        break;
      case MSR_DSR:
        state.dsr = value & ~DSR_RESET;
        state.rate = value & 3;
        if ((value & DSR_RESET) !== 0) {
          this.#softwareReset();
          this.#leaveReset();
        }
        break;
      case FIFO:
        this.#writeFifo(value);
        break;
      default:
        break;
    }
  }

  #writeDor(value: number): void {
    const { state } = this;
    const changed = state.dor ^ value;
    state.dor = value;
    if ((changed & DOR_NOT_RESET) !== 0) {
      if ((value & DOR_NOT_RESET) === 0) this.#softwareReset();
      else this.#leaveReset();
    }
    this.#transfer.wake();
    this.#update();
  }

  #stop(): void {
    this.#transfer.cancel();
    this.#resetTimer.cancel();
    for (const timer of this.#seekTimers) timer.cancel();
  }

  /** Commands and seeks end; what SPECIFY said stays, what CONFIGURE said if it is locked. */
  #softwareReset(): void {
    const { state } = this;
    this.#stop();
    Object.assign(state, { phase: 'command', command: [], result: [], senses: [], interrupt: false });
    Object.assign(state, { hostTurn: false, stalled: false });
    for (const drive of state.drives) Object.assign(drive, { cylinder: 0, seekStatus: -1 });
    state.perpendicular &= ~3;
    if (!state.locked) Object.assign(state, { configure: CONFIGURE_NO_FIFO, precompensationTrack: 0 });
    this.#update();
  }

  #leaveReset(): void {
    const isOut = (this.state.dor & DOR_NOT_RESET) !== 0;
    if (!isOut || (this.state.configure & CONFIGURE_NO_POLLING) !== 0) return;
    this.#resetTimer.arm(this.#context.now() + this.#ticks(POLL_MS));
  }

  #ticks(milliseconds: number): number {
    return Math.ceil((milliseconds * this.#context.ticksPerSecond) / 1000);
  }

  #readFifo(): number {
    const { state } = this;
    if (state.hostTurn && !code.commandsFromHost.has(codeOf(state))) {
      const byte = this.#transfer.takeByte();
      this.#update();
      return byte;
    }
    if (state.phase !== 'result') return FLOATING;
    const byte = state.result.shift() as number;
    state.interrupt = false;
    if (state.result.length === 0) this.#endCommand();
    this.#update();
    return byte;
  }

  #writeFifo(value: number): void {
    const { state } = this;
    if ((state.dor & DOR_NOT_RESET) === 0) return;
    if (state.hostTurn && code.commandsFromHost.has(codeOf(state))) {
      this.#transfer.giveByte(value);
      this.#update();
      return;
    }
    if (state.phase !== 'command') return;
    state.command.push(value);
    const length = code.commandLength(state.command[0] as number);
    if (length === undefined) this.#answer([INVALID]);
    else if (state.command.length === length) this.#execute();
  }

  #endCommand(): void {
    this.state.phase = 'command';
    this.state.command = [];
  }

  /** A result without an interrupt. */
  #answer(result: number[]): void {
    this.state.result = result;
    this.state.phase = 'result';
  }

  /** The end of a command that took its time. */
  #finish(result: number[]): void {
    this.state.hostTurn = false;
    this.#answer(result);
    this.state.interrupt = true;
    this.#update();
  }

  #execute(): void {
    const { state } = this;
    const [first = 0, second = 0, third = 0, fourth = 0] = state.command;
    switch (codeOf(state)) {
      case code.SPECIFY:
        state.specify = [second, third];
        break;
      case code.CONFIGURE:
        state.configure = third & 0x7f;
        state.precompensationTrack = fourth;
        break;
      case code.PERPENDICULAR_MODE:
        // The drives' bits change only where bit 7 says so.
        state.perpendicular = (second & 0x80) !== 0 ? second & 0x3f : (state.perpendicular & 0x3c) | (second & 3);
        break;
      case code.RECALIBRATE:
        this.#recalibrate(second & 3);
        break;
      case code.SEEK:
        this.#seek(second & 3, seekTarget(first, driveOf(state, second & 3).cylinder, third));
        break;
      default:
        this.#executeWithResult(first, second);
        return;
    }
    this.#endCommand();
  }

  #executeWithResult(first: number, second: number): void {
    const { state } = this;
    switch (codeOf(state)) {
      case code.SENSE_DRIVE_STATUS:
        this.#answer([this.#driveStatus(second)]);
        break;
      case code.SENSE_INTERRUPT_STATUS:
        this.#answer(this.#senseInterrupt());
        break;
      case code.VERSION:
        this.#answer([ENHANCED]);
        break;
      case code.LOCK:
        state.locked = (first & 0x80) !== 0;
        this.#answer([state.locked ? 0x10 : 0]);
        break;
      case code.DUMPREG: {
        const lock = state.locked ? 0x80 : 0;
        const cylinders = state.drives.map(({ cylinder }) => cylinder);
        const parameters = [...state.specify, state.endOfTrack, lock | state.perpendicular, state.configure];
        this.#answer([...cylinders, ...parameters, state.precompensationTrack]);
        break;
      }
      default:
        state.phase = 'execution';
        this.#transfer.start();
    }
  }

  /** The bits that do not change are those of a drive that is ready and takes both sides. */
  #driveStatus(select: number): number {
    const isAtTrack0 = this.#diskIn(select & 3) !== undefined && driveOf(this.state, select & 3).head === 0;
    return (select & 7) | ST3_READY_TWO_SIDES | (isAtTrack0 ? ST3_TRACK_0 : 0);
  }

  #senseInterrupt(): number[] {
    const { state } = this;
    state.interrupt = false;
    const status = state.senses.shift();
    this.#update();
    return status === undefined ? [INVALID] : [status, driveOf(state, status & 3).cylinder];
  }

  /** Moves the head by `steps`, inwards if positive, as far as it goes; gives the ticks it takes. */
  #moveHead(drive: number, steps: number, cylinder: number): number {
    const moved = driveOf(this.state, drive);
    moved.cylinder = cylinder;
    const disk = this.#diskIn(drive);
    if (disk !== undefined) {
      moved.head = Math.min(Math.max(moved.head + steps, 0), disk.medium.cylinders);
      if (steps !== 0) moved.changed = false;
    }
    const stepRate = STEP_RATE_BASE - ((this.state.specify[0] as number) >> 4);
    const stepMs = (stepRate * dataRates[0]) / (dataRates[this.state.rate] as number);
    return this.#ticks((Math.abs(steps) * stepMs) / SPEED_UP);
  }

  #recalibrate(drive: number): void {
    const { head } = driveOf(this.state, drive);
    const steps = this.#diskIn(drive) === undefined ? RECALIBRATE_STEPS : Math.min(head, RECALIBRATE_STEPS);
    const ticks = this.#moveHead(drive, -steps, 0);
    const reached = this.#diskIn(drive) !== undefined && driveOf(this.state, drive).head === 0;
    this.#startSeek(drive, ticks, reached ? 0 : ST0_ABNORMAL | ST0_EQUIPMENT_CHECK);
  }

  #seek(drive: number, cylinder: number): void {
    const ticks = this.#moveHead(drive, cylinder - driveOf(this.state, drive).cylinder, cylinder);
    this.#startSeek(drive, ticks, 0);
  }

  #startSeek(drive: number, ticks: number, status: number): void {
    driveOf(this.state, drive).seekStatus = status | ST0_SEEK_END | drive;
    // What the drives said after a reset is no news any more.
    this.state.senses = this.state.senses.filter((sense) => (sense & ST0_POLLED) !== ST0_POLLED);
    this.#seekTimers[drive]?.arm(this.#context.now() + Math.max(ticks, 1));
  }

  #seekDone(drive: number): void {
    const { state } = this;
    state.senses.push(driveOf(state, drive).seekStatus);
    driveOf(state, drive).seekStatus = -1;
    state.interrupt = true;
    this.#update();
  }
}

/** RELATIVE SEEK counts from where the head is; the controller's counter is a byte. */
function seekTarget(first: number, cylinder: number, parameter: number): number {
  if ((first & RELATIVE) === 0) return parameter;
  return (cylinder + ((first & RELATIVE_INWARDS) !== 0 ? parameter : -parameter)) & 0xff;
}
