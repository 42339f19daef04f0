/** POPA reads upwards, EDI first (SDM vol. 2B, POPA): a page fault tells of the lowest address. */
import { expect, it } from 'vitest';
import { createBareMachine } from '../engine/bare-machine.ts';
import { CR0_PE, CR0_PG } from '../state/control-bits.ts';
import { CS, SS, slot } from '../state/layout.ts';

const [CODE, DIRECTORY, TABLE, STACK] = [0x1000, 0x2000, 0x3000, 0x5ff0];

it('faults at the first item that is not there', () => {
  const { processor, map, loop } = createBareMachine(0x100000, undefined, '486');
  const { state } = processor;
  map.write(DIRECTORY, 4, TABLE | 3);
  for (const page of [1, 2, 3, 5]) map.write(TABLE + page * 4, 4, (page << 12) | 3);
  map.write(CODE, 1, 0x61);
  state.write32(slot.CR3, DIRECTORY);
  state.write32(slot.CR0, (CR0_PE | CR0_PG) >>> 0);
  state.setSegment(CS, { selector: 8, base: 0, limit: 0xffffffff, attributes: 0xc9b });
  state.setSegment(SS, { selector: 16, base: 0, limit: 0xffffffff, attributes: 0xc93 });
  state.write32(slot.ESP, STACK);
  state.eip = CODE;
  for (const register of [slot.CR0, slot.CR3]) state.onDerivedChange(register);
  processor.refresh();
  loop.stopOnExceptions = new Set([14]);
  expect(loop.run({ instructionsMax: 1 })).toMatchObject({ reason: 'exception', event: { vector: 14 } });
  expect([state.read32(slot.CR2), state.read32(slot.ESP)]).toEqual([STACK + 16, STACK]);
});
