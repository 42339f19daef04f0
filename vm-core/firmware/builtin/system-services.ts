/**
 * INT 15h: memory sizes, A20, waiting, block moves and the configuration (IBM PS/2 BIOS Interface Technical Reference,
 * "Interrupt 15h"; ACPI specification §15.1 for E820h).
 */
import { ES } from '../../state/layout.ts';
import type { FirmwareContext, FirmwareHook } from '../firmware.ts';
import { bda, changeBits, EBDA_SEGMENT } from './bios-data.ts';
import { Caller } from './caller.ts';
import { readCmos, writeCmos } from './cmos.ts';
import { memoryMap } from './memory-map.ts';
import { isPowerSleep } from './power-services.ts';
import { SELECTOR_BIOS } from './protected-switch.ts';
import { CONFIGURATION_TABLE, ROM_SEGMENT, type RomLabels } from './rom.ts';
import { goTo, type Service, type ServiceResult } from './service.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** AH for functions that the machine does not have. */
export const STATUS_UNSUPPORTED = 0x86;

const row = (
  selector: { readonly ah: number } | { readonly ax: number },
  name: string,
  run: (caller: Caller) => ServiceResult,
): Service => ({ interrupt: 0x15, function: selector, name, run });

function succeed(caller: Caller): undefined {
  caller.ah = 0;
  caller.carry = false;
}

function fail(caller: Caller, status: number): undefined {
  caller.ah = status;
  caller.carry = true;
}

const PORT_92 = 0x92;
const PORT_92_A20 = 2;
const CONTROLLER_DATA = 0x60;
const CONTROLLER = 0x64;
const OUTPUT_FULL = 1;
const DISABLE_A20 = 0xdd;
const READ_OUTPUT_PORT = 0xd0;

/** A20 is open while either gate is: port 92h's or the keyboard controller's. */
function setA20({ context }: Caller, open: boolean): void {
  const value = context.ports.read(PORT_92, 1) & ~1;
  context.ports.write(PORT_92, 1, open ? value | PORT_92_A20 : value & ~PORT_92_A20);
  if (!open) context.ports.write(CONTROLLER, 1, DISABLE_A20);
}

/** The controller is asked only when no key waits in its buffer, which the answer would overwrite. */
function isA20Open({ ports }: FirmwareContext): boolean {
  if ((ports.read(PORT_92, 1) & PORT_92_A20) !== 0) return true;
  if ((ports.read(CONTROLLER, 1) & OUTPUT_FULL) !== 0) return true;
  ports.write(CONTROLLER, 1, READ_OUTPUT_PORT);
  return (ports.read(CONTROLLER_DATA, 1) & PORT_92_A20) !== 0;
}

const REGISTER_B = 0x0b;
const PERIODIC_ENABLE = 0x40;
const SLAVE_MASK = 0xa1;
const CLOCK_MASK = 1;
const WAIT_GOES_ON = 1;
const WAIT_POSTED = 0x80;
/** Microseconds between two periodic interrupts of the clock at 1,024 Hz. */
const CLOCK_PERIOD = 976;

/** Starts counting CX:DX microseconds down to the setting of bit 7 of a byte; false while another wait goes on. */
function startWait(caller: Caller, flagPointer: number): boolean {
  const { context, memory } = caller;
  if ((memory.read(bda.WAIT_ACTIVE, 1) & WAIT_GOES_ON) !== 0) return false;
  memory.write(bda.WAIT_FLAG_POINTER, 4, flagPointer);
  memory.write(bda.WAIT_COUNT, 4, caller.cx * 0x10000 + caller.dx);
  memory.write(bda.WAIT_ACTIVE, 1, WAIT_GOES_ON);
  context.ports.write(SLAVE_MASK, 1, context.ports.read(SLAVE_MASK, 1) & ~CLOCK_MASK);
  writeCmos(context, REGISTER_B, readCmos(context, REGISTER_B) | PERIODIC_ENABLE);
  return true;
}

function stopWait(context: FirmwareContext): void {
  writeCmos(context, REGISTER_B, readCmos(context, REGISTER_B) & ~PERIODIC_ENABLE);
}

