/**
 * The record of calls that generated code keeps of interrupts, faults and returns against TypeScript's: code that treats its
 * handlers and stacks in any way must leave the same record, the same state and the same memory with either.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { slot, internal } from '../state/layout.ts';
import { readState } from '../state/state-access.ts';
import { CALL_ENTRIES } from './call-entry.ts';
import { ASKED_ALWAYS } from './call-shadow.ts';
import { LongGuest } from './long-guest.ts';
import { HANDLERS, PagedGuest, PROGRAM } from './paged-guest.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 60);
const [TASK, IDT] = [0x900, 0x1000];
/** A stack of the interrupt stack table, which two of the gates name. */
const [OWN_STACK, OWN_STACK_AT, OWN_STACK_GATES] = [0xa000, TASK + 0x24, [3, 30]];
const UNMAPPED = 0x40_0000;
const DATA = { kernel: 0x10, user: 0x23 };

interface Program {
  readonly bits: 32 | 64;
  readonly isUser: boolean;
  readonly pieces: readonly (readonly number[])[];
  /** By the numbers of `VECTORS`. */
  readonly handlers: readonly (readonly number[])[];
  readonly runs: readonly number[];
}

const VECTORS = [3, 6, 13, 14, 30, 31] as const;
const hasErrorCode = (vector: number): boolean => vector === 13 || vector === 14;

const byte = (value: number) => value & 0xff;
const stackPlace = fc.constantFrom(0x5000, 0x5400, 0x57f8, 0x5ff0, 0x9f08, OWN_STACK);
/** mov rsp,imm64; in 32-bit code what is too much of it is add [eax],al. */
const stackLoad = stackPlace.map((at) => [0x48, 0xbc, at & 0xff, at >> 8, 0, 0, 0, 0, 0, 0]);

/** Instructions of 64-bit code, before most of which 32-bit code sees dec eax: those that keep the stack, and any. */
const orderly: fc.Arbitrary<readonly number[]> = fc.constantFrom<readonly number[]>(
  [0xcd, 31],
  [0xcd, 30],
  [0xcc], // int3
  [0x8a, 0x03], // mov al,[rbx]
  [0x0f, 0x0b], // ud2
  [0x50, 0xcd, 31, 0x58], // push rax; int 31; pop rax
  [0x50, 0x8a, 0x03, 0x58],
);
const any: fc.Arbitrary<readonly number[]> = fc.oneof(
  stackLoad,
  fc.constantFrom<readonly number[]>(
    [0xc3], // ret
    [0xc2, 8, 0], // ret 8
    [0x48, 0x83, 0xc4, 8], // add rsp,8
    [0x48, 0x83, 0xec, 16], // sub rsp,16
    [0x50], // push rax
    [0x58], // pop rax
    [0x54, 0x5c], // push rsp; pop rsp
    [0x48, 0x89, 0xec], // mov rsp,rbp
    [0x48, 0x89, 0xe5], // mov rbp,rsp
    [0x8e, 0xd6, 0x48, 0x89, 0xec], // mov ss,esi; mov rsp,rbp
    [0x8e, 0xd6], // mov ss,esi
    [0x48, 0xcf], // iretq
    [0x9c, 0x0e, 0xe8, 0, 0, 0, 0, 0xcf], // pushf; push cs; call next; iretd
  ),
);
const { piece } = fc.letrec<{ piece: readonly number[]; body: (readonly number[])[] }>((tie) => ({
  piece: fc.oneof(
    { maxDepth: 3 },
    { weight: 6, arbitrary: orderly },
    { weight: 1, arbitrary: any },
    { weight: 4, arbitrary: tie('body').map(called) },
  ),
  body: fc.array(tie('piece'), { maxLength: 4 }),
}));

/** call f; jmp on; f: …; ret; on: */
function called(body: readonly (readonly number[])[]): readonly number[] {
  const bytes = body.flat().slice(0, 100);
  return [0xe8, 2, 0, 0, 0, 0xeb, bytes.length + 1, ...bytes, 0xc3];
}

/** What handlers do before they return, if they do. */
const work: fc.Arbitrary<readonly number[]> = fc.oneof(
  { weight: 8, arbitrary: fc.constant([]) },
  { weight: 3, arbitrary: orderly },
  fc.constantFrom<readonly number[]>(
    [0xe8, 0, 0, 0, 0, 0x58], // call next; pop rax
    [0xe8, 0, 0, 0, 0], // call next
    [0x48, 0x83, 0xc4, 8],
    [0x50],
    [0x48, 0x89, 0xec],
    [0x8e, 0xd6, 0x48, 0x89, 0xec],
  ),
  stackLoad,
);

const program: fc.Arbitrary<Program> = fc.record({
  bits: fc.constantFrom(32 as const, 64 as const),
  isUser: fc.boolean(),
  pieces: fc.array(piece, { minLength: 2, maxLength: 12 }),
  handlers: fc.array(work, { minLength: VECTORS.length, maxLength: VECTORS.length }),
  runs: fc.array(fc.integer({ min: 1, max: 24 }), { minLength: 10, maxLength: 50 }),
});

