/**
 * A hard disk on an ATA channel, by programmed input and output (INCITS 361 ATA/ATAPI-6, "Command descriptions"). Its
 * image is the medium; it is as fast as a drive whose cache has the data.
 */
import type { BlockStore } from '../../machine/block-store.ts';
import { DataPort, type Drive, type DriveSurroundings } from './drive.ts';
import {
  DEVICE_LBA,
  DIAGNOSTICS_PASSED,
  type DriveState,
  ERROR_ABORTED,
  ERROR_ID_NOT_FOUND,
  MULTIPLE_MAX,
  STATUS_READY,
  STATUS_SEEK_COMPLETE,
} from './ide-state.ts';
import { defaultGeometry, identifyDisk, SECTOR_SIZE } from './identify.ts';

/** Microseconds until the first block of a command, until the next one, and for what moves nothing. */
const ACCESS_TIME = 100;
const BLOCK_TIME = 20;
const COMMAND_TIME = 10;

const READ_BUFFER = 0xe4;
const WRITE_BUFFER = 0xe8;
const IDENTIFY_DEVICE = 0xec;
const ACTIVE = 0xff;

/** How a command moves sectors. */
interface Transfer {
  readonly kind: 'read' | 'write' | 'verify';
  readonly multiple?: boolean;
  /** 48-bit addresses. */
  readonly extended?: boolean;
}

const transfers: ReadonlyMap<number, Transfer> = new Map<number, Transfer>([
  [0x20, { kind: 'read' }],
  [0x21, { kind: 'read' }],
  [0x24, { kind: 'read', extended: true }],
  [0x29, { kind: 'read', multiple: true, extended: true }],
  [0x30, { kind: 'write' }],
  [0x31, { kind: 'write' }],
  [0x34, { kind: 'write', extended: true }],
  [0x39, { kind: 'write', multiple: true, extended: true }],
  [0x40, { kind: 'verify' }],
  [0x41, { kind: 'verify' }],
  [0x42, { kind: 'verify', extended: true }],
  [0xc4, { kind: 'read', multiple: true }],
  [0xc5, { kind: 'write', multiple: true }],
]);

/** Settings of SET FEATURES that change nothing one could see: caches, power-on defaults. */
const FEATURE_TRANSFER_MODE = 0x03;
const features: ReadonlySet<number> = new Set([0x02, 0x55, 0x66, 0x82, 0xaa, 0xcc]);
/** Transfer modes below this one are PIO. */
const TRANSFER_MODE_DMA = 0x10;

type Command = (disk: HardDisk) => void;

const withoutEffect: Command = (disk) => disk.succeed();

/** Commands that move no sectors, by code. */
const commands: ReadonlyMap<number, Command> = new Map<number, Command>([
  ...Array.from({ length: 16 }, (_, low): [number, Command] => [0x10 | low, withoutEffect]), // RECALIBRATE
  ...Array.from({ length: 16 }, (_, low): [number, Command] => [0x70 | low, (disk) => disk.seek()]),
  [0x91, (disk) => disk.initializeParameters()],
  [0xc6, (disk) => disk.setMultiple()],
  [0xe0, withoutEffect], // STANDBY IMMEDIATE, IDLE IMMEDIATE, STANDBY, IDLE
  [0xe1, withoutEffect],
  [0xe2, withoutEffect],
  [0xe3, withoutEffect],
  [READ_BUFFER, (disk) => disk.offerBuffer()],
  [0xe5, (disk) => disk.checkPowerMode()],
  [0xe6, withoutEffect], // SLEEP
  [0xe7, withoutEffect], // FLUSH CACHE: the store has the data already
  [WRITE_BUFFER, (disk) => disk.askForBuffer()],
  [0xea, withoutEffect], // FLUSH CACHE EXT
  [IDENTIFY_DEVICE, (disk) => disk.offerBuffer()],
  [0xef, (disk) => disk.setFeatures()],
  [0xf8, (disk) => disk.readNativeMax(false)],
  [0x27, (disk) => disk.readNativeMax(true)],
]);

/** Makes a hard disk whose sectors are the store's. */
export function createHardDisk(around: DriveSurroundings, store: BlockStore): Drive {
  return new HardDisk(around, store);
}

class HardDisk implements Drive {
  readonly #around: DriveSurroundings;
  readonly #port: DataPort;
  readonly #store: BlockStore;
  readonly #sectorCount: number;