/** Called at every periodic interrupt of the clock. */
export function countWait(context: FirmwareContext): void {
  const { memory } = context;
  if ((memory.read(bda.WAIT_ACTIVE, 1) & WAIT_GOES_ON) === 0) {
    stopWait(context);
    return;
  }
  const left = memory.read(bda.WAIT_COUNT, 4);
  if (left > CLOCK_PERIOD) {
    memory.write(bda.WAIT_COUNT, 4, left - CLOCK_PERIOD);
    return;
  }
  memory.write(bda.WAIT_COUNT, 4, 0);
  memory.write(bda.WAIT_ACTIVE, 1, 0);
  stopWait(context);
  const pointer = memory.read(bda.WAIT_FLAG_POINTER, 4);
  changeBits(context, ((pointer >>> 16) << 4) + (pointer & 0xffff), 0, WAIT_POSTED);
}

/** AL = 0 starts, 1 cancels. */
function eventWait(caller: Caller): undefined {
  if (caller.al === 0) {
    const pointer = ((caller.state.segment(ES).selector << 16) | caller.bx) >>> 0;
    return startWait(caller, pointer) ? succeed(caller) : fail(caller, 0);
  }
  if (caller.al !== 1) return fail(caller, STATUS_UNSUPPORTED);
  caller.memory.write(bda.WAIT_ACTIVE, 1, 0);
  stopWait(caller.context);
  return succeed(caller);
}

const BUSY = 0x83;
/** 86h sets bit 7 of the byte that tells whether a wait goes on. */
const OWN_FLAG: number = (0x40 << 16) | (bda.WAIT_ACTIVE - 0x400);

function wait(caller: Caller): ServiceResult {
  if (!startWait(caller, OWN_FLAG)) return fail(caller, BUSY);
  return 'poll';
}

/** Runs after every interrupt that wakes INT 15h, 86h, or one of the power services that sleep until the next. */
export function waitHook(labels: RomLabels): FirmwareHook {
  return (context) => {
    const caller = new Caller(context);
    if (isPowerSleep(caller.ax)) {
      caller.carry = false;
      return undefined;
    }
    const flag = context.memory.read(bda.WAIT_ACTIVE, 1);
    if ((flag & WAIT_GOES_ON) !== 0) {
      goTo(caller, labels.waitHook, labels.services[0x15].poll);
      return undefined;
    }
    changeBits(context, bda.WAIT_ACTIVE, WAIT_POSTED, 0);
    succeed(caller);
    return undefined;
  };
}

const DESCRIPTOR_SOURCE = 0x10;
const DESCRIPTOR_TARGET = 0x18;
const WORDS_MAX = 0x8000;
const MOVE_PIECE = 0x1000;
const STATUS_MOVE_FAILED = 0x02;

/** ES:SI holds descriptors of source and target; the bases count, the limits are the caller's concern. */
function moveBlock(caller: Caller): undefined {
  const { memory } = caller;
  const table = caller.es(caller.si);
  const base = (descriptor: number): number =>
    ((memory.read(table + descriptor + 2, 4) & 0xff_ffff) | (memory.read(table + descriptor + 7, 1) << 24)) >>> 0;
  if (caller.cx > WORDS_MAX) return fail(caller, STATUS_MOVE_FAILED);
  const source = base(DESCRIPTOR_SOURCE);
  const target = base(DESCRIPTOR_TARGET);
  for (let done = 0; done < caller.cx * 2; done += MOVE_PIECE) {
    const length = Math.min(MOVE_PIECE, caller.cx * 2 - done);
    memory.writeBytes((target + done) >>> 0, memory.readBytes((source + done) >>> 0, length));
  }
  caller.zero = true;
  return succeed(caller);
}

const MASTER = 0x20;
const SLAVE = 0xa0;
/** A code segment of 64 KiB at the ROM, as the first double word and the second. */
const BIOS_CODE = [0x0000_ffff, 0x0000_9a0f];

/** BH and BL are where the vectors of the interrupt controllers begin; all their inputs are masked. */
function switchToProtectedMode(caller: Caller): ServiceResult {
  const { context, memory, bh, bl } = caller;
  setA20(caller, true);
  const words = [
    [MASTER, bh, 4],
    [SLAVE, bl, 2],
  ] as const;
  for (const [port, vectors, cascade] of words) {
    context.ports.write(port, 1, 0x11);
    for (const value of [vectors, cascade, 0x01, 0xff]) context.ports.write(port + 1, 1, value);
  }
  BIOS_CODE.forEach((half, index) => {
    memory.write(caller.es(caller.si + SELECTOR_BIOS + index * 4), 4, half);
  });
  return 'protected';
}

