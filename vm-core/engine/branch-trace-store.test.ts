/**
 * The branch trace store and the trap on branches, rule by rule (SDM vol. 3B §17.4.3, §17.4.5–17.4.9). Guests need the assembler
 * nasm; test/branches has one that programs all of it by itself.
 */
import { describe, expect, it } from 'vitest';
import { hasNasm } from '../../test/support/boot-sectors.ts';
import { type BranchGuest, longGuest, protectedGuest, realGuest } from '../../test/support/branch-guests.ts';
import { RAM_BASE } from '../memory/layout.ts';
import { apicSlot, slot } from '../state/layout.ts';
import { TF } from '../state/lazy-flags.ts';
import { findRegister, type Register } from '../state/register-table.ts';

const AREA = 0x20000;
const BUFFER = 0x21000;
const TRACE = 0xc0n;
const INTERRUPTS = 0x100n;

const registerOf = (name: string) => findRegister(name) as Register;

function get(guest: BranchGuest, name: string): bigint {
  return guest.machine.processor.state.readRegister(registerOf(name));
}

function set(guest: BranchGuest, name: string, value: bigint): void {
  guest.machine.processor.state.writeRegister(registerOf(name), value);
  guest.machine.processor.refresh();
}

function memoryOf({ machine }: BranchGuest): DataView {
  return new DataView(machine.map.view.buffer, RAM_BASE);
}

/** A buffer of so many records of 24 bytes, or of 12. */
function setArea(
  guest: BranchGuest,
  records: number,
  { field = 8, threshold = 99, at = AREA, buffer = BUFFER } = {},
): void {
  const memory = memoryOf(guest);
  const values = [buffer, buffer, buffer + records * 3 * field + 1, buffer + threshold * 3 * field];
  values.forEach((value, n) => {
    memory.setUint32(AREA + n * field, value, true);
  });
  set(guest, 'IA32_DS_AREA', BigInt(at));
}

/** The records in memory, as names of addresses, and the flags. */
function storedIn(guest: BranchGuest, field = 8): readonly string[] {
  const memory = memoryOf(guest);
  const count = (memory.getUint32(AREA + field, true) - BUFFER) / (3 * field);
  return Array.from({ length: count }, (_, n) => {
    const [from, to, flags] = [0, 1, 2].map((m) => memory.getUint32(BUFFER + (n * 3 + m) * field, true));
    return `${guest.nameOf(from as number)} > ${guest.nameOf(to as number)} ${flags}`;
  });
}

function run(guest: BranchGuest): void {
  expect(guest.machine.loop.run({ instructionsMax: 10_000 }).reason).toBe('halted');
}

const LEVELS = `main: push dword user
  go: jmp to_user
  user: jmp next
  next: int 30h
  back: hlt
  debug: iretd
  interrupt: iretd
  callee: retf
  task2: hlt
  gate: jmp inside
  inside: iretd
  fault: hlt`;

