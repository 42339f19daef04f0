/**
 * The quick way of interrupts and returns against the whole one: the same guest, whose tables change between two of its
 * interrupts, must end in the same state with either.
 */
import { expect, it, test } from 'vitest';
import type { SystemOperation } from '../cpu/cpu.ts';
import { instructionRows } from '../isa/instruction-table.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { internal, slot } from '../state/layout.ts';
import { RF } from '../state/lazy-flags.ts';
import { readState } from '../state/state-access.ts';
import { ASKED_ALWAYS } from './call-shadow.ts';
import { defaultEngine } from './compiler/tiers.ts';
import { LongGuest } from './long-guest.ts';
import { operationsByRow } from './operations-by-row.ts';
import { PagedGuest, PROGRAM, STACK } from './paged-guest.ts';
import type { BareMachine } from './bare-machine.ts';

const CASES = 80;
const [GDT, TASK, IDT, HANDLERS] = [0x600, 0x900, 0x1000, 0x8000];
const VECTOR = 31;
/** Nothing is mapped there. */
const UNMAPPED = 0x40_0000;

/** mov ecx,3 / again: event / loop again / xor [esi],edi / event / event / hlt */
const around = (event: string): string => `b9 03 00 00 00 ${event} e2 fc 31 3e ${event} ${event} f4`;
const INTERRUPT: string = around('cd 1f');
const FAULT: string = around('8a 03');
/** The handler of faults goes on behind the two bytes. */
const handlers = {
  32: { interrupt: 'cf', fault: '83 c4 04 83 04 24 02 cf' },
  64: { interrupt: '48 cf', fault: '48 83 c4 08 48 83 04 24 02 48 cf' },
} as const;

interface Guest {
  readonly state: CpuState;
  readonly view: DataView;
  readonly machine: Pick<BareMachine, 'processor' | 'loop'>;
  enterUser(): void;
  runToHalt(): string;
}

/** One case: what the registers hold, and which word of which table is changed how. */
interface Case {
  readonly bits: 32 | 64;
  readonly isFault: boolean;
  readonly isUser: boolean;
  readonly flags: number;
  readonly stack: number;
  readonly at: number;
  readonly change: number;
}

function makeCase(seed: number): Case {
  let value = seed * 2_654_435_761;
  const random = (bound: number): number => {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((value / 2 ** 32) * bound);
  };
  const pick = <T>(...choices: readonly T[]): T => choices[random(choices.length)] as T;
  const bits = pick<32 | 64>(32, 64);
  const isFault = random(3) === 0;
  const gate = (isFault ? 14 : VECTOR) * (bits / 4);
  const at = pick(
    TASK + 4,
    TASK + 8,
    IDT + gate,
    IDT + gate + 4,
    GDT + 8,
    GDT + 12,
    GDT + 0x14,
    GDT + 0x1c,
    GDT + 0x2c,
  );
  return {
    bits,
    isFault,
    isUser: random(2) === 0,
    flags: pick(2, 0x202, 0x3002, 0x3246, 0x4002, 0x4_0202),
    stack: pick(STACK, STACK - 8, 0x5008, 0x5010, 0x501c, 24, 4),
    at,
    change: pick(0, 0, 1 << random(32), 1 << random(32), 1 << random(32), 1 << (8 + random(8)), 1 << (20 + random(4))),
  };
}

function makeGuest(
  { bits, isFault, isUser, flags, stack, at, change }: Case,
  program: string = isFault ? FAULT : INTERRUPT,
): Guest {
  const guest = bits === 32 ? new PagedGuest(program, '486') : new LongGuest(bytesOf(program));
  if (guest instanceof PagedGuest) {
    for (let page = 0; page < 0x20_0000; page += 0x1000) guest.map(page, page | 7);
    guest.enablePaging();
  }
  const put = (vector: number, text: string) => {
    bytesOf(text).forEach((byte, n) => {
      guest.view.setUint8(HANDLERS + vector * 64 + n, byte);
    });
  };
  put(VECTOR, handlers[bits].interrupt);
  put(14, handlers[bits].fault);
  if (isUser) guest.enterUser();
  const { state } = guest;
  state.eflags = flags;
  state.write32(slot.ESP, stack);
  state.write32(slot.EBX, UNMAPPED);
  state.write32(slot.ESI, at);
  state.write32(slot.EDI, change);
  return guest;
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text.split(' '), (byte) => Number.parseInt(byte, 16));
}

/** The same guest, of whose events a record is kept; with `whole` it is TypeScript that delivers and returns. */
function recording(bits: Case, whole: boolean): Guest {
  const guest = makeGuest(bits);
  guest.machine.processor.callShadow.isOn = true;
  if (whole) guest.state.write32(internal.CALLS_ASK, ASKED_ALWAYS);
  return guest;
}

