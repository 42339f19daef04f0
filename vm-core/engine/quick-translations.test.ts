/**
 * Translations, page faults, writes of CR3 and returns with RF in generated code against TypeScript: the same random accesses
 * through tables that change under them must end with the same registers, memory, flags of table entries, and time. Half of
 * the cases of 64-bit code have process contexts and global pages.
 */
import { expect, test } from 'vitest';
import { CR4_PCIDE, CR4_PGE } from '../state/control-bits.ts';
import { slot } from '../state/layout.ts';
import { readState } from '../state/state-access.ts';
import { defaultEngine } from './compiler/tiers.ts';
import { LONG_ROOT, LongGuest } from './long-guest.ts';
import { PagedGuest, PROGRAM, TABLE } from './paged-guest.ts';

const CASES = 48;
const PIECES = 60;
const PAGES = 0x18_0000;
/** The same pages once more, so far away that they have other sets of the cache of translations. */
const ELSEWHERE = 0x20_0000;
/** A page of 4 MiB begins there, in 32-bit mode. */
const LARGE = 0x40_0000;
const WATCHED = 0x1f_f000;
/** Bits of a table entry: present, writable, user, accessed and dirty, one of the frame, and global. */
const CHANGES = [1, 2, 4, 0x20, 0x40, 0x60, 0x1000, 0x100];
/** The handler of faults goes on behind the two bytes of the access. */
const HANDLERS = { 32: '83 c4 04 83 04 24 02 cf', 64: '48 83 c4 08 48 83 04 24 02 48 cf' } as const;
const ACCESSES = ['8a 03', '88 03', '03 03', '01 03', '87 03', '8b 03', '89 03', 'ff 33', '8f 03'];
/** Where accesses begin in a page; the last ones go on in the next. */
const OFFSETS = [0, 8, 0x7fc, 0xffe, 0xff9, 0xfff];

/** What INVPCID reads for a context, with a page. */
const DESCRIPTORS = 0x4000;
const CONTEXTS = 3;

interface Case {
  readonly bits: 32 | 64;
  readonly isUser: boolean;
  readonly protects: boolean;
  readonly hasContexts: boolean;
  readonly program: Uint8Array;
}

function makeCase(seed: number, entryOf: (linear: number) => number): Case {
  let value = seed * 2_654_435_761;
  const random = (bound: number): number => {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((value / 2 ** 32) * bound);
  };
  const bits = seed % 2 === 0 ? 32 : 64;
  const hasContexts = seed % 4 === 3;
  const isUser = !hasContexts && random(2) === 0;
  const pieces = Array.from({ length: PIECES }, () => {
    const page = PAGES + random(2) * ELSEWHERE + random(8) * 0x1000;
    const kind = random(hasContexts ? 14 : 9);
    if (kind > 8) return contextPiece(random);
    if (kind === 0 && !isUser) return '0f 20 d8 0f 22 d8';
    if (kind === 8 && !isUser) return `bb ${dword(page)} 0f 01 3b`;
    if (kind === 1) {
      const change = CHANGES[random(CHANGES.length)] as number;
      return `${bits === 32 ? '81 35' : '81 34 25'} ${dword(entryOf(page))} ${dword(change)}`;
    }
    const at = (bits === 32 && random(4) === 0 ? LARGE : 0) + page + (OFFSETS[random(OFFSETS.length)] as number);
    return `bb ${dword(at)} ${ACCESSES[random(ACCESSES.length)]}`;
  });
  return { bits, isUser, protects: random(2) === 0, hasContexts, program: bytesOf(`${pieces.join(' ')} f4`) };
}

/** Code that goes to another process context, or forgets something. */
function contextPiece(random: (bound: number) => number): string {
  const kind = random(8);
  if (kind === 0) return '0f 20 e0 34 80 0f 22 e0';
  const pcid = random(CONTEXTS);
  if (kind === 1) return `b8 ${dword(random(4))} 66 0f 38 82 04 25 ${dword(DESCRIPTORS + pcid * 16)}`;
  return `48 b8 ${dword(LONG_ROOT + pcid)} ${dword(random(4) === 0 ? 0 : 0x8000_0000)} 0f 22 d8`;
}

