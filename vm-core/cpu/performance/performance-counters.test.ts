/**
 * Performance counters under 64-bit code (SDM vol. 3B chapter 19). The programs need the assembler nasm; without it they are
 * skipped. What they have to count stands beside them, counted by hand.
 */
import { describe, expect, it } from 'vitest';
import { assemble, hasNasm } from '../../../test/support/boot-sectors.ts';
import { LongGuest, PROGRAM } from '../../engine/long-guest.ts';
import type { CpuModel } from '../../isa/cpu-model.ts';

const HANDLERS = 0x8000;
const IRETQ = [0x48, 0xcf];
const CR4_PCE = 0x100n;

/** Macros for the registers, x2APIC mode, and the counters. */
const PROLOGUE = `
%macro set 3 ; number, high half, low half
  mov ecx, %1
  mov edx, %2
  mov eax, %3
  wrmsr
%endmacro
%macro pmc 1 ; RAX: the counter
  mov ecx, %1
  rdpmc
  shl rdx, 32
  or rax, rdx
%endmacro
%macro apic 1 ; x2APIC mode, and the entry of the counters
  set 1bh, 0, 0fee00d00h
  set 80fh, 0, 1ffh
  set 834h, 0, %1
%endmacro
bits 64
org ${PROGRAM}
`;
const EVENTS = { cycles: 0x3c, instructions: 0xc0, branches: 0xc4 };
const EN = 0x40_0000;
const USR = 0x1_0000;
const OS = 0x2_0000;
const INT = 0x10_0000;
const EDGE = 0x4_0000;
const INV = 0x80_0000;
const NMI = 0x400;

interface Program {
  readonly guest: LongGuest;
  readonly end: string;
}

function prepared(source: string, model: CpuModel = 'max'): LongGuest {
  const guest = new LongGuest(assemble(PROLOGUE + source), model);
  guest.set('CR4', guest.get('CR4') | CR4_PCE);
  return guest;
}

function run(source: string, model: CpuModel = 'max'): Program {
  const guest = prepared(source, model);
  return { guest, end: guest.runToHalt() };
}

/** What counter 0 has counted of `measured`, for an event select; EN is set between, and cleared after it. */
function count(measured: string, select: number, model: CpuModel = 'max'): number {
  const { guest, end } = run(`set 186h, 0, ${select | EN}\n${measured}\nset 186h, 0, 0\nmov ecx, 0\nrdpmc\nhlt`, model);
  expect(end).toBe('program');
  return Number(guest.get('RAX'));
}

const BOTH = USR | OS;
/** The four instructions that turn the counter off; the write is one of them. */
const STOP = 4;

