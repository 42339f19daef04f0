/**
 * The branch records that a guest finds in its registers, model by model (SDM vol. 3B §17.4, §17.9–17.13; AMD64 manual
 * vol. 2 §13.1.1). Guests need the assembler nasm.
 */
import { describe, expect, it } from 'vitest';
import { hasNasm } from '../../test/support/boot-sectors.ts';
import { type BranchGuest, longGuest, protectedGuest, realGuest } from '../../test/support/branch-guests.ts';
import { type CpuModel, modelFacts } from '../isa/cpu-model.ts';
import { modelSpecificRegisters } from '../cpu/model-specific-registers.ts';
import { branchLayout } from '../cpu/branches/branch-layout.ts';
import { slot } from '../state/layout.ts';
import { findRegister, type Register } from '../state/register-table.ts';
import { LongGuest } from './long-guest.ts';

const registerOf = (name: string) => findRegister(name) as Register;

function get(guest: BranchGuest, name: string): bigint {
  return guest.machine.processor.state.readRegister(registerOf(name));
}

function set(guest: BranchGuest, name: string, value: bigint): void {
  guest.machine.processor.state.writeRegister(registerOf(name), value);
  guest.machine.processor.refresh();
}

/** The stack of records from the oldest that was written, as names of addresses. */
function recordsOf(guest: BranchGuest, model: CpuModel): readonly string[] {
  const depth = branchLayout(modelFacts(model))?.depth ?? 0;
  const top = Number(get(guest, 'MSR_LASTBRANCH_TOS'));
  const places = Array.from({ length: depth }, (_, n) => (top + 1 + n) % depth);
  return places
    .map((n) => [get(guest, `MSR_LASTBRANCH_${n}_FROM_IP`), get(guest, `MSR_LASTBRANCH_${n}_TO_IP`)] as const)
    .filter(([, to]) => to !== 0n)
    .map(([from, to]) => `${guest.nameOf(Number(BigInt.asUintN(47, from)))} > ${guest.nameOf(Number(to))}`);
}

const control: Readonly<Record<string, string>> = {
  pentium3: 'DEBUGCTLMSR',
  pentium4: 'MSR_DEBUGCTLA',
  prescott: 'MSR_DEBUGCTLA',
  'amd-zen': 'DEBUGCTL',
};

/** Turns recording on and runs to HLT. */
function record(guest: BranchGuest, model: CpuModel, bits = 1n): void {
  set(guest, control[model] ?? 'IA32_DEBUGCTL', bits);
  expect(guest.machine.loop.run({ instructionsMax: 10_000 }).reason).toBe('halted');
}

const BRANCHES = `jumping: jmp next
  next: call routine
  back: mov cx,3
  again: dec cx
  looping: jnz again
  last: jmp done
  routine: ret
  done: hlt`;
const TAKEN = [
  'jumping > next',
  'next > routine',
  'routine > back',
  'looping > again',
  'looping > again',
  'last > done',
];

