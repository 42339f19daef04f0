/**
 * Which of several exceptions an instruction raises, and what comes before it (SDM vol. 3A table 6-2): traps of the instruction
 * before, breakpoints on its own, faults of its fetch, of its decoding, of its execution.
 */
import { describe, expect, it } from 'vitest';
import { CS, slot } from '../state/layout.ts';
import { PagedGuest, PROGRAM, P, W } from './paged-guest.ts';

const TF = 0x100;
const RF = 0x10000;
/** A page that is not mapped unless the test maps it, and the end of the one before it. */
const ABSENT = 0x52000;
const EDGE = ABSENT - 16;

interface Seen {
  readonly end: string;
  /** EIP that was pushed, for handlers with and without an error code. */
  readonly eip: number;
  readonly errorCode?: number;
  readonly cr2: number;
  readonly dr6: number;
}

const withErrorCode = new Set(['vector 10', 'vector 11', 'vector 12', 'vector 13', 'vector 14', 'vector 17']);

function run(bytes: string, at: number, prepare: (guest: PagedGuest) => void = () => {}): Seen {
  const guest = new PagedGuest('', 'pentium3');
  guest.map(ABSENT, 0);
  guest.poke(at, bytes);
  guest.enablePaging();
  guest.set('CR2', 0x1234);
  guest.state.eip = at;
  prepare(guest);
  guest.machine.processor.refresh();
  const end = guest.runToHalt();
  const [first = 0, second = 0] = guest.frame();
  const has = withErrorCode.has(end);
  return {
    end,
    eip: has ? second : first,
    ...(has ? { errorCode: first } : {}),
    cr2: guest.register('CR2'),
    dr6: guest.register('DR6') & 0xe00f,
  };
}

function breakAt(guest: PagedGuest, address: number): void {
  guest.set('DR0', address);
  guest.set('DR7', 0x402);
}

describe('the fetch of an instruction', () => {
  const prefixes = (count: number) => '66 '.repeat(count);

  it.each([
    { name: '15 bytes up to the page that is absent', bytes: `${prefixes(14)}90 f4`, at: EDGE, end: 'program' },
    { name: '15 prefixes before it', bytes: prefixes(15), at: ABSENT - 15, end: 'vector 13' },
    { name: '14 prefixes before it', bytes: prefixes(14), at: ABSENT - 14, end: 'vector 14' },
    { name: 'an opcode whose ModR/M is there', bytes: '8b', at: ABSENT - 1, end: 'vector 14' },
    { name: 'an opcode that is none', bytes: '0f 0b', at: ABSENT - 2, end: 'vector 6' },
    { name: 'the first byte of an escape', bytes: '0f', at: ABSENT - 1, end: 'vector 14' },
    { name: 'LOCK before what takes none', bytes: 'f0 90', at: ABSENT - 2, end: 'vector 6' },
    { name: 'HLT as the last byte', bytes: 'f4', at: ABSENT - 1, end: 'program' },
  ])('$name: $end', ({ bytes, at, end }) => {
    const seen = run(bytes, at);
    expect(seen.end).toBe(end);
    if (end === 'program') return;
    expect(seen.eip).toBe(at);
    if (end === 'vector 14') expect([seen.cr2, seen.errorCode]).toEqual([ABSENT, 0]);
    else expect(seen.cr2).toBe(0x1234);
  });

  it.each([
    { name: 'at the limit', limit: PROGRAM, bytes: 'f4', end: 'program' },
    { name: 'over the limit', limit: PROGRAM, bytes: '8b 00', end: 'vector 13' },
    { name: 'an invalid one within', limit: PROGRAM + 1, bytes: '0f 0b', end: 'vector 6' },
    { name: 'an invalid one over it', limit: PROGRAM, bytes: '0f 0b', end: 'vector 13' },
  ])('$name of the segment: $end', ({ limit, bytes, end }) => {
    const seen = run(bytes, PROGRAM, (guest) => {
      guest.state.setSegment(CS, { ...guest.state.segment(CS), limit, attributes: 0x49b });
    });
    // The handlers have a code segment of their own.
    expect(seen.end).toBe(end);
  });
});

describe('a breakpoint on an instruction', () => {
  it.each([
    { name: 'on a page that is absent', at: ABSENT, bytes: '' },
    { name: 'that reaches into it', at: ABSENT - 1, bytes: '8b' },
    { name: 'that is too long', at: ABSENT - 15, bytes: '66 '.repeat(15) },
    { name: 'that is invalid', at: PROGRAM, bytes: '0f 0b' },
    { name: 'whose operand is absent', at: PROGRAM, bytes: 'a1 00 20 05 00' },
    { name: 'that divides by zero', at: PROGRAM, bytes: '31 c9 f7 f1' },
  ])('$name comes before its faults', ({ at, bytes }) => {
    const seen = run(bytes, at, (guest) => breakAt(guest, at));
    expect([seen.end, seen.eip, seen.dr6, seen.cr2]).toEqual(['vector 1', at, 1, 0x1234]);
  });

  it('gives way to the fault with RF', () => {
    const seen = run('', ABSENT, (guest) => {
      breakAt(guest, ABSENT);
      guest.state.eflags = 2 | RF;
    });
    expect([seen.end, seen.cr2, seen.dr6]).toEqual(['vector 14', ABSENT, 0]);
  });

  it('is beyond the limit of the segment', () => {
    const seen = run('f4', PROGRAM, (guest) => {
      guest.state.setSegment(CS, { ...guest.state.segment(CS), limit: PROGRAM - 1, attributes: 0x49b });
      breakAt(guest, PROGRAM);
    });
    expect([seen.end, seen.eip]).toEqual(['vector 1', PROGRAM]);
  });
});

