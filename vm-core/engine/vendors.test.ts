/**
 * Where processors of AMD and Intel differ for programs (AMD64 manual vol. 1 §3.7.3, vol. 3; SDM vol. 2). The programs need
 * the assembler nasm; without it they are skipped.
 */
import { describe, expect, it } from 'vitest';
import { assemble, hasNasm } from '../../test/support/boot-sectors.ts';
import type { CpuModel } from '../isa/cpu-model.ts';
import { CR4_OSFXSR } from '../state/control-bits.ts';
import { Decoder } from '../isa/decoder.ts';
import { LongGuest, PROGRAM } from './long-guest.ts';

const run = (source: string, model: CpuModel, prepare: (guest: LongGuest) => void = () => {}) => {
  const guest = new LongGuest(assemble(`bits 64\norg ${PROGRAM}\n${source}`), model);
  prepare(guest);
  return { guest, end: guest.runToHalt() };
};

describe.skipIf(!hasNasm)('near branches with 66h in 64-bit mode', () => {
  /** The program lies below 64 KiB: what goes to 16 bits stays there. */
  const forms = [
    { name: 'JMP rel', bytes: '66 e9 02 00', size: 4 },
    { name: 'Jcc rel', bytes: '66 0f 84 02 00', size: 5 },
    { name: 'CALL rel', bytes: '66 e8 02 00', size: 4 },
  ];

  it.each(forms)('$name has 16 bits on AMD, and 66h means nothing on Intel', ({ bytes, size }) => {
    const code = Uint8Array.from(`${bytes} 00 00 00 00`.split(' '), (byte) => Number.parseInt(byte, 16));
    const decode = (model: CpuModel) => {
      const { length, operandSize } = new Decoder(model).decode((at) => code[at] ?? 0, 64);
      return [length, operandSize];
    };
    expect([decode('amd-zen'), decode('x86-64-v3')]).toEqual([
      [size, 16],
      [size + 2, 64],
    ]);
  });

  const outcome = (source: string) =>
    (['amd-zen', 'x86-64-v3'] as const).map((model) => {
      const { guest, end } = run(source, model);
      return `${end} ${guest.get('RAX').toString(16)}`;
    });

  it('cut RIP to 16 bits on AMD', () => {
    // The code runs at its place + 1 MiB too, from where a branch of 16 bits comes back to the place.
    const program = (branch: string) => `
      xor eax, eax
      mov edi, 80000h + start
      mov esi, start
      mov ecx, end - start
      rep movsb
      mov ebx, 80000h + start
      jmp rbx
      start: ${branch}
      here: lea rax, [rel here]
      hlt
      end:`;
    const low = (text: string | undefined) => Number.parseInt(text?.split(' ')[1] ?? '', 16) < 0x10000;
    for (const branch of ['db 66h, 0ebh, 0', 'db 66h, 74h, 0', 'db 66h, 0e2h, 0', 'mov ebx, here\ndb 66h\njmp rbx']) {
      const [amd, intel] = outcome(program(branch));
      expect([branch, amd?.startsWith('program'), low(amd)]).toEqual([branch, true, true]);
      expect(intel?.startsWith('program')).toBe(true);
      if (!branch.includes('rbx')) expect(low(intel)).toBe(false);
    }
  });

  it('push and pop two bytes on AMD', () => {
    const source = `db 66h\ncall [rel pointer]\nback: hlt\nroutine: mov rax, rsp\nmov rbx, [rsp]\ndb 66h\nret
      align 8\npointer: dq routine`;
    const [amd, intel] = (['amd-zen', 'x86-64-v3'] as const).map((model) => {
      const { guest, end } = run(source, model);
      return [end, 0x6000n - guest.get('RAX'), guest.get('RSP')];
    });
    expect([amd, intel]).toEqual([
      ['program', 2n, 0x6000n],
      ['program', 8n, 0x6000n],
    ]);
  });
});

