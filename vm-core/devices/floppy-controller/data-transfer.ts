/**
 * The 82077AA's commands that meet the surface of a disk (Intel data sheet 290166-007, "Data transfer commands"). They
 * take the time that a turning disk needs. The controller's FIFO holds a whole sector here, so that a host without DMA
 * that is slow loses turns of the disk but no data.
 */
import type { BlockStore } from '../../machine/block-store.ts';
import type { DeviceContext, DmaChannel, Timer } from '../device.ts';
import * as code from './commands.ts';
import { codeOf, CONFIGURE_IMPLIED_SEEK, driveOf, type FloppyState, isMotorOn, usesDma } from './floppy-state.ts';
import { type FloppyMedium, type Rotation, rotationOf, SECTOR_SIZE, SECTOR_SIZE_CODE } from './media.ts';
import { advanceSector, locateSector, ST1_NO_DATA } from './sector-search.ts';

/** A disk in its drive. */
export interface FloppyDisk {
  readonly store: BlockStore;
  readonly medium: FloppyMedium;
}

/** What a transfer needs of its controller. */
export interface TransferSurroundings {
  readonly state: FloppyState;
  readonly context: DeviceContext;
  diskIn(drive: number): FloppyDisk | undefined;
  /** Moves the head for an implied seek; gives the ticks it takes. */
  seek(drive: number, cylinder: number): number;
  /** Ends the command with these bytes for the host. */
  finish(result: number[]): void;
  /** Drives the interrupt line. */
  update(): void;
}

const ST0_ABNORMAL = 0x40;
const ST1_END_OF_CYLINDER = 0x80;
const ST1_OVERRUN = 0x10;
const ST2_CONTROL_MARK = 0x40;
const ST2_SCAN_EQUAL = 0x08;
const ST2_SCAN_FAILED = 0x04;

/** The controller gives up when the index hole has passed so often. */
const TURNS_MAX = 2;
const IDENTIFICATION_SIZE = 4;
/** In a scan a byte of the host's that matches any. */
const ANY = 0xff;
const VERIFY_COUNTS = 0x80;

export class DataTransfer {
  readonly #around: TransferSurroundings;
  readonly #state: FloppyState;
  readonly #dma: DmaChannel;
  readonly #timer: Timer;

  constructor(around: TransferSurroundings) {
    this.#around = around;
    this.#state = around.state;
    this.#dma = around.context.dmaChannel('data');
    this.#timer = around.context.timer('transfer', () => this.#reach());
  }

  /** The command's bytes are complete. */
  start(): void {
    const state = this.#state;
    const [, select = 0, c = 0, h = 0, r = 0, , endOfTrack = 0, , last = 0] = state.command;
    Object.assign(state, { head: (select >> 2) & 1, st1: 0, st2: 0, place: 0, position: 0, ended: false });
    let ready = this.#around.context.now();
    if (codeOf(state) !== code.READ_ID && codeOf(state) !== code.FORMAT_TRACK) {
      Object.assign(state, { c, h, r, endOfTrack, left: last || 0x100 });
      if ((state.configure & CONFIGURE_IMPLIED_SEEK) !== 0) ready += this.#around.seek(this.#drive, c);
    }
    this.#next(ready);
  }

  /** A motor was switched. */
  wake(): void {
    if (this.#state.stalled && this.#disk !== undefined) this.#search(this.#around.context.now());
  }

  cancel(): void {
    this.#timer.cancel();
  }

  /** The host reads a byte of the sector. */
  takeByte(): number {
    const state = this.#state;
    const byte = state.buffer[state.position] as number;
    state.position += 1;
    if (state.position === state.length) {
      state.hostTurn = false;
      this.#sectorDone(false);
    }
    return byte;
  }

  /** The host writes a byte for the sector. */
  giveByte(byte: number): void {
    const state = this.#state;
    state.buffer[state.position] = byte;
    state.position += 1;
    if (state.position < state.length) return;
    state.hostTurn = false;
    this.#search(this.#around.context.now());
  }

  get #drive(): number {
    return (this.#state.command[1] ?? 0) & 3;
  }

  /** The disk that turns under the head. */
  get #disk(): FloppyDisk | undefined {
    return isMotorOn(this.#state, this.#drive) ? this.#around.diskIn(this.#drive) : undefined;
  }

  #rotation({ medium }: FloppyDisk): Rotation {
    return rotationOf(medium, this.#around.context.ticksPerSecond);
  }

  /** Goes on with the sector that the state says. */
  #next(ready: number): void {
    const state = this.#state;
    const command = codeOf(state);
    state.length = command === code.FORMAT_TRACK ? (state.command[3] ?? 0) * IDENTIFICATION_SIZE : SECTOR_SIZE;
    state.position = 0;
    if (!code.commandsFromHost.has(command) || usesDma(state) || state.length === 0) {
      this.#search(ready);
      return;
    }
    state.hostTurn = true;
    this.#around.update();
  }