describe.skipIf(!hasNasm)('the stack of branch records', () => {
  it.each([
    ['core2', 4],
    ['atom', 8],
    ['prescott', 16],
    ['x86-64-v2', 16],
    ['x86-64-v3', 16],
    ['skylake', 32],
    ['max', 32],
  ] as const)('of %s holds the newest %d', (model, depth) => {
    const guest = realGuest(BRANCHES, model);
    record(guest, model);
    expect(recordsOf(guest, model)).toEqual(TAKEN.slice(-depth));
    expect(get(guest, 'MSR_LASTBRANCH_TOS')).toBe(BigInt(TAKEN.length % depth));
  });

  it('is empty while recording is off', () => {
    const guest = realGuest(BRANCHES, 'skylake');
    record(guest, 'skylake', 0n);
    expect(recordsOf(guest, 'skylake')).toEqual([]);
  });

  it('goes on from any number that a debugger has written', () => {
    for (const model of ['core2', 'pentium4', 'skylake'] as const) {
      const guest = realGuest('mov word [6*4],done\njmp next\nnext: ud2\ndone: hlt', model);
      set(guest, 'MSR_LASTBRANCH_TOS', 0xffff_ffff_ffff_ffffn);
      record(guest, model);
      expect(get(guest, 'MSR_LASTBRANCH_TOS')).toBe(1n);
    }
  });

  it('goes round', () => {
    const guest = realGuest('mov cx,100\nagain: loop again\ndone: jmp over\nover: hlt', 'x86-64-v2');
    record(guest, 'x86-64-v2');
    const found = recordsOf(guest, 'x86-64-v2');
    expect([found.length, found.at(-1), found[0]]).toEqual([16, 'done > over', 'again > again']);
  });

  it('is what the instructions RDMSR and WRMSR see, at its numbers', () => {
    const numbers: Readonly<Record<string, readonly [number, number]>> = {
      core2: [0x40, 0x60],
      atom: [0x40, 0x60],
      prescott: [0x680, 0x6c0],
      skylake: [0x680, 0x6c0],
    };
    for (const [model, [from, to]] of Object.entries(numbers)) {
      const guest = realGuest(
        `mov ecx,1d9h
        mov eax,1
        xor edx,edx
        wrmsr
        jumping: jmp next
        next: xor eax,eax
        wrmsr
        mov ecx,${from + 1}
        rdmsr
        mov esi,eax
        mov ecx,${to + 1}
        rdmsr
        mov edi,eax
        hlt`,
        model as CpuModel,
      );
      guest.machine.loop.run({ instructionsMax: 1000 });
      const { state } = guest.machine.processor;
      expect([guest.nameOf(state.read32(slot.ESI)), guest.nameOf(state.read32(slot.EDI))]).toEqual(['jumping', 'next']);
    }
  });

  it('holds offsets or linear addresses, as the format says', () => {
    const found = (['prescott', 'core2', 'x86-64-v2', 'x86-64-v3', 'skylake'] as const).map((model) => {
      const guest = realGuest('jmp 7c0h:5\njumping: jmp next\nnext: hlt', model);
      record(guest, model);
      return [get(guest, 'MSR_LASTBRANCH_2_FROM_IP'), get(guest, 'MSR_LASTBRANCH_1_TO_IP')];
    });
    expect(found).toEqual([[0x7c05n, 0x7c05n], ...Array.from({ length: 4 }, () => [5n, 5n])]);
  });

  it('has flags above source addresses where the format has them', () => {
    const UPPER = 0xffff_8000_0000_7000n;
    const found = (['core2', 'x86-64-v2', 'x86-64-v3', 'skylake'] as const).map((model) => {
      const guest = longGuest(`mov rax,${UPPER} + there - $$\njmp rax\nthere: jmp next\nnext: hlt`, model);
      guest.long.map(UPPER, 0x7000);
      record(guest, model);
      const [from, to] = [get(guest, 'MSR_LASTBRANCH_2_FROM_IP'), get(guest, 'MSR_LASTBRANCH_2_TO_IP')];
      return [from >> 48n, to >> 48n];
    });
    expect(found).toEqual([
      [0xffffn, 0xffffn],
      [0x7fffn, 0xffffn],
      [0x1fffn, 0xffffn],
      [0xffffn, 0xffffn],
    ]);
  });

  it('counts cycles from record to record', () => {
    const guest = realGuest('jmp a\na: nop\nnop\nnop\njmp b\nb: hlt', 'skylake');
    record(guest, 'skylake');
    expect(get(guest, 'MSR_LBR_INFO_2')).toBe(4n);
    const slow = realGuest('jmp a\na: mov ecx,20000h\nwaiting: dec ecx\njnz waiting\njmp b\nb: hlt', 'skylake');
    set(slow, 'IA32_DEBUGCTL', 1n);
    set(slow, 'MSR_LBR_SELECT', 4n);
    slow.machine.loop.run({ instructionsMax: 0x50000 });
    expect(get(slow, 'MSR_LBR_INFO_2')).toBe(0xffffn);
  });

  it('says in IA32_DEBUGCTL and its likes which bits there are', () => {
    const taken = (model: CpuModel) => {
      const rows = modelSpecificRegisters(modelFacts(model));
      return [rows.get(0x1d9)?.name, branchLayout(modelFacts(model))?.writable.toString(16)];
    };
    expect(taken('pentium3')).toEqual(['DEBUGCTLMSR', '7f']);
    expect(taken('pentium4')).toEqual(['MSR_DEBUGCTLA', '1f']);
    expect(taken('prescott')).toEqual(['MSR_DEBUGCTLA', '7f']);
    expect(taken('core2')).toEqual(['IA32_DEBUGCTL', '1fc3']);
    expect(taken('skylake')).toEqual(['IA32_DEBUGCTL', '7fc3']);
    expect(taken('amd-zen')).toEqual(['DEBUGCTL', '3f']);
    expect(taken('486')).toEqual([undefined, undefined]);
  });
});

