/** Code that treats its stack in any way: the record of calls stays within bounds, and the guest does not notice it. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { changedState, readState } from '../state/state-access.ts';
import { slot } from '../state/layout.ts';
import { CALL_ENTRIES } from './call-entry.ts';
import { PROGRAM_START, programMachine } from './guest-program.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 25);

const byte = fc.integer({ min: 0, max: 255 });
/** The stack lies between interrupt table and program, so that some of it is written over and called. */
const stackOffset = fc.integer({ min: 0, max: 0x7fff });

const word = (value: number): readonly number[] => [value & 0xff, value >> 8];

/** Instructions of 16-bit code; calls and jumps go to nearby places, often into the middle of something. */
const piece = fc.oneof(
  byte.map((distance) => [0xe8, ...word((distance - 128) & 0xffff)]),
  stackOffset.map((offset) => [0xbc, ...word(offset)]),
  fc.constantFrom<readonly number[]>(
    [0xc3], // ret
    [0xc2, 4, 0], // ret 4
    [0xcb], // retf
    [0xcf], // iret
    [0xcd, 0x21], // int 21h
    [0xf7, 0xf1], // div cx
    [0x54], // push sp
    [0x5c], // pop sp
    [0x94], // xchg sp, ax
    [0x87, 0xe3], // xchg sp, bx
    [0x89, 0xec], // mov sp, bp
    [0x8b, 0x24], // mov sp, [si]
    [0x8d, 0x64, 0x10], // lea sp, [si+10h]
    [0x8e, 0xd3], // mov ss, bx
    [0x16, 0x17], // push ss; pop ss
    [0x0f, 0xb2, 0x24], // lss sp, [si]
    [0xc8, 8, 0, 0], // enter 8, 0
    [0xc9], // leave
    [0x83, 0xc4, 6], // add sp, 6
    [0x0e], // push cs
    [0x68, 0x10, 0x7c], // push 7c10h
    [0x9a, 0x05, 0x7c, 0, 0], // call 0:7c05h
    [0x9a, 0x05, 0, 0xc0, 0x07], // call 7c0h:5
    [0xff, 0x1c], // call far [si]
    [0x66, 0xc3], // o32 ret
    [0x60], // pusha
    [0x61], // popa
    [0x46], // inc si
    [0x43], // inc bx
    [0xeb, 0xf0], // jmp back
  ),
);

function machineWith(bytes: readonly number[], isOn: boolean) {
  const machine = programMachine([...bytes, 0xeb, 0xfe]);
  // Handlers that return, so that more than a few instructions run.
  for (let vector = 0; vector < 0x100; vector++) machine.map.write(0x600 + vector, 1, 0xcf);
  machine.processor.callShadow.isOn = isOn;
  machine.processor.trace.isOn = isOn;
  return machine;
}

it('is bounded and unseen whatever code does to its stacks', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 40 }), stackOffset, (pieces, start) => {
      const [on, off] = [true, false].map((isOn) => machineWith(pieces.flat(), isOn));
      if (!on || !off) return;
      for (let run = 0; run < 8; run++) {
        for (const machine of [on, off]) {
          machine.processor.state.write8(slot.HALTED, 0);
          machine.processor.state.eip = PROGRAM_START + run;
          machine.processor.state.write32(slot.ESP, start);
          machine.loop.run({ instructionsMax: 100 + 300 * run });
        }
        const { calls } = on.processor.callShadow.calls();
        expect(calls.length).toBeLessThanOrEqual(CALL_ENTRIES);
        expect(on.processor.callShadow.calls(2).calls).toEqual(calls.slice(0, 2));
        on.processor.trace.entries();
      }
      expect(changedState(readState(on.processor.state), readState(off.processor.state))).toEqual([]);
      expect(on.loop.retired).toBe(off.loop.retired);
      expect(on.map.copyOut(0, 0x10000)).toEqual(off.map.copyOut(0, 0x10000));
    }),
    { numRuns: ROUNDS },
  );
});
