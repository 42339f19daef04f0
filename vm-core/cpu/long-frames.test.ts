/** Frames of interrupts in 64-bit mode: stack pointers that are not canonical go there and back to the last bit. */
import { expect, it } from 'vitest';
import { createBareMachine } from '../engine/bare-machine.ts';
import { CR0_PE, EFER_LMA, EFER_LME } from '../state/control-bits.ts';
import { CS, SS, slot } from '../state/layout.ts';

const [GDT, IDT, TASK, USER, HANDLER, STACK] = [0x1000, 0x2000, 0x3000, 0x4000, 0x5000, 0x7000];
const INSTRUCTIONS = 2;

it('hold RSP exactly, and IRETQ gives it back', () => {
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
  map.write(IDT + 3 * 16, 4, (0x08 << 16) | HANDLER);
  map.write(IDT + 3 * 16 + 4, 4, 0xee00);
  map.write(TASK + 4, 4, STACK);
  map.write(USER, 1, 0xcc);
  map.write(HANDLER, 2, 0xcf48);
  const pointer = 0x3bff_ffff_fe80_0001n;
  state.write64(slot.ESP, pointer);
  state.eip = USER;
  processor.refresh();
  expect(loop.run({ instructionsMax: 1 })).toMatchObject({ reason: 'limit' });
  expect(state.eip).toBe(HANDLER);
  const [low, high] = [STACK - 16, STACK - 12].map((at) => map.read(at, 4) >>> 0);
  expect([low, high]).toEqual([0xfe80_0001, 0x3bff_ffff]);
  expect(loop.run({ instructionsMax: INSTRUCTIONS - 1 })).toMatchObject({ reason: 'limit' });
  expect([state.eip, state.read64(slot.ESP)]).toEqual([USER + 1, pointer]);
});