  constructor(around: DriveSurroundings, store: BlockStore) {
    this.#around = around;
    this.#store = store;
    this.#sectorCount = Math.floor(store.size / SECTOR_SIZE);
    this.#port = new DataPort(around, {
      proceed: () => this.#proceed(),
      pieceTaken: () => this.#pieceTaken(),
      pieceGiven: () => this.#port.work(BLOCK_TIME),
    });
  }

  get #state(): DriveState {
    return this.#around.state;
  }

  reset(): void {
    this.stop();
    Object.assign(this.#state, { count: 1, low: 1, mid: 0, high: 0, error: DIAGNOSTICS_PASSED, multiple: 0 });
    const { heads, sectors } = defaultGeometry(this.#sectorCount);
    Object.assign(this.#state, { heads, sectors, status: STATUS_READY | STATUS_SEEK_COMPLETE });
  }

  stop(): void {
    this.#port.stop();
  }

  readWord(): number {
    return this.#port.readWord();
  }

  writeWord(value: number): void {
    this.#port.writeWord(value);
  }

  execute(command: number): void {
    this.#state.command = command;
    const transfer = transfers.get(command);
    if (transfer) this.#startTransfer(transfer);
    else if (commands.has(command)) this.#startOther(command);
    else this.#port.fail(ERROR_ABORTED);
  }

  /** Data that the host writes is asked for at once, without an interrupt; all else takes its time. */
  #startOther(command: number): void {
    if (command === WRITE_BUFFER) commands.get(command)?.(this);
    else this.#port.work(COMMAND_TIME);
  }

  #startTransfer({ kind, multiple, extended }: Transfer): void {
    const state = this.#state;
    const block = extended ? extendedBlock(state) : this.#block();
    const count = extended ? ((state.previous[1] as number) << 8) | state.count : state.count;
    if (multiple && state.multiple === 0) {
      this.#port.fail(ERROR_ABORTED);
      return;
    }
    state.block = block ?? -1;
    state.left = count || (extended ? 0x1_0000 : 0x100);
    if (kind === 'write' && this.#blocksOfPiece() > 0) this.#askForPiece(false);
    else this.#port.work(ACCESS_TIME);
  }

  /** The block of a 28-bit command; undefined where the translation has none. */
  #block(): number | undefined {
    const { device, low, mid, high, heads, sectors } = this.#state;
    if ((device & DEVICE_LBA) !== 0) return ((device & 0x0f) << 24) | (high << 16) | (mid << 8) | low;
    const head = device & 0x0f;
    if (head >= heads || low === 0 || low > sectors) return undefined;
    return (((high << 8) | mid) * heads + head) * sectors + low - 1;
  }

  /** Leaves the address of a block in the registers, as the last one that was touched. */
  #showBlock(block: number): void {
    const state = this.#state;
    if (transfers.get(state.command)?.extended) {
      const upper = Math.floor(block / 0x100_0000);
      state.previous = [0, 0, upper & 0xff, (upper >> 8) & 0xff, (upper >> 16) & 0xff];
    }
    if ((state.device & DEVICE_LBA) !== 0) {
      Object.assign(state, { low: block & 0xff, mid: (block >>> 8) & 0xff, high: (block >>> 16) & 0xff });
      if (!transfers.get(state.command)?.extended) state.device = (state.device & 0xf0) | ((block >>> 24) & 0x0f);
      return;
    }
    const track = Math.floor(block / state.sectors);
    const cylinder = Math.floor(track / state.heads);
    state.low = (block % state.sectors) + 1;
    state.device = (state.device & 0xf0) | (track % state.heads);
    Object.assign(state, { mid: cylinder & 0xff, high: (cylinder >> 8) & 0xff });
  }

  /** Sectors that go over the data register in one piece; 0 where the disk has none. */
  #blocksOfPiece(): number {
    const { block, left, multiple, command } = this.#state;
    const perPiece = transfers.get(command)?.multiple ? multiple : 1;
    if (block < 0) return 0;
    return Math.max(0, Math.min(left, perPiece, this.#sectorCount - block));
  }

  #proceed(): Promise<void> | undefined {
    const transfer = transfers.get(this.#state.command);
    if (transfer === undefined) {
      if (this.#state.command === WRITE_BUFFER) this.#port.complete();
      else commands.get(this.#state.command)?.(this);
      return undefined;
    }
    switch (transfer.kind) {
      case 'read':
        return this.#readPiece();
      case 'write':
        return this.#writePiece();
      default:
        this.#verify();
        return undefined;
    }
  }

  #failToFind(): void {
    if (this.#state.block >= 0) this.#showBlock(this.#state.block);
    this.#port.fail(ERROR_ID_NOT_FOUND);
  }

  #readPiece(): Promise<void> | undefined {
    const state = this.#state;
    const blocks = this.#blocksOfPiece();
    if (blocks === 0) {
      this.#failToFind();
      return undefined;
    }
    const wait = this.#store.read(state.block * SECTOR_SIZE, state.buffer.subarray(0, blocks * SECTOR_SIZE));
    if (wait) return wait;
    this.#pass(blocks);
    state.position = 0;
    this.#port.request('to-host', blocks * SECTOR_SIZE, true);
    return undefined;
  }

  #pieceTaken(): void {
    if (this.#state.left > 0) this.#port.work(BLOCK_TIME);
    else this.#port.complete(false);
  }

  #askForPiece(interrupts: boolean): void {
    this.#state.position = 0;
    this.#port.request('from-host', this.#blocksOfPiece() * SECTOR_SIZE, interrupts);
  }

  #writePiece(): Promise<void> | undefined {
    const state = this.#state;
    const blocks = this.#blocksOfPiece();
    if (blocks === 0) {
      this.#failToFind();
      return undefined;
    }
    const wait = this.#store.write(state.block * SECTOR_SIZE, state.buffer.slice(0, blocks * SECTOR_SIZE));
    if (wait) return wait;
    this.#pass(blocks);
    if (state.left === 0) this.#port.complete();
    else if (this.#blocksOfPiece() === 0) this.#failToFind();
    else this.#askForPiece(true);
    return undefined;
  }

  #verify(): void {
    const state = this.#state;
    const inside = state.block < 0 ? 0 : Math.min(state.left, Math.max(0, this.#sectorCount - state.block));
    this.#pass(inside);
    if (state.left > 0) this.#failToFind();
    else this.#port.complete();
  }

  /** Some blocks are done; the registers show the last of them and what is left. */
  #pass(blocks: number): void {
    const state = this.#state;
    if (blocks === 0) return;
    state.block += blocks;
    state.left -= blocks;
    state.count = state.left & 0xff;
    this.#showBlock(state.block - 1);
  }

  succeed(): void {
    this.#port.complete();
  }

  seek(): void {
    const block = this.#block();
    if (block === undefined || block >= this.#sectorCount) this.#port.fail(ERROR_ID_NOT_FOUND);
    else this.#port.complete();
  }

  initializeParameters(): void {
    const state = this.#state;
    if (state.count === 0) {
      this.#port.fail(ERROR_ABORTED);
      return;
    }
    Object.assign(state, { sectors: state.count, heads: (state.device & 0x0f) + 1 });
    this.#port.complete();
  }

  setMultiple(): void {
    const { count } = this.#state;
    if (count > MULTIPLE_MAX || (count & (count - 1)) !== 0) {
      this.#port.fail(ERROR_ABORTED);
      return;
    }
    this.#state.multiple = count;
    this.#port.complete();
  }

  checkPowerMode(): void {
    this.#state.count = ACTIVE;
    this.#port.complete();
  }

  /** READ BUFFER and IDENTIFY DEVICE. */
  offerBuffer(): void {
    const state = this.#state;
    if (state.command === IDENTIFY_DEVICE) state.buffer.set(identifyDisk(state, this.#sectorCount));
    Object.assign(state, { position: 0, left: 0 });
    this.#port.request('to-host', SECTOR_SIZE, true);
  }

  askForBuffer(): void {
    this.#state.position = 0;
    this.#port.request('from-host', SECTOR_SIZE, false);
  }

  setFeatures(): void {
    const state = this.#state;
    const isMode = state.features === FEATURE_TRANSFER_MODE && state.count < TRANSFER_MODE_DMA;
    if (isMode || features.has(state.features)) this.#port.complete();
    else this.#port.fail(ERROR_ABORTED);
  }

  readNativeMax(extended: boolean): void {
    const last = this.#sectorCount - 1;
    const state = this.#state;
    const shown = extended ? last : Math.min(last, 0x0fff_ffff);
    Object.assign(state, { low: shown & 0xff, mid: (shown >>> 8) & 0xff, high: (shown >>> 16) & 0xff });
    const upper = Math.floor(shown / 0x100_0000);
    if (extended) state.previous = [0, 0, upper & 0xff, (upper >> 8) & 0xff, (upper >> 16) & 0xff];
    else state.device = (state.device & 0xf0) | (upper & 0x0f);
    this.#port.complete();
  }
}

/** The block of a 48-bit command. */
function extendedBlock({ low, mid, high, previous }: DriveState): number {
  const [, , upperLow = 0, upperMid = 0, upperHigh = 0] = previous;
  return (upperHigh * 0x1_0000 + upperMid * 0x100 + upperLow) * 0x100_0000 + high * 0x1_0000 + mid * 0x100 + low;
}
