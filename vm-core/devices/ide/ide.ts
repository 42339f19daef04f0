/**
 * An ATA channel of the AT: the command and control blocks, the choice between two drives, and the interrupt (INCITS 361
 * ATA/ATAPI-6). Both drives see what is written; the selected one answers.
 */
import type { BlockStore } from '../../machine/block-store.ts';
import type { Device, DeviceContext, Region } from '../device.ts';
import { resetState } from '../device-state.ts';
import { createCdRom } from './cd-rom.ts';
import type { Drive, DriveSurroundings } from './drive.ts';
import { createHardDisk } from './hard-disk.ts';
import {
  CONTROL_HIGH_ORDER,
  CONTROL_NO_INTERRUPT,
  CONTROL_RESET,
  DIAGNOSTICS_PASSED,
  type DriveState,
  driveStateOf,
  ideDescription,
  type IdeState,
  POWER_ON_IDE,
  STATUS_BUSY,
} from './ide-state.ts';
import { POWER_ON_OCCURRED } from './packet-table.ts';

/** What hangs on the channel: device 0 and device 1. */
export type AttachedDrive = { readonly kind: 'hard-disk' | 'cd-rom'; readonly store: BlockStore } | undefined;

const DATA = 0;
const ERROR_FEATURES = 1;
const DEVICE = 6;
const STATUS_COMMAND = 7;
/** Command block registers that keep what they held before, by offset. */
const latched = ['features', 'count', 'low', 'mid', 'high'] as const;

const DEVICE_SELECT = 0x10;
const DEVICE_RESET = 0x08;
const EXECUTE_DEVICE_DIAGNOSTIC = 0x90;
/** Nobody drives the bus of a channel without drives. */
const FLOATING = 0xff;

/**
 * Makes a channel: regions `command` (8 ports, of which the first is 16 or 32 bits wide) and `control` (1 port), line
 * `irq`. A channel without drives reads as a floating bus.
 */
export function createIde(context: DeviceContext, attached: readonly [AttachedDrive, AttachedDrive]): Device<IdeState> {
  const channel = new IdeChannel(context, attached);
  return {
    description: ideDescription,
    state: channel.state,
    ports: { command: channel.command, control: channel.control },
    reset: () => channel.reset(),
  };
}

class IdeChannel {
  readonly state: IdeState = { ...POWER_ON_IDE };
  readonly command: Region = {
    size: 8,
    width: 32,
    read: (offset, size) => this.#read(offset, size),
    write: (offset, size, value) => this.#write(offset, size, value),
  };
  readonly control: Region = {
    size: 1,
    width: 8,
    read: () => this.#status(),
    write: (_offset, _size, value) => this.#writeControl(value),
  };
  readonly #context: DeviceContext;
  readonly #drives: readonly (Drive | undefined)[];

  constructor(context: DeviceContext, attached: readonly [AttachedDrive, AttachedDrive]) {
    this.#context = context;
    resetState(this.state, POWER_ON_IDE);
    this.#drives = attached.map((drive, index) => drive && makeDrive(drive, this.#surroundings(index)));
  }