/** Two rounds of it, so that code is found again. */
function makeGuest(seed: number, isWatched: boolean): PagedGuest | LongGuest {
  const isWide = seed % 2 === 1;
  const guest = isWide ? new LongGuest(new Uint8Array(1)) : new PagedGuest('90', 'pentium');
  const { isUser, protects, hasContexts, program } = makeCase(seed, (linear) => entryOf(guest, linear));
  program.forEach((byte, n) => {
    guest.view.setUint8(PROGRAM + n, byte);
  });
  bytesOf(HANDLERS[isWide ? 64 : 32]).forEach((byte, n) => {
    guest.view.setUint8(0x8000 + 14 * 64 + n, byte);
  });
  if (guest instanceof PagedGuest) {
    for (let page = 0; page < 0x20_0000; page += 0x1000) {
      guest.map(page, page | 7);
      guest.map(ELSEWHERE + page, page | 7);
    }
    guest.write32(0x2004, 0x87);
    guest.set('CR4', 0x10);
    guest.enablePaging();
  } else {
    for (let page = 0; page < 0x20_0000; page += 0x1000) guest.map(BigInt(ELSEWHERE + page), page);
    if (hasContexts) guest.set('CR4', guest.get('CR4') | BigInt(CR4_PCIDE | CR4_PGE));
    for (let n = 0; n < CONTEXTS; n++) {
      guest.write64(DESCRIPTORS + n * 16, BigInt(n));
      guest.write64(DESCRIPTORS + n * 16 + 8, BigInt(PAGES + n * 0x1000));
    }
  }
  const { state } = guest;
  state.write32(slot.CR0, state.read32(slot.CR0) | (protects ? 0x1_0000 : 0));
  state.onDerivedChange(slot.CR0);
  if (isUser) guest.enterUser();
  if (isWatched) {
    const reached = () => false;
    guest.machine.processor.watches.add({ address: WATCHED, space: 'linear', length: 1, access: 'write', reached });
    guest.machine.processor.forgetShortcuts();
  }
  return guest;
}

/** Where the entry of the last table for a page lies. */
function entryOf(guest: PagedGuest | LongGuest, linear: number): number {
  if (guest instanceof PagedGuest) return TABLE + (linear >>> 12) * 4;
  let table = LONG_ROOT;
  for (const shift of [39, 30, 21])
    table = Number(guest.read64(table + (Math.floor(linear / 2 ** shift) & 511) * 8)) & ~0xfff;
  return table + ((linear >>> 12) & 511) * 8;
}

function outcomeOf(guest: PagedGuest | LongGuest): unknown {
  const ends = [guest.runToHalt()];
  guest.state.eip = PROGRAM;
  guest.machine.processor.refresh();
  ends.push(guest.runToHalt());
  const memory = new Uint8Array(guest.view.buffer, guest.view.byteOffset, 0x20_0000);
  const { time, retired } = guest.machine.loop;
  return { ends, time, retired, registers: readState(guest.state), memory: Buffer.from(memory).toString('base64') };
}

test.each(Array.from({ length: CASES }, (_, seed) => seed))('case %i ends the same', (seed) => {
  const quick = outcomeOf(makeGuest(seed, false));
  expect(quick).toEqual(outcomeOf(makeGuest(seed, true)));
});

/** mov ecx,3 / again: mov al,[180000h] / mov al,[181000h] / mov eax,cr3 / mov cr3,eax / loop again / hlt */
const RELOADS = 'b9 03 00 00 00 a0 00 00 18 00 a0 00 10 18 00 0f 20 d8 0f 22 d8 e2 ee f4';

