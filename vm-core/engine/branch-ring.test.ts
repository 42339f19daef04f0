/** Branches as a debugger hears of them: each kind in each mode, the stop at the next one, no trace in the guest. */
import { describe, expect, it } from 'vitest';
import { hasNasm } from '../../test/support/boot-sectors.ts';
import { slot } from '../state/layout.ts';
import { changedState, readState } from '../state/state-access.ts';
import { BRANCH_ENTRIES } from './branch-entry.ts';
import { type BranchGuest, longGuest, protectedGuest, realGuest, textOf } from '../../test/support/branch-guests.ts';
import { PROGRAM_START, programMachine } from './guest-program.ts';

/** What a guest branches until HLT. */
function branchesOf(guest: BranchGuest): readonly string[] {
  const { branches } = guest.machine.processor;
  branches.isOn = true;
  expect(guest.machine.loop.run({ instructionsMax: 1000 }).reason).toBe('halted');
  return textOf(guest, branches.records());
}

describe.skipIf(!hasNasm)('branches of real mode', () => {
  it('are told with their kinds, and what is not taken is not', () => {
    const guest = realGuest(`xor ax,ax
      not_taken: jnz on
      taken: jz on
      nop
      on: mov cx,2
      again: nop
      looping: loop again
      counted: jcxz calling
      nop
      calling: call near_routine
      back: mov bx,over
      through: jmp bx
      near_routine: push ax
      mov bx,inner
      indirect: call bx
      returning: ret
      inner: ret 2
      over: jmp short far_away
      nop
      far_away: call 0:far_routine
      jumping_far: jmp 0:done
      far_routine: retf
      done: hlt`);
    expect(branchesOf(guest)).toEqual([
      'conditional: taken > on',
      'conditional: looping > again',
      'conditional: counted > calling',
      'call: calling > near_routine',
      'indirect-call: indirect > inner',
      'return: inner > returning',
      'return: returning > back',
      'indirect-jump: through > over',
      'jump: over > far_away',
      'far: far_away > far_routine',
      'far: far_routine > jumping_far',
      'far: jumping_far > done',
    ]);
  });

  it('count a jump to what follows anyhow', () => {
    expect(branchesOf(realGuest('here: jmp next\nnext: hlt'))).toEqual(['jump: here > next']);
  });

  it('have the addresses of segments that do not begin at 0', () => {
    const guest = realGuest(`jumping: jmp 7c0h:in_segment - 7c00h
      in_segment: jmp there
      there: hlt`);
    expect(branchesOf(guest)).toEqual(['far: jumping > in_segment', 'jump: in_segment > there']);
  });

  it('are interrupts and exceptions, too', () => {
    const guest = realGuest(`mov word [21h*4],handler
      mov word [6*4],wrong
      mov word [3*4],handler
      calling: int 21h
      back: int3
      last: ud2
      handler: iret
      wrong: hlt`);
    expect(branchesOf(guest)).toEqual([
      'software-interrupt 21h: calling > handler',
      'interrupt-return: handler > back',
      'software-interrupt 3h: back > handler',
      'interrupt-return: handler > last',
      'exception 6h: last > wrong',
    ]);
  });
});

