/** The two counters of the P6 family (SDM vol. 3B §19.6.9), and processors without any. */
import { describe, expect, it } from 'vitest';
import { findRegister, type Register } from '../../state/register-table.ts';
import { CS } from '../../state/layout.ts';
import { Guest, PROGRAM } from '../guest-bench.ts';
import { setRealModeSegment } from '../segments.ts';

const EN = 0x40_0000n;
const BOTH = 0x3_0000n;
const INT = 0x10_0000n;

const registerOf = (name: string) => findRegister(name) as Register;
const get = ({ state }: Guest, name: string) => state.readRegister(registerOf(name));
const set = ({ state }: Guest, name: string, value: bigint) => {
  state.writeRegister(registerOf(name), value);
  state.onDerivedChange(registerOf(name).offset);
};
const NOPS = '90 '.repeat(20);
/** MOV EBX,6; DEC EBX; JNZ; JMP to itself */
const LOOP = '66 bb 06 00 00 00 [again] 66 4b 75 fc eb fe';

function counting(program: string, events: readonly [bigint, bigint], steps: number): readonly bigint[] {
  const guest = new Guest(program, 'pentium3');
  set(guest, 'IA32_PERFEVTSEL0', events[0] | BOTH | EN);
  set(guest, 'IA32_PERFEVTSEL1', events[1] | BOTH);
  guest.step(steps);
  return [get(guest, 'IA32_PMC0'), get(guest, 'IA32_PMC1')];
}

describe('the counters of the P6 family', () => {
  it('count their events; the first one turns both on', () => {
    expect(counting(LOOP, [0xc0n, 0xc4n], 13)).toEqual([13n, 6n]);
    expect(counting(LOOP, [0xc9n, 0x79n], 13)).toEqual([5n, 13n]);
    expect(counting(LOOP, [0x2en, 0x1c0n], 13)).toEqual([0n, 0n]);
    const guest = new Guest(NOPS, 'pentium3');
    set(guest, 'IA32_PERFEVTSEL1', 0xc0n | BOTH | EN);
    guest.step(5);
    expect(get(guest, 'IA32_PMC1')).toBe(0n);
  });

  it('count hardware interrupts, and not those of instructions', () => {
    const guest = new Guest(`fb ${NOPS} cd 50`, 'pentium3');
    guest.stopAtHandlers = false;
    set(guest, 'IA32_PERFEVTSEL0', 0xc8n | BOTH | EN);
    guest.pending = [0x40, 0x41];
    guest.step(30);
    expect(get(guest, 'IA32_PMC0')).toBe(2n);
  });

  it('interrupt at an overflow, and do not mask the entry of the local APIC', () => {
    const guest = new Guest(NOPS, 'pentium3');
    set(guest, 'APIC_SVR', 0x1ffn);
    set(guest, 'APIC_LVT_PERF', 0x400n);
    set(guest, 'IA32_PMC0', 2n ** 40n - 4n);
    set(guest, 'IA32_PERFEVTSEL0', 0xc0n | BOTH | EN | INT);
    guest.step(10);
    expect([guest.place, guest.stack(1), get(guest, 'APIC_LVT_PERF')]).toEqual(['vector 2', [PROGRAM + 4], 0x400n]);
  });

  it('are read by RDPMC, which ends there: 40 bits', () => {
    const guest = new Guest('66 b9 01 00 00 00 0f 33 66 41 0f 33', 'pentium3');
    set(guest, 'IA32_PMC1', 0xfe_1234_5678n);
    guest.step(2);
    expect([get(guest, 'EDX'), get(guest, 'EAX')]).toEqual([0xfen, 0x1234_5678n]);
    guest.step(2);
    expect(guest.place).toBe('vector 13');
  });

  it('keep what they have over INIT', () => {
    const guest = new Guest(NOPS, 'pentium3');
    set(guest, 'IA32_PMC0', 7n);
    set(guest, 'IA32_PERFEVTSEL0', 0xc0n | BOTH | EN);
    guest.step(3);
    set(guest, 'INIT_PENDING', 1n);
    guest.step(0);
    expect([get(guest, 'IA32_PERFEVTSEL0'), get(guest, 'IA32_PMC0'), get(guest, 'EIP')]).toEqual([
      ...[0xc0n | BOTH | EN, 10n, 0xfff0n],
    ]);
    guest.state.eip = PROGRAM;
    setRealModeSegment(guest.state, CS, 0);
    guest.processor.refresh();
    guest.step(4);
    expect(get(guest, 'IA32_PMC0')).toBe(14n);
  });
});

describe('processors without performance counters', () => {
  it('do not know RDPMC', () => {
    for (const model of ['386', '486', 'pentium'] as const) {
      const guest = new Guest('0f 33', model);
      guest.step(1);
      expect([model, guest.place]).toEqual([model, 'vector 6']);
    }
  });
});
