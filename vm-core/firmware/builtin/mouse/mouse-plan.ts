/**
 * What INT 15h, C2h does for each of its functions: the bytes for the mouse with the number of bytes it answers, and what
 * becomes of the answers (IBM PS/2 BIOS Interface Technical Reference, "Pointing device BIOS interface"; auxiliary device).
 */
import { ES } from '../../../state/layout.ts';
import { changeBits, ebda } from '../bios-data.ts';
import type { Caller } from '../caller.ts';

export const STATUS_OK = 0x00;
export const STATUS_INVALID_FUNCTION = 0x01;
export const STATUS_INVALID_INPUT = 0x02;
export const STATUS_INTERFACE_ERROR = 0x03;
/** The mouse asks for the byte again: it does not take it. */
export const STATUS_RESEND = 0x04;
export const STATUS_NO_HANDLER = 0x05;

/** Bits of MOUSE_FLAGS_1 and MOUSE_FLAGS_2: bytes of the packet that have come; handler there; bytes of a packet less 1. */
export const PACKET_INDEX = 0x07;
export const HANDLER_THERE = 0x80;
export const PACKET_SIZE = 0x07;

/** One byte for the mouse, and how many bytes come back, the acknowledgement included. */
export interface Step {
  readonly byte: number;
  readonly answers: number;
}

/** What a function does; `port` says what becomes of the auxiliary port and its interrupt. */
export interface Plan {
  readonly steps: readonly Step[];
  readonly port?: 'open' | 'closed';
  /** What is done before the first byte. */
  readonly begin?: () => void;
  /** Takes the answers but the acknowledgements, when all have come. */
  readonly finish?: (caller: Caller, answers: readonly number[]) => void;
}

const sent = (byte: number, answers = 1): Step => ({ byte, answers });

const SET_SCALING_1 = 0xe6;
const SET_SCALING_2 = 0xe7;
const SET_RESOLUTION = 0xe8;
const STATUS_REQUEST = 0xe9;
const READ_DEVICE_TYPE = 0xf2;
const SET_SAMPLE_RATE = 0xf3;
const ENABLE = 0xf4;
const DISABLE = 0xf5;
const RESET = 0xff;

const SAMPLE_RATES = [10, 20, 40, 60, 80, 100, 200];
const RESOLUTION_MAX = 3;

const hasHandler = ({ memory }: Caller): boolean => (memory.read(ebda.MOUSE_FLAGS_2, 1) & HANDLER_THERE) !== 0;

/** BL is what the self test says, BH the kind of device. */
const reset: Plan = {
  steps: [sent(RESET, 3)],
  finish(caller, [result = 0, identification = 0]) {
    caller.bl = result;
    caller.bh = identification;
  },
};

/** Function 00h: BH is 1 to enable and 0 to disable. */
function enable(caller: Caller): Plan | number {
  if (caller.bh > 1) return STATUS_INVALID_INPUT;
  if (caller.bh === 0) return { steps: [sent(DISABLE)], port: 'closed' };
  return hasHandler(caller) ? { steps: [sent(ENABLE)], port: 'open' } : STATUS_NO_HANDLER;
}

function setSampleRate({ bh }: Caller): Plan | number {
  const rate = SAMPLE_RATES[bh];
  return rate === undefined ? STATUS_INVALID_INPUT : { steps: [sent(SET_SAMPLE_RATE), sent(rate)] };
}

function setResolution({ bh }: Caller): Plan | number {
  return bh > RESOLUTION_MAX ? STATUS_INVALID_INPUT : { steps: [sent(SET_RESOLUTION), sent(bh)] };
}

/** Function 05h: BH bytes make a packet; then as function 01h. */
function initialize(caller: Caller): Plan | number {
  if (caller.bh < 1 || caller.bh > PACKET_SIZE + 1) return STATUS_INVALID_INPUT;
  const begin = (): void => {
    caller.memory.write(ebda.MOUSE_FLAGS_1, 1, 0);
    changeBits(caller.context, ebda.MOUSE_FLAGS_2, PACKET_SIZE, caller.bh - 1);
  };
  return { steps: reset.steps, begin };
}

/** Function 06h: BH chooses status or scaling. */
function extended({ bh }: Caller): Plan | number {
  if (bh === 1) return { steps: [sent(SET_SCALING_1)] };
  if (bh === 2) return { steps: [sent(SET_SCALING_2)] };
  if (bh !== 0) return STATUS_INVALID_INPUT;
  return {
    steps: [sent(STATUS_REQUEST, 4)],
    finish(caller, [status = 0, resolution = 0, rate = 0]) {
      caller.bl = status;
      caller.cl = resolution;
      caller.dl = rate;
    },
  };
}

const getType: Plan = {
  steps: [sent(READ_DEVICE_TYPE, 2)],
  finish(caller, [identification = 0]) {
    caller.bh = identification;
  },
};

/** Function 07h: ES:BX is the program's handler, 0:0 none. */
function setHandler(caller: Caller): Plan {
  const begin = (): void => {
    const { bx, context, memory } = caller;
    const { selector } = caller.state.segment(ES);
    memory.write(ebda.MOUSE_HANDLER, 4, ((selector << 16) | bx) >>> 0);
    memory.write(ebda.MOUSE_FLAGS_1, 1, 0);
    changeBits(context, ebda.MOUSE_FLAGS_2, HANDLER_THERE, selector === 0 && bx === 0 ? 0 : HANDLER_THERE);
  };
  return { steps: [], begin };
}

/** The plan for a function, or the status with which it is refused. */
export function planOf(caller: Caller, number: number): Plan | number {
  switch (number) {
    case 0x00:
      return enable(caller);
    case 0x01:
      return reset;
    case 0x02:
      return setSampleRate(caller);
    case 0x03:
      return setResolution(caller);
    case 0x04:
      return getType;
    case 0x05:
      return initialize(caller);
    case 0x06:
      return extended(caller);
    case 0x07:
      return setHandler(caller);
    default:
      return STATUS_INVALID_FUNCTION;
  }
}
