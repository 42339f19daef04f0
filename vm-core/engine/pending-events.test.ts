/** Events that wait between instructions: what the registers say of them, and what writing those does. */
import { describe, expect, it } from 'vitest';
import { VECTOR_UD } from '../cpu/cpu.ts';
import { SHADOW_MOV_SS, SHADOW_STI, slot } from '../state/layout.ts';
import { findRegister, type Register } from '../state/register-table.ts';
import { defaultEngine } from './compiler/tiers.ts';
import { PROGRAM_START, programMachine } from './guest-program.ts';
import { LongGuest, PROGRAM as LONG_PROGRAM } from './long-guest.ts';
import { HANDLERS as PAGED_HANDLERS, PagedGuest, PROGRAM as PAGED_PROGRAM } from './paged-guest.ts';

const HLT = 0xf4;
const [CLI, STI] = [0xfa, 0xfb];
const NOP = 0x90;
const MOV_SS_AX = [0x8e, 0xd0];
const UD2 = [0x0f, 0x0b];
const IRET = 0xcf;
const HANDLERS = 0x600;
const VALID = 0x8000_0000;

/** A machine and what it does: one instruction, or until it halts; the place where it is then. */
function started(program: readonly number[]) {
  const machine = programMachine(program);
  const { state } = machine.processor;
  const run = (instructionsMax: number) => {
    const { reason } = machine.loop.run({ instructionsMax, resume: false });
    return `${reason} ${(state.eip - (state.eip < PROGRAM_START ? HANDLERS : PROGRAM_START)).toString(16)}`;
  };
  return { machine, state, step: () => run(1), run: () => run(1000) };
}

describe('the interrupt shadow', () => {
  it('says what made it, for one instruction', () => {
    const { state, step } = started([STI, NOP, ...MOV_SS_AX, NOP, HLT]);
    const seen = Array.from({ length: 4 }, () => {
      step();
      return state.read8(slot.INTERRUPT_SHADOW);
    });
    expect(seen).toEqual([SHADOW_STI, 0, SHADOW_MOV_SS, 0]);
  });

  it('is there wherever an execution ends right behind STI, and not behind what follows', () => {
    for (const [instructions, shadow] of [
      [2, SHADOW_STI],
      [3, 0],
      [6, SHADOW_STI],
    ] as const) {
      const { machine, state } = started([NOP, STI, NOP, CLI, NOP, STI, NOP, HLT]);
      expect(machine.loop.run({ instructionsMax: instructions }).reason).toBe('limit');
      expect(state.read8(slot.INTERRUPT_SHADOW)).toBe(shadow);
    }
  });

  it('is seen at a breakpoint behind STI, and is over behind the next instruction where the run goes on', () => {
    const { machine, state } = started([NOP, STI, NOP, HLT]);
    const seen: number[] = [];
    const reached = () => {
      seen.push(state.read8(slot.INTERRUPT_SHADOW));
      return false;
    };
    for (const n of [2, 3]) machine.loop.addBreakpoint({ address: PROGRAM_START + n, space: 'linear', reached });
    expect(machine.loop.run({ instructionsMax: 1000 }).reason).toBe('halted');
    expect([...seen, state.read8(slot.INTERRUPT_SHADOW)]).toEqual([SHADOW_STI, 0, 0]);
  });

  it('is shown to who watches the borders of blocks, and does not stay', () => {
    const seen: number[] = [];
    defaultEngine.watch = ({ base, view }) => seen.push(view.getUint8(base + slot.INTERRUPT_SHADOW));
    try {
      // The block ends at the breakpoint, and at the jump.
      const { machine } = started([NOP, STI, 0xeb, 0, NOP, HLT]);
      machine.loop.addBreakpoint({ address: PROGRAM_START + 2, space: 'linear', reached: () => false });
      expect(machine.loop.run({ instructionsMax: 1000 }).reason).toBe('halted');
    } finally {
      defaultEngine.watch = undefined;
    }
    expect(seen).toEqual([SHADOW_STI, 0]);
  });
});

