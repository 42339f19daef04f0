/** Instructions that a device stops in the middle go on there, and nobody can tell (docs/decisions/0011). */
import { describe, expect, it } from 'vitest';
import { slot } from '../state/layout.ts';
import {
  CROSSING,
  dword,
  MAPPED,
  MMIO,
  MMIO_SIZE,
  type Outcome,
  RAM_PAGE,
  runBothWays,
  type Setup,
} from './later-guest.ts';
import { D, P, type PagedGuest, PROGRAM, STACK, U, W } from './paged-guest.ts';

/** Runs both ways and compares; gives the one that had to wait. */
async function sameBothWays(setup: Setup, width: 8 | 32 = 32): Promise<Outcome> {
  const { later, differences } = await runBothWays(setup, width);
  expect(differences).toEqual([]);
  return later;
}

describe('an instruction that a device stops in the middle', () => {
  it.each<readonly [string, string, number]>([
    ['mov eax,[mmio]', `a1 ${dword(MAPPED)}`, 1],
    ['mov [mmio],eax', `a3 ${dword(MAPPED)}`, 1],
    ['push dword [mmio]', `ff 35 ${dword(MAPPED)}`, 1],
    ['pop dword [mmio]', `8f 05 ${dword(MAPPED)}`, 1],
    ['add [mmio],eax', `01 05 ${dword(MAPPED)}`, 2],
    ['stc; adc [mmio],eax', `f9 11 05 ${dword(MAPPED)}`, 2],
    ['stc; rcl dword [mmio],1', `f9 d1 15 ${dword(MAPPED)}`, 2],
    ['lock inc dword [mmio]', `f0 ff 05 ${dword(MAPPED)}`, 2],
    ['xchg [mmio],eax', `87 05 ${dword(MAPPED)}`, 2],
    ['lock xadd [mmio],eax', `f0 0f c1 05 ${dword(MAPPED)}`, 2],
    ['lock cmpxchg [mmio],ecx', `f0 0f b1 0d ${dword(MAPPED)}`, 2],
    ['lock cmpxchg8b [mmio]', `f0 0f c7 0d ${dword(MAPPED)}`, 4],
    ['call [mmio] to what lies there', `ff 15 ${dword(MAPPED)}`, 1],
    ['bts [mmio],eax', `0f ab 05 ${dword(MAPPED)}`, 2],
    ['cmpsd', 'a7', 2],
    ['movsd', 'a5', 2],
    ['movzx eax,byte [mmio]; imul eax,[mmio]', `0f b6 05 ${dword(MAPPED)} 0f af 05 ${dword(MAPPED)}`, 2],
  ])('%s', async (_, code, accesses) => {
    const later = await sameBothWays({ program: `${code} f4` });
    expect(later.asked).toHaveLength(accesses);
    expect(later.waits[0]).toMatchObject({ device: 'later', space: 'memory', address: MMIO, size: expect.any(Number) });
    await sameBothWays({ program: `${code} f4` }, 8);
  });

  it.each<readonly [string, string]>([
    ['mov eax,[crossing]', `a1 ${CROSSING}`],
    ['mov [crossing],eax', `a3 ${CROSSING}`],
    ['add [crossing],eax', `01 05 ${CROSSING}`],
    ['xchg [crossing],eax', `87 05 ${CROSSING}`],
    ['cmpxchg [crossing],ecx', `0f b1 0d ${CROSSING}`],
    ['cmpxchg8b with the boundary in its low half', `0f c7 0d ${CROSSING}`],
    ['cmpxchg8b with the boundary between its halves', `0f c7 0d ${dword(MAPPED - 4)}`],
    ['cmpxchg8b over the end of the device', `0f c7 0d ${dword(MAPPED + 0xfffc)}`],
  ])('half in RAM: %s', async (_, code) => {
    const setup = {
      // The RAM half is reached without asking the second time.
      program: `a1 ${dword(RAM_PAGE)} a3 ${dword(RAM_PAGE)} a1 ${dword(MAPPED + MMIO_SIZE)} a3 ${dword(MAPPED + MMIO_SIZE)} ${code} f4`,
      prepare: (guest: PagedGuest) => guest.set('EAX', 0x1122_3344),
    };
    await sameBothWays(setup);
    await sameBothWays(setup, 8);
  });

  it('cmpxchg8b that finds what it compares, half in RAM, stores once', async () => {
    for (const at of [MAPPED - 4, MAPPED + 0xfffc]) {
      const offset = at === MAPPED - 4 ? 0 : 0xfffc;
      const later = await sameBothWays({
        program: `a1 ${dword(at === MAPPED - 4 ? at : at + 4)} a3 ${dword(at === MAPPED - 4 ? at : at + 4)} 31 c0 31 d2
          bb 44 33 22 11 b9 88 77 66 55 0f c7 0d ${dword(at)} f4`,
        content: [[offset, 0]],
      });
      expect(later.asked.at(-1)).toBe(`write ${offset.toString(16)} 4 ${offset === 0 ? '55667788' : '11223344'}`);
    }
  });

  it.each<readonly [string, string, number]>([
    ['rep movsd from device to device', 'b9 05 00 00 00 81 c7 00 10 00 00 f3 a5', 10],
    ['rep movsd from device to RAM', `b9 05 00 00 00 bf ${dword(RAM_PAGE)} f3 a5`, 5],
    ['rep stosb', 'b9 07 00 00 00 f3 aa', 7],
    ['rep lodsd', 'b9 06 00 00 00 f3 ad', 6],
    ['repe cmpsb', 'b9 06 00 00 00 f3 a6', 2],
    ['repne scasd', 'b9 06 00 00 00 b8 78 56 34 12 f2 af', 6],
    ['rep movsd backwards', 'fd b9 03 00 00 00 83 c6 20 83 c7 40 f3 a5', 6],
  ])('%s', async (_, code, accesses) => {
    const later = await sameBothWays({ program: `${code} f4` });
    expect(later.asked).toHaveLength(accesses);
  });

  it('rep stosb that comes to the device after a while takes the same virtual time', async () => {
    const later = await sameBothWays({ program: `b9 ${dword(2100)} bf ${dword(MAPPED - 2000)} f3 aa f4` });
    expect(later.asked).toHaveLength(100);
    expect(later.retired).toBe(2 + 3 + 1);
  });

  it.each<readonly [string, string]>([
    ['pusha', '60'],
    ['popa', '61'],
    ['enter 16,8', 'c8 10 00 08'],
    ['leave', '89 e5 c9'],
    ['pushf; popf', '9c 9d'],
    ['call; ret', 'e8 01 00 00 00 f4 c3'],
    ['push cs; push ds; pop ds', '0e 1e 1f'],
  ])('on a stack in the device: %s', async (_, code) => {
    const content = Array.from({ length: 64 }, (__, n) => [0x100 + n * 4, 0] as const);
    for (const width of [32, 8] as const) {
      const ofWidth = width === 32 ? content : Array.from({ length: 256 }, (__, n) => [0x100 + n, 0] as const);
      await sameBothWays(
        { program: `bc ${dword(MAPPED + 0x180)} bd ${dword(MAPPED + 0x1c0)} ${code} f4`, content: ofWidth },
        width,
      );
    }
  });

  it.each<readonly [string, number]>([
    ['a stack that begins in RAM', MAPPED + 8],
    ['a stack that ends in RAM', MAPPED + 0x10010],
  ])('pusha and popa on %s', async (_, top) => {
    const content = Array.from({ length: 8 }, (__, n) => [n * 4, 0] as const);
    const last = Array.from({ length: 8 }, (__, n) => [0xffe0 + n * 4, 0] as const);
    await sameBothWays({ program: `bc ${dword(top)} 60 31 c0 61 f4`, content: [...content, ...last] });
  });

  it('descriptor tables, accessed flags and segment loads', async () => {
    // The GDT moves into the device: lgdt [..]; mov es,[..]; mov eax,…
    const content: (readonly [number, number])[] = [
      ...[0, 0, 0xffff, 0x00cf_9a00, 0xffff, 0x00cf_9200].map((value, n) => [n * 4, value] as const),
      // The accessed flag is set by a write of one byte.
      [0x0d, 0x9a],
      [0x15, 0x92],
    ];
    const later = await sameBothWays({
      program: '0f 01 15 00 06 10 00 b8 10 00 00 00 8e c0 ea 15 70 00 00 08 00 f4',
      content,
      prepare: (guest) => {
        guest.poke(0x100600, `17 00 ${dword(MAPPED)}`);
      },
    });
    expect(later.asked.some((text) => text.startsWith('write'))).toBe(true);
  });

  it('an interrupt whose table and stack lie in the device', async () => {
    const gate = [0x40, ((0x08 << 16) | 0x8c40) >>> 0, 0xee00] as const;
    const later = await sameBothWays({
      program: `bc ${dword(MAPPED + 0x400)} cd 20 f4`,
      content: [
        [0x20 * 8, gate[1]],
        [0x20 * 8 + 4, gate[2]],
      ],
      prepare: (guest) => {
        guest.set('IDTR_BASE', MAPPED);
        guest.state.write16(slot.IDTR_LIMIT, 0x7ff);
        guest.poke(0x8c40, '83 c4 0c f4');
      },
    });
    expect(later.reason).toBe('halted');
    expect(later.asked.filter((text) => text.startsWith('write'))).toHaveLength(3);
  });

  it('a page fault whose delivery goes through the device, and a fault inside it', async () => {
    const later = await sameBothWays({
      program: `bc ${dword(MAPPED + 0x400)} a1 00 00 11 00 f4`,
      prepare: (guest) => {
        guest.map(0x110000, 0);
        guest.handler(14, '58 58 f4');
      },
    });
    expect(later.asked.filter((text) => text.startsWith('write'))).toHaveLength(4);
    // There is no gate: the device gives a descriptor that is none, up to the triple fault.
    const broken = await sameBothWays({
      program: 'a1 00 00 11 00 f4',
      prepare: (guest) => {
        guest.map(0x110000, 0);
        guest.set('IDTR_BASE', MAPPED);
      },
    });
    expect(broken.reason).toBe('triple-fault');
  });

  it('page tables that lie in the device, with accessed and dirty flags', async () => {
    // The directory's second entry leads to a table in the device, which maps 00401000h to a page of RAM.
    const later = await sameBothWays({
      program: 'a3 04 10 40 00 a1 08 10 40 00 01 05 0c 10 40 00 f4',
      content: [[0x2004, 0x102000 | P | W]],
      prepare: (guest) => guest.write32(0x2004, (MMIO + 0x2000) | P | W),
    });
    expect(later.asked).toEqual(['read 2004 4', 'write 2004 4 102063']);
    expect(0x102000 | P | W | D | 0x20).toBe(0x102063);
  });

  it('a walk in the device before an access to the device', async () => {
    const later = await sameBothWays({
      program: 'a3 04 10 40 00 01 05 08 10 40 00 f4',
      content: [[0x2004, (MMIO + 0x3000) | P | W]],
      prepare: (guest) => guest.write32(0x2004, (MMIO + 0x2000) | P | W),
    });
    expect(later.asked).toHaveLength(5);
  });

  it('a task switch whose task state, tables and stack lie in the device', async () => {
    const task = 0x4000;
    const image: (readonly [number, number])[] = Array.from({ length: 26 }, (_, n) => [task + n * 4, 0]);
    const set = (offset: number, value: number) => image.push([task + offset, value]);
    set(0x1c, 0x2000);
    set(0x20, PROGRAM + 0x40);
    set(0x24, 2);
    set(0x38, MAPPED + 0x8000);
    for (const [offset, selector] of [
      [0x48, 0x10],
      [0x4c, 0x08],
      [0x50, 0x10],
      [0x54, 0x10],
      [0x58, 0],
      [0x5c, 0],
    ] as const)
      set(offset, selector);
    const gdt = 0x5000;
    const old = 0x6000;
    image.push(...Array.from({ length: 26 }, (_, n) => [old + n * 4, 0] as const));
    const words = [0, 0, 0xffff, 0x00cf_9b00, 0xffff, 0x00cf_9300, 0, 0, 0, 0];
    const tss = (base: number, type: number) => [
      ((base & 0xffff) << 16) | 0x67,
      (base & 0xff00_0000) | ((base >>> 16) & 0xff) | (type << 8),
    ];
    const table = [...words, ...tss(MAPPED + old, 0x8b), ...tss(MAPPED + task, 0x89)];
    const content = [...image, ...table.map((value, n) => [gdt + n * 4, value >>> 0] as const)];
    // Bytes that are read and written by themselves.
    content.push([gdt + 0x2d, 0x8b], [gdt + 0x35, 0x89], [task, 0]);
    const later = await sameBothWays({
      program: 'ea 00 00 00 00 30 00 f4',
      model: 'pentium3',
      content,
      prepare: (guest) => {
        guest.set('GDTR_BASE', MAPPED + gdt);
        guest.state.write16(slot.GDTR_LIMIT, 0x37);
        const { TR } = slot;
        guest.state.setSegmentAt(TR, { selector: 0x28, base: MAPPED + old, limit: 0x67, attributes: 0x8b });
        guest.poke(PROGRAM + 0x40, '50 f4');
      },
    });
    expect(later.reason).toBe('halted');
    expect(later.asked.length).toBeGreaterThan(40);
  });

  it('code that is fetched from the device', async () => {
    const code = [0xb9, 3, 0, 0, 0, 0xf3, 0xa5, 0x01, 0x05, 0x00, 0x18, 0x10, 0x00, 0xf4];
    const later = await sameBothWays(
      {
        program: `81 c6 00 10 00 00 81 c7 00 20 00 00 e9 ${dword(MAPPED + 0x3000 - PROGRAM - 17)}`,
        content: code.map((byte, n) => [0x3000 + n, byte] as const),
      },
      8,
    );
    expect(later.reason).toBe('halted');
  });

  it('a program at level 3 and what its pages forbid', async () => {
    await sameBothWays({
      program: `a3 ${dword(MAPPED)} a1 ${dword(MAPPED)} a3 ${dword(MAPPED + 0x1000)} f4`,
      prepare: (guest) => {
        guest.map(PROGRAM, PROGRAM | P | W | U);
        guest.map(MAPPED + 0x1000, (MMIO + 0x1000) | P | U);
        guest.enterUser();
        guest.set('ESP', STACK);
      },
    });
  });
});
