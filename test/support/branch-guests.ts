/** Guests for tests of what is told of branches: assembled programs whose labels name addresses. */
import { assemble } from './boot-sectors.ts';
import type { CpuModel } from '../../vm-core/isa/cpu-model.ts';
import type { BareMachine } from '../../vm-core/engine/bare-machine.ts';
import type { BranchRecord } from '../../vm-core/machine/branch-record.ts';
import { programMachine } from '../../vm-core/engine/guest-program.ts';
import { LongGuest, PROGRAM } from '../../vm-core/engine/long-guest.ts';

/** A machine at the first instruction of a program, and the names of addresses in it. */
export interface BranchGuest {
  readonly machine: BareMachine;
  readonly nameOf: (address: number) => string;
  readonly addressOf: (name: string) => number;
}

interface Assembled {
  readonly image: Uint8Array;
  readonly names: ReadonlyMap<number, string>;
}

/** Every label of the source at the beginning of a line is a name. */
function assembleNamed(source: string): Assembled {
  const labels = [...source.matchAll(/^ *(\w+):/gm)].map(([, name]) => name as string);
  const table = labels.map((name) => `dd ${name}`).join('\n');
  const image = assemble(`${source}\n${table}\n`);
  const view = new DataView(image.buffer, image.byteOffset + image.length - 4 * labels.length);
  return { image, names: new Map(labels.map((name, n) => [view.getUint32(n * 4, true), name])) };
}

function guestOf(machine: BareMachine, names: Assembled['names']): BranchGuest {
  const addresses = new Map([...names].map(([address, name]) => [name, address]));
  return {
    machine,
    nameOf: (address) => names.get(address) ?? address.toString(16),
    addressOf: (name) => addresses.get(name) ?? -1,
  };
}

/** Real mode at 0000:7C00. */
export function realGuest(source: string, model: CpuModel = '386'): BranchGuest {
  const { image, names } = assembleNamed(`bits 16\norg 7c00h\n${source}`);
  return guestOf(programMachine([...image], undefined, model), names);
}

/** 32-bit code of level 0 at `main`, with a gate 30h and a handler of #GP, both at the source's `gate` and `fault`. */
export function protectedGuest(source: string, model: CpuModel = '386'): BranchGuest {
  return realGuest(`${PROTECTED}${source}`, model);
}

/** 64-bit code of level 0. */
export function longGuest(source: string, model: CpuModel = 'max'): BranchGuest & { readonly long: LongGuest } {
  const { image, names } = assembleNamed(`bits 64\ndefault rel\norg ${PROGRAM}\n${source}`);
  const long = new LongGuest(image, model);
  return { ...guestOf(long.machine, names), long };
}

/** Branches as lines of text: kind, vector, from, to. */
export function textOf(guest: BranchGuest, branches: readonly BranchRecord[]): readonly string[] {
  return branches.map(({ kind, vector, from, to }) => {
    const number = vector === undefined ? '' : ` ${vector.toString(16)}h`;
    return `${kind}${number}: ${guest.nameOf(from)} > ${guest.nameOf(to)}`;
  });
}

/** Flat segments, level 3 by `to_user`, a task at 38h whose code is `task2`. */
const PROTECTED = `cli
lgdt [gdtr]
lidt [idtr]
mov eax,1
mov cr0,eax
entering: jmp 8:start
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
dw callee, 8, 0ec00h, 0
dw 67h, tss, 8900h, 0
dw 67h, tss2, 8900h, 0
gdtr: dw $ - gdt - 1
dd gdt
idtr: dw 32h * 8 - 1
dd idt
tss: dd 0
dd 6800h, 10h
times 64h - ($ - tss) db 0
dw 0, 68h
tss2: times 8 dd 0
dd task2, 2, 0, 0, 0, 0, 5000h, 0, 0, 0, 10h, 8, 10h, 10h, 10h, 10h, 0
dw 0, 68h
idt: dq 0
dw debug, 8, 8e00h, 0
times 11 dq 0
dw fault, 8, 8e00h, 0
times 18 dq 0
dw interrupt, 8, 8e00h, 0
times 30h - 33 dq 0
dw gate, 8, 0ee00h, 0
dw gate, 8, 0ee00h, 0
to_user: pop eax
push dword 23h
push dword 6000h
push dword 2h
push dword 1bh
push eax
leaving: iretd
`;