  /** A reset replaces the objects of the state, so a drive asks for its part each time. */
  #surroundings(index: number): DriveSurroundings {
    const channel = this.state;
    return {
      context: this.#context,
      get state() {
        return driveStateOf(channel, index);
      },
      timer: (callback) => this.#context.timer(`drive${index}`, callback),
      update: () => this.#update(),
    };
  }

  reset(): void {
    for (const drive of this.#drives) drive?.stop();
    resetState(this.state, POWER_ON_IDE);
    this.#drives.forEach((drive, index) => {
      drive?.reset();
      driveStateOf(this.state, index).attention = POWER_ON_OCCURRED;
    });
    this.#update();
  }

  get #selected(): Drive | undefined {
    return this.#drives[this.state.selected];
  }

  /** The registers that answer: device 0's stand for those of a device 1 that is not there. */
  get #answering(): DriveState {
    return driveStateOf(this.state, this.#selected === undefined ? this.state.selected ^ 1 : this.state.selected);
  }

  get #isEmpty(): boolean {
    return this.#drives.every((drive) => drive === undefined);
  }

  #update(): void {
    const { control, selected } = this.state;
    const requests = this.#selected !== undefined && driveStateOf(this.state, selected).interrupt;
    this.#context.setLine('irq', requests && (control & CONTROL_NO_INTERRUPT) === 0);
  }

  #read(offset: number, size: 1 | 2 | 4): number {
    if (this.#isEmpty) return 2 ** (8 * size) - 1;
    if (offset === DATA) return this.#readData(size);
    let value = 0;
    for (let byte = 0; byte < size; byte += 1) value += this.#readRegister(offset + byte) * 2 ** (8 * byte);
    return value;
  }

  #readData(size: 1 | 2 | 4): number {
    const word = (): number => this.#selected?.readWord() ?? 0;
    const low = word();
    return size === 4 ? low + word() * 0x1_0000 : low;
  }

  #readRegister(offset: number): number {
    const drive = this.#answering;
    if (offset === STATUS_COMMAND) return this.#readStatus();
    if (offset === DEVICE) return drive.device | (this.state.selected * DEVICE_SELECT);
    const highOrder = (this.state.control & CONTROL_HIGH_ORDER) !== 0;
    if (offset === ERROR_FEATURES && !highOrder) return drive.error;
    const name = latched[offset - 1];
    if (name === undefined) return FLOATING;
    return highOrder ? (drive.previous[offset - 1] as number) : drive[name];
  }

  #status(): number {
    if (this.#isEmpty) return FLOATING;
    return this.#selected === undefined ? 0 : driveStateOf(this.state, this.state.selected).status;
  }

  /** Reading the status, other than the alternate one, answers the interrupt. */
  #readStatus(): number {
    if (this.#selected !== undefined) driveStateOf(this.state, this.state.selected).interrupt = false;
    this.#update();
    return this.#status();
  }

  #write(offset: number, size: 1 | 2 | 4, value: number): void {
    if (offset === DATA) {
      this.#selected?.writeWord(value & 0xffff);
      if (size === 4) this.#selected?.writeWord(value >>> 16);
      return;
    }
    for (let byte = 0; byte < size; byte += 1) this.#writeRegister(offset + byte, (value >>> (8 * byte)) & 0xff);
  }

  #writeRegister(offset: number, value: number): void {
    this.state.control &= ~CONTROL_HIGH_ORDER;
    if (offset === STATUS_COMMAND) {
      this.#writeCommand(value);
    } else if (offset === DEVICE) {
      this.state.selected = (value & DEVICE_SELECT) === 0 ? 0 : 1;
      this.#latch((drive) => {
        drive.device = value & ~DEVICE_SELECT;
      });
      this.#update();
    } else {
      const name = latched[offset - 1];
      if (name === undefined) return;
      this.#latch((drive) => {
        drive.previous[offset - 1] = drive[name];
        drive[name] = value;
      });
    }
  }

  /** Both drives take what is written to the command block, but for one that is busy. */
  #latch(change: (drive: DriveState) => void): void {
    for (const drive of this.state.drives) if ((drive.status & STATUS_BUSY) === 0) change(drive);
  }

  #writeCommand(command: number): void {
    if (command === EXECUTE_DEVICE_DIAGNOSTIC) {
      this.#diagnose();
      return;
    }
    const drive = driveStateOf(this.state, this.state.selected);
    const isBusy = (drive.status & STATUS_BUSY) !== 0;
    if (this.#selected === undefined || (isBusy && command !== DEVICE_RESET)) return;
    drive.interrupt = false;
    this.#selected.execute(command);
    this.#update();
  }

  /** Both drives test themselves and show their signatures; device 0 speaks for both. */
  #diagnose(): void {
    for (const drive of this.#drives) drive?.reset();
    this.state.selected = 0;
    for (const drive of this.state.drives) drive.device = 0;
    const first = driveStateOf(this.state, 0);
    first.error = DIAGNOSTICS_PASSED;
    first.interrupt = true;
    this.#update();
  }

  #writeControl(value: number): void {
    const { state } = this;
    const before = state.control;
    state.control = value & (CONTROL_HIGH_ORDER | CONTROL_RESET | CONTROL_NO_INTERRUPT);
    if ((value & CONTROL_RESET) !== 0) {
      this.#drives.forEach((drive, index) => {
        drive?.stop();
        driveStateOf(state, index).status = STATUS_BUSY;
      });
    } else if ((before & CONTROL_RESET) !== 0) {
      state.selected = 0;
      for (const drive of state.drives) Object.assign(drive, { device: 0, status: 0 });
      for (const drive of this.#drives) drive?.reset();
    }
    this.#update();
  }
}

function makeDrive({ kind, store }: NonNullable<AttachedDrive>, around: DriveSurroundings): Drive {
  return kind === 'hard-disk' ? createHardDisk(around, store) : createCdRom(around, store);
}
