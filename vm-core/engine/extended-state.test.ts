/** FXSAVE, the XSAVE family and XCR0 on the whole machine: formats, masks, checks, and faults that leave all as it was. */
import { describe, expect, it } from 'vitest';
import { areaSize } from '../cpu/extended-state.ts';
import type { CpuModel } from '../isa/cpu-model.ts';
import { CR0_TS, CR4_OSFXSR, CR4_OSXSAVE, CR4_PAE, EFER_FFXSR } from '../state/control-bits.ts';
import { internal, slot } from '../state/layout.ts';
import { LongGuest } from './long-guest.ts';

const AREA = 0x20000;
const ALL = 0x207n;
const HEADER = 512;
/** Memory operand [rdi], with 48h before it the 64-bit form. */
const code = {
  FXSAVE: '0f ae 07',
  FXSAVE64: '48 0f ae 07',
  FXRSTOR: '0f ae 0f',
  FXRSTOR64: '48 0f ae 0f',
  XSAVE: '48 0f ae 27',
  XRSTOR: '48 0f ae 2f',
  XSAVEOPT: '48 0f ae 37',
  XSAVEC: '48 0f c7 27',
  XSAVES: '48 0f c7 2f',
  XRSTORS: '48 0f c7 1f',
  XGETBV: '0f 01 d0',
  XSETBV: '0f 01 d1',
} as const;
type Name = keyof typeof code;

const bytesOf = (text: string) => Uint8Array.from(text.split(' '), (digits) => Number.parseInt(digits, 16));

function guestOf(name: Name, model: CpuModel = 'max'): LongGuest {
  const guest = new LongGuest(bytesOf(`${code[name]} f4`), model);
  guest.set('CR4', BigInt(CR4_PAE | CR4_OSFXSR | CR4_OSXSAVE));
  guest.set('XCR0', ALL);
  guest.set('RDI', BigInt(AREA));
  guest.set('RAX', 0xffff_ffffn);
  guest.set('RDX', 0xffff_ffffn);
  guest.machine.processor.refresh();
  return guest;
}

/** Every register of the states with a value of its own. */
function fill(guest: LongGuest): void {
  const { state } = guest;
  for (let n = 0; n < 8; n++) guest.set(`FPR${n}`, (0x3fffn << 64n) | (0x8000_0000_0000_0000n + BigInt(n)));
  const x87 = { FCW: 0x27fn, FSW: 0x1920n, FTW: 0x5an, FOP: 0x123n, FIP: 0x1_2345_6789n, FDP: 0x2_3456_789an };
  for (const [name, value] of Object.entries(x87)) guest.set(name, value);
  guest.set('FCS', 0x1bn);
  guest.set('FDS', 0x23n);
  for (let n = 0; n < 16; n++) guest.set(`YMM${n}`, (BigInt(0x100 + n) << 130n) | BigInt(0x200 + n));
  guest.set('MXCSR', 0x1fa5n);
  guest.set('PKRU', 0x5555_5554n);
  state.onDerivedChange(slot.PKRU);
}

const names = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].map((n) => `FPR${n}`),
  ...['FCW', 'FSW', 'FTW', 'FOP', 'FIP', 'FDP', 'FCS', 'FDS', 'MXCSR', 'PKRU'],
  ...Array.from({ length: 16 }, (_, n) => `YMM${n}`),
];
const registersOf = (guest: LongGuest) => Object.fromEntries(names.map((name) => [name, guest.get(name)]));

/** Runs one instruction on a guest, again from its first byte, whatever ran before. */
function run(guest: LongGuest, name: Name): string {
  guest.put(0x7000, bytesOf(`${code[name]} f4`));
  guest.machine.processor.codeWritten(0x7000, 16);
  guest.set('RIP', 0x7000n);
  guest.set('RSP', 0x6000n);
  guest.machine.processor.refresh();
  return guest.runToHalt();
}

