/** One 8237A as its ports show it (Intel 8237A data sheet 231466-005, "Register codes" and "Software commands"). */
import { ALL_CHANNELS, channelOf, type DmaChannelState, type DmaControllerState, statusOf } from './dma-state.ts';

/** Register numbers from 8 on; 0–7 are address and count of channels 0–3. */
const STATUS_COMMAND = 8;
const REQUEST = 9;
const MASK_ONE = 10;
const MODE = 11;
const CLEAR_FLIP_FLOP = 12;
const TEMPORARY_MASTER_CLEAR = 13;
const CLEAR_MASK = 14;
const MASK_ALL = 15;

/** What the data sheet calls illegal reads as the floating bus. */
const FLOATING = 0xff;

/** Master clear, which is also what RESET does: addresses, counts and modes stay. */
export function masterClear(controller: DmaControllerState): void {
  controller.command = 0;
  controller.terminalCounts = 0;
  controller.requests = 0;
  controller.temporary = 0;
  controller.highByte = false;
  controller.mask = ALL_CHANNELS;
}

export function readRegister(controller: DmaControllerState, register: number): number {
  switch (register) {
    case STATUS_COMMAND: {
      const status = statusOf(controller);
      controller.terminalCounts = 0;
      return status;
    }
    case TEMPORARY_MASTER_CLEAR:
      return controller.temporary;
    case MASK_ALL: // The 82C37A's; the 8237A does not say.
      return 0xf0 | controller.mask;
    default: {
      if (register >= STATUS_COMMAND) return FLOATING;
      const channel = channelOf(controller, register >> 1);
      const value = (register & 1) === 0 ? channel.address : channel.count;
      controller.highByte = !controller.highByte;
      return controller.highByte ? value & 0xff : value >> 8;
    }
  }
}

/** Gives the channels that now have a new request by software, as bits. */
export function writeRegister(controller: DmaControllerState, register: number, value: number): number {
  const bit = 1 << (value & 3);
  const set = (value & 4) !== 0;
  switch (register) {
    case STATUS_COMMAND:
      controller.command = value;
      return 0;
    case REQUEST:
      controller.requests = set ? controller.requests | bit : controller.requests & ~bit;
      return set ? bit : 0;
    case MASK_ONE:
      controller.mask = set ? controller.mask | bit : controller.mask & ~bit;
      return 0;
    case MODE:
      channelOf(controller, value & 3).mode = value & 0xfc;
      return 0;
    case CLEAR_FLIP_FLOP:
      controller.highByte = false;
      return 0;
    case TEMPORARY_MASTER_CLEAR:
      masterClear(controller);
      return 0;
    case CLEAR_MASK:
      controller.mask = 0;
      return 0;
    case MASK_ALL:
      controller.mask = value & ALL_CHANNELS;
      return 0;
    default:
      writeAddressOrCount(controller, channelOf(controller, register >> 1), (register & 1) === 1, value);
      return 0;
  }
}

/** A byte goes to the base and to the current register. */
function writeAddressOrCount(
  controller: DmaControllerState,
  channel: DmaChannelState,
  isCount: boolean,
  value: number,
): void {
  const { highByte } = controller;
  const merge = (old: number): number => (highByte ? (old & 0x00ff) | (value << 8) : (old & 0xff00) | value);
  controller.highByte = !highByte;
  if (isCount) {
    channel.baseCount = merge(channel.baseCount);
    channel.count = channel.baseCount;
  } else {
    channel.baseAddress = merge(channel.baseAddress);
    channel.address = channel.baseAddress;
  }
}