describe.skipIf(!hasNasm)('the branch trace store', () => {
  it.each([
    [
      'all levels',
      0n,
      [
        ...['entering > start 0', expect.stringMatching(/ > main 16$/), 'go > to_user 16', 'leaving > user 0'],
        ...['user > next 16', 'next > gate 0', 'gate > inside 16', 'inside > back 0', 'back > fault 0'],
      ],
    ],
    ['the others than level 0', 0x200n, ['user > next 16', 'next > gate 0', 'back > fault 0']],
    [
      'level 0',
      0x400n,
      [
        ...['entering > start 0', expect.stringMatching(/ > main 16$/), 'go > to_user 16', 'leaving > user 0'],
        ...['gate > inside 16', 'inside > back 0'],
      ],
    ],
  ])('holds branches of %s, by the level where they begin', (_, bits, expected) => {
    const guest = protectedGuest(LEVELS, 'core2');
    setArea(guest, 20);
    set(guest, 'IA32_DEBUGCTL', TRACE | bits);
    run(guest);
    expect(storedIn(guest)).toEqual(expected);
  });

  it('has fields of 32 bits where there is no other format, and linear addresses', () => {
    const guest = realGuest('jumping: jmp 7c0h:5\nthere: jmp next\nnext: hlt', 'pentium4');
    setArea(guest, 20, { field: 4 });
    set(guest, 'MSR_DEBUGCTLA', 0xcn);
    run(guest);
    expect(storedIn(guest, 4)).toEqual(['jumping > there 0', 'there > next 16']);
  });

  it('is off without TR, or without BTS', () => {
    for (const bits of [0x40n, 0x80n, 0x180n]) {
      const guest = realGuest('jmp next\nnext: hlt', 'core2');
      setArea(guest, 20);
      set(guest, 'IA32_DEBUGCTL', bits);
      run(guest);
      expect(storedIn(guest)).toEqual([]);
    }
  });

  it('has the whole addresses of the upper half', () => {
    const UPPER = 0xffff_8000_0000_7000n;
    const guest = longGuest(`mov rax,${UPPER} + there - $$\njumping: jmp rax\nthere: hlt`, 'core2');
    guest.long.map(UPPER, 0x7000);
    guest.long.map(0xffff_8000_0002_0000n, AREA);
    guest.long.map(0xffff_8000_0002_1000n, BUFFER);
    setArea(guest, 4);
    const memory = memoryOf(guest);
    for (let n = 0; n < 4; n++) memory.setUint32(AREA + n * 8 + 4, 0xffff_8000, true);
    set(guest, 'IA32_DS_AREA', 0xffff_8000_0002_0000n);
    set(guest, 'IA32_DEBUGCTL', TRACE);
    run(guest);
    expect(memory.getBigUint64(BUFFER, true)).toBe(BigInt(guest.addressOf('jumping')));
    expect(memory.getBigUint64(BUFFER + 8, true)).toBe(UPPER + BigInt(guest.addressOf('there') - 0x7000));
    expect(memory.getBigUint64(AREA + 8, true)).toBe(0xffff_8000_0002_1018n);
  });

  it('marks the pages that it writes, and no others', () => {
    const guest = longGuest('jmp next\nnext: hlt', 'core2');
    guest.long.map(0x40_0000n, AREA);
    setArea(guest, 4);
    set(guest, 'IA32_DS_AREA', 0x40_0000n);
    set(guest, 'IA32_DEBUGCTL', TRACE);
    run(guest);
    const entryOf = (linear: bigint) => {
      let table = Number(guest.long.get('CR3'));
      for (const shift of [39n, 30n, 21n])
        table =
          Number(guest.long.read64(table + Number((linear >> shift) & 0x1ffn) * 8) & 0xf_f000n) +
          Number(guest.long.read64(table + Number((linear >> shift) & 0x1ffn) * 8) & 0xfff0_0000n);
      return guest.long.read64(table + Number((linear >> 12n) & 0x1ffn) * 8) & 0x60n;
    };
    expect([entryOf(0x40_0000n), entryOf(BigInt(BUFFER)), entryOf(BigInt(AREA))]).toEqual([0x60n, 0x60n, 0n]);
  });

  it.each([
    ['nowhere', 0x70_0000],
    ['in no memory', 0xb_8000],
  ])('loses records for which there is memory %s, and the program goes on', (_, buffer) => {
    const guest = longGuest('jmp next\nnext: hlt', 'core2');
    setArea(guest, 4, { buffer });
    set(guest, 'IA32_DEBUGCTL', TRACE | 1n);
    const messages: string[] = [];
    (guest.machine.processor as { log: (message: string) => void }).log = (message) => messages.push(message);
    if (buffer === 0xb_8000) (guest.machine.map as { isRam: (at: number) => boolean }).isRam = (at) => at < 0xa_0000;
    run(guest);
    expect(memoryOf(guest).getUint32(AREA + 8, true)).toBe(buffer);
    expect(messages).toEqual(['the guest stores branches where it has no memory for them: records are lost']);
    expect(get(guest, 'MSR_LASTBRANCH_TOS')).toBe(1n);
  });

  it('may write over code that is decoded', () => {
    const guest = realGuest(
      `mov cx,3
      again: call routine
      loop again
      hlt
      align 16
      routine: ret
      times 200 nop`,
      'core2',
    );
    const { addressOf } = guest;
    setArea(guest, 4, { buffer: addressOf('routine') - 24 });
    set(guest, 'IA32_DEBUGCTL', TRACE);
    // The second record lies over the routine, whose first byte then is that of an address: ADD [BX+SI],AL and so on to HLT.
    guest.machine.loop.run({ instructionsMax: 200 });
    expect(memoryOf(guest).getUint16(addressOf('routine'), true)).toBe(addressOf('routine'));
  });

  it('is seen by watchpoints', () => {
    const guest = realGuest('jumping: jmp next\nnext: nop\nhlt', 'core2');
    setArea(guest, 4);
    const seen: number[] = [];
    guest.machine.processor.watches.add({
      ...{ address: BUFFER, length: 4, space: 'linear', access: 'write' },
      reached: ({ instruction }) => seen.push(instruction) > 0,
    });
    guest.machine.processor.forgetShortcuts();
    set(guest, 'IA32_DEBUGCTL', TRACE);
    expect(guest.machine.loop.run({ instructionsMax: 10 }).reason).toBe('watchpoint');
    expect(seen.map((at) => guest.nameOf(at))).toEqual(['jumping']);
    expect(guest.nameOf(guest.machine.processor.state.eip)).toBe('next');
  });
});

