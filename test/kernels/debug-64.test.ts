/** The 64-bit kernel in the debugger: into long mode, both levels, compatibility mode, call stacks, tables, against its source. */
import { beforeAll, describe, expect, it } from 'vitest';
import { hasNasm } from '../support/boot-sectors.ts';
import { DebuggedKernel, descriptorBytes, far, gateBytes, hex, linesOf, raw } from './debugged-kernel.ts';
import { assembleKernel } from './kernel-images.ts';

const HIGH = 0xffff_ffff_8000_0000n;
const KERNEL_CODE = 0x08;
const USER_32 = 0x1b;
const USER_CODE = 0x2b;

describe.skipIf(!hasNasm).each(['multiboot', 'boot-sector'] as const)('the 64-bit kernel from %s', (start) => {
  let kernel: DebuggedKernel;
  const at = (name: string) => BigInt(kernel.label(name));

  beforeAll(async () => {
    kernel = new DebuggedKernel(assembleKernel('kernel-64', start));
    await kernel.launch(start, 'x86-64-v2');
  });

  const frame = (line: number, name: string, selector: number, address: bigint, digits = 16) =>
    `${line} ${name} (${far(selector, address, digits)})`;

  it('steps from compatibility mode into 64-bit mode, and writes addresses as each has them', async () => {
    await kernel.runTo('to_long');
    expect(await kernel.thread()).toBe('CPU 0 · compatibility, 32-bit, ring 0');
    await kernel.client.request('setFunctionBreakpoints', { breakpoints: [] });
    expect(await kernel.client.run('stepIn')).toBe(
      `step ${frame(kernel.lineOf('in_long:', 'xor eax'), 'in_long', KERNEL_CODE, at('in_long'))}`,
    );
    expect(await kernel.thread()).toBe('CPU 0 · 64-bit, ring 0');
    expect((await kernel.tables())[1]?.value).toMatch(new RegExp(`^base ${hex(at('gdt'), 16)}, `));
  });

  it('stops at level 3, with the tables that the source describes', async () => {
    await kernel.runTo('user');
    expect([await kernel.evaluate('cpl'), await kernel.evaluate('cs')]).toEqual([3n, BigInt(USER_CODE)]);
    const size = (from: string, to: string) => kernel.label(to) - kernel.label(from) - 1;
    expect(linesOf(await kernel.tables())).toEqual([
      `IDT: base ${hex(HIGH + at('idt'), 16)}, limit ${hex(size('idt', 'idt_end'), 4)}`,
      `GDT: base ${hex(HIGH + at('gdt'), 16)}, limit ${hex(size('gdt', 'gdt_end'), 4)}`,
      `LDT: base ${hex(HIGH + at('ldt'), 16)}, limit 0x0007`,
      `TSS: base ${hex(HIGH + at('tss'), 16)}, limit ${hex(size('tss', 'tss_end'), 4)}`,
    ]);
    const flat = (attributes: number, text: string) =>
      `base 0x00000000, limit 0xffffffff, ${text} ${raw(descriptorBytes(0n, 0xfffff, attributes), 8)}`;
    const system = (name: string, limit: number, attributes: number, text: string) =>
      `base ${hex(HIGH + at(name), 16)}, limit ${hex(limit, 8)}, ${text} ${raw(
        descriptorBytes(HIGH + at(name), limit, attributes),
        16,
      )}`;
    const gate = (kind: string, name: string, offset: bigint, attributes: number, rest: string) =>
      `${far(KERNEL_CODE, offset, 16)}${name}, 64-bit ${kind} gate, ${rest} ${raw(
        gateBytes(KERNEL_CODE, offset, attributes),
        16,
      )}`;
    expect(linesOf(await kernel.table('GDT'))).toEqual([
      '0x0000: null',
      `0x0008: ${flat(0xa9b, '64-bit code, readable, DPL 0')}`,
      `0x0010: ${flat(0xc93, '32-bit data, writable, DPL 0')}`,
      `0x0018: ${flat(0xcfb, '32-bit code, readable, DPL 3')}`,
      `0x0020: ${flat(0xcf3, '32-bit data, writable, DPL 3')}`,
      `0x0028: ${flat(0xafb, '64-bit code, readable, DPL 3')}`,
      `0x0030: ${system('tss', size('tss', 'tss_end'), 0x8b, '64-bit TSS, busy, DPL 0')}`,
      `0x0040: ${system('ldt', 7, 0x82, 'LDT, DPL 0')}`,
      `0x0050: ${gate('call', ' by_gate', at('by_gate'), 0xec00, 'DPL 3')}`,
    ]);
    const high = HIGH + at('high_handler');
    expect(linesOf(await kernel.table('IDT'))).toEqual([
      '00h–0Ch: null (13 entries)',
      `0Dh: ${gate('interrupt', ' protection', at('protection'), 0x8e00, 'DPL 0')}`,
      `0Eh: ${gate('interrupt', ' page_fault', at('page_fault'), 0x8e03, 'DPL 0, IST 3')}`,
      '0Fh–2Fh: null (33 entries)',
      `30h: ${gate('interrupt', ' system_call', at('system_call'), 0xee00, 'DPL 3')}`,
      `31h: ${gate('interrupt', '', high, 0xee00, 'DPL 3')}`,
    ]);
    expect(linesOf(await kernel.table('TSS'))).toEqual([
      'RSP0: 0x0000000000210000',
      ...['RSP1', 'RSP2', 'IST1', 'IST2'].map((name) => `${name}: ${hex(0, 16)}`),
      'IST3: 0x0000000000212000',
      ...['IST4', 'IST5', 'IST6', 'IST7'].map((name) => `${name}: ${hex(0, 16)}`),
      'I/O map base: 0x0068',
      'ports allowed: 0x00e9',
    ]);
  });

  it('leads from gates to the source, or to instructions where there is none', async () => {
    const gates = await kernel.table('IDT');
    const system = gates.find(({ name }) => name === '30h');
    expect(system && (await kernel.lineOfValue(system))).toBe(kernel.lineOf('system_call:', 'cmp eax'));
    const locationReference = gates.at(-1)?.valueLocationReference ?? 0;
    const { source } = (await kernel.client.request('locations', { locationReference })) as {
      source: { readonly sourceReference: number };
    };
    const { content } = await kernel.client.request('source', { source, sourceReference: source.sourceReference });
    const [first, second] = String(content).split('\n');
    const high = HIGH + at('high_handler');
    expect(first).toBe(`${hex(high, 16)}  mov esi, ${hex(at('text_high'), 0)}`);
    expect(second).toBe(`${hex(high + 5n, 16)}  mov rax, ${hex(at('print'), 0)}`);
  });

  it('shows who called across the levels', async () => {
    await kernel.runTo('print');
    const [print, handler, routine, user] = await kernel.frames();
    expect(print).toBe(frame(kernel.lineOf('print:', 'push rax'), 'print', KERNEL_CODE, at('print')));
    expect(handler).toMatch(
      new RegExp(`^${kernel.lineOf('system_call:', 'call print')} INT 30h: system_call\\+0x\\w+ \\(0008:`),
    );
    const interrupt = kernel.lineOf('by_interrupt:', 'int 30h');
    expect(routine).toBe(frame(interrupt, 'by_interrupt+0x2', USER_CODE, at('by_interrupt') + 2n));
    expect(user).toMatch(new RegExp(`^${kernel.lineOf('user:', 'call by_interrupt')} user\\+0x\\w+ \\(002B:`));
  });

  it('stops in the upper half: behind SYSCALL and behind a gate', async () => {
    const call = HIGH + at('fast_call');
    expect(await kernel.runTo(hex(call, 16))).toContain(far(KERNEL_CODE, call, 16));
    expect(await kernel.evaluate('ia32_lstar')).toBe(call);
    expect([await kernel.evaluate('cpl'), await kernel.evaluate('ss')]).toEqual([0n, 0x10n]);
    const handler = HIGH + at('high_handler');
    await kernel.runTo(hex(handler, 16));
    const [here, caller] = await kernel.frames();
    expect(here).toBe(`0 INT 31h: ${far(KERNEL_CODE, handler, 16)}`);
    expect(caller).toMatch(new RegExp(`^${kernel.lineOf('user:', 'int 31h')} user\\+0x\\w+ \\(002B:`));
  });

  it('stops in the handlers of the call gate and of the page fault, on its own stack', async () => {
    await kernel.runTo('by_gate');
    expect(await kernel.frames()).toEqual([
      frame(kernel.lineOf('by_gate:', 'mov esi'), 'by_gate', KERNEL_CODE, at('by_gate')),
      frame(kernel.lineOf('user:', 'call far'), 'user.faults', USER_CODE, at('user.faults')),
    ]);
    await kernel.runTo('page_fault');
    expect(await kernel.frames()).toEqual([
      frame(kernel.lineOf('page_fault:', 'mov esi'), '#PF: page_fault', KERNEL_CODE, at('page_fault')),
      frame(kernel.lineOf('.faults:', 'mov rax'), 'user.faults', USER_CODE, at('user.faults')),
    ]);
    expect(await kernel.evaluate('cr2')).toBe(0x200000n);
    expect(await kernel.evaluate('rsp')).toBe(0x212000n - 6n * 8n);
  });

  it('stops in compatibility mode, where the tables are those of long mode', async () => {
    await kernel.runTo('compatible');
    expect(await kernel.thread()).toBe('CPU 0 · compatibility, 32-bit, ring 3');
    expect((await kernel.tables())[0]?.value).toMatch(new RegExp(`^base ${hex(HIGH + at('idt'), 16)}, `));
    expect(linesOf(await kernel.table('IDT')).at(-1)).toContain(far(KERNEL_CODE, HIGH + at('high_handler'), 16));
    await kernel.runTo('system_call');
    expect(await kernel.frames()).toEqual([
      frame(kernel.lineOf('system_call:', 'cmp eax'), 'INT 30h: system_call', KERNEL_CODE, at('system_call')),
      frame(kernel.lineOf('compatible:', 'int 30h'), 'compatible.back', USER_32, at('compatible.back'), 8),
    ]);
  });

  it('steps out into compatibility mode and from there into 64-bit mode, and ends', async () => {
    await kernel.client.request('setFunctionBreakpoints', { breakpoints: [] });
    expect(await kernel.client.run('stepOut')).toContain(
      ` compatible.back (${far(USER_32, at('compatible.back'), 8)})`,
    );
    expect(await kernel.client.run('stepIn')).toContain(` ending (${far(USER_CODE, at('ending'), 16)})`);
    await kernel.client.request('continue', { threadId: 1 });
    expect(await kernel.client.event('exited')).toEqual({ exitCode: 1 });
  });
});
