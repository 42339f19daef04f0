/**
 * Guests whose instructions a device stops in the middle, for tests. Each runs twice: with a device that answers at once, and
 * with one that answers every access later. The guest, the device and memory must not be able to tell the difference.
 */
import type { Region } from '../devices/device.ts';
import type { CpuModel } from '../isa/cpu-model.ts';
import type { RunOutcome } from '../machine/machine.ts';
import type { PendingAccess } from '../memory/access-log.ts';
import { slot } from '../state/layout.ts';
import { REGISTERS_SIZE } from '../state/register-table.ts';
import { P, PagedGuest, U, W } from './paged-guest.ts';

/** Where the device lies in physical memory. */
export const MMIO = 0x1000_0000;
/** In bytes. */
export const MMIO_SIZE = 0x10000;
/** Linear address of the device's first page; the page before it is RAM. */
export const MAPPED = 0x101000;
/** The page before it. */
export const RAM_PAGE = MAPPED - 0x1000;

const WAITS_MAX = 4000;
const INSTRUCTIONS_MAX = 200;

/** `mixed`: about half of the accesses are answered at once. */
type Timing = 'at once' | 'later' | 'mixed';

/** Memory of the device, where every read gives something else, and a list of what it was asked. */
export function deviceOf(timing: Timing, width: 8 | 32, content: Map<number, number>) {
  const asked: string[] = [];
  let reads = 0;
  const read = (offset: number, size: number): number => {
    const fixed = content.get(offset);
    const value = fixed ?? (0x9e3779b1 * ++reads) >>> (32 - size * 8);
    asked.push(`read ${offset.toString(16)} ${size}`);
    return value >>> 0;
  };
  const write = (offset: number, size: number, value: number): void => {
    asked.push(`write ${offset.toString(16)} ${size} ${value.toString(16)}`);
    if (content.has(offset)) content.set(offset, value);
  };
  const waits = (): boolean => timing === 'later' || (Math.imul(asked.length, 0x9e3779b1) & 0x4000_0000) !== 0;
  const region: Region = { size: MMIO_SIZE, width, read, write };
  const later: Region = {
    ...region,
    read: () => {
      throw new Error('a bus master was not expected');
    },
    readLater: (offset, size) => {
      const value = read(offset, size);
      return waits() ? Promise.resolve(value) : value;
    },
    writeLater: (offset, size, value) => {
      write(offset, size, value);
      return waits() ? Promise.resolve() : undefined;
    },
  };
  return { asked, region: timing === 'at once' ? region : later };
}

/** A guest with the device at `MAPPED`. */
export interface Setup {
  readonly program: string;
  readonly model?: CpuModel;
  readonly paging?: boolean;
  /** Words of the device's memory that stay as they were written, by offset. */
  readonly content?: ReadonlyArray<readonly [number, number]>;
  prepare?(guest: PagedGuest): void;
}

/** What came of it. */
export interface Outcome {
  readonly reason: string;
  readonly registers: string;
  readonly memory: Uint8Array;
  readonly asked: readonly string[];
  readonly waits: readonly PendingAccess[];
  /** It did not go on before an answer was there. */
  readonly stoodStill: boolean;
  readonly retired: number;
  /** CR2. */
  readonly faultAddress: number;
}

/** Runs the guest to its end. */
export async function runWithDevice(setup: Setup, timing: Timing, width: 8 | 32): Promise<Outcome> {
  const guest = new PagedGuest(setup.program, setup.model ?? 'max');
  const { region, asked } = deviceOf(timing, width, new Map(setup.content));
  const { map, loop, processor } = guest.machine;
  map.addWindow({ device: 'later', start: MMIO, size: MMIO_SIZE, region });
  for (let page = 0; page < 16; page++) guest.map(MAPPED + page * 0x1000, (MMIO + page * 0x1000) | P | W | U);
  guest.set('ESI', MAPPED);
  guest.set('EDI', MAPPED);
  setup.prepare?.(guest);
  if (setup.paging !== false) guest.enablePaging();
  processor.refresh();
  const waits: PendingAccess[] = [];
  let stoodStill = true;
  const goOn = (): RunOutcome => loop.run({ instructionsMax: INSTRUCTIONS_MAX - loop.retired });
  let result = goOn();
  while (result.reason === 'waiting') {
    if (waits.length > WAITS_MAX) throw new Error('the guest waits for ever');
    if (result.access) waits.push(result.access);
    const place = guest.state.eip;
    const early = loop.run({ instructionsMax: 10 });
    stoodStill &&= early.reason === 'waiting' && guest.state.eip === place;
    await result.ready;
    result = goOn();
  }
  const { state, view } = guest;
  const registers = [state.eflags, ...new Uint8Array(state.view.buffer, state.base, REGISTERS_SIZE)].join(' ');
  const memory = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
  return {
    reason: result.reason,
    registers,
    memory,
    asked,
    waits,
    stoodStill,
    retired: loop.retired,
    faultAddress: state.read32(slot.CR2),
  };
}

/** Bytes of a displacement or immediate. */
export const dword = (value: number): string =>
  [0, 8, 16, 24].map((shift) => ((value >>> shift) & 0xff).toString(16).padStart(2, '0')).join(' ');

/** An operand of four bytes, the upper two of them in the device. */
export const CROSSING = dword(MAPPED - 2);

/** Runs both ways; gives the one that had to wait, and in what they differ. */
export async function runBothWays(
  setup: Setup,
  width: 8 | 32,
): Promise<{ readonly later: Outcome; readonly differences: readonly string[] }> {
  const atOnce = await runWithDevice(setup, 'at once', width);
  const later = await runWithDevice(setup, 'later', width);
  const differences: string[] = [];
  const compare = (name: string, one: unknown, other: unknown): void => {
    if (String(one) !== String(other)) differences.push(`${name}: ${other}, at once ${one}`);
  };
  compare('asked', atOnce.asked, later.asked);
  compare('reason', atOnce.reason, later.reason);
  compare('retired', atOnce.retired, later.retired);
  compare('registers', atOnce.registers, later.registers);
  compare(
    'RAM from',
    -1,
    later.memory.findIndex((byte, at) => byte !== atOnce.memory[at]),
  );
  compare('stood still', true, later.stoodStill);
  compare('waits of what answers at once', 0, atOnce.waits.length);
  // Every access of the device was waited for, once.
  compare('waits', later.asked.length, later.waits.length);
  return { later, differences };
}
