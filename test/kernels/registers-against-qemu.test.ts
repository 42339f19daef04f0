/** Segments with their hidden parts, tables, control and debug registers: what the debugger shows is what QEMU's monitor says. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isInstalled } from '../against-qemu/both-machines.ts';
import { askMonitor } from '../against-qemu/qemu-monitor.ts';
import { hasNasm } from '../support/boot-sectors.ts';
import { DebuggedKernel } from './debugged-kernel.ts';
import { assembleKernel } from './kernel-images.ts';

/** Where a kernel goes round in a circle, and what it has said before. */
const places = [
  ['kernel-32', 'user', /paging is on\n/],
  ['kernel-32', 'fast_call', /INT\n/],
  ['kernel-32', 'user.faults', /call gate\n/],
  ['kernel-32', 'page_fault', /call gate\n/],
  ['kernel-32', 'other', /at 00200000\n/],
  ['kernel-32', 'virtual', /LDT\n/],
  ['kernel-32', 'protection', /LDT\n/],
  ['kernel-64', 'user', /long mode\n/],
  ['kernel-64', 'high_handler', /SYSCALL\n/],
  ['kernel-64', 'page_fault', /call gate\n/],
  ['kernel-64', 'compatible', /page fault.*\n/],
  ['kernel-64', 'ending', /compatibility mode\n/],
] as const;

const machines = {
  'kernel-32': { command: 'qemu-system-i386', theirs: 'pentium3', ours: 'pentium3' },
  'kernel-64': { command: 'qemu-system-x86_64', theirs: 'qemu64', ours: 'x86-64-v2' },
} as const;

/** Where the upper half begins that the 64-bit kernel uses, and the segment in which the other one uses virtual-8086 mode. */
const HIGH = 0xffff_ffff_8000_0000n;
const HIGH_MEMORY = 0xffff0n;

type Values = Readonly<Record<string, bigint>>;

const runnable = hasNasm && Object.values(machines).every(({ command }) => isInstalled(command));

describe.skipIf(!runnable)('registers, compared with QEMU (it needs nasm and QEMU)', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'registers-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(places)('%s at %s', { timeout: 90_000 }, async (name, place, ready) => {
    const { command, theirs, ours } = machines[name];
    const kernel = assembleKernel(name, 'multiboot', (source) => stayingAt(source, place));
    const image = join(folder, `${name}-${place}.bin`);
    writeFileSync(image, kernel.image);
    const options = ['-cpu', theirs, '-m', '16', '-no-reboot', '-kernel', image, '-serial', 'stdio'];
    const debugged = new DebuggedKernel(kernel);
    const address = BigInt(debugged.label(place)) + (place === 'high_handler' ? HIGH : 0n);
    const offset = place === 'virtual' ? address - HIGH_MEMORY : address;
    const isThere = new RegExp(`[ER]IP=0*${offset.toString(16)} `);
    const expected = readRegisters(await askMonitor(command, options, image, ready, ['info registers'], isThere));
    await debugged.launch('multiboot', ours);
    await debugged.runTo(`0x${address.toString(16)}`);
    const seen = await Promise.all(
      Object.keys(expected).map(async (register) => [register, await debugged.evaluate(register)] as const),
    );
    // Outside of 64-bit mode QEMU writes the lower halves of segments' bases.
    const shown = ([register, value]: (typeof seen)[number]) =>
      place === 'compatible' && register.endsWith('R.base') ? [register, value & 0xffff_ffffn] : [register, value];
    const comparable = (values: readonly (typeof seen)[number][]) => Object.fromEntries(values.map(shown));
    expect(comparable(seen)).toEqual(comparable(Object.entries(expected)));
    expect(seen.length).toBeGreaterThan(25);
  });
});

/** The source with a jump to itself behind a label. */
function stayingAt(source: string, place: string): string {
  const label = place.includes('.') ? place.slice(place.indexOf('.')) : place;
  return source.replace(new RegExp(`^${label.replace('.', '\\.')}:`, 'm'), `${label}:\n        jmp $\n`);
}

const SEGMENT = /^([CDEFGS]S|LDT|TR) *= *([0-9a-f]{4}) ([0-9a-f]+) ([0-9a-f]{8}) ([0-9a-f]{8})/gm;
const TABLE = /^([GI]DT)= +([0-9a-f]+) ([0-9a-f]{8})/gm;
const PLAIN = /\b(CR0|CR2|CR3|CR4|EFER|DR6|DR7|CPL)=([0-9a-f]+)/g;
const PRESENT = 0x80n;
const TYPE_BUSY = 2n;

/** What `info registers` says of the system, by the names that expressions have. Hidden parts of null selectors mean nothing. */
function readRegisters(text: string): Values {
  const number = (digits = '') => BigInt(`0x${digits}`);
  const values: Record<string, bigint> = {};
  for (const [, name = '', selector, base, limit, flags] of text.matchAll(SEGMENT)) {
    const register = name === 'LDT' ? 'LDTR' : name;
    const high = number(flags);
    const attributes = ((high >> 8n) & 0xffn) | ((high >> 12n) & 0xf00n);
    values[register] = number(selector);
    if ((attributes & PRESENT) === 0n || number(selector) === 0n) continue;
    values[`${register}.base`] = number(base);
    values[`${register}.limit`] = number(limit);
    // QEMU marks a task as busy in its descriptor only, the processor in the hidden part as well (SDM vol. 2A LTR).
    values[`${register}.attributes`] = name === 'TR' ? attributes | TYPE_BUSY : attributes;
  }
  for (const [, name, base, limit] of text.matchAll(TABLE)) {
    values[`${name}R.base`] = number(base);
    values[`${name}R.limit`] = number(limit);
  }
  for (const [, name = '', value] of text.matchAll(PLAIN)) values[name] = number(value);
  return values;
}
