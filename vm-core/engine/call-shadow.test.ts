/** What is known of the calls that have not returned. The guests need the assembler nasm; without it they are skipped. */
import { describe, expect, it } from 'vitest';
import { assemble, hasNasm } from '../../test/support/boot-sectors.ts';
import type { CallRecord } from '../machine/vcpu.ts';
import { changedState, readState } from '../state/state-access.ts';
import { CALL_ENTRIES } from './call-entry.ts';
import { programMachine } from './guest-program.ts';

const INSTRUCTIONS_MAX = 200_000;
/** Writes to this port ask for the calls. */
const PROBE = 0xe9;

/**
 * Runs a program whose `probe` asks for the calls; gives for each probe the labels that the calls led to, innermost
 * first, interrupts with their vector, and `…` where older ones are not known.
 */
function trails(source: string, labels: readonly string[]): readonly string[] {
  const { machine, found } = run(source, labels);
  expect(machine.processor.state.eip, 'the program has come to its end').toBeGreaterThan(0x7c00);
  return found.map(({ text }) => text);
}

function run(source: string, labels: readonly string[], isOn = true) {
  const words = labels.map((label) => `dw ${label}`).join('\n');
  const text = `bits 16\ncpu 386\norg 7c00h\n%define probe out ${PROBE},al\n${source}\ndone: cli\nhlt\njmp done\n${words}`;
  const bytes = assemble(text);
  const table = bytes.subarray(bytes.length - 2 * labels.length);
  const names = new Map(
    labels.map((label, n) => [(table[n * 2] as number) | ((table[n * 2 + 1] as number) << 8), label]),
  );
  const machine = programMachine([...bytes]);
  const { callShadow } = machine.processor;
  callShadow.isOn = isOn;
  const found: { readonly text: string; readonly calls: readonly CallRecord[] }[] = [];
  const ports = machine.processor.ports as { write: (port: number, size: number, value: number) => void };
  ports.write = (port) => {
    if (port !== PROBE) return;
    const { calls, isComplete } = callShadow.calls();
    const shown = calls.map((call) => describeCall(call, names));
    found.push({ text: [...shown, ...(isComplete ? [] : ['…'])].join(' '), calls });
  };
  machine.loop.run({ instructionsMax: INSTRUCTIONS_MAX });
  return { machine, found };
}

function describeCall({ kind, target, vector, source }: CallRecord, names: ReadonlyMap<number, string>): string {
  const name = names.get(target) ?? target.toString(16);
  if (kind === 'call') return name;
  return kind === 'far-call' ? `far:${name}` : `${source}-${vector?.toString(16)}:${name}`;
}

