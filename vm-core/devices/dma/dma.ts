/**
 * The two Intel 8237A DMA controllers of the AT with their page registers (data sheet 231466-005; IBM PC/AT Technical
 * Reference, "DMA controller"): channels 0–3 move bytes, channels 5–7 words, channel 4 cascades the first controller.
 * A device's request is served at once, whatever the mode: how the cycles interleave with the processor's cannot be seen.
 */
import type { Device, DeviceContext, DmaChannel, DmaProgress, Region } from '../device.ts';
import { resetState } from '../device-state.ts';
import { masterClear, readRegister, writeRegister } from './controller.ts';
import {
  channelOf,
  COMMAND_DISABLE,
  COMMAND_HOLD_ADDRESS,
  COMMAND_MEMORY_TO_MEMORY,
  controllerOf,
  controllerRegions,
  type DmaChannelState,
  type DmaControllerState,
  type DmaState,
  dmaDescription,
  MODE_AUTOINITIALIZE,
  MODE_CASCADE,
  MODE_DECREMENT,
  MODE_READ,
  MODE_TYPE,
  MODE_WRITE,
  PAGE_COUNT,
  pageOfChannel,
  POWER_ON_DMA,
} from './dma-state.ts';

const REGISTERS = 16;
/** Channel 4 is where the first controller asks for the bus. */
const CASCADE = 0;
const FLOATING = 0xff;
const NOTHING: DmaProgress = { count: 0, terminalCount: false };

/**
 * Makes both controllers: regions `controller-1` (16 ports), `controller-2` (32 ports: odd ones repeat even ones) and
 * `pages` (15 ports: register 0 is the POST code's), DMA channels `channel0`–`channel3` and `channel5`–`channel7`.
 */
export function createDma(context: DeviceContext): Device<DmaState> {
  const dma = new Dma(context);
  return {
    description: dmaDescription,
    state: dma.state,
    ports: { 'controller-1': dma.region(0), 'controller-2': dma.region(1), pages: dma.pages },
    dmaChannels: Object.fromEntries([0, 1, 2, 3, 5, 6, 7].map((number) => [`channel${number}`, dma.channel(number)])),
    reset: () => dma.reset(),
  };
}

/** Moves some units at a place of memory, to or from a place in the device's bytes. */
type Move = (physicalAddress: number, from: number, length: number) => void;

class Dma {
  readonly state: DmaState = { ...POWER_ON_DMA };
  readonly pages: Region = {
    size: PAGE_COUNT - 1,
    width: 8,
    read: (offset) => this.state.pages[offset + 1] as number,
    write: (offset, _size, value) => {
      this.state.pages[offset + 1] = value;
    },
  };
  readonly #context: DeviceContext;

  constructor(context: DeviceContext) {
    this.#context = context;
    resetState(this.state, POWER_ON_DMA);
  }

  region(index: 0 | 1): Region {
    const { stride } = controllerRegions[index];
    return {
      size: REGISTERS * stride,
      width: 8,
      read: (offset) => readRegister(controllerOf(this.state, index), Math.floor(offset / stride)),
      write: (offset, _size, value) => {
        const requested = writeRegister(controllerOf(this.state, index), Math.floor(offset / stride), value);
        if (requested !== 0) this.#serveSoftware(index, 31 - Math.clz32(requested));
      },
    };
  }