describe.skipIf(!hasNasm)('MSR_LBR_SELECT', () => {
  const SOURCE = `mov bx,routine
    jumping: jmp next
    next: call near routine
    calling: call bx
    through: mov bx,on
    indirect: jmp bx
    on: xor ax,ax
    conditional: jz far_away
    far_away: jmp 0:done
    routine: ret
    done: hlt`;
  const kinds: readonly (readonly [number, readonly string[]])[] = [
    [2, ['conditional > far_away']],
    [3, ['next > routine']],
    [4, ['calling > routine']],
    [5, ['routine > calling', 'routine > through']],
    [6, ['indirect > on']],
    [7, ['jumping > next']],
    [8, ['far_away > done']],
  ];

  it.each(kinds)('with bit %d set leaves out %j', (bit, gone) => {
    const all = kinds.flatMap(([, branches]) => branches);
    const guest = realGuest(SOURCE, 'x86-64-v2');
    set(guest, 'MSR_LBR_SELECT', BigInt(1 << bit));
    record(guest, 'x86-64-v2');
    expect([...recordsOf(guest, 'x86-64-v2')].sort()).toEqual(all.filter((text) => !gone.includes(text)).sort());
  });

  const LEVELS = `main: push dword user
    go: jmp to_user
    user: jmp next
    next: int 30h
    back: hlt
    debug: iretd
    interrupt: iretd
    callee: retf
    task2: hlt
    gate: jmp inside
    inside: iretd
    fault: hlt`;

  it.each([
    [1, ['leaving > user', 'user > next', 'inside > back']],
    [2, ['next > gate', 'gate > inside', 'back > fault']],
  ] as const)('with %d leaves out branches by the level where they end', (select, kept) => {
    const guest = protectedGuest(LEVELS, 'x86-64-v2');
    set(guest, 'MSR_LBR_SELECT', BigInt(select));
    record(guest, 'x86-64-v2');
    const found = recordsOf(guest, 'x86-64-v2');
    expect(select === 2 ? found.slice(-3) : found).toEqual(kept);
  });

  it('makes calls a stack with EN_CALLSTACK', () => {
    const guest = realGuest(
      `start: call outer
      hlt
      outer: call one
      to_next: call $+3
      pop ax
      inner: call two
      nop
      two: hlt
      one: ret`,
      'x86-64-v3',
    );
    // All but calls and returns are left out.
    set(guest, 'MSR_LBR_SELECT', 0x3c4n);
    record(guest, 'x86-64-v3');
    expect(recordsOf(guest, 'x86-64-v3')).toEqual(['start > outer', 'inner > two']);
  });
});

