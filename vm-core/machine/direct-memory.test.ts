/** Linear pictures in memory that the guest reaches without asking: what the screen finds of it. */
import { describe, expect, it } from 'vitest';
import { assemble, hasNasm } from '../../test/support/boot-sectors.ts';
import { createMachine } from './create-machine.ts';
import type { Machine } from './machine.ts';
import { createOverlayStore, memorySource } from './overlay-block-store.ts';

const PICTURE = 0xe0000000;
const WIDTH = 640;

/** Flat data segments in real mode, and a picture of 640×480×32; what follows runs over and over. */
const start = `bits 16
org 7c00h
cli
xor ax,ax
mov ds,ax
lgdt [table]
mov eax,cr0
or al,1
mov cr0,eax
mov bx,8
mov es,bx
and al,0feh
mov cr0,eax
%macro dispi 2
mov dx,1ceh
mov ax,%1
out dx,ax
inc dx
mov ax,%2
out dx,ax
%endmacro
dispi 1,640
dispi 2,480
dispi 3,32
dispi 4,41h
mov edi,${PICTURE}
again:
`;
const end = `
jmp again
align 8
table: dw 15
dd gdt
gdt: dq 0
dw 0ffffh,0,9200h,008fh
times 510-($-$$) db 0
dw 0aa55h`;

function runningGuest(loop: string): Machine {
  const image = assemble(start + loop + end);
  const disk = createOverlayStore(memorySource('disk', image));
  const config = { machineType: 'isa-1', cpuModel: '386', memorySize: 2 << 20, firmware: 'builtin' } as const;
  const machine = createMachine({ ...config, disk, exitDevice: false, startTimeMs: 0 });
  while (!machine.display.render().pixels.length || machine.display.render().width !== WIDTH) run(machine, 1000);
  return machine;
}

function run(machine: Machine, instructions: number): void {
  machine.run({ instructionsMax: instructions });
}

/** Red, green and blue of a pixel of the first lines. */
function pixel(machine: Machine, x: number, y: number): readonly number[] {
  const at = (y * WIDTH + x) * 4;
  return [...machine.display.render().pixels.subarray(at, at + 3)];
}

describe.skipIf(!hasNasm)('a linear picture', () => {
  it('is a new one whenever the guest has written since somebody looked', () => {
    const machine = runningGuest('inc dword [es:edi]');
    const generations = new Set<number>();
    for (let look = 0; look < 5; look++) {
      run(machine, 3000);
      generations.add(machine.display.generation);
      expect(machine.display.generation).toBe([...generations].at(-1));
    }
    expect(generations.size).toBe(5);
    expect(pixel(machine, 0, 0).some((part) => part > 0)).toBe(true);
  });

  it('stays the same while the guest writes beside it', () => {
    const machine = runningGuest('inc dword [es:edi+800000h]');
    run(machine, 3000);
    const { generation } = machine.display;
    run(machine, 3000);
    expect(machine.display.generation).toBe(generation);
    const before = machine.memory.read(PICTURE + 0x800000, 4);
    run(machine, 3000);
    expect(machine.memory.read(PICTURE + 0x800000, 4)).not.toEqual(before);
  });

  it('is empty for the guest after the memory was cleared, and takes its writes again', () => {
    const machine = runningGuest(`mov dword [es:edi],0ff00ffh
      mov eax,[es:edi]
      dispi 4,0
      dispi 4,41h
      mov ebx,[es:edi]
      mov dword [es:edi+4],ebx
      mov ecx,[es:edi+4]
      mov dword [es:edi+8],123456h
      cmp ebx,0
      je again
      hlt`);
    run(machine, 100_000);
    expect(machine.run({ instructionsMax: 1000 }).reason).toBe('limit');
  });

  it('is watched like other memory', () => {
    const machine = runningGuest('inc dword [es:edi+8]');
    run(machine, 3000);
    const watchpoint = {
      address: PICTURE + 8,
      space: 'linear',
      length: 4,
      access: 'write',
      reached: () => true,
    } as const;
    machine.addWatchpoint(watchpoint);
    expect(machine.run({ instructionsMax: 1000 }).reason).toBe('watchpoint');
  });
});