describe.skipIf(!hasNasm)('other differences', () => {
  it('SYSCALL of compatibility mode is CSTAR’s on AMD and #UD on Intel', () => {
    const ends = (['amd-zen', 'x86-64-v3'] as const).map((model) => {
      const guest = new LongGuest(assemble('bits 32\nsyscall\nhlt'), model);
      guest.set('IA32_CSTAR', 0x7800n);
      guest.set('IA32_STAR', 8n << 32n);
      guest.put(0x7800, Uint8Array.of(0xf4));
      guest.enterUser(32);
      return `${guest.runToHalt()} ${guest.get('RIP').toString(16)}`;
    });
    expect(ends).toEqual(['program 7801', `vector 6 ${(0x8000 + 6 * 64 + 1).toString(16)}`]);
  });

  it('a null selector leaves the base of FS on AMD', () => {
    const bases = (['amd-zen', 'x86-64-v3'] as const).map((model) => {
      const { guest } = run('xor eax, eax\nmov fs, ax\nhlt', model, (at) => at.set('FS.base', 0x1234_5678_9000n));
      return guest.get('FS.base').toString(16);
    });
    expect(bases).toEqual(['123456789000', '0']);
  });

  it('far pointers have offsets of 32 bits on AMD, whatever REX.W says', () => {
    const source = 'lss rax, [rel pointer]\nhlt\nalign 8\npointer: dd 11223344h\ndw 10h\ndw 0\ndw 10h\ndw 10h';
    const values = (['amd-zen', 'x86-64-v3'] as const).map((model) => run(source, model).guest.get('RAX').toString(16));
    expect(values).toEqual(['11223344', '1011223344']);
  });

  it('LOCK makes MOV of CR0 one of CR8 on AMD, and is #UD on Intel', () => {
    const source = 'mov eax, 9\ndb 0f0h\nmov cr0, rax\nmov rbx, cr8\ndb 0f0h\nmov rcx, cr0\nhlt';
    const amd = run(source, 'amd-zen');
    expect([amd.end, amd.guest.get('RBX'), amd.guest.get('RCX')]).toEqual(['program', 9n, 9n]);
    expect(run(source, 'x86-64-v3').end).toBe('vector 6');
  });

  it('a return to an address that is not canonical faults at level 3 on AMD, at level 0 on Intel', () => {
    const levels = (['amd-zen', 'x86-64-v3'] as const).map((model) => {
      const { guest, end } = run('mov rcx, 800000000000h\nmov r11, 2\no64 sysret', model, (at) =>
        at.set('IA32_STAR', 0x001b_0008_0000_0000n),
      );
      const [, , cs = 0n] = guest.stack(3);
      return [end, cs & 3n];
    });
    expect(levels).toEqual([
      ['vector 13', 3n],
      ['vector 13', 0n],
    ]);
  });

  it('vectors in memory are checked for alignment on AMD, where programs ask for it, and not on Intel', () => {
    const CR0_AM = 1n << 18n;
    const AC = 1n << 18n;
    const ends = (['amd-zen', 'x86-64-v3'] as const).map((model) => {
      const { end } = run('mov edi, 40001h\nmovups xmm0, [rdi]\nhlt', model, (guest) => {
        guest.set('CR0', guest.get('CR0') | CR0_AM);
        guest.set('CR4', guest.get('CR4') | BigInt(CR4_OSFXSR));
        guest.enterUser();
        guest.set('RFLAGS', 2n | AC);
        guest.machine.processor.refresh();
      });
      return end;
    });
    // HLT is #GP at level 3.
    expect(ends).toEqual(['vector 17', 'vector 13']);
  });

  it('far jumps to code of 32 bits take the low half of an offset of 64 bits', () => {
    const source = `o64 jmp far [rel pointer]\nbits 32\nthere: mov al, 7\nhlt\nalign 8\npointer: dd there, 80000000h\ndw 40h`;
    const { guest, end } = run(source, 'x86-64-v3');
    expect([end, guest.get('RAX') & 0xffn]).toEqual(['program', 7n]);
  });
});