/** Goes on behind what has faulted, mostly; the program begins anew at its end. */
function handlerOf(vector: number, before: readonly number[], bits: 32 | 64): readonly number[] {
  const drop = hasErrorCode(vector) ? [0x48, 0x83, 0xc4, bits / 8] : [];
  const skip = vector === 6 || hasErrorCode(vector) ? [0x48, 0x83, 0x04, 0x24, 2] : [];
  return [...before, ...drop, ...skip, 0x48, 0xcf];
}

function makeGuest({ bits, isUser, pieces, handlers }: Program, whole: boolean): LongGuest | PagedGuest {
  const guest = bits === 32 ? new PagedGuest('', '486') : new LongGuest(Uint8Array.of(), 'x86-64-v3');
  const { view, state, machine } = guest;
  if (guest instanceof PagedGuest) {
    for (let page = 0; page < 0x20_0000; page += 0x1000) guest.map(page, page | 7);
    guest.enablePaging();
  }
  const put = (at: number, bytes: readonly number[]) => {
    for (const [n, value] of bytes.entries()) view.setUint8(at + n, byte(value));
  };
  const code = [...pieces.flat(), ...Array.from({ length: 100 }, () => 0x90)];
  put(PROGRAM, [...code, 0xe9, byte(-code.length - 5), byte((-code.length - 5) >> 8), 0xff, 0xff]);
  for (const [n, vector] of VECTORS.entries()) put(HANDLERS + vector * 64, handlerOf(vector, handlers[n] ?? [], bits));
  if (bits === 64) {
    view.setUint32(OWN_STACK_AT, OWN_STACK, true);
    for (const vector of OWN_STACK_GATES) view.setUint8(IDT + vector * 16 + 4, 1);
  }
  beginAnew(guest, isUser);
  machine.processor.callShadow.isOn = true;
  if (whole) state.write32(internal.CALLS_ASK, ASKED_ALWAYS);
  return guest;
}

function beginAnew(guest: LongGuest | PagedGuest, isUser: boolean): void {
  const { state } = guest;
  if (isUser) guest.enterUser();
  state.eip = PROGRAM;
  state.write32(slot.EBX, UNMAPPED);
  state.write32(slot.ESI, isUser ? DATA.user : DATA.kernel);
  state.write32(slot.EBP, 0x5600);
  state.write32(slot.ESP, 0x5800);
}

/** With how many entries there are: those below the stack pointer are not told of. */
function recordOf({ machine, state }: LongGuest | PagedGuest): unknown {
  return { ...machine.processor.callShadow.calls(), newest: state.read32(internal.CALLS_TOP) };
}

it('is the same as TypeScript would have kept', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(program, (chosen) => {
      const [quick, whole] = [makeGuest(chosen, false), makeGuest(chosen, true)];
      for (const instructionsMax of chosen.runs) {
        const ends = [quick, whole].map(({ machine }) => machine.loop.run({ instructionsMax }).reason);
        expect(ends[0]).toBe(ends[1]);
        expect(recordOf(quick)).toEqual(recordOf(whole));
        expect(readState(quick.state)).toEqual(readState(whole.state));
        if (ends[0] !== 'limit') break;
        if (instructionsMax % 8 === 0) for (const guest of [quick, whole]) beginAnew(guest, chosen.isUser);
      }
      const [memory, expected] = [quick, whole].map(({ machine }) => Buffer.from(machine.map.copyOut(0, 0x10000)));
      expect(memory?.equals(expected as Buffer)).toBe(true);
    }),
    { numRuns: ROUNDS },
  );
});

/** int 31; dec ecx; jnz back to the int: as the handler, and then iret. */
const RECURSION = [0x48, 0xff, 0xc9, 0x74, 2, 0xcd, 31, 0x48, 0xcf];
/** dec ecx; jz on; int 31; on: iretd */
const RECURSION_32 = [0x49, 0x74, 2, 0xcd, 31, 0xcf];

it.each([
  [32, 0xf0000, RECURSION_32],
  [64, 0x10_0000 - 8, RECURSION],
] as const)('wraps where handlers of %i bits are entered more often than it has room', (bits, top, handler) => {
  const depth = CALL_ENTRIES + 300;
  const [quick, whole] = [false, true].map((isWhole) => {
    const nothing = { isUser: false, pieces: [[0xcd, 31]], handlers: [], runs: [] };
    const guest = makeGuest({ bits, ...nothing }, isWhole);
    handler.forEach((value, n) => {
      guest.view.setUint8(HANDLERS + 31 * 64 + n, value);
    });
    guest.state.write32(slot.ESP, top);
    guest.state.write32(slot.ECX, depth);
    return guest;
  }) as [LongGuest, LongGuest];
  for (const instructionsMax of [3 * depth - 40, 80, 400, depth]) {
    for (const { machine } of [quick, whole]) machine.loop.run({ instructionsMax });
    expect(recordOf(quick)).toEqual(recordOf(whole));
    expect(readState(quick.state)).toEqual(readState(whole.state));
  }
  expect(quick.machine.processor.callShadow.calls().calls.length).toBeLessThan(CALL_ENTRIES);
});