describe.skipIf(!hasNasm)('the call shadow', () => {
  it('knows calls with what they return to, and forgets those that have returned', () => {
    const { found } = run('mov sp,7000h\ncall f\nprobe\njmp done\nf: call g\nprobe\nret\ng: probe\nret', ['f', 'g']);
    expect(found.map(({ text }) => text)).toEqual(['g f', 'f', '']);
    expect(found[0]?.calls[1]).toEqual({
      kind: 'call',
      vector: undefined,
      source: undefined,
      target: 0x7c0a,
      returnAddress: 0x7c06,
      selector: 0,
      slot: 0x6ffe,
      size: 2,
      callerStack: undefined,
    });
  });

  it('says that there may be more where the stack is older than the record', () => {
    expect(trails('call f\njmp done\nf: probe\nret', ['f'])).toEqual(['f …']);
  });

  it('follows recursion, and calls of 32 bits', () => {
    const source = `mov sp,7000h
      mov cx,3
      call dword f
      probe
      jmp done
      f: probe
      dec cx
      jz .out
      call dword f
      .out: o32 ret`;
    const { found } = run(source, ['f']);
    expect(found.map(({ text }) => text)).toEqual(['f', 'f f', 'f f f', '']);
    expect(found[2]?.calls.map(({ slot, size }) => [slot, size])).toEqual([
      [0x6ff4, 4],
      [0x6ff8, 4],
      [0x6ffc, 4],
    ]);
  });

  it('follows RET n, and indirect calls', () => {
    const source = `mov sp,7000h
      push ax
      push ax
      call f
      probe
      jmp done
      f: mov bx,g
      call bx
      call [pointer]
      ret 4
      pointer: dw g
      g: probe
      ret`;
    expect(trails(source, ['f', 'g'])).toEqual(['g f', 'g f', '']);
  });

  it('takes PUSH and RET for the jump it is, and a return address that was moved for the same call', () => {
    const source = `mov sp,7000h
      call f
      db 'text',0
      probe
      jmp done
      f: push word .here
      ret
      .here: probe
      pop si
      .next: lodsb
      test al,al
      jnz .next
      push si
      probe
      ret`;
    expect(trails(source, ['f'])).toEqual(['f', 'f', '']);
  });

  it('drops what is left without returning: an address that is added over, and a longjmp', () => {
    const source = `mov sp,7000h
      call f
      probe
      mov [saved],sp
      call deep
      landed: probe
      call g
      jmp done
      f: call g2
      ret
      g2: add sp,2
      probe
      ret
      deep: call deeper
      deeper: call deepest
      deepest: mov sp,[saved]
      probe
      jmp landed
      g: probe
      ret
      saved: dw 0`;
    expect(trails(source, ['f', 'g', 'g2'])).toEqual(['f', '', '', '', 'g']);
  });

  it('follows frames that are left by LEAVE and by MOV SP,BP', () => {
    const source = `mov sp,7000h
      call f
      probe
      jmp done
      f: push bp
      mov bp,sp
      sub sp,20
      call g
      mov sp,bp
      pop bp
      probe
      ret
      g: enter 8,0
      push ax
      probe
      leave
      probe
      ret`;
    expect(trails(source, ['f', 'g'])).toEqual(['g f', 'g f', 'f', '']);
  });

  it('follows far calls: direct, through memory, and by hand with PUSH CS', () => {
    const source = `mov sp,7000h
      call 0:f
      call far [pointer]
      push cs
      call f
      pushf
      call 0:h
      probe
      jmp done
      f: probe
      retf
      h: probe
      iret
      pointer: dw f,0`;
    expect(trails(source, ['f', 'h'])).toEqual(['far:f', 'far:f', 'f', 'far:h', '']);
  });

  it('follows calls to other segments, and a handler that returns by RETF 2', () => {
    const source = `mov sp,7000h
      mov word [21h*4],dos
      call 7c0h:f-7c00h
      int 21h
      probe
      jmp done
      f: probe
      call near g
      retf
      g: probe
      ret
      dos: call 7c0h:f-7c00h
      retf 2`;
    const { found } = run(source, ['f', 'g', 'dos']);
    expect(found.map(({ text }) => text)).toEqual([
      'far:f',
      'g far:f',
      'far:f software-21:dos',
      'g far:f software-21:dos',
      '',
    ]);
    expect(found[1]?.calls.map(({ selector }) => selector)).toEqual([0x7c0, 0]);
  });

  it('labels software interrupts and exceptions, one inside the other', () => {
    const source = `mov sp,7000h
      mov word [21h*4],dos
      mov word [0],divide
      mov word [6*4],invalid
      call f
      probe
      jmp done
      f: int 21h
      ret
      dos: probe
      xor bx,bx
      div bx
      iret
      divide: probe
      ud2
      back: add word [esp],2
      iret
      invalid: probe
      mov bp,sp
      mov word [bp],back
      iret`;
    const names = ['f', 'dos', 'divide', 'invalid'];
    expect(trails(source, names)).toEqual([
      'software-21:dos f',
      'exception-0:divide software-21:dos f',
      'exception-6:invalid exception-0:divide software-21:dos f',
      '',
    ]);
  });

  it('has its own callers for each of two coroutines, right after the switch', () => {
    const source = `mov sp,7000h
      mov bx,6000h
      mov word [bx-2],second
      sub bx,2
      mov [other],bx
      call first
      probe
      jmp done
      first: call switch
      call inner
      ret
      inner: call switch
      ret
      second: call loop
      loop: call switch
      jmp loop
      switch: xchg sp,[other]
      probe
      ret
      other: dw 0`;
    const names = ['first', 'inner', 'second', 'loop', 'switch'];
    expect(trails(source, names)).toEqual(['', 'switch first', 'switch loop', 'switch inner first', '']);
  });

  it('follows tasks that a timer switches, on stacks of their own segments', () => {
    const source = `mov ax,0
      mov ss,ax
      mov sp,7000h
      mov word [8*4],tick
      mov ax,2000h
      mov es,ax
      mov word [es:0ffah],second
      mov word [es:0ffch],0
      mov word [es:0ffeh],2
      mov word [ss1],2000h
      mov word [sp1],0ffah
      call first
      jmp done
      first: int 8
      probe
      int 8
      probe
      ret
      second: call work
      work: int 8
      probe
      jmp work
      tick: xchg [sp1],sp
      mov ax,ss
      xchg [ss1],ax
      mov bx,[sp1]
      mov [sp2],bx
      mov bx,sp
      mov ss,ax
      mov sp,bx
      probe
      iret
      sp1: dw 0
      ss1: dw 0
      sp2: dw 0`;
    const found = trails(source, ['first', 'second', 'work', 'tick']);
    expect(found).toEqual([
      '',
      'software-8:tick first',
      'first',
      'software-8:tick work',
      'work',
      'software-8:tick first',
      'first',
    ]);
  });

  it('holds out where the stack wraps', () => {
    const source = `xor sp,sp
      mov sp,0
      call f
      probe
      mov sp,4
      call g
      jmp done
      f: probe
      ret
      g: call h
      ret
      h: call i
      ret
      i: probe
      ret`;
    expect(trails(source, ['f', 'g', 'h', 'i'])).toEqual(['f', '', 'i']);
  });

  it('keeps the newest of more calls than it has room for', () => {
    const source = `mov esp,7000h
      mov cx,6000
      call f
      probe
      jmp done
      f: dec cx
      jz .out
      call f
      .out: cmp cx,0
      jne .back
      probe
      .back: inc cx
      ret`;
    const { found } = run(source, ['f']);
    expect(found[0]?.calls).toHaveLength(CALL_ENTRIES);
    expect(found[0]?.text.endsWith('…')).toBe(true);
    expect(found.at(-1)?.text).toBe('');
  });

  it('leaves no trace in the guest', () => {
    const source = `mov sp,7000h
      mov word [21h*4],f
      int 21h
      call g
      jmp done
      f: call g
      iret
      g: push word .on
      ret
      .on: mov bp,sp
      mov sp,6000h
      call h
      mov sp,bp
      ret
      h: ret`;
    const [on, off] = [true, false].map((isOn) => run(source, [], isOn).machine);
    if (!on || !off) throw new Error('two machines were made');
    expect(changedState(readState(on.processor.state), readState(off.processor.state))).toEqual([]);
    expect(on.loop.retired).toBe(off.loop.retired);
    expect(on.map.copyOut(0, 0x10000)).toEqual(off.map.copyOut(0, 0x10000));
  });
});
