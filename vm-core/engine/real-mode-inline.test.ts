/** Real-mode cases of system operations in generated code: where they end, and where the cpu layer takes over. */
import { describe, expect, it } from 'vitest';
import { CS, DS, ES, SEGMENT_ATTRIBUTES, SEGMENT_LIMIT, SS, segmentSlots, slot } from '../state/layout.ts';
import type { BareMachine } from './bare-machine.ts';
import { loadProgram, PROGRAM_START, programMachine } from './guest-program.ts';

const HLT = 0xf4;
const STACK = PROGRAM_START;
/** Where the handlers of programMachine lie. */
const handler = (vector: number): number => 0x600 + vector;

function run(bytes: readonly number[], prepare: (machine: BareMachine) => void = () => {}): BareMachine {
  const machine = programMachine(bytes);
  prepare(machine);
  machine.loop.run({ instructionsMax: 100 });
  return machine;
}

describe('segment loads', () => {
  // mov ax,1234h; mov ds,ax; push ds; pop es; mov al,[0]; hlt
  const load = [0xb8, 0x34, 0x12, 0x8e, 0xd8, 0x1e, 0x07, 0xa0, 0x00, 0x00, HLT];

  it('set selector and base and keep limit and attributes', () => {
    const { processor } = run(load, ({ processor: { state }, map }) => {
      state.setSegment(DS, { selector: 0, base: 0, limit: 0xffffffff, attributes: 0x893 });
      map.write(0x12340, 1, 0x5a);
    });
    const { state } = processor;
    expect(state.segment(DS)).toEqual({ selector: 0x1234, base: 0x12340, limit: 0xffffffff, attributes: 0x893 });
    expect(state.segment(ES)).toEqual({ selector: 0x1234, base: 0x12340, limit: 0xffff, attributes: 0x93 });
    expect(state.read8(slot.EAX)).toBe(0x5a);
  });

  it('repair what a null selector of protected mode had left', () => {
    const { processor } = run(load, ({ processor: { state } }) => {
      state.write16((segmentSlots[DS] as number) + SEGMENT_ATTRIBUTES, 0);
      state.write32((segmentSlots[DS] as number) + SEGMENT_LIMIT, 0);
    });
    expect(processor.state.segment(DS)).toEqual({ selector: 0x1234, base: 0x12340, limit: 0xffff, attributes: 0x93 });
  });

  it('leave everything as it is where the pointer faults', () => {
    // les di,[0fffeh]: the selector lies beyond the segment
    const { processor } = run([0xc4, 0x3e, 0xfe, 0xff], ({ processor: { state } }) => state.write32(slot.EDI, 7));
    const { state } = processor;
    expect([state.eip - 1, state.segment(ES).selector, state.read32(slot.EDI)]).toEqual([handler(13), 0, 7]);
  });

  it('of SS hold interrupts off for one instruction', () => {
    // mov ss,ax; nop; nop; hlt, with an interrupt that waits
    const taken: number[] = [];
    run([0x8e, 0xd0, 0x90, 0x90, HLT], ({ processor }) => {
      processor.state.eflags |= 0x200;
      let instructions = 0;
      Object.assign(processor, {
        // The interrupt comes up while MOV SS runs.
        interruptPending: () => instructions++ > 0 && taken.length === 0,
        acknowledgeInterrupt: () => {
          taken.push(processor.state.eip);
          return 0x20;
        },
      });
      processor.state.onDerivedChange = (
        (derive) =>
        (offset: number): void => {
          derive(offset);
          processor.requestExit();
        }
      )(processor.state.onDerivedChange);
    });
    expect(taken).toEqual([PROGRAM_START + 3]);
  });
});

describe('far transfers', () => {
  /** call 2000h:10h; hlt, and there: inc ax; retf 4 */
  const call = [0x9a, 0x10, 0x00, 0x00, 0x20, HLT];
  const routine = [0x40, 0xca, 0x04, 0x00];

  it.each([true, false])('go there and back, with calls recorded: %s', (recorded) => {
    const { processor, map, loop } = run(call, (machine) => {
      loadProgram(machine, routine, 0x20010);
      machine.processor.callShadow.isOn = recorded;
    });
    const { state } = processor;
    expect([state.read16(slot.EAX), state.eip, state.segment(CS).selector]).toEqual([1, PROGRAM_START + 6, 0]);
    expect([state.read16(slot.ESP), map.read(STACK - 4, 4)]).toEqual([STACK + 4, PROGRAM_START + 5]);
    expect(loop.retired).toBe(4);
  });

  it.each([true, false])('fault before anything is pushed or popped, with calls recorded: %s', (recorded) => {
    // o32 call 0:12345678h: beyond the limit of CS
    const { processor, map } = run([0x66, 0x9a, 0x78, 0x56, 0x34, 0x12, 0, 0], (machine) => {
      machine.processor.callShadow.isOn = recorded;
      machine.map.write(STACK - 8, 4, 0xaaaaaaaa);
    });
    const { state } = processor;
    expect([state.eip - 1, state.read16(slot.ESP)]).toEqual([handler(13), STACK - 6]);
    expect([map.read(STACK - 6, 2), map.read(STACK - 8, 2)]).toEqual([PROGRAM_START, 0xaaaa]);
  });

  it.each([true, false])(
    'fault at the second push with the stack pointer as it was, with calls recorded: %s',
    (recorded) => {
      const { processor } = run([0xbc, 0x02, 0x00, ...call], (machine) => {
        machine.processor.callShadow.isOn = recorded;
        // The word at 0 fits, the one at FFFEh does not.
        const { state } = machine.processor;
        state.setSegment(SS, { selector: 0, base: 0x10000, limit: 0xfffd, attributes: 0x93 });
        machine.loop.stopOnExceptions = new Set([12]);
      });
      expect([processor.state.eip, processor.state.read16(slot.ESP)]).toEqual([PROGRAM_START + 3, 2]);
    },
  );
});

describe('POPF', () => {
  it('takes what real mode lets it, and traps behind the next instruction where it sets TF', () => {
    // mov ax,7fd7h; push ax; popf; nop; hlt
    const { processor, map } = run([0xb8, 0xd7, 0x7f, 0x50, 0x9d, 0x90, HLT]);
    expect([processor.state.eip - 1, map.read(STACK - 6, 2)]).toEqual([handler(1), PROGRAM_START + 6]);
    expect(map.read(STACK - 2, 2)).toBe(0x7fd7);
  });
});