  /** Waits for the place on the disk; a disk that does not turn is waited for, too. */
  #search(from: number): void {
    const state = this.#state;
    const disk = this.#disk;
    state.stalled = disk === undefined;
    if (disk === undefined) {
      this.#timer.cancel();
      return;
    }
    const rotation = this.#rotation(disk);
    const missing = locateSector(state, this.#drive, disk.medium, rotation, from);
    if (missing) this.#timer.arm(from + TURNS_MAX * rotation.ticksPerTurn);
    else if (codeOf(state) === code.FORMAT_TRACK) this.#timer.arm(rotation.nextIndex(from) + rotation.ticksPerTurn);
    else this.#timer.arm(rotation.endOfSector(from, state.place));
  }

  /** The disk has turned far enough. Returns what it waits for if the image's bytes are not there yet. */
  #reach(): Promise<void> | undefined {
    const state = this.#state;
    const disk = this.#disk;
    if (disk === undefined) {
      state.stalled = true;
      return undefined;
    }
    const now = this.#around.context.now();
    const place = state.place;
    const missing = locateSector(state, this.#drive, disk.medium, this.#rotation(disk), now);
    if (missing) {
      this.#fail(missing.st1, missing.st2);
      return undefined;
    }
    // READ ID gives what has passed, not what comes next.
    state.place = place;
    return this.#meet(disk);
  }

  #meet(disk: FloppyDisk): Promise<void> | undefined {
    const state = this.#state;
    const command = codeOf(state);
    switch (command) {
      case code.READ_ID:
        state.c = driveOf(state, this.#drive).head;
        state.h = state.head;
        state.r = state.place + 1;
        this.#finish(0);
        return undefined;
      case code.FORMAT_TRACK:
        return this.#formatTrack(disk);
      case code.VERIFY:
        this.#sectorDone(false);
        return undefined;
      case code.WRITE_DATA:
      case code.WRITE_DELETED_DATA:
        return this.#writeSector(disk);
      default:
        return code.scans.has(command) ? this.#scanSector(disk) : this.#readSector(disk);
    }
  }

  #offsetOf({ medium }: FloppyDisk, place: number): number {
    const track = driveOf(this.#state, this.#drive).head;
    return ((track * medium.heads + this.#state.head) * medium.sectors + place) * SECTOR_SIZE;
  }

  #readImage(disk: FloppyDisk, target: Uint8Array): Promise<void> | undefined {
    const { place } = this.#state;
    if (this.#isInImage(disk, place)) return disk.store.read(this.#offsetOf(disk, place), target);
    target.fill(0);
    return undefined;
  }

  #readSector(disk: FloppyDisk): Promise<void> | undefined {
    const state = this.#state;
    const sector = state.buffer.subarray(0, SECTOR_SIZE);
    const wait = this.#readImage(disk, sector);
    if (wait) return wait;
    const skips = ((state.command[0] ?? 0) & code.OPTION_SKIP) !== 0;
    if (codeOf(state) === code.READ_DELETED_DATA && skips) {
      state.st2 |= ST2_CONTROL_MARK;
      this.#sectorDone(false);
    } else if (usesDma(state)) {
      const { count, terminalCount } = this.#dma.send(sector);
      if (count < SECTOR_SIZE && !terminalCount) this.#fail(ST1_OVERRUN);
      else this.#sectorDone(terminalCount);
    } else {
      state.position = 0;
      state.hostTurn = true;
      this.#around.update();
    }
    return undefined;
  }

  /** With DMA, fetches the host's bytes, once; false if there were none in time. Short sectors end with zeros. */
  #fetch(): boolean {
    const state = this.#state;
    if (state.position === state.length) return true;
    const target = state.buffer.subarray(0, state.length);
    target.fill(0);
    const { count, terminalCount } = this.#dma.receive(target);
    if (count < state.length && !terminalCount) {
      this.#fail(ST1_OVERRUN);
      return false;
    }
    state.ended = terminalCount;
    state.position = state.length;
    return true;
  }