  channel(number: number): DmaChannel {
    return {
      send: (bytes) =>
        this.#serve(number, MODE_WRITE, bytes.length, (address, from, length) =>
          this.#context.dma.write(address, bytes.subarray(from, from + length)),
        ),
      receive: (target) =>
        this.#serve(number, MODE_READ, target.length, (address, from, length) =>
          target.set(this.#read(address, length), from),
        ),
    };
  }

  reset(): void {
    for (const controller of this.state.controllers) masterClear(controller);
  }

  /** Memory where there is some; elsewhere nobody drives the bus. */
  #read(physicalAddress: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length).fill(FLOATING);
    bytes.set(this.#context.dma.read(physicalAddress, length));
    return bytes;
  }

  /**
   * Serves a device's request. A channel that was programmed for the other direction, or to verify, counts its
   * transfers and moves nothing.
   */
  #serve(number: number, type: number, length: number, move: Move): DmaProgress {
    const controller = controllerOf(this.state, number >> 2);
    const { mode } = channelOf(controller, number & 3);
    if (!this.#mayServe(number) || (mode & MODE_CASCADE) === MODE_CASCADE) return NOTHING;
    return this.#transfer(number, length, (mode & MODE_TYPE) === type ? move : () => {});
  }

  #mayServe(number: number): boolean {
    const controller = controllerOf(this.state, number >> 2);
    const isOpen = (controller.command & COMMAND_DISABLE) === 0 && ((controller.mask >> (number & 3)) & 1) === 0;
    return isOpen && (number >= 4 || this.#isCascaded());
  }

  #isCascaded(): boolean {
    const second = controllerOf(this.state, 1);
    const cascading = (channelOf(second, CASCADE).mode & MODE_CASCADE) === MODE_CASCADE;
    return cascading && (second.command & COMMAND_DISABLE) === 0 && (second.mask & (1 << CASCADE)) === 0;
  }

  /** Up to `length` bytes, as long as the channel's count lasts. */
  #transfer(number: number, length: number, move: Move): DmaProgress {
    const controller = controllerOf(this.state, number >> 2);
    const channel = channelOf(controller, number & 3);
    const shift = number >> 2;
    const unitsMax = channel.count + 1;
    const units = Math.min(length >> shift, unitsMax);
    for (let done = 0; done < units; ) {
      const run = lengthOfRun(channel, units - done);
      move(this.#addressOf(number, channel.address), done << shift, run << shift);
      channel.address = (channel.address + ((channel.mode & MODE_DECREMENT) !== 0 ? -run : run)) & 0xffff;
      done += run;
    }
    channel.count = (channel.count - units) & 0xffff;
    if (units === unitsMax) reachTerminalCount(controller, number & 3);
    return { count: units << shift, terminalCount: units === unitsMax };
  }

  #addressOf(number: number, address: number): number {
    const page = this.state.pages[pageOfChannel[number] as number] as number;
    // Words: address lines 1–16 come from the controller, and bit 0 of the page goes nowhere.
    return number < 4 ? (page << 16) | address : ((page & 0xfe) << 16) | (address << 1);
  }

  /** A request by software has no device: it runs to its terminal count, and what it stores is the floating bus. */
  #serveSoftware(index: 0 | 1, channelIndex: number): void {
    const controller = controllerOf(this.state, index);
    if ((controller.command & COMMAND_DISABLE) !== 0) return;
    if ((controller.command & COMMAND_MEMORY_TO_MEMORY) !== 0 && index === 0 && channelIndex === 0) {
      this.#copyMemory();
      return;
    }
    const number = index * 4 + channelIndex;
    const channel = channelOf(controller, channelIndex);
    const stores = (channel.mode & MODE_TYPE) === MODE_WRITE;
    this.#transfer(number, (channel.count + 1) << index, (address, _from, length) => {
      if (stores) this.#context.dma.write(address, new Uint8Array(length).fill(FLOATING));
    });
  }

  /** Memory to memory: bytes from where channel 0 points to where channel 1 does, until channel 1 has its count. */
  #copyMemory(): void {
    const controller = controllerOf(this.state, 0);
    const [source, target] = [channelOf(controller, 0), channelOf(controller, 1)];
    const held = (controller.command & COMMAND_HOLD_ADDRESS) !== 0;
    for (let left = target.count + 1; left > 0; left -= 1) {
      controller.temporary = this.#read(this.#addressOf(0, source.address), 1)[0] as number;
      this.#context.dma.write(this.#addressOf(1, target.address), Uint8Array.of(controller.temporary));
      if (!held) source.address = nextAddress(source);
      target.address = nextAddress(target);
      source.count = (source.count - 1) & 0xffff;
      target.count = (target.count - 1) & 0xffff;
    }
    controller.requests &= ~1;
    reachTerminalCount(controller, 1);
  }
}

const nextAddress = ({ address, mode }: DmaChannelState): number =>
  (address + ((mode & MODE_DECREMENT) !== 0 ? -1 : 1)) & 0xffff;

/** How many units lie one behind the other in memory from the channel's address on. */
function lengthOfRun(channel: DmaChannelState, units: number): number {
  return (channel.mode & MODE_DECREMENT) !== 0 ? 1 : Math.min(units, 0x10000 - channel.address);
}

/** The last transfer: the channel starts over or masks itself. */
function reachTerminalCount(controller: DmaControllerState, index: number): void {
  const channel = channelOf(controller, index);
  const bit = 1 << index;
  controller.terminalCounts |= bit;
  controller.requests &= ~bit;
  if ((channel.mode & MODE_AUTOINITIALIZE) === 0) {
    controller.mask |= bit;
    return;
  }
  channel.address = channel.baseAddress;
  channel.count = channel.baseCount;
}