describe.skipIf(!hasNasm)('instructions and branch instructions', () => {
  const programs = [
    { name: 'nothing', code: '', instructions: 0, branches: 0 },
    { name: 'straight code', code: 'nop\nmov eax, 5\ncpuid\nadd eax, ebx', instructions: 4, branches: 0 },
    { name: 'a loop', code: 'mov ecx, 10\nagain: dec ecx\njnz again', instructions: 21, branches: 10 },
    {
      name: 'branches that are not taken',
      code: 'xor eax, eax\njnz $+2\njc $+2\njs $+2',
      instructions: 4,
      branches: 3,
    },
    { name: 'LOOP and JRCXZ', code: 'mov ecx, 3\nagain: loop again\njrcxz $+2', instructions: 5, branches: 4 },
    { name: 'calls and returns', code: 'call f\ncall f\njmp over\nf: nop\nret\nover:', instructions: 7, branches: 5 },
    {
      name: 'string instructions, each once',
      code: 'mov edi, 20000h\nmov ecx, 5000\nrep stosb\nmov ecx, 0\nrep stosb\nmov ecx, 3\nrepe scasb',
      instructions: 7,
      branches: 0,
    },
    {
      name: 'far returns',
      code: 'push 8\nlea rax, [rel there]\npush rax\ndb 48h\nretf\nthere:',
      instructions: 4,
      branches: 1,
    },
  ];

  it.each(programs)('are counted exactly: $name', ({ code, instructions, branches }) => {
    expect(count(code, EVENTS.instructions | BOTH)).toBe(instructions + STOP);
    expect(count(code, EVENTS.branches | BOTH)).toBe(branches);
    expect(count(code, EVENTS.instructions | BOTH, 'core2')).toBe(instructions + STOP);
  });

  it('are counted from the instruction after the one that turns the counter on', () => {
    const { guest } = run(
      `set 186h, 0, ${EVENTS.instructions | BOTH | EN}\nmov ecx, 0\nrdpmc\nmov ebx, eax\nrdpmc\nhlt`,
    );
    // MOV; then MOV, RDPMC, MOV.
    expect([guest.get('RBX'), guest.get('RAX')]).toEqual([1n, 3n]);
  });

  it('are not counted by events that never happen here', () => {
    for (const event of [0x4f2e, 0x412e, 0xc5, 0x1234]) expect(count('nop\njmp $+2', event | BOTH)).toBe(0);
  });

  it('of a fault and of its handler are one less and what the handler has', () => {
    const code = 'ud2\nnop\nnop';
    const guest = prepared(
      `set 186h, 0, ${EVENTS.instructions | BOTH | EN}\n${code}\nset 186h, 0, 0\nmov ecx, 0\nrdpmc\nhlt`,
    );
    // ADD QWORD [RSP],2 and IRETQ
    guest.put(HANDLERS + 6 * 64, Uint8Array.from([0x48, 0x83, 0x04, 0x24, 0x02, ...IRETQ]));
    expect(guest.runToHalt()).toBe('program');
    expect(guest.get('RAX')).toBe(BigInt(2 + 2 + STOP));
  });
});

describe.skipIf(!hasNasm)('cycles', () => {
  it('are the ticks of virtual time, deliveries too, without those of HLT', () => {
    const guest = prepared(
      `set 186h, 0, ${EVENTS.cycles | BOTH | EN}\nset 38dh, 0, 333h\nset 38fh, 7, 1\nint3\nnop\nud2\nset 38fh, 0, 0\nhlt`,
    );
    guest.put(HANDLERS + 3 * 64, Uint8Array.from(IRETQ));
    guest.put(HANDLERS + 6 * 64, Uint8Array.from([0x48, 0x83, 0x04, 0x24, 0x02, ...IRETQ]));
    expect(guest.runToHalt()).toBe('program');
    // INT3 IRETQ NOP, the delivery of #UD, ADD IRETQ, and the four at the end.
    expect([guest.get('IA32_FIXED_CTR1'), guest.get('IA32_FIXED_CTR2')]).toEqual([10n, 10n]);
    expect(guest.get('IA32_FIXED_CTR0')).toBe(9n);
  });

  it('go on with each iteration of a string instruction that is continued', () => {
    const cycles = count('mov edi, 20000h\nmov ecx, 5000\nrep stosb', EVENTS.cycles | BOTH);
    expect(cycles > 3 + STOP).toBe(true);
  });

  it('with a threshold are those with an event, inverted those without', () => {
    const code = 'nop\nmov ecx, 4\nagain: dec ecx\njnz again';
    const select = EVENTS.branches | BOTH;
    const all = 10 + STOP;
    expect(count(code, select | (1 << 24))).toBe(4);
    expect(count(code, select | (1 << 24) | INV)).toBe(all - 4);
    expect(count(code, select | (2 << 24))).toBe(0);
    expect(count(code, select | (2 << 24) | INV)).toBe(all);
  });

  it('with edge detection are those with which something begins', () => {
    // Branches: three in a row, one, one; then the edges of the others between them.
    const code = 'jmp $+2\njmp $+2\njmp $+2\nnop\njmp $+2\nnop\nnop\njmp $+2';
    expect(count(code, EVENTS.branches | BOTH | EDGE)).toBe(3);
    expect(count(code, EVENTS.branches | BOTH | EDGE | INV | (1 << 24))).toBe(3);
    expect(count(code, EVENTS.cycles | BOTH | EDGE)).toBe(1);
  });
});