/** What is in the area, as far as it is not zero, by the offset of the quadword. */
function area(guest: LongGuest): Map<number, bigint> {
  const words = Array.from({ length: 0x1000 / 8 }, (_, n) => [n * 8, guest.read64(AREA + n * 8)] as const);
  return new Map(words.filter(([, word]) => word !== 0n));
}

describe('FXSAVE', () => {
  it('writes the legacy area, whose registers stand from the top of the stack on', () => {
    const guest = guestOf('FXSAVE');
    fill(guest);
    expect(run(guest, 'FXSAVE')).toBe('program');
    const { view } = guest;
    const words = [0, 2, 4, 6, 12, 20].map((at) => view.getUint16(AREA + at, true));
    expect(words).toEqual([0x27f, 0x1920, 0x5a, 0x123, 0x1b, 0x23]);
    expect([8, 16, 24, 28].map((at) => view.getUint32(AREA + at, true))).toEqual([
      ...[0x2345_6789, 0x3456_789a, 0x1fa5, 0xffff],
    ]);
    // TOP is 3.
    expect([guest.read64(AREA + 32), guest.read64(AREA + 32 + 16 * 5)]).toEqual([2n ** 63n + 3n, 2n ** 63n]);
    expect(guest.read64(AREA + 160 + 16 * 15)).toBe(0x20fn);
    expect(Math.max(...area(guest).keys())).toBeLessThan(416);
  });

  it('has pointers of 64 bits with REX.W', () => {
    const guest = guestOf('FXSAVE64');
    fill(guest);
    run(guest, 'FXSAVE64');
    expect([guest.read64(AREA + 8), guest.read64(AREA + 16)]).toEqual([0x1_2345_6789n, 0x2_3456_789an]);
  });

  it.each(['FXSAVE', 'FXSAVE64'] as const)('is what FXRSTOR takes: %s', (name) => {
    const guest = guestOf(name);
    fill(guest);
    const before = registersOf(guest);
    run(guest, name);
    guest.machine.processor.state.write16(slot.FSW, 0);
    for (const each of names) if (!each.startsWith('YMM') && each !== 'PKRU') guest.set(each, 0n);
    for (let n = 0; n < 16; n++) guest.set(`XMM${n}`, 0n);
    expect(run(guest, name === 'FXSAVE' ? 'FXRSTOR' : 'FXRSTOR64')).toBe('program');
    const wide = name === 'FXSAVE64';
    const selectors = wide ? { FCS: 0n, FDS: 0n } : { FIP: 0x2345_6789n, FDP: 0x3456_789an };
    expect(registersOf(guest)).toEqual({ ...before, ...selectors });
  });

  it('leaves XMM registers and MXCSR alone without CR4.OSFXSR, XMM alone with EFER.FFXSR at level 0', () => {
    const guest = guestOf('FXSAVE');
    fill(guest);
    guest.set('CR4', BigInt(CR4_PAE));
    run(guest, 'FXSAVE');
    expect([...area(guest).keys()].every((at) => at < 24 || (at >= 32 && at < 160))).toBe(true);
    const fast = guestOf('FXSAVE');
    fill(fast);
    fast.set('EFER', fast.get('EFER') | BigInt(EFER_FFXSR));
    run(fast, 'FXSAVE');
    expect(Math.max(...area(fast).keys())).toBeLessThan(160);
    expect(fast.view.getUint32(AREA + 24, true)).toBe(0x1fa5);
  });

  it('and FXRSTOR want 16 bytes of alignment, known bits in MXCSR, and the unit', () => {
    for (const name of ['FXSAVE', 'FXRSTOR'] as const) {
      const guest = guestOf(name);
      guest.set('RDI', BigInt(AREA + 8));
      expect(run(guest, name)).toBe('vector 13');
      guest.set('RDI', BigInt(AREA + 16));
      guest.set('CR0', guest.get('CR0') | BigInt(CR0_TS));
      expect(run(guest, name)).toBe('vector 7');
    }
    const guest = guestOf('FXRSTOR');
    fill(guest);
    const before = registersOf(guest);
    guest.view.setUint32(AREA + 24, 0x1_0000, true);
    expect(run(guest, 'FXRSTOR')).toBe('vector 13');
    expect(registersOf(guest)).toEqual(before);
  });

  it('writes nothing where its second page cannot be written', () => {
    const guest = guestOf('FXSAVE');
    fill(guest);
    guest.set('RDI', 0x20f00n);
    guest.map(0x21000n, 0x21000, 0);
    expect(run(guest, 'FXSAVE')).toBe('vector 14');
    expect([guest.get('CR2'), guest.read64(0x20f00)]).toEqual([0x21000n, 0n]);
    expect(run(guest, 'FXRSTOR')).toBe('vector 14');
    expect(guest.get('FCW')).toBe(0x27fn);
  });
});

