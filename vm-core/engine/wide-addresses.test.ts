/**
 * Addresses with 57 significant bits (SDM vol. 3A §4.5, 5-level paging), of which a number would lose the lowest: data, stack,
 * code and system structures, pages that follow each other, and the edges of the canonical hole. They need nasm.
 */
import { describe, expect, it } from 'vitest';
import { assemble, hasNasm } from '../../test/support/boot-sectors.ts';
import { LongGuest, PROGRAM, STACK } from './long-guest.ts';

/** The last page of the lower half, the first of the upper, and one of each where neighbours differ in the lowest bits. */
const LOW_END = 0x0100_0000_0000_0000n;
const HIGH_START = 0xff00_0000_0000_0000n;
const PAGES = [0x00ff_ffff_ffff_f000n, 0x0021_2345_6789_a000n, HIGH_START, 0xffd0_0000_0000_1000n];
const FRAME = 0x40000;

const hex = (value: bigint) => `0${value.toString(16)}h`;

function guestOf(source: string, prepare: (guest: LongGuest) => void = () => {}): LongGuest {
  const guest = new LongGuest(assemble(`bits 64\norg ${PROGRAM}\n${source}`), 'max', 5);
  prepare(guest);
  return guest;
}

/** The page at `page` and the one after it, unless that would be in the hole. */
function mapPages(guest: LongGuest, page: bigint): void {
  guest.map(page, FRAME);
  if (page + 0x1000n !== LOW_END) guest.map(page + 0x1000n, FRAME + 0x5000);
}

