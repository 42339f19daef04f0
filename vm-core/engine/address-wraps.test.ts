/**
 * Where linear addresses of 32 bits end (SDM vol. 3A §3.3.1: they wrap): accesses that begin below 4 GiB and end above 0, in
 * protected and compatibility mode; in 64-bit mode the same addresses go on. The programs need nasm.
 */
import { describe, expect, it } from 'vitest';
import { assemble, hasNasm } from '../../test/support/boot-sectors.ts';
import { CS, DS, ES, SS, type slot } from '../state/layout.ts';
import { LongGuest, PROGRAM } from './long-guest.ts';
import { PagedGuest } from './paged-guest.ts';

/** What the last page of the 4 GiB is mapped to, and what the page behind it is in 64-bit mode. */
const LAST = 0x40000;
const BEHIND = 0x50000;
const BASE = 0x1000;
const at = (linear: number) => `0${((linear - BASE) >>> 0).toString(16)}h`;

interface Machine {
  readonly read: (physical: number) => number;
  readonly register: (name: string) => number;
  run(): string;
  put(physical: number, bytes: readonly number[]): void;
  goTo(offset: number): void;
  /** Segments begin at 1000h. */
  shift(segment: number): void;
}

function longMachine(source: string, bits: 32 | 64): Machine {
  const guest = new LongGuest(assemble(`bits ${bits}\norg ${PROGRAM}\n${source}\nhlt`), 'max', 4);
  guest.map(0xffff_f000n, LAST);
  if (bits === 64) guest.map(0x1_0000_0000n, BEHIND);
  if (bits === 32) guest.enterCompatibility();
  return {
    read: (physical) => guest.view.getUint32(physical, true),
    register: (name) => Number(BigInt.asUintN(32, guest.get(name))),
    run: () => guest.runToHalt(),
    put: (physical, bytes) => new Uint8Array(guest.view.buffer, guest.view.byteOffset).set(bytes, physical),
    goTo: (offset) => {
      guest.state.eip = offset;
    },
    shift: (segment) => guest.state.setSegment(segment, { ...guest.state.segment(segment), base: BASE }),
  };
}

function protectedMachine(source: string): Machine {
  const guest = new PagedGuest('', 'pentium');
  guest.view.setUint32(0x2000 + 1023 * 4, 0xa003, true);
  guest.write32(0xa000 + 1023 * 4, LAST | 3);
  assemble(`bits 32\norg ${PROGRAM}\n${source}\nhlt`).forEach((byte, n) => {
    guest.view.setUint8(PROGRAM + n, byte);
  });
  guest.enablePaging();
  return {
    read: (physical) => guest.read32(physical),
    register: (name) => guest.register(name as keyof typeof slot),
    run: () => guest.runToHalt(),
    put: (physical, bytes) => new Uint8Array(guest.view.buffer, guest.view.byteOffset).set(bytes, physical),
    goTo: (offset) => {
      guest.state.eip = offset;
    },
    shift: (segment) => guest.state.setSegment(segment, { ...guest.state.segment(segment), base: BASE }),
  };
}

const modes = {
  'protected mode': (source: string) => protectedMachine(source),
  'compatibility mode': (source: string) => longMachine(source, 32),
} as const;