describe.skipIf(!hasNasm)('the interrupt of a buffer', () => {
  const SOURCE = `main: jmp first
    first: jmp second
    second: jmp third
    third: jmp fourth
    fourth: hlt
    debug: hlt
    interrupt: hlt
    callee: hlt
    task2: hlt
    gate: hlt
    fault: hlt`;

  function guestWith(bits: bigint, model: 'core2' | 'skylake' = 'core2'): BranchGuest {
    const guest = protectedGuest(SOURCE, model);
    guest.machine.loop.run({ instructionsMax: 13 });
    while (guest.nameOf(guest.machine.processor.state.eip) !== 'main') guest.machine.loop.run({ instructionsMax: 1 });
    const { state } = guest.machine.processor;
    state.write32(apicSlot.SVR, 0x1ff);
    state.write32(apicSlot.LVT_PERF, 0x30);
    state.onDerivedChange(apicSlot.LVT_PERF);
    setArea(guest, 9, { threshold: 2 });
    set(guest, 'IA32_DEBUGCTL', TRACE | INTERRUPTS | bits);
    return guest;
  }

  it('comes with the record before the threshold, once, and masks itself', () => {
    const guest = guestWith(0n);
    run(guest);
    const { state } = guest.machine.processor;
    expect(state.read32(apicSlot.LVT_PERF)).toBe(0x1_0030);
    expect([0, 1, 2, 3].map((n) => state.read32(apicSlot.IRR0 + 8 + n * 8))).toContain(1 << 16);
    expect(storedIn(guest)).toHaveLength(4);
  });

  it('ends recording with FREEZE_LBRS_ON_PMI', () => {
    const guest = guestWith(0x801n);
    run(guest);
    expect(get(guest, 'IA32_DEBUGCTL') & 1n).toBe(0n);
    expect(guest.nameOf(Number(get(guest, 'MSR_LASTBRANCH_2_FROM_IP')))).toBe('first');
    expect(get(guest, 'MSR_LASTBRANCH_TOS')).toBe(2n);
  });

  it('does so on later processors until IA32_PERF_GLOBAL_STATUS is cleared', () => {
    const guest = guestWith(0x801n, 'skylake');
    run(guest);
    expect(get(guest, 'IA32_DEBUGCTL') & 1n).toBe(1n);
    expect(get(guest, 'IA32_PERF_GLOBAL_STATUS')).toBe(1n << 58n);
    expect(get(guest, 'MSR_LASTBRANCH_TOS')).toBe(2n);
    set(guest, 'IA32_PERF_GLOBAL_STATUS', 0n);
    guest.machine.processor.state.write8(slot.HALTED, 0);
    guest.machine.processor.state.eip = guest.addressOf('third');
    run(guest);
    expect(get(guest, 'MSR_LASTBRANCH_TOS')).toBe(3n);
  });

  it.each(['core2', 'skylake'] as const)('stops the performance counters with FREEZE_PERFMON_ON_PMI (%s)', (model) => {
    const [free, frozen] = [0n, 0x1000n].map((bits) => {
      const guest = guestWith(bits, model);
      set(guest, 'IA32_FIXED_CTR_CTRL', 3n);
      set(guest, 'IA32_PERF_GLOBAL_CTRL', 1n << 32n);
      guest.machine.processor.counters.derive();
      run(guest);
      return guest;
    });
    expect([free, frozen].map((guest) => get(guest as BranchGuest, 'IA32_FIXED_CTR0'))).toEqual([5n, 2n]);
    const [register, value] =
      model === 'core2' ? ['IA32_PERF_GLOBAL_CTRL', 0n] : ['IA32_PERF_GLOBAL_STATUS', 1n << 59n];
    expect(get(frozen as BranchGuest, register as string)).toBe(value);
  });
});

