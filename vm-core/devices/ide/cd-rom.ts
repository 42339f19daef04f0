/**
 * A CD-ROM drive on an ATA channel (ATA/ATAPI-6, "PACKET command"; SFF-8020i). Its image is one data track of sectors of
 * 2,048 bytes.
 */
import type { BlockStore } from '../../machine/block-store.ts';
import { DataPort, type Drive, type DriveSurroundings } from './drive.ts';
import { DIAGNOSTICS_PASSED, type DriveState, ERROR_ABORTED } from './ide-state.ts';
import { identifyCdRom } from './identify.ts';
import { executePacket, type PacketAnswer } from './packet-commands.ts';
import { CD_SECTOR_SIZE, NO_SENSE } from './packet-table.ts';

const ACCESS_TIME = 1000;
const PIECE_TIME = 20;
const COMMAND_TIME = 50;

const DEVICE_RESET = 0x08;
const PACKET = 0xa0;
const IDENTIFY_PACKET_DEVICE = 0xa1;
const IDENTIFY_DEVICE = 0xec;
/** Commands that a packet drive takes and that change nothing: power modes and flush. */
const withoutEffect: ReadonlySet<number> = new Set([0xe0, 0xe1, 0xe2, 0xe3, 0xe6, 0xe7, 0xef]);
const CHECK_POWER_MODE = 0xe5;

const PACKET_SIZE = 12;
/** Bits of the features register: DMA and overlap, which the drive does not have. */
const UNSUPPORTED_FEATURES = 0x03;
/** Bits of the count register while a packet command runs. */
const REASON_COMMAND = 0x01;
const REASON_TO_HOST = 0x02;
/** The signature in the cylinder registers. */
const SIGNATURE_MID = 0x14;
const SIGNATURE_HIGH = 0xeb;
const BYTE_COUNT_MAX = 0xfffe;

/** Makes a drive with the disc in it. */
export function createCdRom(around: DriveSurroundings, store: BlockStore): Drive {
  return new CdRom(around, store);
}

class CdRom implements Drive {
  readonly #around: DriveSurroundings;
  readonly #port: DataPort;
  readonly #store: BlockStore;

  constructor(around: DriveSurroundings, store: BlockStore) {
    this.#around = around;
    this.#store = store;
    this.#port = new DataPort(around, {
      proceed: () => this.#proceed(),
      pieceTaken: () => this.#pieceTaken(),
      pieceGiven: () => this.#packetGiven(),
    });
  }

  get #state(): DriveState {
    return this.#around.state;
  }

  reset(): void {
    this.stop();
    this.#sign();
    Object.assign(this.#state, { status: 0, error: DIAGNOSTICS_PASSED });
  }

  #sign(): void {
    Object.assign(this.#state, { count: 1, low: 1, mid: SIGNATURE_MID, high: SIGNATURE_HIGH });
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
    const state = this.#state;
    state.command = command;
    if (command === DEVICE_RESET) {
      this.reset();
    } else if (command === PACKET && (state.features & UNSUPPORTED_FEATURES) === 0) {
      state.byteCount = byteCountOf(state);
      state.count = REASON_COMMAND;
      state.position = 0;
      this.#port.request('packet', PACKET_SIZE, false);
    } else if (command === IDENTIFY_PACKET_DEVICE || command === CHECK_POWER_MODE || withoutEffect.has(command)) {
      this.#port.work(COMMAND_TIME);
    } else {
      // IDENTIFY DEVICE tells by the signature what the drive is.
      if (command === IDENTIFY_DEVICE) this.#sign();
      this.#port.fail(ERROR_ABORTED);
    }
  }

  #packetGiven(): void {
    this.#state.packet = [...this.#state.buffer.subarray(0, PACKET_SIZE)];
    Object.assign(this.#state, { length: 0, left: 0 });
    this.#port.work(COMMAND_TIME);
  }

  #proceed(): Promise<void> | undefined {
    const state = this.#state;
    if (state.command === IDENTIFY_PACKET_DEVICE) {
      state.buffer.set(identifyCdRom());
      Object.assign(state, { position: 0, length: identifyCdRom().length, left: 0 });
      this.#port.request('to-host', state.length, true);
      return undefined;
    }
    if (state.command !== PACKET) {
      if (state.command === CHECK_POWER_MODE) state.count = 0xff;
      this.#port.complete();
      return undefined;
    }
    if (state.left > 0 && state.position >= state.length) return this.#readSectors();
    if (state.length > 0) this.#offerPiece();
    else this.#answer(executePacket(state, state.packet, Math.ceil(this.#store.size / CD_SECTOR_SIZE)));
    return undefined;
  }

  #answer(answer: PacketAnswer): void {
    const state = this.#state;
    switch (answer.kind) {
      case 'check':
        Object.assign(state, { senseKey: answer.key, senseCode: answer.code, left: 0 });
        state.count = REASON_COMMAND | REASON_TO_HOST;
        this.#port.fail((answer.key << 4) | ERROR_ABORTED);
        break;
      case 'data': {
        const bytes = answer.bytes.subarray(0, state.buffer.length);
        state.buffer.fill(0, 0, bytes.length + 1);
        state.buffer.set(bytes);
        Object.assign(state, { position: 0, length: bytes.length, left: 0 });
        if (bytes.length > 0) this.#offerPiece();
        else this.#complete();
        break;
      }
      default:
        Object.assign(state, { block: answer.block, left: answer.count, position: 0, length: 0 });
        if (answer.count > 0) this.#port.work(ACCESS_TIME);
        else this.#complete();
    }
  }

  /** Fills the buffer with sectors of the disc; a last sector that the image has in part ends with zeros. */
  #readSectors(): Promise<void> | undefined {
    const state = this.#state;
    const count = Math.min(state.left, Math.floor(state.buffer.length / CD_SECTOR_SIZE));
    const target = state.buffer.subarray(0, count * CD_SECTOR_SIZE);
    const offset = state.block * CD_SECTOR_SIZE;
    const inside = Math.min(target.length, this.#store.size - offset);
    const wait = this.#store.read(offset, target.subarray(0, inside));
    if (wait) return wait;
    target.fill(0, inside);
    state.block += count;
    state.left -= count;
    Object.assign(state, { position: 0, length: target.length });
    this.#offerPiece();
    return undefined;
  }

  /** As much of the buffer as the host wants in one piece. */
  #offerPiece(): void {
    const state = this.#state;
    const size = Math.min(state.length - state.position, state.byteCount);
    Object.assign(state, { count: REASON_TO_HOST, mid: size & 0xff, high: size >> 8 });
    this.#port.request('to-host', state.position + size, true);
  }

  #pieceTaken(): void {
    const state = this.#state;
    if (state.command !== PACKET) this.#port.complete(false);
    else if (state.position < state.length || state.left > 0) this.#port.work(PIECE_TIME);
    else this.#complete();
  }

  #complete(): void {
    Object.assign(this.#state, { count: REASON_COMMAND | REASON_TO_HOST, senseKey: NO_SENSE, senseCode: 0 });
    this.#port.complete();
  }
}

/** The most bytes of a piece: even, and as many as possible where the host gave 0. */
function byteCountOf({ mid, high }: DriveState): number {
  const count = ((high << 8) | mid) & BYTE_COUNT_MAX;
  return count === 0 ? BYTE_COUNT_MAX : count;
}