describe('a trap of the instruction before', () => {
  /** nop, then what follows; TF is set. */
  const stepping = (guest: PagedGuest) => {
    guest.state.eflags = 2 | TF;
  };

  it.each([
    { name: 'an absent page', bytes: '90', at: ABSENT - 1 },
    { name: 'an invalid instruction', bytes: '90 0f 0b', at: PROGRAM },
    { name: 'a breakpoint', bytes: '90 90', at: PROGRAM },
  ])('comes before $name', ({ name, bytes, at }) => {
    const seen = run(bytes, at, (guest) => {
      stepping(guest);
      if (name === 'a breakpoint') breakAt(guest, at + 1);
    });
    expect([seen.end, seen.eip, seen.dr6 & 0x4000, seen.cr2]).toEqual(['vector 1', at + 1, 0x4000, 0x1234]);
  });

  it('is none where the instruction itself faulted', () => {
    expect(run('0f 0b', PROGRAM, stepping)).toMatchObject({ end: 'vector 6', eip: PROGRAM, dr6: 0 });
    expect(run('a1 00 20 05 00', PROGRAM, stepping)).toMatchObject({ end: 'vector 14', eip: PROGRAM, dr6: 0 });
  });

  it('waits for the instruction behind MOV SS', () => {
    const data = (guest: PagedGuest) => {
      guest.set('DR0', 0x20000);
      guest.set('DR7', 0x402 | (0xf << 16));
      guest.write32(0x20000, 0x10);
    };
    // mov ss,[20000h]; nop; hlt
    expect(run('8e 15 00 00 02 00 90 f4', PROGRAM, data)).toMatchObject({ end: 'vector 1', eip: PROGRAM + 7, dr6: 1 });
  });
});

describe('what an instruction raises first', () => {
  it.each([
    { name: 'privilege before the operand’s page', bytes: '0f 01 15 00 20 05 00', user: true, end: 'vector 13' },
    { name: 'LOCK on a register before privilege', bytes: 'f0 0f 22 c0', user: true, end: 'vector 6' },
    { name: 'a register that is none before privilege', bytes: '0f 22 e8', user: true, end: 'vector 6' },
    { name: 'the limit before the page', bytes: 'a1 00 20 05 00', limited: true, end: 'vector 13' },
    { name: 'the divisor’s page before its value', bytes: 'f7 35 00 20 05 00', end: 'vector 14' },
    { name: 'the segment of a far jump before its page', bytes: 'ea 00 20 05 00 00 00', end: 'vector 13' },
  ])('$name', ({ bytes, end, user, limited }) => {
    const seen = run(bytes, PROGRAM, (guest) => {
      guest.map(PROGRAM, PROGRAM | P | W | 4);
      if (user) guest.enterUser();
      if (limited) guest.state.setSegment(3, { ...guest.state.segment(3), limit: 0xffff, attributes: 0x493 });
      expect(guest.state.read8(slot.CPL)).toBe(user ? 3 : 0);
    });
    expect(seen.end).toBe(end);
  });
});

describe('a breakpoint of the debugger', () => {
  it('on a page that is absent stops when the instruction is about to run, not at the fault that comes first', () => {
    const guest = new PagedGuest('', 'pentium3');
    guest.map(ABSENT, 0);
    guest.poke(ABSENT, '90 f4');
    // mov dword [the entry of the page], 52003h; inc ecx; add esp, 4; iretd
    guest.handler(14, 'c7 05 48 31 00 00 03 20 05 00 41 83 c4 04 cf');
    guest.enablePaging();
    guest.state.eip = ABSENT;
    guest.machine.processor.refresh();
    guest.machine.loop.addBreakpoint({ address: ABSENT, space: 'linear', reached: () => true });
    const before = guest.register('ECX');
    expect(guest.run().reason).toBe('breakpoint');
    expect([guest.state.eip, guest.register('ECX') - before, guest.register('CR2')]).toEqual([ABSENT, 1, ABSENT]);
  });

  it('by physical address stops there, too', () => {
    const guest = new PagedGuest('90 90 f4');
    guest.enablePaging();
    guest.machine.loop.addBreakpoint({ address: PROGRAM + 1, space: 'physical', reached: () => true });
    expect([guest.run().reason, guest.state.eip]).toEqual(['breakpoint', PROGRAM + 1]);
  });
});