describe.skipIf(!hasNasm).each(PAGES)('the page %s', (page) => {
  it.each([1, 2, 4, 8])('loads and stores %i bytes at every distance', (size) => {
    const register = { 1: 'al', 2: 'ax', 4: 'eax', 8: 'rax' }[size];
    for (const offset of [0, 1, 3, 7, 9, 0x7f5, 0x1000 - size]) {
      const guest = guestOf(
        `mov rdi, ${hex(page + BigInt(offset))}
         mov rax, 1122334455667788h
         mov [rdi], ${register}
         xor eax, eax
         mov ${register}, [rdi]
         mov rbx, rax
         add [rdi], ${register}
         hlt`,
        (at) => mapPages(at, page),
      );
      expect(guest.runToHalt()).toBe('program');
      const mask = (1n << BigInt(size * 8)) - 1n;
      const value = 0x1122_3344_5566_7788n & mask;
      expect(guest.get('RBX')).toBe(value);
      expect(guest.read64(FRAME + offset) & mask).toBe((value * 2n) & mask);
    }
  });

  it('is the first of an access that crosses it', () => {
    const isLast = page + 0x1000n === LOW_END;
    const guest = guestOf(
      `mov rdi, ${hex(page + 0xffdn)}
       mov rax, 1122334455667788h
       mov [rdi], rax
       mov rbx, [rdi]
       hlt`,
      (at) => mapPages(at, page),
    );
    expect(guest.runToHalt()).toBe(isLast ? 'vector 13' : 'program');
    if (isLast) return;
    expect([guest.get('RBX'), guest.read64(FRAME + 0xff8) >> 40n, guest.read64(FRAME + 0x5000)]).toEqual([
      0x1122_3344_5566_7788n,
      0x66_7788n,
      0x11_2233_4455n,
    ]);
  });

  it('is what CR2 says of a fault in it', () => {
    for (const offset of [0n, 1n, 0xabdn, 0xfffn]) {
      const guest = guestOf(`mov rdi, ${hex(page + offset)}\nmov al, [rdi]\nhlt`);
      expect(guest.runToHalt()).toBe('vector 14');
      expect(guest.get('CR2')).toBe(page + offset);
      expect(guest.stack(1)).toEqual([0n]);
    }
  });

  it('is forgotten by INVLPG, wherever in it', () => {
    const guest = guestOf(
      `mov rdi, ${hex(page + 0xdefn)}\nmov al, [rdi]\nhlt\ninvlpg [rdi]\nmov bl, [rdi]\nhlt`,
      (at) => mapPages(at, page),
    );
    guest.view.setUint8(FRAME + 0xdef, 1);
    guest.view.setUint8(FRAME + 0x2000 + 0xdef, 2);
    guest.runToHalt();
    guest.map(page, FRAME + 0x2000);
    expect(guest.runToHalt()).toBe('program');
    expect([guest.get('RAX') & 0xffn, guest.get('RBX') & 0xffn]).toEqual([1n, 2n]);
  });

  it('holds code: branches, calls, returns, RIP-relative data, system instructions', () => {
    const start = page + 0x123n;
    const guest = guestOf(`mov rax, ${hex(start)}\nmov rsp, ${STACK}\njmp rax`, (at) => mapPages(at, page));
    guest.put(
      FRAME + 0x123,
      assemble(`bits 64\norg 0
        call routine
        after: mov ebx, 7
        mov ecx, cs
        lea rdx, [rel after]
        mov rsi, [rel value]
        int3
        back: hlt
        routine: mov rdi, [rsp]
        ret
        value: dq 1234567890abcdefh`),
    );
    guest.put(0x8000 + 3 * 64, Uint8Array.of(0x48, 0x8b, 0x2c, 0x24, 0x48, 0xcf));
    expect(guest.runToHalt()).toBe('program');
    expect([guest.get('RDI'), guest.get('RDX'), guest.get('RSI')]).toEqual([
      start + 5n,
      start + 5n,
      0x1234_5678_90ab_cdefn,
    ]);
    // INT3's handler read what was pushed as RIP, and came back to it.
    expect([guest.get('RIP') - 1n, guest.get('RBX'), guest.get('RCX')]).toEqual([guest.get('RBP'), 7n, 8n]);
  });

  it('holds an instruction that reaches into the next page', () => {
    const guest = guestOf(`mov rax, ${hex(page + 0xffdn)}\njmp rax`, (at) => mapPages(at, page));
    const bytes = [0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 0xf4];
    guest.put(FRAME + 0xffd, Uint8Array.from(bytes.slice(0, 3)));
    guest.put(FRAME + 0x5000, Uint8Array.from(bytes.slice(3)));
    const isLast = page + 0x1000n === LOW_END;
    expect(guest.runToHalt()).toBe(isLast ? 'vector 13' : 'program');
    if (isLast) expect(guest.stack(2)[1]).toBe(page + 0xffdn);
    else expect([guest.get('RAX'), guest.get('RIP')]).toEqual([0x0807_0605_0403_0201n, page + 0x1008n]);
  });

  it('holds a stack at any address: pushes, interrupts, returns, ENTER', () => {
    for (const distance of [0x800n, 0x805n]) {
      const guest = guestOf(
        `mov rsp, ${hex(page + distance)}
         mov rbp, rsp
         enter 16, 2
         mov rcx, rsp
         leave
         push 5
         int 20
         pop rbx
         mov rdx, rsp
         pushfq
         popfq
         hlt`,
        (at) => mapPages(at, page),
      );
      // lea rsi, [rsp]; mov rdi, [rsp + 24]; iretq
      guest.put(0x8000 + 20 * 64, Uint8Array.of(0x48, 0x8d, 0x34, 0x24, 0x48, 0x8b, 0x7c, 0x24, 0x18, 0x48, 0xcf));
      expect(guest.runToHalt()).toBe('program');
      const top = page + distance;
      expect([guest.get('RCX'), guest.get('RBX'), guest.get('RDX')]).toEqual([top - 40n, 5n, top]);
      expect([guest.get('RSI'), guest.get('RDI')]).toEqual([((top - 8n) & ~15n) - 40n, top - 8n]);
    }
  });

  it('holds strings, and string instructions of ports', () => {
    const guest = guestOf(
      `mov rdi, ${hex(page + 0x101n)}
       mov rsi, rdi
       mov ecx, 5
       mov al, 77h
       rep stosb
       mov rbx, rdi
       mov ecx, 3
       mov edx, 80h
       rep insb
       mov rbp, rdi
       mov ecx, 8
       rep outsb
       hlt`,
      (at) => mapPages(at, page),
    );
    expect(guest.runToHalt()).toBe('program');
    expect([guest.get('RBX'), guest.get('RBP'), guest.get('RSI')]).toEqual([
      page + 0x106n,
      page + 0x109n,
      page + 0x109n,
    ]);
    expect(guest.read64(FRAME + 0x101)).toBe(0xffff_ff77_7777_7777n);
  });

  it('is a base of FS and GS, of the descriptor tables and of the task state', () => {
    const guest = guestOf(
      `mov rax, ${hex(page + 0x301n)}
       wrfsbase rax
       mov byte [fs:4], 9
       rdfsbase rbx
       lgdt [rel table]
       sgdt [rel copy]
       mov rcx, [rel copy + 2]
       mov ax, 30h
       ltr ax
       mov ax, 10h
       mov ds, ax
       mov es, ax
       hlt
       table: dw 0ffh
       dq ${hex(page + 0x503n)}
       copy: dq 0, 0`,
      (at) => {
        mapPages(at, page);
        at.set('CR4', at.get('CR4') | 0x10000n);
      },
    );
    const table = FRAME + 0x503;
    for (let at = 0; at < 0x48; at += 8) guest.write64(table + at, guest.read64(0x600 + at));
    const base = page + 0x701n;
    guest.write64(
      table + 0x30,
      0x67n | ((base & 0xff_ffffn) << 16n) | (0x89n << 40n) | (((base >> 24n) & 0xffn) << 56n),
    );
    guest.write64(table + 0x38, base >> 32n);
    expect(guest.runToHalt()).toBe('program');
    expect([guest.get('RBX'), guest.get('RCX'), guest.get('TR.base')]).toEqual([page + 0x301n, page + 0x503n, base]);
    expect(guest.view.getUint8(FRAME + 0x305)).toBe(9);
    // LTR has marked the descriptor as busy where it lies.
    expect(guest.view.getUint8(table + 0x35)).toBe(0x8b);
    // The stack of an inner level comes from there.
    guest.write64(FRAME + 0x701 + 4, BigInt(STACK));
    guest.set('RIP', BigInt(PROGRAM + 0x200));
    guest.put(PROGRAM + 0x200, Uint8Array.of(0x0f, 0x0b));
    guest.enterUser();
    guest.set('RSP', page + 0x207n);
    expect(guest.runToHalt()).toBe('vector 6');
    expect([guest.get('RSP'), guest.stack(4)[3]]).toEqual([BigInt(STACK - 40), page + 0x207n]);
  });

  it('holds breakpoints of the debug registers', () => {
    const watched = page + 0x123n;
    const guest = guestOf(
      `mov rax, ${hex(watched)}\nmov dr0, rax\nmov eax, 10001h\nmov dr7, rax
       mov rdi, ${hex(watched - 1n)}\nmov byte [rdi], 1\nmov ebx, 1\nmov byte [rdi + 2], 1\nmov ebx, 2
       mov byte [rdi + 1], 1\nmov ebx, 3\nhlt`,
      (at) => mapPages(at, page),
    );
    expect([guest.runToHalt(), guest.get('RBX'), guest.get('DR6') & 15n]).toEqual(['vector 1', 2n, 1n]);
  });
});

