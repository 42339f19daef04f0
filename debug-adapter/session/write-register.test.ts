/** Registers that the debugger writes: what comes along, and what is refused. */
import { beforeEach, describe, expect, it } from 'vitest';
import { createMachine } from '../../vm-core/index.ts';
import { findRegisterPart } from '../expressions/register-parts.ts';
import { Guest } from './guest.ts';
import { writeRegister } from './write-register.ts';

const GDT = 0x1000;
const TABLES = 0x8000;

describe('writing registers', () => {
  let guest: Guest;

  const set = (name: string, value: number | bigint): boolean => {
    const part = findRegisterPart(name);
    if (!part) throw new Error(name);
    return writeRegister(guest, part, value);
  };
  const put = (address: number, ...quads: readonly bigint[]): void => {
    guest.machine.memory.write(address, new Uint8Array(new BigUint64Array(quads).buffer));
  };

  beforeEach(() => {
    const machine = createMachine({
      ...{ machineType: 'isa-1', cpuModel: 'x86-64-v3', memorySize: 1 << 20, firmware: 'builtin' },
      ...{ exitDevice: false, startTimeMs: 0 },
    });
    guest = new Guest(machine, { label: () => undefined, nearestLabel: () => undefined } as never);
    put(GDT, 0n, 0x00af_9b00_0000_ffffn, 0x00cf_fb00_0000_ffffn, 0x00cf_f300_1000_ffffn);
    put(GDT + 0x20, 0x0000_8910_3000_0067n, 0xffff_8000n, 0x0000_8200_4000_000fn, 0n);
    set('GDTR.base', GDT);
    set('GDTR.limit', 0x3f);
  });

  it('goes into long mode by the registers that software writes', () => {
    put(TABLES, BigInt(TABLES + 0x1003));
    put(TABLES + 0x1000, 0x83n);
    set('CR0.PE', 1);
    set('CR4.PAE', 1);
    set('CR3', TABLES);
    set('EFER.LME', 1);
    expect(guest.register('EFER')).toBe(0x100);
    set('CR0.PG', 1);
    expect(guest.register('EFER')).toBe(0x500);
    expect(guest.vcpu.mode).toBe('compatibility');
    expect(guest.vcpu.translate(0x1234)).toBe(0x1234);
    expect(set('CS', 8)).toBe(true);
    expect(guest.vcpu.mode).toBe('64-bit');
    expect(set('TR', 0x20)).toBe(true);
    expect(guest.vcpu.state.segmentAt(findRegisterPart('TR')?.register.offset ?? 0)).toEqual({
      ...{ selector: 0x20, base: -0x7fff_ffef_d000, limit: 0x67, attributes: 0x8b },
    });
    expect(() => set('CR4.PAE', 0)).toThrow('paging in long mode needs CR4.PAE');
    expect(guest.register('CR4')).toBe(0x20);
    set('CR0.PG', 0);
    expect(guest.register('EFER')).toBe(0x100);
  });

  it('refuses paging without protection', () => {
    expect(() => set('CR0', 0x8000_0000)).toThrow('CR0.PG needs CR0.PE');
    expect(guest.register('CR0') >>> 31).toBe(0);
  });

  it('brings the level along with CS, with the mode and with EFLAGS.VM', () => {
    set('CR0.PE', 1);
    expect(set('CS', 0x13)).toBe(true);
    expect(guest.register('CPL')).toBe(3);
    expect(guest.register('CS.attributes')).toBe(0xcfb);
    set('EFLAGS.VM', 1);
    expect([guest.vcpu.mode, guest.register('CPL')]).toEqual(['virtual-8086', 3]);
    expect(set('DS', 0x1234)).toBe(true);
    expect([guest.register('DS.base'), guest.register('DS.attributes')]).toEqual([0x12340, 0xf3]);
    set('EFLAGS.VM', 0);
    set('CR0.PE', 0);
    expect(guest.register('CPL')).toBe(0);
  });

  it('loads the pointers of PAE paging', () => {
    put(TABLES, 0x9001n, 0xa001n, 0n, 0xb001n);
    set('CR0.PE', 1);
    set('CR4.PAE', 1);
    set('CR3', TABLES);
    expect(guest.register('PDPTE1')).toBe(0);
    set('CR0.PG', 1);
    expect([0, 1, 2, 3].map((n) => guest.register(`PDPTE${n}`))).toEqual([0x9001, 0xa001, 0, 0xb001]);
  });

  it('takes null selectors and system descriptors where the processor does', () => {
    set('CR0.PE', 1);
    expect(set('DS', 0)).toBe(true);
    expect(guest.register('DS.attributes')).toBe(0);
    expect(set('SS', 0)).toBe(false);
    expect(set('CS', 0)).toBe(false);
    expect(set('LDTR', 0x20)).toBe(false);
    expect(set('LDTR', 0x30)).toBe(true);
    expect([guest.register('LDTR.base'), guest.register('LDTR.limit')]).toEqual([0x4000, 0xf]);
    expect(set('TR', 0x30)).toBe(false);
    expect(set('TR', 0x20)).toBe(true);
    expect([guest.register('TR.base'), guest.register('TR.attributes')]).toEqual([0x103000, 0x8b]);
    expect(set('TR', 0x80)).toBe(false);
    expect(set('LDTR', 0)).toBe(true);
    expect(guest.register('LDTR.attributes')).toBe(0);
  });
});
