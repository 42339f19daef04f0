/** Calls between privilege levels, on stacks that the processor changes itself. The guests need the assembler nasm. */
import { describe, expect, it } from 'vitest';
import { assemble, hasNasm } from '../../test/support/boot-sectors.ts';
import type { PortSpace } from '../cpu/cpu.ts';
import type { CallRecord, CallStack } from '../machine/vcpu.ts';
import type { CpuModel } from '../isa/cpu-model.ts';
import { programMachine } from './guest-program.ts';

const PROBE = 0xe9;

/** Real mode to level 0 and on to `user` at level 3, with gates 30h and 31h, a call gate, and a TSS. */
const SETUP = `bits 16
org 7c00h
%define probe out ${PROBE},al
cli
lgdt [gdtr]
lidt [idtr]
mov eax,1
mov cr0,eax
jmp 8:start
bits 32
start: mov ax,10h
mov ds,ax
mov es,ax
mov ss,ax
mov esp,7000h
mov ax,30h
ltr ax
jmp main
align 8
gdt: dq 0
dq 00cf9a000000ffffh
dq 00cf92000000ffffh
dq 00cffa000000ffffh
dq 00cff2000000ffffh
gate: dw callee, 8, 0ec00h, 0
dw 67h, tss, 8900h, 0
dw 67h, tss2, 8900h, 0
gdtr: dw $ - gdt - 1
dd gdt
idtr: dw 32h * 8 - 1
dd idt
tss: dd 0
esp0: dd 6800h, 10h
times 64h - ($ - tss) db 0
dw 0, 68h
tss2: times 8 dd 0
dd task2, 2, 0, 0, 0, 0, 5000h, 0, 0, 0, 10h, 8, 10h, 10h, 10h, 10h, 0
dw 0, 68h
idt: times 13 dq 0
dw fault, 8, 8e00h, 0
times 30h - 14 dq 0
dw system, 8, 0ee00h, 0
dw system, 8, 0ee00h, 0
enter_user: pop eax
push dword 23h
push dword [user_esp]
push dword 3202h
push dword 1bh
push eax
iretd
user_esp: dd 6000h
`;

interface Probe {
  readonly text: string;
  readonly stack: CallStack;
}

