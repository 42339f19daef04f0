/**
 * SYSCALL, SYSRET, SYSENTER and SYSEXIT as generated code against the operations of the cpu layer: the same calls, with what
 * kernels do not do among them, must end in the same state with either.
 */
import { expect, test } from 'vitest';
import { instructionRows } from '../isa/instruction-table.ts';
import { internal, slot } from '../state/layout.ts';
import { readState } from '../state/state-access.ts';
import { LongGuest } from './long-guest.ts';
import { operationsByRow } from './operations-by-row.ts';
import { HANDLERS, PagedGuest } from './paged-guest.ts';

/** mov eax,3 / again: syscall / dec eax / jnz again / hlt, which is #GP at level 3 */
const CALLS_64 = 'b8 03 00 00 00 0f 05 ff c8 75 fa f4';
/** mov ebx,3 / again: mov edx,behind / mov ecx,esp / sysenter / behind: dec ebx / jnz again / hlt */
const CALLS_32 = 'bb 03 00 00 00 ba 0e 70 00 00 89 e1 0f 34 4b 75 f4 f4';
/** xor r11,flags; btc rcx,47 makes an address that is not canonical. */
const kernels64 = {
  plain: '48 0f 07',
  flags: '49 81 f3 d5 0c 04 00 48 0f 07',
  trap: '49 81 f3 00 01 00 00 48 0f 07',
  nowhere: '48 0f ba f9 2f 48 0f 07',
  short: '0f 07',
} as const;
const STAR = 0x001b_0008_0000_0000n;
const models = ['max', 'amd-zen'] as const;

const cases64 = models.flatMap((model) =>
  (Object.keys(kernels64) as (keyof typeof kernels64)[]).flatMap((kernel) =>
    [STAR, 0x0023_0013_0000_0000n].flatMap((star) =>
      [0x3246n, 0x4_0202n].map((flags) => ({ model, kernel, star, flags })),
    ),
  ),
);
const cases32 = [8, 9, 0, 0x18].flatMap((selector) =>
  [2, 0x202, 0x3202, 0x4_0246].map((flags) => ({ selector, flags })),
);

/** The levels are told to somebody, who is TypeScript. */
function tellLevels(guest: LongGuest | PagedGuest): void {
  guest.state.write32(internal.LEVELS_HEARD, 1);
}

function outcomeOf(guest: LongGuest | PagedGuest): unknown {
  const end = guest.runToHalt();
  const memory = new Uint8Array(guest.view.buffer, guest.view.byteOffset, 0x9000);
  return { end, registers: readState(guest.state), memory: Buffer.from(memory).toString('base64') };
}

function makeLong({ model, kernel, star, flags }: (typeof cases64)[number]): LongGuest {
  const guest = new LongGuest(bytesOf(CALLS_64), model);
  guest.put(0x9000, bytesOf(kernels64[kernel]));
  guest.enterUser();
  guest.set('IA32_STAR', star);
  guest.set('IA32_LSTAR', 0x9000n);
  guest.set('IA32_FMASK', 0x4_0600n);
  guest.state.eflags = Number(flags);
  return guest;
}

function makeProtected({ selector, flags }: (typeof cases32)[number]): PagedGuest {
  const guest = new PagedGuest(CALLS_32, 'pentium3');
  for (let page = 0; page < 0x20_0000; page += 0x1000) guest.map(page, page | 7);
  guest.enablePaging();
  guest.poke(HANDLERS + 0x800, '0f 35');
  guest.enterUser();
  guest.state.write32(slot.SYSENTER_CS, selector);
  guest.state.write32(slot.SYSENTER_EIP, HANDLERS + 0x800);
  guest.state.write32(slot.SYSENTER_ESP, 0x5800);
  guest.state.eflags = flags;
  return guest;
}

test.each(cases64)('%o ends the same', (one) => {
  const whole = makeLong(one);
  tellLevels(whole);
  expect(outcomeOf(makeLong(one))).toEqual(outcomeOf(whole));
});

test.each(cases32)('SYSENTER with %o ends the same', (one) => {
  const whole = makeProtected(one);
  tellLevels(whole);
  expect(outcomeOf(makeProtected(one))).toEqual(outcomeOf(whole));
});

test('the calls of usual kernels are generated code', () => {
  const names = new Set(['SYSCALL', 'SYSRET', 'SYSENTER', 'SYSEXIT']);
  const operations = operationsByRow as (undefined | (() => never))[];
  const before = [...operations];
  instructionRows.forEach(({ name }, row) => {
    if (names.has(name)) operations[row] = () => expect.unreachable(name);
  });
  const long = makeLong({ model: 'max', kernel: 'plain', star: STAR, flags: 0x202n });
  const ends = [long.runToHalt(), makeProtected({ selector: 8, flags: 0x202 }).runToHalt()];
  operations.splice(0, operations.length, ...before);
  expect(ends).toEqual(['vector 13', 'vector 13']);
});

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text.split(' '), (byte) => Number.parseInt(byte, 16));
}
