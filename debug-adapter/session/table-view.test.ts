/** The descriptor tables as variables, in long mode and where they are empty, huge, not mapped or wrong. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createMachine, findRegister } from '../../vm-core/index.ts';
import { Guest } from './guest.ts';
import { instructionsText } from './code-locations.ts';
import { TABLES_REFERENCE, tableVariables } from './table-view.ts';

const GDT = 0x1000;
const IDT = 0x2000;
const TSS = 0x3000;
const LDT = 0x4000;
const HANDLER = 0x7c00;
const CODE_64 = 0x08;
const CODE_32 = 0x10;
const DATA = 0x18;
const TASK = 0x20;
const LOCAL = 0x30;

type Mode = 'real' | 'protected' | 'long' | 'compatibility';

function newGuest(): Guest {
  const machine = createMachine({
    ...{ machineType: 'isa-1', cpuModel: 'x86-64-v3', memorySize: 1 << 20, firmware: 'builtin' },
    ...{ exitDevice: false, startTimeMs: 0 },
  });
  const nearestLabel = (address: number) => (address === HANDLER ? { name: 'handler', offset: 0 } : undefined);
  const symbols = { label: () => undefined, nearestLabel, lineAt: () => undefined };
  return new Guest(machine, symbols as never);
}

describe('descriptor tables', () => {
  let guest: Guest;

  const write = (name: string, value: bigint): void => {
    const register = findRegister(name);
    if (!register) throw new Error(name);
    guest.vcpu.state.writeRegister(register, value);
  };
  const put = (address: number, ...quads: readonly bigint[]): void => {
    guest.machine.memory.write(address, new Uint8Array(new BigUint64Array(quads).buffer));
  };

  const enter = (mode: Mode): void => {
    write('CR0', mode === 'real' ? 0n : 1n);
    const isLong = mode === 'long' || mode === 'compatibility';
    write('EFER', isLong ? 0x500n : 0n);
    const attributes = mode === 'long' ? 0xa9b : mode === 'real' ? 0x9b : 0xc9b;
    guest.vcpu.state.setSegment(1, { selector: 8, base: 0, limit: 0xffff_ffff, attributes });
    write('GDTR.base', BigInt(GDT));
    write('GDTR.limit', 0x3fn);
    write('IDTR.base', BigInt(IDT));
    write('IDTR.limit', 0x2fn);
    put(GDT, 0n, 0x00af_9b00_0000_ffffn, 0x00cf_9b00_0000_ffffn, 0x00cf_9300_0000_ffffn);
    put(GDT + TASK, 0x0000_8b00_3000_0067n, 0xffff_8000n, 0x0000_8200_4000_000fn, 0n);
    put(LDT, 0n, 0n);
  };

  const rows = (reference: number): readonly string[] =>
    (tableVariables(guest, reference) ?? []).map(({ name, value }) => `${name}: ${value}`);
  const table = (name: string) => {
    const found = tableVariables(guest, TABLES_REFERENCE)?.find((variable) => variable.name === name);
    if (!found) throw new Error(name);
    return found;
  };
  const rowsOf = (name: string): readonly string[] => rows(table(name).variablesReference);

  beforeEach(() => {
    guest = newGuest();
    guest.machine.memory.write(HANDLER, Uint8Array.from([0x48, 0x31, 0xc0, 0x48, 0xcf]));
  });

  it('reads system descriptors of 16 bytes in long mode', () => {
    enter('long');
    expect(rowsOf('GDT')).toEqual([
      '0x0000: null',
      '0x0008: base 0x00000000, limit 0xffffffff, 64-bit code, readable, DPL 0 (00af9b000000ffffh)',
      '0x0010: base 0x00000000, limit 0xffffffff, 32-bit code, readable, DPL 0 (00cf9b000000ffffh)',
      '0x0018: base 0x00000000, limit 0xffffffff, 32-bit data, writable, DPL 0 (00cf93000000ffffh)',
      '0x0020: base 0xffff800000003000, limit 0x00000067, 64-bit TSS, busy, DPL 0 (00000000ffff800000008b0030000067h)',
      '0x0030: base 0x0000000000004000, limit 0x0000000f, LDT, DPL 0 (0000000000000000000082004000000fh)',
    ]);
    enter('compatibility');
    expect(rowsOf('GDT')[4]).toContain('base 0xffff800000003000');
  });

  it('reads the same table in 8-byte steps in protected mode', () => {
    enter('protected');
    expect(rowsOf('GDT').slice(4)).toEqual([
      '0x0020: base 0x00003000, limit 0x00000067, 32-bit TSS, busy, DPL 0 (00008b0030000067h)',
      '0x0028: base 0x0000ffff, limit 0x00008000, not present (00000000ffff8000h) ← type 0 is reserved',
      '0x0030: base 0x00004000, limit 0x0000000f, LDT, DPL 0 (000082004000000fh)',
      '0x0038: null',
    ]);
  });

  it('reads gates with 64-bit offsets and stacks of their own, and leads to their code', () => {
    enter('long');
    put(IDT, 0x0000_8e02_0008_7c00n, 0n, 0x8000_ef00_0008_0000n, 0xffff_ffffn, 0n, 0n);
    write('TR', BigInt(TASK));
    guest.vcpu.state.setSegmentAt(findRegister('TR')?.offset ?? 0, {
      ...{ selector: TASK, base: TSS, limit: 0x67, attributes: 0x8b },
    });
    expect(rowsOf('IDT')).toEqual([
      '00h: 0008:0000000000007C00 handler, 64-bit interrupt gate, DPL 0, IST 2 (000000000000000000008e0200087c00h)',
      '01h: 0008:FFFFFFFF80000000, 64-bit trap gate, DPL 3 (00000000ffffffff8000ef0000080000h)',
      '02h: null',
    ]);
    const [first, second] = tableVariables(guest, table('IDT').variablesReference) ?? [];
    expect(second?.memoryReference).toBe('0xffffffff80000000');
    const place = guest.codeLocations.placeOf(first?.valueLocationReference ?? 0);
    expect(place).toEqual({ linearAddress: HANDLER, offset: HANDLER, codeSize: 64 });
    if (!place) throw new Error('no place');
    expect(instructionsText(guest, place).split('\n').slice(0, 3)).toEqual([
      'handler:',
      '0x0000000000007c00  xor rax, rax',
      '0x0000000000007c03  iretq',
    ]);
  });

  const gate = (selector: number, attributes: number, offset: bigint): readonly [bigint, bigint] => [
    (offset & 0xffffn) | (BigInt(selector) << 16n) | (BigInt(attributes) << 40n) | (((offset >> 16n) & 0xffffn) << 48n),
    offset >> 32n,
  ];

  it.each([
    ['a type of protected mode', gate(CODE_64, 0x86, 0n), 'type 6 is reserved in long mode'],
    ['a task gate', gate(TASK, 0x85, 0n), 'type 5 is reserved in long mode'],
    ['a call gate', gate(CODE_64, 0x8c, 0n), 'the IDT cannot hold this'],
    ['a hole address', gate(CODE_64, 0x8e, 0x8000_0000_0000n), 'its offset is not canonical'],
    ['32-bit code', gate(CODE_32, 0x8e, 0n), 'its code segment is not 64-bit code'],
    ['data', gate(DATA, 0x8e, 0n), 'its selector names no code segment'],
    ['a null selector', gate(3, 0x8e, 0n), 'the selector is null'],
    ['no descriptor', gate(0x80, 0x8e, 0n), 'selector 0x0080 lies beyond the GDT'],
    ['no LDT', gate(0xc, 0x8e, 0n), 'there is no LDT'],
    ['a segment', [0x00af_9b00_0000_ffffn, 0n] as const, 'the IDT holds gates only'],
  ])('says what is odd about a gate to %s', (_, quads, words) => {
    enter('long');
    write('LDTR.attributes', 0n);
    put(IDT, ...quads);
    expect(rowsOf('IDT')[0]).toMatch(new RegExp(`← ${words}$`));
  });

  it.each([
    ['a base in the hole', [0x0000_8900_3000_0067n, 0x8000n], 'its base is not canonical'],
    ['a small TSS', [0x0000_8900_3000_0066n, 0n], 'its limit is below 0x67'],
    ['half a descriptor', [0x0000_8900_3000_0067n, 0x1f_0000_0000n << 8n], 'its upper half looks like .*'],
    ['both sizes', [0x00ef_9b00_0000_ffffn, 0n], 'L and D are both set, which is reserved'],
    ['an interrupt gate', gate(CODE_64, 0x8e, 0n), 'the GDT cannot hold this'],
  ])('says what is odd about a descriptor with %s', (_, quads, words) => {
    enter('long');
    put(GDT + TASK, ...quads);
    expect(rowsOf('GDT')[4]).toMatch(new RegExp(`← ${words}$`));
  });

  it('says what is odd in protected mode, too', () => {
    enter('protected');
    put(GDT + TASK, 0xff00_9300_1000_ffffn | (0xfn << 48n) | (1n << 55n), 0x0000_8500_0020_0000n);
    put(IDT, 0x0001_8e00_0010_0000n, 0x0000_8500_0018_0000n, 0x0000_0e00_0010_7c00n);
    put(GDT + 0x10, 0x0000_9b00_0000_ffffn);
    expect(rowsOf('GDT')[4]).toMatch(/← it reaches beyond 4 GiB$/);
    expect(rowsOf('GDT')[5]).toMatch(/^0x0028: 0x0020, task gate, DPL 0 .* ← its selector names no TSS of the GDT$/);
    expect(rowsOf('IDT').slice(0, 3)).toEqual([
      expect.stringMatching(/← its offset lies beyond the limit of its segment$/),
      expect.stringMatching(/^01h: 0x0018, task gate, .* ← its selector names no TSS of the GDT$/),
      '02h: 0010:00007C00 handler, 32-bit interrupt gate, DPL 0, not present (00000e0000107c00h)',
    ]);
  });

  it('says what a descriptor that is cut by the end of its table lacks', () => {
    enter('long');
    write('GDTR.limit', 0x27n);
    expect(rowsOf('GDT')).toHaveLength(5);
    expect(rowsOf('GDT')[4]).toMatch(/← its upper half lies beyond the table$/);
  });

  it('shows the 64-bit task-state segment with its stacks and ports', () => {
    enter('long');
    const at = findRegister('TR')?.offset ?? 0;
    guest.vcpu.state.setSegmentAt(at, { selector: TASK, base: TSS, limit: 0x77, attributes: 0x8b });
    put(TSS + 4, 0xffff_8000_0001_0000n);
    put(TSS + 36 + 8, 0x0000_8000_0000_0000n);
    guest.machine.memory.write(TSS + 102, Uint8Array.from([0x68, 0, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
    guest.machine.memory.write(TSS + 0x6f, new Uint8Array(9).fill(0xff));
    guest.machine.memory.write(TSS + 0x6c, Uint8Array.from([0x0f]));
    expect(rowsOf('TSS')).toEqual([
      'RSP0: 0xffff800000010000',
      ...['RSP1', 'RSP2', 'IST1'].map((name) => `${name}: 0x0000000000000000`),
      'IST2: 0x0000800000000000 ← not canonical',
      ...['IST3', 'IST4', 'IST5', 'IST6', 'IST7'].map((name) => `${name}: 0x0000000000000000`),
      'I/O map base: 0x0068',
      'ports allowed: 0x0000, 0x0024–0x0027',
    ]);
    expect(tableVariables(guest, table('TSS').variablesReference)?.[0]?.memoryReference).toBe('0xffff800000010000');
    write('TR.limit', 0x30n);
    expect(rowsOf('TSS').at(-1)).toBe('I/O map base: beyond the limit');
  });

  it('shows a 16-bit task-state segment', () => {
    enter('protected');
    const at = findRegister('TR')?.offset ?? 0;
    guest.vcpu.state.setSegmentAt(at, { selector: TASK, base: TSS, limit: 0x2b, attributes: 0x83 });
    guest.machine.memory.write(TSS, new Uint8Array(0x2c));
    guest.machine.memory.write(TSS + 2, Uint8Array.from([0x34, 0x12, DATA, 0]));
    guest.machine.memory.write(TSS + 14, Uint8Array.from([0, 0x7c]));
    guest.machine.memory.write(TSS + 36, Uint8Array.from([CODE_32, 0]));
    const shown = rowsOf('TSS');
    expect(shown).toContain('SP0: 0x1234');
    expect(shown).toContain('SS0: 0x0018 · 32-bit data, writable, DPL 0');
    expect(shown).toContain('IP: 0x7c00 handler');
    expect(shown.at(-1)).toBe('LDT selector: 0x0000');
  });

  it('has a row where there is nothing to show', () => {
    enter('long');
    write('LDTR', 0n);
    write('TR', 0n);
    write('IDTR.limit', 0x5n);
    write('GDTR.limit', 0xffffn);
    expect(rows(TABLES_REFERENCE).slice(2)).toEqual(['LDT: none: LDTR is null', 'TSS: none: TR is null']);
    expect(rowsOf('IDT')).toEqual(['(empty): the limit 0x0005 leaves no room for an entry']);
    expect(rowsOf('GDT').length).toBeLessThan(0x2000);
    write('IDTR.base', 0xffff_9000_0000_0000n);
    write('IDTR.limit', 0xffffn);
    write('CR0', 0x8000_0001n);
    write('CR3', 0x9000n);
    expect(rowsOf('IDT')).toEqual(['00h–FFh: nothing is mapped there (256 entries)']);
  });

  it('survives a local table of 4 GiB and addresses that nothing can have', () => {
    enter('long');
    write('CR0', 0x8000_0001n);
    write('CR3', 0x9000n);
    const at = findRegister('LDTR')?.offset ?? 0;
    guest.vcpu.state.setSegmentAt(at, { selector: LOCAL, base: -0x1000, limit: 0xffff_ffff, attributes: 0x82 });
    expect(rowsOf('LDT')).toEqual(['0x0004–0xfffc: nothing is mapped there (8192 entries)']);
    write('IDTR.base', 0x7fff_ffff_ffff_ff00n);
    expect(table('IDT').value).toMatch(/← its base is not canonical$/);
    expect(rowsOf('IDT')).toEqual(['00h–02h: nothing is mapped there (3 entries)']);
    write('CR0', 1n);
    write('IDTR.base', 0xffff_ffff_ffff_f000n);
    expect(rowsOf('IDT')).toHaveLength(1);
  });

  it('shows the vectors of real mode, and the GDT once it is loaded', () => {
    guest = newGuest();
    expect(rows(TABLES_REFERENCE).slice(1)).toEqual([
      'GDT: none: not in real mode',
      'LDT: none: not in real mode',
      'TSS: none: not in real mode',
    ]);
    enter('real');
    expect(table('GDT').value).toBe('base 0x00001000, limit 0x003f, for protected mode');
    expect(rowsOf('GDT')[2]).toMatch(/32-bit code/);
    expect(table('IVT').value).toBe('base 0x00002000, limit 0x002f');
  });
});