describe.skipIf(!hasNasm)('branches of protected mode', () => {
  const REST = `debug: iretd
    interrupt: iretd
    callee: retf
    task2: hlt
    gate: iretd
    fault: cli
    hlt`;

  it('cross privilege levels', () => {
    const guest = protectedGuest(`main: push dword user
      go: jmp to_user
      user: int 30h
      next: call 28h:0
      wrong: hlt
      ${REST}`);
    expect(branchesOf(guest).slice(2)).toEqual([
      'jump: go > to_user',
      'interrupt-return: leaving > user',
      'software-interrupt 30h: user > gate',
      'interrupt-return: gate > next',
      'far: next > callee',
      'far: callee > wrong',
      'exception dh: wrong > fault',
    ]);
  });

  it('lead to another task', () => {
    const guest = protectedGuest(`main: jmp 38h:0\n${REST}`);
    expect(branchesOf(guest).at(-1)).toBe('far: main > task2');
  });

  it('enter the system and leave it', () => {
    const guest = protectedGuest(
      `main: mov ecx,174h
      mov eax,8
      xor edx,edx
      wrmsr
      inc ecx
      mov eax,6800h
      wrmsr
      inc ecx
      mov eax,system
      wrmsr
      entering_system: sysenter
      system: mov edx,done
      mov ecx,6000h
      leaving_system: sysexit
      done: hlt
      ${REST}`,
      'x86-64-v2',
    );
    // The flat segments that these instructions take from the table are in its order.
    expect(branchesOf(guest).slice(2)).toEqual([
      'system-call: entering_system > system',
      'system-return: leaving_system > done',
      'exception dh: done > fault',
    ]);
  });

  it('begin with the way there from real mode', () => {
    expect(branchesOf(protectedGuest(`main: hlt\n${REST}`))[0]).toBe('far: entering > start');
  });

  it('come from hardware before the instruction that is interrupted', () => {
    const guest = protectedGuest(`main: sti
      nop
      waiting: jmp waiting
      ${REST}`);
    const { loop, processor } = guest.machine;
    loop.run({ instructionsMax: 20 });
    (processor as { interruptPending: () => boolean }).interruptPending = () => true;
    (processor as { acknowledgeInterrupt: () => number }).acknowledgeInterrupt = () => 0x20;
    processor.branches.isOn = true;
    loop.run({ instructionsMax: 0 });
    expect(textOf(guest, processor.branches.records())).toEqual(['interrupt 20h: waiting > interrupt']);
  });
});

describe.skipIf(!hasNasm)('branches of 64-bit mode', () => {
  it('are told with their kinds', () => {
    const guest = longGuest(`mov word [abs 1000h+30h*16],handler
      lea rax,[routine]
      calling: call rax
      back: int 1fh
      on: lea rcx,[last]
      push rcx
      popf
      push rcx
      leaving: ret
      routine: mov ecx,2
      again: nop
      looping: loop again
      returning: ret
      handler: iretq
      last: ud2`);
    guest.long.write64(0x1000 + 0x1f * 16, BigInt(guest.addressOf('handler')) | (0x8n << 16n) | (0xee00n << 32n));
    expect(branchesOf(guest)).toEqual([
      'indirect-call: calling > routine',
      'conditional: looping > again',
      'return: returning > back',
      'software-interrupt 1fh: back > handler',
      'interrupt-return: handler > on',
      'return: leaving > last',
      'exception 6h: last > 8180',
    ]);
  });

  it('of the upper half have their addresses, rounded where numbers are', () => {
    const guest = longGuest('mov rax,0ffff800000007000h + there - $$\njumping: jmp rax\nthere: hlt');
    guest.long.map(0xffff_8000_0000_7000n, 0x7000);
    const { branches } = guest.machine.processor;
    branches.isOn = true;
    guest.long.runToHalt();
    const { from, to } = branches.newest();
    expect([guest.nameOf(from), to]).toEqual(['jumping', -0x8000_0000_0000 + guest.addressOf('there')]);
  });

  it('enter the system and leave it', () => {
    const guest = longGuest(`entering: syscall
      back: hlt
      system: lea rcx,[user]
      mov r11d,2
      leaving: o64 sysret
      user: hlt`);
    guest.long.set('IA32_STAR', (0x1bn << 48n) | (0x8n << 32n));
    guest.long.set('IA32_LSTAR', BigInt(guest.addressOf('system')));
    expect(branchesOf(guest)).toEqual([
      'system-call: entering > system',
      'system-return: leaving > user',
      'exception dh: user > 8340',
    ]);
  });

  it('go to and from compatibility mode', () => {
    const guest = longGuest(`push qword 40h
      push qword narrow
      leaving: retfq
      bits 32
      narrow: jmp 8:wide
      bits 64
      wide: hlt`);
    expect(branchesOf(guest)).toEqual(['far: leaving > narrow', 'far: narrow > wide']);
  });
});

/** inc ax; jz +2; jmp back; ud2 */
const LOOP = [0x40, 0x74, 0x02, 0xeb, 0xfb, 0x0f, 0x0b];

