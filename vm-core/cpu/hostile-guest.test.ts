import { type CpuModel, cpuModels } from '../isa/cpu-model.ts';
import { describe, expect, it } from 'vitest';
import { createBareMachine } from '../engine/bare-machine.ts';
import { RAM_BASE } from '../memory/layout.ts';
import { VM } from '../state/lazy-flags.ts';
import { CS, generalSlots, slot } from '../state/layout.ts';
import { resetCpu } from './reset.ts';

const MEMORY_SIZE = 1 << 20;
const RUNS_PER_GUEST = 4;

/** Opcodes and prefixes of system instructions, strewn over memory so that guests meet them often. */
const favourites = [
  0x0f, 0x66, 0x67, 0xf3, 0xcd, 0xea, 0x9a, 0xcb, 0xcf, 0x8e, 0xec, 0x6c, 0x6e, 0xc4, 0x63, 0x17, 0x9d, 0xf1, 0xfb,
];
const descriptorRights = [0x9a, 0x92, 0xfa, 0xf2, 0x8c, 0x84, 0x9e, 0xec, 0x89, 0x82];
const gateRights = [0x8e, 0x8f, 0xee, 0x86, 0xe7];

/** Numbers that look random and depend on the seed alone. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0;
    return (mixed ^ (mixed >>> 12)) % below;
  };
}

type Machine = ReturnType<typeof createBareMachine>;

function fillMemory(ram: Uint8Array, random: (below: number) => number): void {
  for (let at = 0; at < ram.length; at++) ram[at] = random(256);
  for (let at = 0; at < ram.length; at += 3 + random(16)) ram[at] = favourites[random(favourites.length)] as number;
}

/** Tables whose entries are mostly usable, so that guests get further than the first check. */
function plantTables(ram: Uint8Array, gdt: number, idt: number, random: (below: number) => number): void {
  for (let at = gdt; at + 8 <= gdt + 0x2000; at += 8) {
    ram[at + 5] = random(4) === 0 ? random(256) : (descriptorRights[random(descriptorRights.length)] as number);
    ram[at + 7] = 0;
  }
  for (let at = idt; at + 8 <= idt + 0x800; at += 8) {
    ram[at + 5] = gateRights[random(gateRights.length)] as number;
    if (random(2) === 0) ram.fill(0, at + 6, at + 8);
  }
}

/** Any registers, any mode: nothing here has to make sense. */
function scramble({ processor }: Machine, ram: Uint8Array, random: (below: number) => number): void {
  const { state } = processor;
  const word = () => random(2 ** 32) >>> (random(2) * 16);
  for (const offset of generalSlots) state.write32(offset, word());
  state.eip = random(0x10000);
  const base = random(MEMORY_SIZE / 2);
  if (random(2) === 0) {
    state.setSegment(CS, { selector: 0x1000, base, limit: 0xffff, attributes: 0x9b });
    state.write32(slot.DR0, random(MEMORY_SIZE));
    state.write32(slot.DR7, word());
    return;
  }
  const gdt = random(MEMORY_SIZE / 2);
  const idt = random(MEMORY_SIZE / 2);
  plantTables(ram, gdt, idt, random);
  state.write32(slot.GDTR_BASE, gdt);
  state.write16(slot.GDTR_LIMIT, 0x1fff);
  state.write32(slot.IDTR_BASE, idt);
  state.write16(slot.IDTR_LIMIT, 0x7ff);
  state.write32(slot.CR0, 1);
  const level = random(4);
  state.write8(slot.CPL, level);
  state.setSegment(CS, { selector: 8 | level, base, limit: 0xffff_ffff, attributes: 0xc9b | (level << 5) });
  state.eflags = random(VM * 2);
  state.setSegmentAt(slot.TR, { selector: 0x38, base, limit: random(0x1000), attributes: random(2) ? 0x8b : 0x83 });
}

describe('a guest of random bytes on a processor of one model or another', () => {
  const seeds = Array.from({ length: 40 }, (_, index) => 0x5eed + index * 7919);

  it.each(seeds)('neither hangs nor throws (seed %i)', (seed) => {
    const random = generator(seed);
    const model = cpuModels[seed % cpuModels.length] as CpuModel;
    const machine = createBareMachine(MEMORY_SIZE, undefined, model);
    const ram = machine.map.bytes.subarray(RAM_BASE, RAM_BASE + MEMORY_SIZE);
    fillMemory(ram, random);
    resetCpu(machine.processor.state, machine.processor.model);
    scramble(machine, ram, random);
    machine.processor.refresh();
    for (let run = 0; run < RUNS_PER_GUEST; run++) {
      const { reason } = machine.loop.run({ instructionsMax: 2000, resume: true });
      expect(['limit', 'halted', 'triple-fault', 'unsupported']).toContain(reason);
    }
  });
});