describe.skipIf(!hasNasm)('privilege levels', () => {
  /** Level 3 runs 3 instructions and INT3 four times; the handler NOP and IRETQ. At the end #UD. */
  const counts = (select: number) => {
    const guest = prepared('mov ebx, 4\nagain: nop\nint3\ndec ebx\njnz again\nud2');
    guest.put(HANDLERS + 3 * 64, Uint8Array.from([0x90, ...IRETQ]));
    guest.set('IA32_PERFEVTSEL0', BigInt(select | EN));
    guest.enterUser();
    expect(guest.runToHalt()).toBe('vector 6');
    return Number(guest.get('IA32_PMC0'));
  };

  it('are told apart, an instruction counted where it begins', () => {
    // HLT of the handler of #UD is at level 0.
    expect(counts(EVENTS.instructions | USR)).toBe(17);
    expect(counts(EVENTS.instructions | OS)).toBe(8 + 1);
    expect(counts(EVENTS.instructions | BOTH)).toBe(17 + 9);
    expect(counts(EVENTS.branches | USR)).toBe(8);
    expect(counts(EVENTS.branches | OS)).toBe(4);
    // The delivery of #UD is a cycle of the level that it leaves.
    expect(counts(EVENTS.cycles | USR)).toBe(18);
    expect(counts(EVENTS.cycles | OS)).toBe(9);
  });

  it('stop a counter at its overflow, however often the level changes before', () => {
    const guest = prepared('again: nop\nint3\njmp again');
    guest.put(HANDLERS + 3 * 64, Uint8Array.from([0x90, ...IRETQ]));
    guest.set('IA32_APIC_BASE', 0xfee0_0900n);
    guest.set('APIC_SVR', 0x1ffn);
    guest.set('APIC_LVT_PERF', BigInt(NMI));
    guest.set('IA32_PERFEVTSEL0', BigInt(EVENTS.instructions | OS | EN | INT));
    guest.set('IA32_PMC0', 2n ** 48n - 201n);
    guest.enterUser();
    expect(guest.runToHalt()).toBe('vector 2');
    // The 201st instruction of level 0 is the NOP of the handler.
    expect(guest.stack(1)).toEqual([BigInt(HANDLERS + 3 * 64 + 1)]);
  });
});