describe('an NMI', () => {
  it('that is raised is delivered once, with interrupts off, and blocks the next until IRET', () => {
    const { machine, state, step } = started([NOP, NOP, HLT]);
    machine.map.write(HANDLERS + 2, 1, NOP);
    machine.map.write(HANDLERS + 3, 1, IRET);
    state.write8(slot.NMI_PENDING, 1);
    expect(step()).toBe('limit 3');
    expect([state.read8(slot.NMI_PENDING), state.read8(slot.NMI_BLOCKED)]).toEqual([0, 1]);
    state.write8(slot.NMI_PENDING, 1);
    // The handler's IRET, and the next one at once.
    expect(step()).toBe('limit 2');
    expect([state.read8(slot.NMI_PENDING), state.read8(slot.NMI_BLOCKED)]).toEqual([0, 1]);
  });

  // inc eax; iret, and one of 16, of 32 and of 64 bits.
  const inReal = () => {
    const { machine, state } = started([NOP, NOP, HLT]);
    for (const [n, byte] of [0x40, IRET].entries()) machine.map.write(HANDLERS + 2 + n, 1, byte);
    return { machine, state, program: PROGRAM_START };
  };
  const inProtected = () => {
    const guest = new PagedGuest('90 90 f4');
    guest.poke(PAGED_HANDLERS + 2 * 64, '40 cf');
    return { machine: guest.machine, state: guest.state, program: PAGED_PROGRAM };
  };
  const inLong = () => {
    const guest = new LongGuest(Uint8Array.of(NOP, NOP, HLT));
    guest.put(0x8000 + 2 * 64, Uint8Array.of(0xff, 0xc0, 0x48, IRET));
    return { machine: guest.machine, state: guest.state, program: LONG_PROGRAM };
  };

  it.each([
    ['real', inReal],
    ['protected', inProtected],
    ['64-bit', inLong],
  ] as const)('that waits for the IRET of another is taken behind it, in %s mode', (_, guestOf) => {
    const { machine, state, program } = guestOf();
    state.write32(slot.EAX, 0);
    state.write8(slot.NMI_PENDING, 1);
    const raised = machine.events.timer('test/raised', () => state.write8(slot.NMI_PENDING, 1));
    raised.arm(machine.processor.now() + 2);
    // The handler twice, and nothing of the program.
    expect(machine.loop.run({ instructionsMax: 4 }).reason).toBe('limit');
    expect([state.read32(slot.EAX), state.eip]).toEqual([2, program]);
  });

  it('takes a tick, and what is due by then happens before the first instruction of its handler', () => {
    const { machine, state } = started([NOP, NOP, HLT]);
    machine.map.write(HANDLERS + 2, 1, NOP);
    const seen: number[] = [];
    const second = machine.events.timer('test/second', () => seen.push(state.eip));
    const first = machine.events.timer('test/first', () => {
      state.write8(slot.NMI_PENDING, 1);
      second.arm(2);
    });
    first.arm(1);
    machine.loop.run({ instructionsMax: 2 });
    expect(seen).toEqual([HANDLERS + 2]);
  });

  it('waits for the instruction behind STI and MOV SS', () => {
    for (const program of [
      [STI, NOP, HLT],
      [...MOV_SS_AX, NOP, HLT],
    ]) {
      const { machine, state, step, run } = started(program);
      step();
      state.write8(slot.NMI_PENDING, 1);
      expect(run()).toBe('halted 3');
      expect(machine.map.read(state.read32(slot.ESP), 2)).toBe(PROGRAM_START + program.length - 1);
    }
  });

  it('ends HLT', () => {
    const { state, run } = started([HLT]);
    expect(run()).toBe('halted 1');
    expect(state.read8(slot.HALTED)).toBe(1);
    state.write8(slot.NMI_PENDING, 1);
    expect(run()).toBe('halted 3');
  });
});

describe('an exception', () => {
  it('that is raised comes before the next instruction', () => {
    const { state, run } = started([NOP, HLT]);
    state.write32(slot.PENDING_EXCEPTION, VALID | VECTOR_UD);
    expect(run()).toBe('halted 7');
    expect(state.read32(slot.PENDING_EXCEPTION)).toBe(0);
  });

  const shown = () => {
    const all = started([...UD2, NOP, HLT]);
    all.machine.loop.stopOnExceptions = new Set([VECTOR_UD]);
    expect(all.run()).toBe('exception 0');
    expect(all.state.read32(slot.PENDING_EXCEPTION)).toBe((VALID | VECTOR_UD) >>> 0);
    return all;
  };

  it('that the embedder is shown waits, and goes to the guest', () => {
    expect(shown().run()).toBe('halted 7');
  });

  it('that was shown is dropped with its register, or by another EIP', () => {
    const dropped = shown();
    dropped.state.write32(slot.PENDING_EXCEPTION, 0);
    dropped.state.eip = PROGRAM_START + 2;
    expect(dropped.run()).toBe('halted 4');
    const moved = shown();
    moved.state.eip = PROGRAM_START + 2;
    expect(moved.run()).toBe('halted 4');
  });

  it('can be made another one, which does not depend on EIP', () => {
    const { state, run } = shown();
    state.eip = PROGRAM_START + 2;
    state.write32(slot.PENDING_EXCEPTION, VALID | 5);
    expect(run()).toBe('halted 6');
  });
});

describe('a debug trap', () => {
  it('that is raised says its reasons in DR6', () => {
    const { state, run } = started([NOP, HLT]);
    state.write32(slot.PENDING_DEBUG, 4);
    expect(run()).toBe('halted 2');
    expect(state.read32(slot.DR6) & 0xf).toBe(4);
    expect(state.read32(slot.PENDING_DEBUG)).toBe(0);
  });
});

describe('a write of the embedder', () => {
  it('to control registers holds from the next instruction on', () => {
    // mov al,[si] from a segment that may only be executed: in protected mode this counts.
    const { state, step, run } = started([0x8a, 0x04, 0x8a, 0x04, HLT]);
    const DS = 3;
    state.setSegment(DS, { selector: 8, base: 0, limit: 0xffff, attributes: 0x99 });
    expect(step()).toBe('limit 2');
    const cr0 = findRegister('CR0') as Register;
    state.writeRegister(cr0, state.readRegister(cr0) | 1n);
    state.write32(slot.IDTR_LIMIT, 0);
    expect(run()).toMatch(/^triple-fault/);
  });
});
