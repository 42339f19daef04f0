/**
 * A gather with traps due for the elements that it has, whose next element a device answers later (docs/decisions/0011): while
 * it waits all registers are as before it, and the traps come when it is done, or when a later element faults.
 */
import { describe, expect, it } from 'vitest';
import type { RunOutcome } from '../machine/machine.ts';
import { CR4_OSFXSR, CR4_OSXSAVE } from '../state/control-bits.ts';
import { internal, slot, vectorSlots } from '../state/layout.ts';
import { RF, TF } from '../state/lazy-flags.ts';
import { REGISTERS_SIZE } from '../state/register-table.ts';
import { deviceOf, MAPPED, MMIO, MMIO_SIZE, RAM_PAGE } from './later-guest.ts';
import { P, PagedGuest, PROGRAM, U, W } from './paged-guest.ts';

/** The element in RAM is the last doubleword before the device. */
const ELEMENT = MAPPED - 4;
const MISSING = RAM_PAGE - 0x1000;
/** A data breakpoint on reads of four bytes at DR0. */
const DR7_WATCHES = 0xf0402;
const DR6_B0 = 1;
const DR6_BS = 1 << 14;

/** VGATHERDPS XMM1,[ESI+XMM2*4],XMM3: an element in RAM, two of a device, one more in RAM or on a page that is not there. */
function guestWith(timing: 'at once' | 'later', flags: number, control7: number, last: 'there' | 'missing') {
  const guest = new PagedGuest('c4 e2 61 92 0c 96 f4', 'max');
  const { state, machine } = guest;
  const { region } = deviceOf(timing, 32, new Map([[0, 0x1234_5678]]));
  machine.map.addWindow({ device: 'later', start: MMIO, size: MMIO_SIZE, region });
  guest.map(MAPPED, MMIO | P | W | U);
  guest.map(MISSING, 0);
  guest.set('CR4', CR4_OSFXSR | CR4_OSXSAVE);
  guest.set('XCR0', 7);
  guest.set('ESI', ELEMENT);
  [0, 1, 2, last === 'there' ? -1 : (MISSING - ELEMENT) / 4].forEach((index, n) => {
    state.write32((vectorSlots[2] as number) + 4 * n, index >>> 0);
    state.write32((vectorSlots[3] as number) + 4 * n, 0x8000_0000);
  });
  state.eflags = 2 | flags;
  guest.set('DR0', ELEMENT);
  guest.set('DR7', control7);
  guest.enablePaging();
  const registers = () => new Uint8Array(state.view.buffer, state.base, REGISTERS_SIZE).slice();
  return { guest, registers };
}

const cases = [
  ['with TF', TF, 0, DR6_BS],
  ['on a data breakpoint', 0, DR7_WATCHES, DR6_B0],
  ['with both', TF, DR7_WATCHES, DR6_B0 | DR6_BS],
] as const;

describe('a gather that waits for a device behind an element that it has', () => {
  it.each(cases)('%s has all registers as before it, and traps behind it', async (_, flags, control7, reasons) => {
    for (const last of ['there', 'missing'] as const) {
      const { guest, registers } = guestWith('later', flags, control7, last);
      const { state, machine } = guest;
      const before = registers();
      let waits = 0;
      const goOn = (): RunOutcome => machine.loop.run({ instructionsMax: 100 });
      let result = goOn();
      for (; result.reason === 'waiting'; waits++) {
        expect([state.eflags, state.eip, state.read32(internal.GATHERED)]).toEqual([2 | flags, PROGRAM, 0]);
        expect(registers()).toEqual(before);
        await result.ready;
        result = goOn();
      }
      const atOnce = guestWith('at once', flags, control7, last);
      expect([waits, result.reason]).toEqual([2, atOnce.guest.run().reason]);
      expect(registers()).toEqual(atOnce.registers());
      const [eip, , eflags] = [0, 4, 8].map((at) => guest.read32(guest.register('ESP') + at));
      expect(state.read32(slot.DR6) & (DR6_B0 | DR6_BS)).toBe(reasons);
      // Behind the gather, or at it, to go on with what is left.
      const isDone = last === 'there';
      expect([eip, (eflags as number) & RF]).toEqual([isDone ? PROGRAM + 6 : PROGRAM, isDone ? 0 : RF]);
    }
  });
});