describe.skipIf(!hasNasm)('overflows', () => {
  const start = (select: number, before: number, lvt = NMI) => `
    apic ${lvt}
    set 0c1h, 0, ${-before}
    set 186h, 0, ${select | EN | INT}
    measured:`;
  const where = (source: string, model: CpuModel = 'max') => {
    const { guest, end } = run(source, model);
    return { guest, end, at: Number(guest.stack(1)[0]) };
  };

  it.each([1, 2, 3, 17, 64, 65, 100])('interrupt behind instruction %i', (n) => {
    const { end, at } = where(`${start(EVENTS.instructions | BOTH, n)}\ntimes 200 nop\nhlt`);
    const { at: first } = where(`${start(EVENTS.instructions | BOTH, 1)}\ntimes 200 nop\nhlt`);
    expect([end, at - first]).toEqual(['vector 2', n - 1]);
  });

  it.each([1, 2, 5, 30])('interrupt behind branch instruction %i, in the middle of a block', (n) => {
    const code = `xor eax, eax\n${'jnz $+2\nnop\nnop\n'.repeat(40)}hlt`;
    const { end, at } = where(`${start(EVENTS.branches | BOTH, n)}\n${code}`);
    const { at: first } = where(`${start(EVENTS.branches | BOTH, 1)}\n${code}`);
    expect([end, at - first]).toEqual(['vector 2', (n - 1) * 4]);
  });

  it('mask the entry of the local APIC, and leave a bit in the status', () => {
    const { guest, end } = where(`${start(EVENTS.instructions | BOTH, 3)}\ntimes 20 nop\nhlt`);
    expect([end, guest.get('APIC_LVT_PERF'), guest.get('IA32_PERF_GLOBAL_STATUS')]).toEqual([
      'vector 2',
      0x1_0400n,
      1n,
    ]);
    // The counter has gone on: the third is followed by the HLT of the handler.
    expect(guest.get('IA32_PMC0')).toBe(1n);
  });

  it('come as an interrupt of their vector, too, and not while the entry is masked', () => {
    const source = (lvt: number) => `${start(EVENTS.instructions | BOTH, 3, lvt)}\nsti\ntimes 20 nop\nhlt`;
    expect(where(source(0x1e)).end).toBe('vector 30');
    expect(where(source(0x1_001e)).end).toBe('program');
    expect(where(source(0x1_001e)).guest.get('IA32_PERF_GLOBAL_STATUS')).toBe(1n);
  });

  it('of fixed counters interrupt where their control says so', () => {
    const source = (control: number) =>
      `apic ${NMI}\nset 309h, 0ffffh, -5\nset 38dh, 0, ${control}\nset 38fh, 1, 0\ntimes 20 nop\nhlt`;
    const { guest, end } = where(source(0xb));
    expect([end, guest.get('IA32_PERF_GLOBAL_STATUS'), guest.get('APIC_LVT_PERF')]).toEqual([
      ...['vector 2', 1n << 32n, 0x1_0400n],
    ]);
    expect(where(source(3)).end).toBe('program');
  });

  it('are cleared and set by software, and CTR_FRZ stops all counters', () => {
    const { guest } = run(`set 186h, 0, ${EVENTS.instructions | BOTH | EN}\nset 391h, 8000000h, 3
      set 390h, 0, 1\ntimes 10 nop\nhlt`);
    // Four instructions end with the write that freezes.
    expect([guest.get('IA32_PERF_GLOBAL_STATUS'), guest.get('IA32_PMC0')]).toEqual([(1n << 59n) | 2n, 4n]);
  });

  it('wrap the counter at its width', () => {
    for (const [model, bits] of [
      ['core2', 40],
      ['x86-64-v3', 48],
    ] as const) {
      const { guest } = run(`set 0c1h, 0, -2\nset 186h, 0, ${EVENTS.instructions | BOTH | EN}\nhlt`, model);
      expect(guest.get('IA32_PMC0')).toBe(2n ** BigInt(bits) - 1n);
      expect(
        run(`set 0c1h, 0, -2\nset 186h, 0, ${EVENTS.instructions | BOTH | EN}\nnop\nhlt`, model).guest.get('IA32_PMC0'),
      ).toBe(0n);
    }
  });
});

describe.skipIf(!hasNasm)('RDPMC', () => {
  const end = (number: number, model: CpuModel = 'max') => run(`mov ecx, ${number}\nrdpmc\nhlt`, model).end;

  it('is #GP for counters that are not there', () => {
    const fixed = 0x4000_0000;
    expect([0, 7, 8, fixed, fixed + 2, fixed + 3, 0x8000_0000].map((number) => end(number))).toEqual([
      ...['program', 'program', 'vector 13', 'program', 'program', 'vector 13', 'vector 13'],
    ]);
    expect([1, 2, fixed].map((number) => end(number, 'core2'))).toEqual(['program', 'vector 13', 'program']);
    expect([5, 6, fixed].map((number) => end(number, 'amd-zen'))).toEqual(['program', 'vector 13', 'vector 13']);
  });

  it('is for level 0, with CR4.PCE for all', () => {
    const inUser = (bits: bigint) => {
      const guest = prepared('mov ecx, 0\nrdpmc\nud2');
      guest.set('CR4', (guest.get('CR4') & ~CR4_PCE) | bits);
      guest.enterUser();
      return guest.runToHalt();
    };
    expect([inUser(0n), inUser(CR4_PCE)]).toEqual(['vector 13', 'vector 6']);
    const kernel = prepared('mov ecx, 0\nrdpmc\nhlt');
    kernel.set('CR4', kernel.get('CR4') & ~CR4_PCE);
    expect(kernel.runToHalt()).toBe('program');
  });
});

