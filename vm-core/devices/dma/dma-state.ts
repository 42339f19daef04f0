/** State and registers of the two 8237A with their page registers (Intel 8237A data sheet 231466-005, "Registers"). */
import type { DeviceDescription, DeviceRegister } from '../device.ts';

export type DmaChannelState = {
  mode: number;
  baseAddress: number;
  baseCount: number;
  /** Address and count in use; a count of n stands for n + 1 transfers. */
  address: number;
  count: number;
};

export type DmaControllerState = {
  command: number;
  /** Channels that reached their terminal count since the status was read; requests by software; masked channels. */
  terminalCounts: number;
  requests: number;
  mask: number;
  temporary: number;
  /** The first/last flip-flop: the next byte is a high one. */
  highByte: boolean;
  channels: DmaChannelState[];
};

export type DmaState = {
  /** Channels 0–3, then channels 4–7. */
  controllers: DmaControllerState[];
  /** The 74LS612 by its register number. */
  pages: Uint8Array;
};

export const COMMAND_MEMORY_TO_MEMORY = 0x01;
export const COMMAND_HOLD_ADDRESS = 0x02;
export const COMMAND_DISABLE = 0x04;
export const MODE_TYPE = 0x0c;
export const MODE_WRITE = 0x04;
export const MODE_READ = 0x08;
export const MODE_AUTOINITIALIZE = 0x10;
export const MODE_DECREMENT = 0x20;
export const MODE_CASCADE = 0xc0;
export const ALL_CHANNELS = 0x0f;

export const PAGE_COUNT = 16;
/** Page register of each channel 0–7; that of channel 4 is the refresh's. */
export const pageOfChannel: readonly number[] = [7, 3, 1, 2, 15, 11, 9, 10];

const POWER_ON_CHANNEL: DmaChannelState = { mode: 0, baseAddress: 0, baseCount: 0, address: 0, count: 0 };

const POWER_ON_CONTROLLER: DmaControllerState = {
  command: 0,
  terminalCounts: 0,
  requests: 0,
  mask: ALL_CHANNELS,
  temporary: 0,
  highByte: false,
  channels: [POWER_ON_CHANNEL, POWER_ON_CHANNEL, POWER_ON_CHANNEL, POWER_ON_CHANNEL],
};

export const POWER_ON_DMA: DmaState = {
  controllers: [POWER_ON_CONTROLLER, POWER_ON_CONTROLLER],
  pages: new Uint8Array(PAGE_COUNT),
};

export const controllerOf = (state: DmaState, index: number): DmaControllerState =>
  state.controllers[index] as DmaControllerState;

export const channelOf = (controller: DmaControllerState, index: number): DmaChannelState =>
  controller.channels[index] as DmaChannelState;

/** The status register: terminal counts below, requests above. */
export const statusOf = (controller: DmaControllerState): number =>
  controller.terminalCounts | (controller.requests << 4);

/** Regions of the two controllers, and the distance of their registers. */
export const controllerRegions = [
  { region: 'controller-1', stride: 1 },
  { region: 'controller-2', stride: 2 },
] as const;

type Register = DeviceRegister<DmaState>;

function channelRegisters(number: number): readonly Register[] {
  const { region, stride } = controllerRegions[number >> 2] as (typeof controllerRegions)[number];
  const channel = (state: DmaState): DmaChannelState => channelOf(controllerOf(state, number >> 2), number & 3);
  const page = pageOfChannel[number] as number;
  const offset = (number & 3) * 2 * stride;
  return [
    {
      name: `ADDRESS${number}`,
      region,
      offset,
      width: 16,
      reset: 0,
      writable: 0xffff,
      description: `current ${number < 4 ? '' : 'word '}address of channel ${number}`,
      value: (state) => channel(state).address,
    },
    {
      name: `COUNT${number}`,
      region,
      offset: offset + stride,
      width: 16,
      reset: 0,
      writable: 0xffff,
      description: `transfers left on channel ${number}, less one`,
      value: (state) => channel(state).count,
    },
    {
      name: `MODE${number}`,
      region,
      offset: 11 * stride,
      width: 8,
      reset: 0,
      writable: 0xfc,
      description: `bits 6–7 demand, single, block, cascade, 5 downwards, 4 again, 2–3 verify, write, read`,
      value: (state) => channel(state).mode,
    },
    {
      name: `PAGE${number}`,
      region: 'pages',
      offset: page - 1,
      width: 8,
      reset: 0,
      writable: 0xff,
      description: `address bits 16–23 of channel ${number}`,
      value: (state) => state.pages[page] as number,
    },
  ];
}

function controllerRegisters(index: number): readonly Register[] {
  const { region, stride } = controllerRegions[index] as (typeof controllerRegions)[number];
  const register = (
    name: string,
    offset: number,
    writable: number,
    description: string,
    value: (controller: DmaControllerState) => number,
  ): Register => ({
    name: `${name}${index + 1}`,
    region,
    offset: offset * stride,
    width: name === 'FLIP_FLOP' ? 1 : 8,
    reset: name === 'MASK' ? ALL_CHANNELS : 0,
    writable,
    description,
    value: (state) => value(controllerOf(state, index)),
  });
  return [
    register('STATUS', 8, 0, 'bits 0–3 terminal count reached, 4–7 requests', statusOf),
    register('COMMAND', 8, 0xff, 'bit 0 memory to memory, 2 controller off, 4 rotating priority', (c) => c.command),
    register('REQUEST', 9, 0x0f, 'requests by software', (c) => c.requests),
    register('MASK', 15, 0x0f, 'masked channels', (c) => c.mask),
    register('TEMPORARY', 13, 0, 'last byte moved from memory to memory', (c) => c.temporary),
    register('FLIP_FLOP', 12, 0, 'the next byte of an address or a count is its high one', (c) => (c.highByte ? 1 : 0)),
  ];
}

export const dmaDescription: DeviceDescription<DmaState> = {
  name: 'dma',
  title: 'DMA controllers',
  specification: 'Intel 8237A data sheet 231466-005; IBM PC/AT Technical Reference, DMA page registers',
  version: 1,
  registers: [
    ...[0, 1].flatMap(controllerRegisters),
    ...Array.from({ length: 8 }, (_, number) => channelRegisters(number)).flat(),
  ],
};
