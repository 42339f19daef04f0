/** Interrupts in 64-bit mode: stack pointers that are not canonical, and the single step after SYSRET and SYSCALL. */
import { expect, it } from 'vitest';
import { createBareMachine } from '../engine/bare-machine.ts';
import { CR0_PE, EFER_LMA, EFER_LME, EFER_SCE } from '../state/control-bits.ts';
import { CS, SS, slot } from '../state/layout.ts';
import { TF } from '../state/lazy-flags.ts';

const [GDT, IDT, TASK, USER, HANDLER, STACK] = [0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x7000];
const INSTRUCTIONS = 2;

/** 64-bit code at level 3, with gates for vectors 1, 3, 8 and 12. */
function longGuest() {
  const { processor, map, loop } = createBareMachine(0x100000, undefined, 'max');
  const { state } = processor;
  state.write32(slot.CR0, CR0_PE);
  state.write32(slot.EFER, EFER_LME | EFER_LMA);
  state.setSegment(CS, { selector: 0x1b, base: 0, limit: 0xffffffff, attributes: 0xafb });
  state.setSegment(SS, { selector: 0x13, base: 0, limit: 0xffffffff, attributes: 0xcf3 });
  state.write8(slot.CPL, 3);
  state.setSegmentAt(slot.TR, { selector: 0x20, base: TASK, limit: 0x67, attributes: 0x8b });
  state.write32(slot.GDTR_BASE, GDT);
  state.write16(slot.GDTR_LIMIT, 0xff);
  state.write32(slot.IDTR_BASE, IDT);
  state.write16(slot.IDTR_LIMIT, 0xfff);
  [0x08, 0x00af9b00, 0x10, 0x00cff300, 0x18, 0x00affb00].forEach((value, n, all) => {
    if (n % 2 === 1) map.write(GDT + (all[n - 1] as number) + 4, 4, value);
  });
  for (const vector of [1, 3, 8, 12]) {
    map.write(IDT + vector * 16, 4, (0x08 << 16) | (HANDLER + vector));
    map.write(IDT + vector * 16 + 4, 4, 0xee00 | (vector === 8 ? 1 : 0));
  }
  map.write(TASK + 4, 4, STACK);
  map.write(TASK + 36, 4, STACK);
  state.eip = USER;
  processor.refresh();
  return { processor, map, loop, state };
}

it('frames hold RSP exactly, and IRETQ gives it back', () => {
  const { map, loop, state } = longGuest();
  map.write(USER, 1, 0xcc);
  map.write(HANDLER + 3, 2, 0xcf48);
  const pointer = 0x3bff_ffff_fe80_0001n;
  state.write64(slot.ESP, pointer);
  expect(loop.run({ instructionsMax: 1 })).toMatchObject({ reason: 'limit' });
  expect(state.eip).toBe(HANDLER + 3);
  const [low, high] = [STACK - 16, STACK - 12].map((at) => map.read(at, 4) >>> 0);
  expect([low, high]).toEqual([0xfe80_0001, 0x3bff_ffff]);
  expect(loop.run({ instructionsMax: INSTRUCTIONS - 1 })).toMatchObject({ reason: 'limit' });
  expect([state.eip, state.read64(slot.ESP)]).toEqual([USER + 1, pointer]);
});

it('a stack pointer of the task that is not canonical is #SS, and there a double fault', () => {
  const { map, loop, state } = longGuest();
  map.write(USER, 1, 0xcc);
  map.write(TASK + 8, 4, 0x8000);
  map.write(HANDLER + 8, 1, 0x90);
  expect(loop.run({ instructionsMax: 1 })).toMatchObject({ reason: 'limit' });
  expect([state.eip, state.read32(slot.ESP)]).toEqual([HANDLER + 9, STACK - 48]);
});

it('SYSRET that sets TF traps at once, SYSCALL that masks it does not', () => {
  const { processor, map, loop, state } = longGuest();
  state.write32(slot.EFER, EFER_LME | EFER_LMA | EFER_SCE);
  state.write32(slot.STAR + 4, (0x0b << 16) | 0x08);
  state.write32(slot.LSTAR, HANDLER + 0x80);
  state.write32(slot.FMASK, TF);
  map.write(USER, 2, 0x050f);
  // SYSRETQ; the program goes on with NOP.
  map.write(HANDLER + 0x80, 4, 0x070f48);
  map.write(USER + 2, 1, 0x90);
  state.eflags = 2 | TF;
  processor.refresh();
  expect(loop.run({ instructionsMax: 1 })).toMatchObject({ reason: 'limit' });
  expect(state.eip).toBe(HANDLER + 0x80);
  expect(loop.run({ instructionsMax: 1 })).toMatchObject({ reason: 'limit' });
  expect(loop.run({ instructionsMax: 0 })).toMatchObject({ reason: 'limit' });
  expect(state.eip).toBe(HANDLER + 1);
  expect(map.read(STACK - 40, 4)).toBe(USER + 2);
});