function probes(source: string, labels: readonly string[], model: CpuModel = '386'): readonly Probe[] {
  const task2 = source.includes('task2:') ? '' : 'task2: jmp done';
  const table = labels.map((name) => `dd ${name}`).join('\n');
  const bytes = assemble(`${SETUP}${source}\n${task2}\ndone: cli\nhlt\njmp done\n${table}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 4 * labels.length);
  const names = new Map(labels.map((name, n) => [view.getUint32(n * 4, true), name]));
  const machine = programMachine([...bytes], undefined, model);
  const { callShadow, ports } = machine.processor;
  callShadow.isOn = true;
  const found: Probe[] = [];
  (ports as { write: PortSpace['write'] }).write = (port) => {
    if (port !== PROBE) return;
    const stack = callShadow.calls();
    const text = stack.calls.map((call) => describeCall(call, names)).join(' ');
    found.push({ text: stack.isComplete ? text : `${text} …`, stack });
  };
  machine.loop.run({ instructionsMax: 100_000 });
  expect(machine.processor.unsupportedText).toBeUndefined();
  return found;
}

function describeCall(
  { kind, target, vector, source, callerStack }: CallRecord,
  names: ReadonlyMap<number, string>,
): string {
  const name = names.get(target) ?? target.toString(16);
  const label =
    kind === 'interrupt' ? `${source}-${vector?.toString(16)}:${name}` : kind === 'call' ? name : `far:${name}`;
  return callerStack ? `${label}|` : label;
}

const texts = (found: readonly Probe[]): readonly string[] => found.map(({ text }) => text);

describe.skipIf(!hasNasm)('calls between privilege levels', () => {
  it('show the callers on the outer stack behind those on the inner one', () => {
    const found = probes(
      `main: call launch
      launch: push dword user
      jmp enter_user
      user: call work
      probe
      jmp $
      work: int 30h
      probe
      call 28h:0
      probe
      xor eax,eax
      ret
      system: call inner
      probe
      iretd
      inner: probe
      ret
      callee: probe
      retf
      fault: probe
      jmp done`,
      ['user', 'work', 'system', 'inner', 'callee', 'fault', 'launch'],
    );
    expect(texts(found)).toEqual([
      'inner software-30:system| work',
      'software-30:system| work',
      'work',
      'far:callee| work',
      'work',
      '',
    ]);
    const [inner, system] = found[0]?.stack.calls ?? [];
    expect(inner?.slot).toBe(0x67e8);
    expect(system).toMatchObject({ slot: 0x67ec, size: 4, selector: 0x1b });
    expect(system?.callerStack).toEqual({ selector: 0x23, base: 0, pointer: 0x5ffc });
  });

  it('know the error code above the return address of an exception', () => {
    const found = probes(
      `main: push dword user
      jmp enter_user
      user: call work
      jmp $
      work: hlt
      probe
      ret
      system: iretd
      callee: retf
      fault: probe
      inc dword [esp+4]
      add esp,4
      iretd`,
      ['work', 'fault'],
    );
    expect(texts(found).slice(0, 2)).toEqual(['exception-d:fault| work', 'work']);
    expect(found[0]?.stack.calls[0]).toMatchObject({ slot: 0x67ec, size: 4 });
  });

  it('end with the outer ones where a handler begins its stack anew', () => {
    const found = probes(
      `main: push dword user
      jmp enter_user
      user: call work
      work: int 30h
      system: call give_up
      give_up: mov esp,[cs:esp0]
      probe
      call next
      next: probe
      jmp done
      callee: retf
      fault: jmp done`,
      ['work', 'system', 'next'],
    );
    expect(texts(found)).toEqual(['', 'next']);
  });

  it('are those of the task that the processor has switched to', () => {
    const found = probes(
      `main: call go
      jmp done
      go: call 38h:0
      probe
      ret
      task2: call deep
      iretd
      jmp task2
      deep: probe
      ret
      system: iretd
      callee: retf
      fault: probe
      jmp done`,
      ['go', 'deep', 'task2', 'fault'],
    );
    expect(texts(found)).toEqual(['deep', 'go']);
  });

  it('come back when SYSEXIT does', () => {
    const found = probes(
      `main: mov ecx,174h
      mov eax,8
      xor edx,edx
      wrmsr
      inc ecx
      mov eax,[esp0]
      wrmsr
      inc ecx
      mov eax,enter
      wrmsr
      push dword user
      jmp enter_user
      user: call work
      work: mov ecx,esp
      mov edx,.back
      sysenter
      .back: probe
      jmp $
      enter: call serve
      sysexit
      serve: probe
      ret
      system: iretd
      callee: retf
      fault: jmp done`,
      ['work', 'serve'],
      'pentium3',
    );
    expect(texts(found).slice(0, 2)).toEqual(['serve', 'work']);
  });

  it('keep apart what two tasks have on their inner stacks', () => {
    const found = probes(
      `main: push dword first
      jmp enter_user
      first: call a
      jmp $
      a: int 30h
      probe
      int 30h
      jmp $
      second: call b
      jmp $
      b: int 30h
      probe
      int 30h
      jmp $
      system: pushad
      call switch
      popad
      probe
      iretd
      switch: mov cx,ss
      mov ds,cx
      mov eax,[other]
      mov [other],esp
      mov ecx,[esp0]
      xchg ecx,[other0]
      mov [esp0],ecx
      test eax,eax
      jz fresh
      mov esp,eax
      probe
      ret
      fresh: mov esp,6400h
      mov dword [user_esp],5000h
      push dword second
      jmp enter_user
      other: dd 0
      other0: dd 6400h
      callee: retf
      fault: jmp done`,
      ['a', 'b', 'system', 'switch'],
    );
    expect(texts(found).slice(0, 6)).toEqual([
      'switch software-30:system| a',
      'software-30:system| a',
      'a',
      'switch software-30:system| b',
      'software-30:system| b',
      'b',
    ]);
  });
});