describe('the XSAVE family', () => {
  it.each([
    ['XSAVE', 'XRSTOR'],
    ['XSAVEOPT', 'XRSTOR'],
    ['XSAVEC', 'XRSTOR'],
    ['XSAVES', 'XRSTORS'],
  ] as const)('%s and %s keep every state', (save, load) => {
    const guest = guestOf(save);
    fill(guest);
    const before = registersOf(guest);
    expect(run(guest, save)).toBe('program');
    for (const each of names) guest.set(each, 0n);
    expect(run(guest, load)).toBe('program');
    expect(registersOf(guest)).toEqual({ ...before, FCS: 0n, FDS: 0n });
    expect(guest.read64(AREA + HEADER)).toBe(ALL);
  });

  it('puts components where the format says', () => {
    const standard = guestOf('XSAVE');
    fill(standard);
    run(standard, 'XSAVE');
    expect([standard.read64(AREA + 576), standard.read64(AREA + 2688)]).toEqual([0x100n << 2n, 0x5555_5554n]);
    expect(standard.read64(AREA + HEADER + 8)).toBe(0n);
    const compacted = guestOf('XSAVEC');
    fill(compacted);
    compacted.set('RAX', 0x201n);
    run(compacted, 'XSAVEC');
    expect([compacted.read64(AREA + 576), compacted.read64(AREA + HEADER)]).toEqual([0x5555_5554n, 0x201n]);
    expect(compacted.read64(AREA + HEADER + 8)).toBe((1n << 63n) | 0x201n);
    expect(compacted.view.getUint32(AREA + 24, true)).toBe(0);
  });

  it('leaves out what is not asked for, and the bits of the header that stand for it', () => {
    const guest = guestOf('XSAVE');
    fill(guest);
    guest.set('RAX', 4n);
    guest.write64(AREA + HEADER, 0x8000_0000_0000_0003n);
    run(guest, 'XSAVE');
    expect(guest.read64(AREA + HEADER)).toBe(0x8000_0000_0000_0007n);
    expect(guest.read64(AREA)).toBe(0n);
    expect(guest.read64(AREA + 160)).toBe(0n);
    // MXCSR comes with AVX, too.
    expect(guest.view.getUint32(AREA + 24, true)).toBe(0x1fa5);
  });

  it.each(['XSAVEOPT', 'XSAVEC'] as const)('%s writes no state that is as after RESET', (name) => {
    const guest = guestOf(name);
    guest.set('FCW', 0x37fn);
    guest.set('FTW', 0n);
    guest.set('MXCSR', 0x1f80n);
    guest.set('XMM3', 5n);
    guest.put(AREA, new Uint8Array(576).fill(0x11, 0, 512));
    guest.put(AREA + 576, new Uint8Array(256).fill(0x11));
    expect(run(guest, name)).toBe('program');
    expect(guest.read64(AREA + HEADER)).toBe(2n);
    expect([guest.read64(AREA), guest.read64(AREA + 576)]).toEqual([0x1111_1111_1111_1111n, 0x1111_1111_1111_1111n]);
    expect(guest.read64(AREA + 160 + 48)).toBe(5n);
  });

  it('XRSTOR initializes the states that the area does not have', () => {
    const guest = guestOf('XRSTOR');
    fill(guest);
    guest.view.setUint32(AREA + 24, 0x1f00, true);
    expect(run(guest, 'XRSTOR')).toBe('program');
    expect(['FCW', 'FTW', 'FSW', 'FIP', 'FPR3', 'YMM9', 'PKRU'].map((name) => guest.get(name))).toEqual([
      ...[0x37fn, 0n, 0n, 0n, 0n, 0n, 0n],
    ]);
    // In the standard format MXCSR is loaded all the same.
    expect(guest.get('MXCSR')).toBe(0x1f00n);
    fill(guest);
    guest.write64(AREA + HEADER + 8, 1n << 63n);
    guest.set('RAX', 2n);
    expect(run(guest, 'XRSTOR')).toBe('program');
    expect([guest.get('MXCSR'), guest.get('XMM1'), guest.get('YMM1') >> 128n]).toEqual([0x1f80n, 0n, 0x101n << 2n]);
    expect(guest.get('FCW')).toBe(0x27fn);
  });

  it.each([
    { what: 'a state that is not enabled', at: 0, value: 0x20n },
    { what: 'an upper bit', at: 0, value: 1n << 40n },
    { what: 'a standard header with more', at: 8, value: 1n },
    { what: 'the word behind it', at: 16, value: 1n },
    { what: 'room for what is not enabled', at: 8, value: (1n << 63n) | 0x20n },
  ])('XRSTOR refuses $what', ({ at, value }) => {
    const guest = guestOf('XRSTOR');
    fill(guest);
    const before = registersOf(guest);
    guest.write64(AREA + HEADER + at, value);
    expect(run(guest, 'XRSTOR')).toBe('vector 13');
    expect(registersOf(guest)).toEqual(before);
  });

  it('refuses states without room, and bytes behind a compacted header', () => {
    const guest = guestOf('XRSTOR');
    guest.write64(AREA + HEADER + 8, 1n << 63n);
    guest.write64(AREA + HEADER, 1n);
    expect(run(guest, 'XRSTOR')).toBe('vector 13');
    guest.write64(AREA + HEADER, 0n);
    guest.view.setUint8(AREA + HEADER + 63, 1);
    expect(run(guest, 'XRSTOR')).toBe('vector 13');
    guest.view.setUint8(AREA + HEADER + 63, 0);
    expect(run(guest, 'XRSTOR')).toBe('program');
    guest.write64(AREA + HEADER + 8, 0n);
    expect(run(guest, 'XRSTORS')).toBe('vector 13');
  });

  it.each(['XSAVE', 'XRSTOR', 'XSAVEOPT', 'XSAVEC', 'XSAVES', 'XRSTORS'] as const)(
    '%s checks before it begins',
    (name) => {
      const guest = guestOf(name);
      guest.set('RDI', BigInt(AREA + 32));
      expect(run(guest, name)).toBe('vector 13');
      guest.set('CR0', guest.get('CR0') | BigInt(CR0_TS));
      expect(run(guest, name)).toBe('vector 7');
      guest.set('CR4', BigInt(CR4_PAE | CR4_OSFXSR));
      expect(run(guest, name)).toBe('vector 6');
    },
  );

  it.each(['XSAVES', 'XRSTORS', 'XSETBV'] as const)('%s is for level 0', (name) => {
    const guest = guestOf(name);
    guest.enterUser();
    expect(guest.runToHalt()).toBe('vector 13');
  });

  it.each(['XSAVE', 'XSAVEC'] as const)(
    '%s writes nothing, and XRSTOR loads nothing, where a page is missing',
    (name) => {
      const guest = guestOf(name);
      fill(guest);
      const before = registersOf(guest);
      guest.set('RDI', 0x20e00n);
      guest.map(0x21000n, 0x21000, 0);
      expect(run(guest, name)).toBe('vector 14');
      expect([guest.get('CR2') >> 12n, guest.read64(0x20e00)]).toEqual([0x21n, 0n]);
      guest.set('RDI', 0x20dc0n);
      guest.write64(0x20dc0 + HEADER, 7n);
      expect(run(guest, 'XRSTOR')).toBe('vector 14');
      expect(registersOf(guest)).toEqual(before);
    },
  );

  it('knows eight vector registers outside of 64-bit mode', () => {
    const guest = new LongGuest(bytesOf('0f ae 27 f4'));
    fill(guest);
    guest.set('CR4', BigInt(CR4_PAE | CR4_OSFXSR | CR4_OSXSAVE));
    guest.set('XCR0', 7n);
    guest.set('RDI', BigInt(AREA));
    guest.set('RAX', 7n);
    guest.enterCompatibility();
    expect(guest.runToHalt()).toBe('program');
    expect(guest.read64(AREA + 160 + 16 * 7)).toBe(0x207n);
    expect([guest.read64(AREA + 160 + 16 * 8), guest.read64(AREA + 576 + 16 * 8)]).toEqual([0n, 0n]);
  });
});