describe.skipIf(!hasNasm)('interrupts and exceptions in branch records', () => {
  const FAULTS = `mov word [6*4],handler
    mov word [21h*4],service
    jumping: jmp next
    next: int 21h
    back: jmp wrong
    wrong: ud2
    service: iret
    handler: hlt`;

  it('are recorded, with the branch before them aside', () => {
    const guest = realGuest(FAULTS, 'core2');
    record(guest, 'core2');
    expect(recordsOf(guest, 'core2')).toEqual(['next > service', 'service > back', 'back > wrong', 'wrong > handler']);
    expect(
      [get(guest, 'MSR_LER_FROM_LIP'), get(guest, 'MSR_LER_TO_LIP')].map((at) => guest.nameOf(Number(at))),
    ).toEqual(['back', 'wrong']);
  });

  it('of a last branch followed by an interrupt are two records', () => {
    const guest = protectedGuest(
      `main: sti
      nop
      waiting: jmp waiting
      debug: iretd
      interrupt: hlt
      callee: retf
      task2: hlt
      gate: iretd
      fault: cli
      hlt`,
      'core2',
    );
    const { loop, processor } = guest.machine;
    loop.run({ instructionsMax: 20 });
    set(guest, 'IA32_DEBUGCTL', 1n);
    loop.run({ instructionsMax: 1 });
    (processor as { interruptPending: () => boolean }).interruptPending = () => true;
    (processor as { acknowledgeInterrupt: () => number }).acknowledgeInterrupt = () => 0x20;
    loop.run({ instructionsMax: 0 });
    expect(recordsOf(guest, 'core2')).toEqual(['waiting > waiting', 'waiting > interrupt']);
  });

  it('that are debug exceptions are not, and end recording; the records stay', () => {
    for (const model of ['core2', 'prescott', 'skylake'] as const) {
      const guest = realGuest(
        `mov word [1*4],handler
        jumping: jmp next
        next: int1
        handler: jmp done
        done: hlt`,
        model,
      );
      record(guest, model);
      expect(recordsOf(guest, model)).toEqual(['jumping > next']);
      expect(get(guest, control[model] ?? 'IA32_DEBUGCTL')).toBe(0n);
    }
  });

  it('from a breakpoint register end recording, too', () => {
    const guest = realGuest(
      'mov word [4],handler\njumping: jmp next\nnext: nop\nhlt\nhandler: jmp done\ndone: hlt',
      'x86-64-v2',
    );
    set(guest, 'DR0', BigInt(guest.addressOf('next')));
    set(guest, 'DR7', 0x401n);
    record(guest, 'x86-64-v2', 0x1801n);
    expect(recordsOf(guest, 'x86-64-v2')).toEqual(['jumping > next']);
    expect(get(guest, 'IA32_DEBUGCTL')).toBe(0x1800n);
  });

  it('of the P6 family and of AMD are a last branch, and the one before', () => {
    for (const model of ['pentium3', 'amd-zen'] as const) {
      const guest = realGuest(FAULTS, model);
      record(guest, model);
      const names = ['LASTBRANCHFROMIP', 'LASTBRANCHTOIP', 'LASTINTFROMIP', 'LASTINTTOIP'];
      expect(names.map((name) => guest.nameOf(Number(get(guest, name))))).toEqual([
        'wrong',
        'handler',
        'back',
        'wrong',
      ]);
    }
  });

  it('of the first NetBurst processors are four packed records', () => {
    const guest = realGuest(FAULTS, 'pentium4');
    record(guest, 'pentium4');
    const top = Number(get(guest, 'MSR_LASTBRANCH_TOS'));
    const value = get(guest, `MSR_LASTBRANCH_${top}`);
    expect([guest.nameOf(Number(value & 0xffff_ffffn)), guest.nameOf(Number(value >> 32n))]).toEqual([
      'wrong',
      'handler',
    ]);
    expect(guest.nameOf(Number(get(guest, 'MSR_LER_TO_LIP')))).toBe('wrong');
  });
});

it('leaves the guest alone otherwise: as many instructions, as much time', () => {
  const [on, off] = [1n, 0n].map((bits) => {
    const guest = new LongGuest(Uint8Array.from([0xff, 0xc9, 0x75, 0xfc, 0xf4]), 'skylake');
    guest.set('IA32_DEBUGCTL', bits);
    guest.set('RCX', 10_000n);
    guest.machine.processor.refresh();
    guest.runToHalt(100_000);
    return [guest.machine.loop.retired, guest.machine.loop.time, guest.get('RIP'), guest.get('RCX')];
  });
  expect(on).toEqual(off);
});
