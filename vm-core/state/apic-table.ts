/**
 * The registers of the local APIC, one row each (SDM vol. 3A table 11-1, table 11-6). They are registers of the register
 * table; their places in the page of xAPIC mode and their numbers in x2APIC mode are derived from here. (A table: exempt
 * from the length limit.)
 */

interface Field {
  readonly name: string;
  readonly low: number;
  readonly width: number;
  readonly description: string;
}

export interface ApicRow {
  /** Of the register in the register table. */
  readonly name: string;
  /** In the page; undefined for what software cannot address. In x2APIC mode it is MSR 800h + offset / 16. */
  readonly offset: number | undefined;
  readonly size: 1 | 4 | 8;
  /** After RESET. */
  readonly reset: number;
  /** Bits that software can write in xAPIC mode. */
  readonly writable: number;
  readonly description: string;
  readonly fields?: readonly Field[];
}

const bits = (name: string, low: number, width: number, description: string): Field => ({
  ...{ name, low, width, description },
});
const bit = (name: string, low: number, description: string): Field => bits(name, low, 1, description);

/** Bit 16 of an LVT entry. */
export const LVT_MASKED = 0x1_0000;
/** Bit 14: the level has been taken and not yet ended. */
export const LVT_REMOTE_IRR = 0x4000;
/** Bit 15: level-triggered. */
export const LVT_LEVEL = 0x8000;
/** Bit 8 of the spurious-interrupt vector register. */
export const SVR_ENABLED = 0x100;

const VECTOR = bits('vector', 0, 8, 'of the interrupt');
const MODE = bits('mode', 8, 3, '0 fixed, 1 lowest priority, 2 SMI, 4 NMI, 5 INIT, 6 start-up, 7 ExtINT');
const MASK = bit('masked', 16, 'no interrupt');
const entry = [VECTOR, MASK];
const counterEntry = [VECTOR, MODE, MASK];
const pinEntry = [
  ...[VECTOR, MODE, bit('active low', 13, 'polarity of the pin'), bit('remote IRR', 14, 'taken, not yet ended')],
  ...[bit('level', 15, 'level-triggered'), MASK],
];
const ERRORS = [
  bit('send illegal vector', 5, 'an interrupt with a vector below 16 was to be sent'),
  bit('receive illegal vector', 6, 'one with a vector below 16 came'),
  bit('illegal register', 7, 'a register was accessed that is not there'),
];
const PRIORITY = [bits('subclass', 0, 4, 'of the priority'), bits('class', 4, 4, 'of the priority')];

const row = (
  name: string,
  offset: number | undefined,
  description: string,
  rest: Partial<Omit<ApicRow, 'name' | 'offset' | 'description'>> = {},
): ApicRow => ({ name: `APIC_${name}`, offset, description, size: 4, reset: 0, writable: 0, ...rest });

/** 256 bits of vectors in eight registers. */
const vectors = (name: string, offset: number, description: string): readonly ApicRow[] =>
  [0, 1, 2, 3, 4, 5, 6, 7].map((n) =>
    row(`${name}${n}`, offset + n * 16, `${description}, vectors ${n * 32} to ${n * 32 + 31}`),
  );

const lvt = (name: string, offset: number, description: string, writable: number, fields: readonly Field[]): ApicRow =>
  row(`LVT_${name}`, offset, description, { reset: LVT_MASKED, writable: writable | LVT_MASKED, fields });

/** In the order of their places in the page; then what only a debugger sees. */
export const apicRows: readonly ApicRow[] = [
  row('ID', 0x20, 'number of the local APIC', { writable: 0xff00_0000 }),
  row('VERSION', 0x30, 'version', { fields: [bits('version', 0, 8, ''), bits('last LVT', 16, 8, 'entry')] }),
  row('TPR', 0x80, 'task priority', { writable: 0xff, fields: PRIORITY }),
  row('APR', 0x90, 'arbitration priority', { fields: PRIORITY }),
  row('PPR', 0xa0, 'processor priority: interrupts of higher classes are taken', { fields: PRIORITY }),
  row('LDR', 0xd0, 'logical destination', { writable: 0xff00_0000 }),
  row('DFR', 0xe0, 'destination format', {
    reset: 0xffff_ffff,
    writable: 0xf000_0000,
    fields: [bits('model', 28, 4, '15 flat, 0 cluster')],
  }),
  row('SVR', 0xf0, 'spurious-interrupt vector', {
    reset: 0xff,
    writable: 0x3ff,
    fields: [VECTOR, bit('enabled', 8, 'the local APIC is on'), bit('no focus', 9, 'focus processors are not checked')],
  }),
  ...vectors('ISR', 0x100, 'in service'),
  ...vectors('TMR', 0x180, 'level-triggered'),
  ...vectors('IRR', 0x200, 'requested'),
  row('ESR', 0x280, 'errors, as of the last write', { fields: ERRORS }),
  row('ICR', 0x300, 'interrupt command', {
    size: 8,
    writable: 0xc_cfff,
    fields: [
      ...[VECTOR, MODE, bit('logical', 11, 'destination'), bit('assert', 14, 'level'), bit('level', 15, 'trigger')],
      bits('shorthand', 18, 2, '0 none, 1 self, 2 all, 3 all others'),
      bits('destination', 32, 32, 'in xAPIC mode its upper 8 bits'),
    ],
  }),
  lvt('TIMER', 0x320, 'LVT: timer', 0x6_00ff, [
    ...entry,
    bits('timer mode', 17, 2, '0 one-shot, 1 periodic, 2 TSC deadline'),
  ]),
  lvt('THERMAL', 0x330, 'LVT: thermal sensor', 0x7ff, counterEntry),
  lvt('PERF', 0x340, 'LVT: performance counters', 0x7ff, counterEntry),
  lvt('LINT0', 0x350, 'LVT: pin LINT0', 0xa7ff, pinEntry),
  lvt('LINT1', 0x360, 'LVT: pin LINT1', 0xa7ff, pinEntry),
  lvt('ERROR', 0x370, 'LVT: error', 0xff, entry),
  row('TIMER_INITIAL', 0x380, 'timer: initial count', { writable: 0xffff_ffff }),
  row('TIMER_CURRENT', 0x390, 'timer: current count'),
  row('TIMER_DIVIDE', 0x3e0, 'timer: divisor, bits 0, 1 and 3', { writable: 0xb }),
  row('TIMER_START', undefined, 'timer: virtual time at which it began to count; all ones while it stands', {
    size: 8,
  }),
  row('ERRORS', undefined, 'errors since the last write to the error status register', { fields: ERRORS }),
  row('PINS', undefined, 'levels of the pins', {
    size: 1,
    fields: [bit('LINT0', 0, 'INTR'), bit('LINT1', 1, 'NMI')],
  }),
];
