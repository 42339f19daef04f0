/** Decoding names the function that executes an instruction, and nothing is looked up or decoded again while it runs (row X5). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemOperations } from '../cpu/system-operations.ts';
import type { DecodedInstruction } from '../isa/decoded-instruction.ts';
import { Decoder } from '../isa/decoder.ts';
import { instructionRows } from '../isa/instruction-table.ts';
import { internal } from '../state/layout.ts';
import { programMachine, PROGRAM_START } from './guest-program.ts';
import { interpreter } from './interpreter.ts';
import * as record from './record.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 2000);

describe('direct dispatch', () => {
  it('knows for each row what executes it', () => {
    const without = instructionRows.filter(
      ({ name, semantics, inline }) => !semantics && !inline && systemOperations[name] === undefined,
    );
    expect(without).toEqual([]);
  });

  it('asks for the handler of an instruction once, however often it is executed', () => {
    // mov cx,1000; l: add ax,3; add [0800h],ax; cmp ax,[0800h]; dec cx; jnz l; hlt
    const program = [0xb9, 0xe8, 3, 5, 3, 0, 1, 6, 0, 8, 0x3b, 6, 0, 8, 0x49, 0x75, 0xf2, 0xf4];
    const machine = programMachine(program);
    const code = interpreter(16);
    const { handlerOf } = code;
    const asked: number[] = [];
    code.handlerOf = (instruction) => {
      asked.push(instruction.rowIndex);
      return handlerOf(instruction);
    };
    try {
      expect(machine.loop.run({ instructionsMax: 10_000 }).reason).toBe('halted');
    } finally {
      code.handlerOf = handlerOf;
    }
    expect(machine.loop.retired).toBe(2 + 5 * 1000);
    // The body of the loop and HLT lie in two blocks: in the second one only heads with 16-bit addresses are decoded again.
    expect(asked).toHaveLength(7 + 2);
    expect(machine.processor.code.counters.decoded).toBe(2);
  });

  it('has the handler in the record, another one for each row and form', () => {
    // add ax,bx; add ax,[bx]; sub ax,bx; sub al,bl; inc ax; hlt
    const program = [0x01, 0xd8, 0x03, 0x07, 0x29, 0xd8, 0x28, 0xd8, 0x40, 0xf4];
    const { loop, processor } = programMachine(program);
    loop.run({ instructionsMax: 10 });
    const { state } = processor;
    const first = state.view.getInt32(state.read32(internal.BLOCK) + record.BLOCK_FIRST, true);
    const decoder = new Decoder('386');
    const handlers: number[] = [];
    for (let at = 0, n = 0; at < program.length; n++) {
      const instruction = decoder.decode((offset) => program[at + offset] ?? 0, 16);
      const place = first + n * record.RECORD_SIZE;
      handlers.push(state.view.getUint16(place + record.RECORD_HANDLER, true));
      expect(handlers[n]).toBe(interpreter(16).handlerOf(instruction));
      expect(state.view.getUint16(place + record.RECORD_ROW, true)).toBe(instruction.rowIndex);
      at += instruction.length;
    }
    expect(new Set(handlers).size).toBe(handlers.length);
    expect(state.eip).toBe(PROGRAM_START + program.length);
  });

  it('decodes an instruction the same whatever was decoded before', () => {
    const bytes = fc.uint8Array({ minLength: 15, maxLength: 15 });
    const size = fc.constantFrom(16 as const, 32 as const, 64 as const);
    const used = new Decoder('max');
    fc.assert(
      fc.property(bytes, bytes, size, size, (before, now, sizeBefore, sizeNow) => {
        const decode = (decoder: Decoder, code: Uint8Array, codeSize: 16 | 32 | 64): DecodedInstruction => ({
          ...decoder.decode((offset) => code[offset] ?? 0, codeSize),
        });
        decode(used, before, sizeBefore);
        const after = decode(used, now, sizeNow);
        // What is no instruction has a length and nothing else.
        const fresh = decode(new Decoder('max'), now, sizeNow);
        if (fresh.rowIndex < 0) expect([after.rowIndex, after.length]).toEqual([fresh.rowIndex, fresh.length]);
        else expect(after).toEqual(fresh);
      }),
      { numRuns: ROUNDS },
    );
  });
});