describe('XCR0', () => {
  it('is read by XGETBV, with 1 as far as states are in use', () => {
    const guest = guestOf('XGETBV');
    guest.set('RCX', 0n);
    expect(run(guest, 'XGETBV')).toBe('program');
    expect([guest.get('RAX'), guest.get('RDX')]).toEqual([ALL, 0n]);
    guest.set('RCX', 1n);
    guest.set('FCW', 0x37fn);
    guest.set('FTW', 0n);
    guest.set('YMM15', 1n << 200n);
    run(guest, 'XGETBV');
    expect(guest.get('RAX')).toBe(4n);
    guest.set('RCX', 2n);
    expect(run(guest, 'XGETBV')).toBe('vector 13');
  });

  it.each([
    [0x207n, 'program'],
    [1n, 'program'],
    [3n, 'program'],
    [0x201n, 'program'],
    [0n, 'vector 13'],
    [2n, 'vector 13'],
    [5n, 'vector 13'],
    [9n, 'vector 13'],
    [0x407n, 'vector 13'],
  ])('takes %i: %s', (value, end) => {
    const guest = guestOf('XSETBV');
    guest.set('RCX', 0n);
    guest.set('RDX', 0n);
    guest.set('RAX', value);
    expect(run(guest, 'XSETBV')).toBe(end);
    expect(guest.get('XCR0')).toBe(end === 'program' ? value : ALL);
  });

  it('decides about AVX at once', () => {
    const guest = guestOf('XSETBV');
    guest.set('RCX', 0n);
    guest.set('RDX', 0n);
    guest.set('RAX', 3n);
    const before = guest.state.read32(internal.UNITS);
    run(guest, 'XSETBV');
    expect(guest.state.read32(internal.UNITS)).not.toBe(before);
  });

  it('is told of by CPUID', () => {
    const guest = guestOf('XGETBV');
    const ask = (leaf: number, subleaf: number) => {
      guest.put(0x7000, bytesOf('0f a2 f4'));
      guest.machine.processor.codeWritten(0x7000, 16);
      guest.set('RIP', 0x7000n);
      guest.set('RAX', BigInt(leaf));
      guest.set('RCX', BigInt(subleaf));
      guest.runToHalt();
      return ['RAX', 'RBX', 'RCX', 'RDX'].map((name) => Number(guest.get(name)));
    };
    expect(ask(13, 0)).toEqual([0x207, 2696, 2696, 0]);
    expect(ask(13, 1)).toEqual([15, 840, 0, 0]);
    expect([ask(13, 2), ask(13, 9), ask(13, 3)]).toEqual([
      [256, 576, 0, 0],
      [8, 2688, 0, 0],
      [0, 0, 0, 0],
    ]);
    guest.set('XCR0', 3n);
    expect(ask(13, 0).slice(0, 3)).toEqual([0x207, 576, 2696]);
    expect(((ask(1, 0)[2] as number) >>> 27) & 1).toBe(1);
    expect([areaSize(7, false), areaSize(0x201, true)]).toEqual([832, 584]);
  });
});