/** Everything that the guest can see afterwards. */
function outcomeOf(guest: Guest): unknown {
  const end = guest.runToHalt();
  return { end, registers: readState(guest.state), memory: lowMemory(guest) };
}

function lowMemory({ view }: Guest): string {
  return Buffer.from(new Uint8Array(view.buffer, view.byteOffset, 0x9000)).toString('base64');
}

test.each(Array.from({ length: CASES }, (_, seed) => seed))('case %i ends the same', (seed) => {
  const whole = outcomeOf(recording(makeCase(seed), true));
  expect(outcomeOf(makeGuest(makeCase(seed)))).toEqual(whole);
  expect(outcomeOf(recording(makeCase(seed), false))).toEqual(whole);
});

test.skipIf(defaultEngine.name.startsWith('compiler-')).each([32, 64] as const)(
  'usual interrupts and faults of %i-bit kernels take the quick way',
  (bits) => {
    for (const [isFault, isUser] of [
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ] as const) {
      const guest = makeGuest({ bits, isFault, isUser, flags: 0x3202, stack: 0x5800, at: 0x9800, change: 0 });
      const { quick } = guest.machine.processor;
      const entered: boolean[] = [];
      const enter = quick.enter.bind(quick);
      quick.enter = (...event) => {
        const done = enter(...event);
        entered.push(done);
        return done;
      };
      const whole = countOperations(() => expect(guest.runToHalt()).toBe(isUser ? 'vector 13' : 'program'));
      // The first one finds nothing cached, two faults with no instruction between them have RF set, the last is that of HLT.
      if (isFault) expect(entered.length).toBeLessThanOrEqual(3);
      expect(whole.INT).toBe(0);
      expect(whole.IRET).toBeLessThanOrEqual(2);
    }
  },
);

/** mov ecx,3 / again: mov al,[ebx] / what is returned to / loop again / hlt */
const returningTo = (bytes: string): string => {
  const size = bytes.split(' ').length;
  return `b9 03 00 00 00 8a 03 ${bytes} e2 ${(0x100 - size - 4).toString(16)} f4`;
};

it.each(
  ([32, 64] as const).flatMap((bits) =>
    // inc edx; mov eax,[esi]; push eax; pushf; int3; rep movsb of nothing
    ['ff c2', '8b 06', '50', '9c', 'cc', '89 f7 f3 a4'].map((next) => [bits, next] as const),
  ),
)('IRET of %i bits leaves RF to the one instruction behind it: %s', (bits, next) => {
  const begin = () => {
    const guest = makeGuest(
      { bits, isFault: true, isUser: false, flags: 2, stack: 0x5800, at: 0x9800, change: 0 },
      returningTo(next),
    );
    guest.runToHalt();
    guest.state.eip = PROGRAM;
    guest.state.write32(slot.ESP, 0x5800);
    guest.state.write8(slot.HALTED, 0);
    return guest;
  };
  const stepped = begin();
  const flags = new Set<boolean>();
  for (let instructionsMax = 1; instructionsMax <= 40; instructionsMax++) {
    const { reason } = stepped.machine.loop.run({ instructionsMax: 1 });
    const whole = begin();
    whole.machine.loop.run({ instructionsMax });
    expect(readState(whole.state)).toEqual(readState(stepped.state));
    expect(lowMemory(whole)).toBe(lowMemory(stepped));
    flags.add((stepped.state.eflags & RF) !== 0);
    if (reason !== 'limit') break;
  }
  expect(flags.size).toBe(2);
});

/** mov ecx,3 / again: mov eax,cr3 / mov cr3,eax / int 1fh / loop again / hlt */
const RELOADS = 'b9 03 00 00 00 0f 20 d8 0f 22 d8 cd 1f e2 f6 f4';

test.skipIf(defaultEngine.name.startsWith('compiler-'))('interrupts after a write of CR3 go without TypeScript', () => {
  const guest = new PagedGuest(RELOADS, '486');
  guest.handler(VECTOR, handlers[32].interrupt);
  guest.enablePaging();
  // The flags of the tables are set without asking once their page is known as written.
  guest.runToHalt();
  guest.state.eip = PROGRAM;
  const whole = countOperations(() => expect(guest.runToHalt()).toBe('program'));
  expect(whole).toEqual({ INT: 0, IRET: 0 });
});

/** How often the operations of the cpu layer are called meanwhile. */
function countOperations(body: () => void): Record<'INT' | 'IRET', number> {
  const operations = operationsByRow as (SystemOperation | undefined)[];
  const counts = { INT: 0, IRET: 0 };
  const before = [...operations];
  instructionRows.forEach(({ name }, row) => {
    const operation = operations[row];
    if (!operation || (name !== 'INT' && name !== 'IRET')) return;
    operations[row] = (cpu, instruction) => {
      counts[name]++;
      return operation(cpu, instruction);
    };
  });
  body();
  operations.splice(0, operations.length, ...before);
  return counts;
}