  #writeSector(disk: FloppyDisk): Promise<void> | undefined {
    const state = this.#state;
    if (!this.#fetch()) return undefined;
    if (codeOf(state) === code.WRITE_DELETED_DATA) {
      this.#around.context.logOnce('the mark of deleted data is not kept: images have no place for it');
    }
    if (!this.#isInImage(disk, state.place)) {
      this.#fail(ST1_NO_DATA);
      return undefined;
    }
    const wait = disk.store.write(this.#offsetOf(disk, state.place), state.buffer.subarray(0, SECTOR_SIZE));
    if (wait) return wait;
    this.#sectorDone(state.ended);
    return undefined;
  }

  /** An image may be shorter than its format: what is not there reads as empty and cannot be written. */
  #isInImage(disk: FloppyDisk, place: number): boolean {
    return this.#offsetOf(disk, place) + SECTOR_SIZE <= disk.store.size;
  }

  #scanSector(disk: FloppyDisk): Promise<void> | undefined {
    const state = this.#state;
    const onDisk = new Uint8Array(SECTOR_SIZE);
    const wait = this.#readImage(disk, onDisk);
    if (wait) return wait;
    if (!this.#fetch()) return undefined;
    const equal = onDisk.every((byte, index) => [byte, ANY].includes(state.buffer[index] as number));
    const command = codeOf(state);
    const fits = onDisk.every((byte, index) => {
      const wanted = state.buffer[index] as number;
      if (wanted === ANY || wanted === byte) return true;
      return command !== code.SCAN_EQUAL && byte < wanted === (command === code.SCAN_LOW_OR_EQUAL);
    });
    if (fits) {
      state.st2 = (state.st2 & ~ST2_SCAN_FAILED) | (equal ? ST2_SCAN_EQUAL : 0);
      this.#finish(0);
    } else {
      state.st2 |= ST2_SCAN_FAILED;
      this.#sectorDone(state.ended);
    }
    return undefined;
  }

  /** Fills the sectors whose identifications belong on the track; an image has no place for others. */
  #formatTrack(disk: FloppyDisk): Promise<void> | undefined {
    const state = this.#state;
    if (!this.#fetch()) return undefined;
    const filler = new Uint8Array(SECTOR_SIZE).fill(state.command[5] ?? 0);
    const track = driveOf(state, this.#drive).head;
    for (let at = 0; at < state.length; at += IDENTIFICATION_SIZE) {
      const [c, h, r = 0, n] = state.buffer.subarray(at, at + IDENTIFICATION_SIZE);
      const fits = c === track && h === state.head && r >= 1 && r <= disk.medium.sectors && n === SECTOR_SIZE_CODE;
      if (fits && this.#isInImage(disk, r - 1)) {
        const wait = disk.store.write(this.#offsetOf(disk, r - 1), filler);
        if (wait) return wait;
      } else {
        this.#around.context.logOnce(`a format that ${disk.store.name} cannot hold was not kept`);
      }
    }
    this.#finish(0);
    return undefined;
  }

  /** A sector is done; `terminal` says that it was the last one that the host wants. */
  #sectorDone(terminal: boolean): void {
    const state = this.#state;
    const command = codeOf(state);
    const [first = 0, select = 0] = state.command;
    if (command === code.READ_DELETED_DATA && (first & code.OPTION_SKIP) === 0) {
      state.st2 |= ST2_CONTROL_MARK;
      this.#finish(0);
      return;
    }
    const counts = command === code.VERIFY && (select & VERIFY_COUNTS) !== 0;
    state.left -= 1;
    const isLast = advanceSector(state);
    if (terminal || (counts && state.left === 0)) this.#finish(0);
    else if (!isLast) this.#next(this.#around.context.now());
    else if (command === code.VERIFY || command === code.READ_TRACK || code.scans.has(command)) this.#finish(0);
    else this.#fail(ST1_END_OF_CYLINDER);
  }

  #fail(st1: number, st2 = 0): void {
    this.#state.st1 |= st1;
    this.#state.st2 |= st2;
    this.#finish(ST0_ABNORMAL);
  }

  #finish(interruptCode: number): void {
    const { head, st1, st2, c, h, r, command } = this.#state;
    this.#timer.cancel();
    const n = [code.READ_ID, code.FORMAT_TRACK].includes(codeOf(this.#state)) ? SECTOR_SIZE_CODE : (command[5] ?? 0);
    this.#around.finish([interruptCode | (head << 2) | this.#drive, st1, st2, c, h, r, n]);
  }
}