describe.skipIf(!hasNasm)('counters of AMD', () => {
  const start = (event: number, value: string, lvt = NMI) =>
    `set 1bh, 0, 0fee00900h\nset 0c0010201h, ${value}\nset 0c0010200h, 0, ${event | BOTH | EN | INT}\n; ${lvt}\n`;

  it('count instructions, branches, those that are taken, and cycles, by both of their numbers', () => {
    const code = 'xor eax, eax\njnz $+2\njz $+2\nmov ecx, 3\nagain: loop again';
    const counted = (event: number) => {
      const { guest } = run(`${start(event, '0, 0')}${code}\nset 0c0010000h, 0, 0\nmov ecx, 0\nrdpmc\nhlt`, 'amd-zen');
      return Number(guest.get('RAX'));
    };
    expect([0xc0, 0xc2, 0xc4, 0x76, 0x64].map(counted)).toEqual([7 + STOP, 5, 3, 7 + STOP, 0]);
  });

  it('interrupt without masking the entry of the local APIC', () => {
    const guest = prepared('times 50 nop\nhlt', 'amd-zen');
    guest.set('APIC_SVR', 0x1ffn);
    guest.set('APIC_LVT_PERF', BigInt(NMI));
    guest.set('PERF_CTR0', 2n ** 48n - 7n);
    guest.set('PERF_CTL0', BigInt(0xc0 | BOTH | EN | INT));
    expect(guest.runToHalt()).toBe('vector 2');
    expect([guest.stack(1), guest.get('APIC_LVT_PERF')]).toEqual([[BigInt(PROGRAM + 7)], 0x400n]);
  });
});

describe.skipIf(!hasNasm)('a run in slices', () => {
  const source = `
    apic ${NMI}
    set 0c1h, 0, -150
    set 186h, 0, ${EVENTS.instructions | BOTH | EN | INT}
    set 187h, 0, ${EVENTS.branches | BOTH | EN}
    mov edi, 20000h
    again: mov ecx, 1500
    rep stosb
    call f
    test edi, 4
    jz again
    jmp again
    f: push rax
    pop rax
    ret`;

  it('counts the same, whatever their lengths', () => {
    const ends = [[10_000], [1], [2], [3, 7, 1], [64], [100, 1]].map((slices) => {
      const guest = prepared(source);
      for (let n = 0; guest.get('HALTED') === 0n; n++) {
        guest.machine.loop.run({ instructionsMax: slices[n % slices.length] as number });
      }
      return ['IA32_PMC0', 'IA32_PMC1', 'RCX', 'RDI'].map((name) => guest.get(name)).concat(guest.stack(1));
    });
    expect(ends[0]?.[1]).toBeGreaterThan(20n);
    for (const end of ends) expect(end).toEqual(ends[0]);
  });

  it('shows a debugger what was counted, and takes what it writes', () => {
    const guest = prepared(`set 186h, 0, ${EVENTS.instructions | BOTH | EN}\ntimes 100 nop\nhlt`);
    guest.machine.loop.run({ instructionsMax: 14 });
    expect(guest.get('IA32_PMC0')).toBe(10n);
    guest.set('IA32_PMC0', 1000n);
    guest.machine.loop.run({ instructionsMax: 10 });
    expect(guest.get('IA32_PMC0')).toBe(1010n);
    guest.set('IA32_PMC0', 0xffff_0000_0000_0005n);
    guest.machine.loop.run({ instructionsMax: 10 });
    expect(guest.get('IA32_PMC0')).toBe(15n);
    guest.set('IA32_PERFEVTSEL0', 0n);
    guest.machine.loop.run({ instructionsMax: 10 });
    expect(guest.get('IA32_PMC0')).toBe(15n);
  });
});