describe.skipIf(!hasNasm)('the trap on branches', () => {
  /** Where a single step from each instruction ends, with BTF or without. */
  function trapsOf(source: string, model: 'core2' | 'amd-zen' | 'pentium3' = 'core2'): readonly string[] {
    const guest = realGuest(`${source}\ntrap: hlt`, model);
    const control = { core2: 'IA32_DEBUGCTL', 'amd-zen': 'DEBUGCTL', pentium3: 'DEBUGCTLMSR' }[model];
    const { state } = guest.machine.processor;
    memoryOf(guest).setUint16(4, guest.addressOf('trap'), true);
    const found: string[] = [];
    for (let count = 0; count < 3; count++) {
      set(guest, control, 2n);
      state.eflags = (state.eflags | TF) >>> 0;
      guest.machine.loop.run({ instructionsMax: 100 });
      if (guest.nameOf(state.eip - 1) !== 'trap') break;
      const top = state.read16(slot.ESP);
      found.push(guest.nameOf(memoryOf(guest).getUint16(top, true)));
      state.write16(slot.ESP, top + 6);
      state.eip = memoryOf(guest).getUint16(top, true);
      state.write8(slot.HALTED, 0);
      expect(get(guest, control)).toBe(0n);
      expect(get(guest, 'DR6') & 0x4000n).toBe(0x4000n);
    }
    return found;
  }

  it('comes behind each kind of branch that is taken', () => {
    const source = `mov cx,2
      nop
      again: nop
      loop again
      call routine
      back: jmp $
      routine: ret`;
    expect(trapsOf(source)).toEqual(['again', 'routine', 'back']);
    expect(trapsOf(source, 'amd-zen')).toEqual(['again', 'routine', 'back']);
    expect(trapsOf(source, 'pentium3')).toEqual(['again', 'routine', 'back']);
  });

  it('comes not behind repeated instructions, nor behind branches that are not taken', () => {
    expect(trapsOf('mov cx,5\nmov di,9000h\nrep stosb\nxor ax,ax\njnz trap\njcxz on\nnop\non: jmp $')).toEqual([
      'on',
      'on',
      'on',
    ]);
  });

  it('comes behind the jump to what follows anyhow', () => {
    expect(trapsOf('jmp next\nnext: call after\nafter: retf\ntimes 8 nop').slice(0, 2)).toEqual(['next', 'after']);
  });

  it('leaves the traps of breakpoint registers alone', () => {
    const guest = realGuest('nop\nmov [9000h],al\nbehind: nop\nhlt\ntrap: hlt', 'core2');
    memoryOf(guest).setUint16(4, guest.addressOf('trap'), true);
    const { state } = guest.machine.processor;
    set(guest, 'DR0', 0x9000n);
    set(guest, 'DR7', 0x1_0401n);
    set(guest, 'IA32_DEBUGCTL', 2n);
    state.eflags = (state.eflags | TF) >>> 0;
    run(guest);
    expect(guest.nameOf(memoryOf(guest).getUint16(state.read16(slot.ESP), true))).toBe('behind');
    expect(get(guest, 'DR6') & 0x4001n).toBe(1n);
  });
});