/** KiB above 1 MiB, as many as 16 bits tell; programs take the limit of 63 MiB as "at least". */
function getExtendedMemory(caller: Caller): undefined {
  caller.ax = Math.min((caller.context.ram.low - MIB) / KIB, 63 * KIB);
  caller.carry = false;
}

const BELOW_16_MIB_MAX = 15 * KIB;

function getMemorySizes(caller: Caller): undefined {
  const { low } = caller.context.ram;
  const below = Math.min((low - MIB) / KIB, BELOW_16_MIB_MAX);
  const above = Math.min(Math.max(0, low - 16 * MIB) / (64 * KIB), 0xffff);
  caller.ax = below;
  caller.cx = below;
  caller.bx = above;
  caller.dx = above;
  caller.carry = false;
}

/** 'SMAP'. */
const MAP_SIGNATURE = 0x534d_4150;
const MAP_ENTRY_SIZE = 20;

function getMemoryMap(caller: Caller): undefined {
  const map = memoryMap(caller.context.ram);
  const entry = map[caller.ebx];
  if (caller.edx !== MAP_SIGNATURE || caller.ecx < MAP_ENTRY_SIZE || !entry) return fail(caller, STATUS_UNSUPPORTED);
  const bytes = new Uint8Array(MAP_ENTRY_SIZE);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(entry.base), true);
  view.setBigUint64(8, BigInt(entry.size), true);
  view.setUint32(16, entry.type, true);
  caller.memory.writeBytes(caller.es(caller.di), bytes);
  caller.eax = MAP_SIGNATURE;
  caller.ecx = MAP_ENTRY_SIZE;
  caller.ebx = caller.ebx + 1 < map.length ? caller.ebx + 1 : 0;
  caller.carry = false;
  return undefined;
}

/** DX = 0 asks for the buttons, 1 for the positions: without a game adapter all is 0. */
function readJoysticks(caller: Caller): undefined {
  const asked = caller.dx;
  if (asked > 1) return fail(caller, STATUS_UNSUPPORTED);
  caller.ax = 0;
  if (asked === 1) caller.bx = caller.cx = caller.dx = 0;
  caller.carry = false;
}

export const systemServices: readonly Service[] = [
  row({ ax: 0x2400 }, 'close A20', (caller) => {
    setA20(caller, false);
    return succeed(caller);
  }),
  row({ ax: 0x2401 }, 'open A20', (caller) => {
    setA20(caller, true);
    return succeed(caller);
  }),
  row({ ax: 0x2402 }, 'get state of A20', (caller) => {
    caller.al = isA20Open(caller.context) ? 1 : 0;
    return succeed(caller);
  }),
  row({ ax: 0x2403 }, 'get ways to switch A20', (caller) => {
    caller.bx = 3;
    return succeed(caller);
  }),
  row({ ah: 0x4f }, 'keyboard intercept', (caller) => {
    caller.carry = true;
  }),
  row({ ah: 0x80 }, 'open device', succeed),
  row({ ah: 0x81 }, 'close device', succeed),
  row({ ah: 0x82 }, 'end of program', succeed),
  row({ ah: 0x83 }, 'wait for a time in the background', eventWait),
  row({ ah: 0x84 }, 'read joysticks (there are none)', readJoysticks),
  row({ ah: 0x85 }, 'SysRq key', succeed),
  row({ ah: 0x86 }, 'wait', wait),
  row({ ah: 0x87 }, 'move block', moveBlock),
  row({ ah: 0x88 }, 'get extended memory size', getExtendedMemory),
  row({ ah: 0x89 }, 'switch to protected mode', switchToProtectedMode),
  row({ ah: 0x90 }, 'device busy', succeed),
  row({ ah: 0x91 }, 'device done', succeed),
  row({ ah: 0xc0 }, 'get configuration table', (caller) => {
    caller.setEs(ROM_SEGMENT);
    caller.bx = CONFIGURATION_TABLE;
    return succeed(caller);
  }),
  row({ ah: 0xc1 }, 'get segment of the extended BIOS data area', (caller) => {
    caller.setEs(EBDA_SEGMENT);
    caller.carry = false;
  }),
  row({ ah: 0xc2 }, 'pointing device', () => 'mouse'),
  row({ ax: 0xe801 }, 'get memory sizes', getMemorySizes),
  row({ ax: 0xe820 }, 'get memory map', getMemoryMap),
];
