/** The 32-bit kernel in the debugger: both levels, call stacks, tables, tasks and virtual-8086 mode, against its source. */
import { beforeAll, describe, expect, it } from 'vitest';
import { hasNasm } from '../support/boot-sectors.ts';
import { DebuggedKernel, descriptorBytes, far, gateBytes, hex, linesOf, raw } from './debugged-kernel.ts';
import { assembleKernel } from './kernel-images.ts';

const KERNEL_CODE = 0x08;
const KERNEL_DATA = 0x10;
const USER_CODE = 0x1b;
const TASK = 0x28;
const OTHER_TASK = 0x30;

describe.skipIf(!hasNasm).each(['multiboot', 'boot-sector'] as const)('the 32-bit kernel from %s', (start) => {
  let kernel: DebuggedKernel;
  const at = (name: string) => BigInt(kernel.label(name));

  beforeAll(async () => {
    kernel = new DebuggedKernel(assembleKernel('kernel-32', start));
    await kernel.launch(start, 'pentium3');
  });

  /** The frames as the source has them: line of the call, name, place. */
  const frame = (line: number, name: string, selector: number, address: bigint, digits = 8) =>
    `${line} ${name} (${far(selector, address, digits)})`;

  it('stops at level 3, with the tables that the source describes', async () => {
    expect(await kernel.runTo('user')).toContain(' user (');
    expect(await kernel.thread()).toBe('CPU 0 · 32-bit, ring 3');
    expect([await kernel.evaluate('cpl'), await kernel.evaluate('cs')]).toEqual([3n, BigInt(USER_CODE)]);
    const tssLimit = kernel.label('tss_end') - kernel.label('tss') - 1;
    const size = (from: string, to: string) => kernel.label(to) - kernel.label(from) - 1;
    expect(linesOf(await kernel.tables())).toEqual([
      `IDT: base ${hex(at('idt'), 8)}, limit ${hex(size('idt', 'idt_end'), 4)}`,
      `GDT: base ${hex(at('gdt'), 8)}, limit ${hex(size('gdt', 'gdt_end'), 4)}`,
      `LDT: base ${hex(at('ldt'), 8)}, limit 0x0007`,
      `TSS: base ${hex(at('tss'), 8)}, limit ${hex(tssLimit, 4)}`,
    ]);
    const flat = (attributes: number, text: string) =>
      `base 0x00000000, limit 0xffffffff, ${text} ${raw(descriptorBytes(0n, 0xfffff, attributes), 8)}`;
    const system = (name: string, limit: number, attributes: number, text: string) =>
      `base ${hex(at(name), 8)}, limit ${hex(limit, 8)}, ${text} ${raw(descriptorBytes(at(name), limit, attributes), 8)}`;
    expect(linesOf(await kernel.table('GDT'))).toEqual([
      '0x0000: null',
      `0x0008: ${flat(0xc9b, '32-bit code, readable, DPL 0')}`,
      `0x0010: ${flat(0xc93, '32-bit data, writable, DPL 0')}`,
      `0x0018: ${flat(0xcfb, '32-bit code, readable, DPL 3')}`,
      `0x0020: ${flat(0xcf3, '32-bit data, writable, DPL 3')}`,
      `0x0028: ${system('tss', tssLimit, 0x8b, '32-bit TSS, busy, DPL 0')}`,
      `0x0030: ${system('other_tss', 0x67, 0x89, '32-bit TSS, DPL 0')}`,
      `0x0038: ${system('ldt', 7, 0x82, 'LDT, DPL 0')}`,
      `0x0040: ${far(KERNEL_CODE, at('by_gate'), 8)} by_gate, 32-bit call gate, DPL 3, 1 parameter ${raw(
        gateBytes(KERNEL_CODE, at('by_gate'), 0xec01),
        8,
      )}`,
    ]);
    const gate = (name: string, attributes: number, level: number) =>
      `${far(KERNEL_CODE, at(name), 8)} ${name}, 32-bit interrupt gate, DPL ${level} ${raw(
        gateBytes(KERNEL_CODE, at(name), attributes),
        8,
      )}`;
    expect(linesOf(await kernel.table('IDT'))).toEqual([
      '00h–0Ch: null (13 entries)',
      `0Dh: ${gate('protection', 0x8e00, 0)}`,
      `0Eh: ${gate('page_fault', 0x8e00, 0)}`,
      '0Fh–2Fh: null (33 entries)',
      `30h: ${gate('system_call', 0xee00, 3)}`,
      `31h: 0x0030, task gate, DPL 3 ${raw(gateBytes(OTHER_TASK, 0n, 0xe500), 8)}`,
    ]);
    expect(linesOf(await kernel.table('LDT'))).toEqual([
      `0x0004: base ${hex(at('user_data'), 8)}, limit 0x0000000f, 32-bit data, writable, DPL 3 ${raw(
        descriptorBytes(at('user_data'), 0xf, 0x4f2),
        8,
      )}`,
    ]);
  });

  it('leads from gates and from the task-state segment to the source', async () => {
    const gates = await kernel.table('IDT');
    const system = gates.find(({ name }) => name === '30h');
    expect(system && (await kernel.lineOfValue(system))).toBe(kernel.lineOf('system_call:', 'push ds'));
    const task = linesOf(await kernel.table('TSS'));
    expect(task).toContain('ESP0: 0x00210000');
    expect(task).toContain('SS0: 0x0010 · 32-bit data, writable, DPL 0');
    expect(task).toContain('CR3: 0x00200000');
    expect(task).toContain('LDT selector: 0x0038 · LDT, DPL 0');
    expect(task).toContain('ports allowed: 0x00e9');
  });

  it('shows who called across the levels', async () => {
    await kernel.runTo('print');
    const call = kernel.lineOf('system_call:', 'call print');
    const [print, handler, routine, user] = await kernel.frames();
    expect(print).toBe(frame(kernel.lineOf('print:', 'push eax'), 'print', KERNEL_CODE, at('print')));
    expect(handler).toMatch(new RegExp(`^${call} INT 30h: system_call\\+0x\\w+ \\(0008:`));
    expect(routine).toBe(
      frame(kernel.lineOf('by_interrupt:', 'int 30h'), 'by_interrupt+0x2', USER_CODE, at('by_interrupt') + 2n),
    );
    expect(user).toMatch(new RegExp(`^${kernel.lineOf('user:', 'call by_interrupt')} user\\+0x\\w+ \\(001B:`));
    expect([await kernel.evaluate('cpl'), await kernel.evaluate('ss')]).toEqual([0n, BigInt(KERNEL_DATA)]);
  });

  it('stops in the handlers of SYSENTER, of the call gate and of the page fault', async () => {
    await kernel.runTo('fast_call');
    expect(await kernel.evaluate('ia32_sysenter_eip')).toBe(at('fast_call'));
    expect([await kernel.evaluate('cs'), await kernel.evaluate('ss')]).toEqual([8n, 16n]);
    await kernel.runTo('by_gate');
    const gate = await kernel.frames();
    const caller = kernel.lineOf('user:', 'call CALL_GATE:0');
    expect(gate).toEqual([
      frame(kernel.lineOf('by_gate:', 'mov esi'), 'by_gate', KERNEL_CODE, at('by_gate')),
      frame(caller, 'user.faults', USER_CODE, at('user.faults')),
    ]);
    await kernel.runTo('page_fault');
    expect(await kernel.frames()).toEqual([
      frame(kernel.lineOf('page_fault:', 'pushad'), '#PF: page_fault', KERNEL_CODE, at('page_fault')),
      frame(kernel.lineOf('.faults:', 'mov eax'), 'user.faults', USER_CODE, at('user.faults')),
    ]);
    expect(await kernel.evaluate('cr2')).toBe(0x200000n);
    expect(await kernel.evaluate('dword[esp]')).toBe(5n);
  });

  it('shows the other task, and the one that waits for it', async () => {
    await kernel.runTo('other');
    expect(await kernel.frames()).toEqual([
      frame(kernel.lineOf('other:', 'mov esi'), 'other', KERNEL_CODE, at('other')),
      frame(kernel.lineOf('.resumed:', 'mov eax'), 'task 0x0028: user.resumed+0x2', USER_CODE, at('user.resumed') + 2n),
    ]);
    expect(linesOf(await kernel.tables()).slice(2)).toEqual([
      'LDT: none: LDTR is null',
      `TSS: base ${hex(at('other_tss'), 8)}, limit 0x0067`,
    ]);
    const task = await kernel.table('TSS');
    expect(linesOf(task)).toContain(`previous task link: ${hex(TASK, 4)}`);
    expect(linesOf(task)).toContain(`EIP: ${hex(at('other'), 8)} other`);
    expect(linesOf(task)).toContain('I/O map base: 0x0068 · beyond the limit: no port is allowed above IOPL');
    const pointer = task.find(({ name }) => name === 'EIP');
    expect(pointer && (await kernel.lineOfValue(pointer))).toBe(kernel.lineOf('other:', 'mov esi'));
    expect(linesOf(await kernel.table('IDT')).at(-1)).toMatch(/← its task is busy$/);
  });

  it('stops in virtual-8086 mode, and in its monitor', async () => {
    await kernel.runTo('virtual');
    expect(await kernel.thread()).toBe('CPU 0 · virtual-8086');
    const reach = start === 'multiboot' ? 0xffff : 0;
    const offset = (name: string) => at(name) - BigInt(reach * 16);
    expect(await kernel.frames()).toEqual([
      frame(kernel.lineOf('virtual:', 'mov ax'), 'virtual', reach, offset('virtual'), 4),
    ]);
    expect(linesOf(await kernel.table('IDT'))[1]).toContain(`${far(KERNEL_CODE, at('protection'), 8)} protection`);
    expect(linesOf(await kernel.table('TSS'))).toContain(`EIP: ${hex(at('user.resumed') + 2n, 8)} user.resumed+0x2`);
    await kernel.runTo('protection');
    expect(await kernel.frames()).toEqual([
      frame(kernel.lineOf('protection:', 'pushad'), '#GP: protection', KERNEL_CODE, at('protection')),
      frame(kernel.lineOf('.call:', 'int 21h'), 'virtual.call', reach, offset('virtual.call'), 4),
    ]);
  });

  it('steps into virtual-8086 mode and out of the monitor, and ends', async () => {
    await kernel.client.request('setFunctionBreakpoints', { breakpoints: [] });
    expect(await kernel.client.run('stepOut')).toContain(' virtual.call+0x2 (');
    expect(await kernel.thread()).toBe('CPU 0 · virtual-8086');
    await kernel.client.request('continue', { threadId: 1 });
    expect(await kernel.client.event('exited')).toEqual({ exitCode: 1 });
  });
});