describe.skipIf(!hasNasm).each(Object.keys(modes) as (keyof typeof modes)[])('in %s', (mode) => {
  const data = (source: string) => {
    const machine = modes[mode](source);
    for (const segment of [DS, ES]) machine.shift(segment);
    expect(machine.run()).toBe('program');
    return machine;
  };

  it('data goes on at 0', () => {
    const machine = data(`
      mov edi, ${at(0xfffffffe)}
      mov dword [edi], 44332211h
      mov eax, [edi]
      add dword [edi], 1
      inc edi
      mov bx, [edi]
      xchg cx, [edi]`);
    expect(machine.register('EAX')).toBe(0x44332211);
    expect(machine.register('EBX') & 0xffff).toBe(0x3322);
    expect([machine.read(LAST + 0xffc) >>> 16, machine.read(0) & 0xffff]).toEqual([0x0012, 0x4400]);
  });

  it('eight bytes go on at 0 as well', () => {
    const machine = data(`
      mov edi, ${at(0xfffffffa)}
      mov dword [edi], 11111111h
      mov dword [edi + 4], 22222222h
      mov eax, 11111111h
      mov edx, 22222222h
      mov ebx, 33333333h
      mov ecx, 44444444h
      cmpxchg8b [edi]
      sete al`);
    expect(machine.register('EAX') & 0xff).toBe(1);
    expect([machine.read(LAST + 0xffc), machine.read(0) & 0xffff]).toEqual([0x4444_3333, 0x4444]);
  });

  it('strings go on at 0, forwards and backwards', () => {
    const machine = data(`
      mov edi, ${at(0xfffffffa)}
      mov eax, 55555555h
      mov ecx, 3
      rep stosd
      mov ebp, edi
      std
      mov edi, ${at(2)}
      mov ecx, 3
      mov ax, 6666h
      rep stosw
      cld
      mov esi, ${at(0xfffffffc)}
      lodsd
      lodsd`);
    expect(machine.register('EBP')).toBe((6 - BASE) >>> 0);
    expect([machine.read(LAST + 0xffc), machine.read(0)]).toEqual([0x6666_5555, 0x6666_6666]);
    expect(machine.register('EAX')).toBe(0x6666_6666);
  });

  it('the stack goes down from 0', () => {
    const machine = modes[mode](`mov esp, ${at(2)}\npush 77665544h\npop eax\npush eax\nmov ebx, esp`);
    machine.shift(SS);
    expect(machine.run()).toBe('program');
    expect([machine.register('EAX'), machine.register('EBX')]).toEqual([0x7766_5544, (0xffff_fffe - BASE) >>> 0]);
    expect([machine.read(LAST + 0xffc) >>> 16, machine.read(0) & 0xffff]).toEqual([0x5544, 0x7766]);
  });

  it.each([
    {
      name: 'an instruction',
      start: 0xfffffffd,
      bytes: [0xb8, 0x78, 0x56, 0x34, 0x12, 0xf4],
      eax: 0x1234_5678,
      end: 3,
    },
    { name: 'a run of instructions', start: 0xfffffffe, bytes: [0x40, 0x40, 0x40, 0xf4], eax: 3, end: 2 },
    { name: 'a branch', start: 0xfffffff8, bytes: [0xeb, 0x08, 0xf4, 0, 0, 0, 0, 0, 0, 0, 0x40, 0xf4], eax: 1, end: 4 },
  ])('$name of code goes on at 0', ({ start, bytes, eax, end }) => {
    const machine = modes[mode]('nop');
    const there = 0x1_0000_0000 - start;
    machine.put(LAST + 0x1000 - there, bytes.slice(0, there));
    machine.put(0, bytes.slice(there));
    machine.shift(CS);
    machine.goTo(start - BASE);
    expect([machine.run(), machine.register('EAX'), machine.register('EIP')]).toEqual([
      'program',
      eax,
      (end - BASE) >>> 0,
    ]);
  });

  it('offsets beyond the limit do not wrap', () => {
    const machine = modes[mode]('mov edi, 0fffffffeh\nmov eax, [edi]');
    expect(machine.run()).toBe('vector 13');
  });
});

describe.skipIf(!hasNasm)('in 64-bit mode', () => {
  it('data goes on above 4 GiB', () => {
    const machine = longMachine(
      `mov edi, 0fffffffeh
       mov dword [rdi], 44332211h
       mov rax, [rdi]
       mov ecx, 2
       rep stosq
       mov rsp, 100000002h
       push rdi`,
      64,
    );
    expect(machine.run()).toBe('program');
    expect([machine.register('EAX'), machine.read(BEHIND + 6)]).toEqual([0x4433_2211, 0x4433_2211]);
    // What was pushed is RDI, 10000000Eh.
    expect([machine.read(LAST + 0xffc), machine.read(BEHIND) & 0xffff]).toEqual([0x0001_0000, 0]);
    expect(machine.read(0)).toBe(0);
  });

  it('addresses of 32 bits wrap before a base is added', () => {
    const machine = longMachine('mov edi, 10h\nmov eax, [edi - 20h]', 64);
    expect(machine.run()).toBe('program');
  });
});