describe('the record of branches', () => {
  it('is empty until it is asked for, and begins anew', () => {
    const { loop, processor } = programMachine(LOOP);
    loop.run({ instructionsMax: 9 });
    expect(processor.branches.records()).toEqual([]);
    processor.branches.isOn = true;
    expect(processor.branches.records()).toEqual([]);
    loop.run({ instructionsMax: 6 });
    expect(processor.branches.records()).toHaveLength(2);
    processor.branches.isOn = false;
    expect(processor.branches.records()).toEqual([]);
    processor.branches.isOn = true;
    expect(processor.branches.records()).toEqual([]);
  });

  it('keeps the newest, and gives as many as are wanted', () => {
    const { loop, processor } = programMachine(LOOP);
    processor.branches.isOn = true;
    loop.run({ instructionsMax: 1000 });
    expect(processor.branches.records()).toHaveLength(BRANCH_ENTRIES);
    const [first, second] = processor.branches.records(2);
    expect(first).toEqual({ from: PROGRAM_START + 3, to: PROGRAM_START, kind: 'jump', vector: undefined });
    expect(second).toEqual(first);
  });

  it('leaves no trace in the guest', () => {
    const machines = [true, false].map((isOn) => {
      const machine = programMachine(LOOP);
      machine.processor.branches.isOn = isOn;
      machine.loop.run({ instructionsMax: 100_001 });
      return machine;
    });
    const [on, off] = machines as [(typeof machines)[0], (typeof machines)[0]];
    expect(changedState(readState(on.processor.state), readState(off.processor.state))).toEqual([]);
    expect([on.loop.retired, on.loop.time]).toEqual([off.loop.retired, off.loop.time]);
    expect(on.map.copyOut(0, 0x10000)).toEqual(off.map.copyOut(0, 0x10000));
  });
});

describe('a run until the next branch', () => {
  it('stops where it leads, after as many instructions as that takes', () => {
    const { loop, processor } = programMachine(LOOP);
    const result = loop.run({ instructionsMax: 1000, untilBranch: true });
    const branch = { from: PROGRAM_START + 3, to: PROGRAM_START, kind: 'jump', vector: undefined };
    expect(result).toEqual({ reason: 'branch', branch });
    expect([loop.retired, processor.state.eip, processor.state.read16(slot.EAX)]).toEqual([3, PROGRAM_START, 1]);
    expect(loop.run({ instructionsMax: 1000, untilBranch: true })).toEqual({ reason: 'branch', branch });
    expect(loop.retired).toBe(6);
    expect(processor.branches.records()).toEqual([]);
  });

  it('ends with its last instruction, too, and otherwise at the limit', () => {
    const { loop } = programMachine(LOOP);
    expect(loop.run({ instructionsMax: 2, untilBranch: true }).reason).toBe('limit');
    expect(loop.run({ instructionsMax: 1, untilBranch: true }).reason).toBe('branch');
    expect(loop.run({ instructionsMax: 7 }).reason).toBe('limit');
  });

  it('stops at an exception, before the handler runs', () => {
    const { loop, processor } = programMachine([0x90, 0x0f, 0x0b]);
    const branch = { from: PROGRAM_START + 1, to: 0x606, kind: 'exception', vector: 6 };
    expect(loop.run({ instructionsMax: 10, untilBranch: true })).toEqual({ reason: 'branch', branch });
    expect([loop.retired, processor.state.eip]).toEqual([1, 0x606]);
  });

  it('stops at a breakpoint that comes before', () => {
    const { loop } = programMachine(LOOP);
    loop.addBreakpoint({ address: PROGRAM_START + 1, space: 'linear', reached: () => true });
    expect(loop.run({ instructionsMax: 10, untilBranch: true }).reason).toBe('breakpoint');
    expect(loop.run({ instructionsMax: 10, untilBranch: true, resume: true }).reason).toBe('branch');
  });

  it('sees no branch in the iterations of a repeated instruction', () => {
    // mov cx,5000; rep stosb; jmp $
    const { loop } = programMachine([0xb9, 0x88, 0x13, 0xbf, 0, 0x90, 0xf3, 0xaa, 0xeb, 0xfe]);
    expect(loop.run({ instructionsMax: 10_000, untilBranch: true })).toMatchObject({
      branch: { from: PROGRAM_START + 8, kind: 'jump' },
    });
  });
});