test.skipIf(defaultEngine.name.startsWith('compiler-'))('loads after a write of CR3 go without TypeScript', () => {
  const guest = new PagedGuest(RELOADS, 'pentium');
  guest.enablePaging();
  // The flags of the tables are set without asking once their page is known as written.
  guest.runToHalt();
  guest.state.eip = PROGRAM;
  const { linear } = guest.machine.processor;
  linear.read = () => expect.unreachable('a load by TypeScript');
  expect(guest.runToHalt()).toBe('program');
});

/** mov eax,[180ffeh] / mov [181ffdh],eax / mov [182fffh],ax / hlt */
const ACROSS = 'a1 fe 0f 18 00 a3 fd 1f 18 00 66 a3 ff 2f 18 00 f4';
/** mov rax,[200ffeh] / mov [201ff9h],rax / mov [202ffdh],eax / hlt */
const ACROSS_LONG = '48 8b 04 25 fe 0f 20 00 48 89 04 25 f9 1f 20 00 89 04 25 fd 2f 20 00 f4';

test.skipIf(defaultEngine.name.startsWith('compiler-')).each([
  ['32', () => new PagedGuest(ACROSS, 'pentium'), 0x18_0000],
  ['64', () => longGuest(ACROSS_LONG), 0],
] as const)('accesses of two pages in %s-bit code go without TypeScript', (_bits, create, physical) => {
  const guest = create();
  const bytes = new Uint8Array(guest.view.buffer, guest.view.byteOffset + physical, 0x4000);
  bytes.set([0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88], 0xffe);
  if (guest instanceof PagedGuest) guest.enablePaging();
  const { linear } = guest.machine.processor;
  linear.read = () => expect.unreachable('a load by TypeScript');
  linear.write = () => expect.unreachable('a store by TypeScript');
  expect(guest.runToHalt()).toBe('program');
  const written = [bytes.slice(0x1ff8, 0x2002), bytes.slice(0x2ffc, 0x3002)].map((at) =>
    Buffer.from(at).toString('hex'),
  );
  expect(written).toEqual(
    physical === 0 ? ['00112233445566778800', '001122334400'] : ['00000000001122334400', '000000112200'],
  );
});

function longGuest(text: string): LongGuest {
  const guest = new LongGuest(bytesOf(text));
  for (let page = 0; page < 0x4000; page += 0x1000) guest.map(BigInt(ELSEWHERE + page), page);
  return guest;
}

/**
 * mov ecx,3 / again: mov rax,root+1, keeping / mov cr3,rax / mov ebx,[180000h] / mov rax,root+2, keeping / mov cr3,rax /
 * mov ebx,[181000h] / loop again / hlt
 */
const SWITCHES = `b9 03 00 00 00 ${[1, 2]
  .map((n) => `48 b8 ${dword(LONG_ROOT + n)} ${dword(0x8000_0000)} 0f 22 d8 8b 1c 25 ${dword(PAGES + n * 0x1000)}`)
  .join(' ')} e2 d6 f4`;

test.skipIf(defaultEngine.name.startsWith('compiler-'))(
  'process contexts keep their translations without TypeScript',
  () => {
    const guest = new LongGuest(bytesOf(SWITCHES));
    guest.set('CR4', guest.get('CR4') | BigInt(CR4_PCIDE));
    guest.runToHalt();
    guest.set('RIP', BigInt(PROGRAM));
    const { linear, translations } = guest.machine.processor;
    linear.read = () => expect.unreachable('a load by TypeScript');
    translations.rulesChanged = () => expect.unreachable('a write of CR3 by TypeScript');
    const { fills, flushes } = translations.cache.counters;
    expect(guest.runToHalt()).toBe('program');
    expect(translations.cache.counters).toMatchObject({ fills, flushes });
  },
);

function dword(value: number): string {
  return [0, 8, 16, 24].map((shift) => ((value >>> shift) & 0xff).toString(16)).join(' ');
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text.split(' '), (byte) => Number.parseInt(byte, 16));
}