describe.skipIf(!hasNasm)('the canonical hole with 5 levels', () => {
  const edges = [
    { name: 'its first byte', at: LOW_END, vectors: [13, 12] },
    { name: 'its last byte', at: HIGH_START - 1n, vectors: [13, 12] },
    { name: 'a load that reaches into it', at: LOW_END - 4n, vectors: [13, 12] },
    { name: 'a load that reaches out of it', at: HIGH_START - 4n, vectors: [13, 12] },
    // Addresses go on at 0 after the last one.
    { name: 'the end of the address space', at: 0xffff_ffff_ffff_fffcn, vectors: [14, 14] },
  ];

  it.each(edges)('$name faults as it must', ({ at, vectors }) => {
    const ends = [`mov rdi, ${hex(at)}\nmov rax, [rdi]`, `mov rbp, ${hex(at)}\nmov rax, [rbp]`].map((source) => {
      const guest = guestOf(`${source}\nhlt`, (there) => mapPages(there, LOW_END - 0x1000n));
      const end = guest.runToHalt();
      return [end, guest.stack(1)[0]];
    });
    expect(ends).toEqual(vectors.map((vector) => [`vector ${vector}`, 0n]));
  });

  it('a push at its upper end is #SS, one at its lower end is none', () => {
    const push = (rsp: bigint) => {
      const guest = guestOf(`mov rsp, ${hex(rsp)}\npush rax\nhlt`, (at) => mapPages(at, LOW_END - 0x1000n));
      // The handler must have a stack of its own.
      guest.write64(0x900 + 36, BigInt(STACK));
      for (const vector of [12, 13, 14]) guest.view.setUint8(0x1000 + vector * 16 + 4, 1);
      return [guest.runToHalt(), guest.get('RSP')];
    };
    expect(push(LOW_END)).toEqual(['program', LOW_END - 8n]);
    expect(push(LOW_END + 8n)[0]).toBe('vector 12');
    expect(push(HIGH_START)[0]).toBe('vector 12');
    expect(push(HIGH_START + 4n)[0]).toBe('vector 12');
  });

  it('RIP comes to it and faults there, a branch into it faults at the branch', () => {
    const guest = guestOf(`mov rax, ${hex(LOW_END - 1n)}\njmp rax`, (at) => mapPages(at, LOW_END - 0x1000n));
    guest.view.setUint8(FRAME + 0xfff, 0x90);
    expect(guest.runToHalt()).toBe('vector 13');
    expect(guest.stack(2)).toEqual([0n, LOW_END]);
    const branch = guestOf(`mov rax, ${hex(LOW_END)}\nplace: jmp rax`);
    expect(branch.runToHalt()).toBe('vector 13');
    expect(branch.stack(2)[1]).toBe(BigInt(PROGRAM + 10));
  });

  it('INVLPG of an address in it does nothing', () => {
    expect(guestOf(`mov rdi, ${hex(LOW_END + 0x5000n)}\ninvlpg [rdi]\nhlt`).runToHalt()).toBe('program');
  });
});

describe.skipIf(!hasNasm)('the canonical hole with 4 levels', () => {
  it.each(['mov rax, [rdi]', 'mov [rdi], rax', 'add [rdi], rax'])(
    'is met before the page in front of it by %s',
    (access) => {
      const end = (at: bigint) => {
        const guest = new LongGuest(assemble(`bits 64\nmov rdi, ${hex(at)}\n${access}\nhlt`), 'max', 4);
        return guest.runToHalt();
      };
      expect([0x7fff_ffff_fff8n, 0x7fff_ffff_fff9n].map(end)).toEqual(['vector 14', 'vector 13']);
    },
  );

  it('begins at 2^47', () => {
    const end = (at: bigint) => {
      const guest = new LongGuest(assemble(`bits 64\nmov rdi, ${hex(at)}\nmov al, [rdi]\nhlt`), 'max', 4);
      return guest.runToHalt();
    };
    expect([0x7fff_ffff_ffffn, 0x8000_0000_0000n, 0xffff_7fff_ffff_ffffn, 0xffff_8000_0000_0000n].map(end)).toEqual([
      'vector 14',
      'vector 13',
      'vector 13',
      'vector 14',
    ]);
  });
});
