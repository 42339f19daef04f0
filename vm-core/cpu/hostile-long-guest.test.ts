/** Random bytes as 64-bit code, with random registers, tables and page tables: nothing may be thrown, nothing may hang. */
import { describe, expect, it } from 'vitest';
import { type BareMachine, createBareMachine } from '../engine/bare-machine.ts';
import { RAM_BASE } from '../memory/layout.ts';
import { CR0_PE, CR0_PG, CR4_PAE, EFER_LMA, EFER_LME, EFER_SCE } from '../state/control-bits.ts';
import { CS, longGeneralSlots, segmentSlots, SEGMENT_BASE, slot } from '../state/layout.ts';
import { resetCpu } from './reset.ts';

const MEMORY_SIZE = 1 << 20;
const RUNS_PER_GUEST = 4;
const TABLES = 0x10000;

/** Prefixes and opcodes of system instructions of 64-bit mode. */
const favourites = [
  0x0f, 0x48, 0x41, 0x66, 0x67, 0xf3, 0xcd, 0xcb, 0xcf, 0x8e, 0xff, 0x05, 0x07, 0x01, 0xf8, 0x65, 0xc7,
];
const descriptorRights = [0x209a, 0x92, 0x20fa, 0xf2, 0x409a, 0x8c, 0x84, 0x89, 0x82, 0x609a];

function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0;
    return ((mixed ^ (mixed >>> 12)) >>> 0) % below;
  };
}

type Random = (below: number) => number;

function fillMemory(ram: Uint8Array, random: Random): void {
  for (let at = 0; at < ram.length; at++) ram[at] = random(256);
  for (let at = 0; at < ram.length; at += 3 + random(12)) ram[at] = favourites[random(favourites.length)] as number;
}

function plantTables({ map, processor }: BareMachine, random: Random): void {
  const { state } = processor;
  const [gdt, idt] = [0x20000, 0x30000];
  for (let at = gdt; at < gdt + 0x1000; at += 8) {
    const rights = descriptorRights[random(descriptorRights.length)] as number;
    map.write(at + 5, 1, rights & 0xff);
    map.write(at + 6, 1, rights >>> 8);
  }
  for (let at = idt; at < idt + 0x1000; at += 16) {
    map.write(at + 2, 2, (1 + random(0x1ff)) * 8);
    map.write(at + 4, 2, (random(4) === 0 ? random(0x10000) : 0x8e00) | random(8));
    map.write(at + 6, 4, random(8));
    map.write(at + 10, 4, random(4) === 0 ? random(2 ** 32) : 0);
  }
  state.write32(slot.GDTR_BASE, gdt);
  state.write16(slot.GDTR_LIMIT, 0xfff);
  state.write32(slot.IDTR_BASE, idt);
  state.write16(slot.IDTR_LIMIT, 0xfff);
  state.setSegmentAt(slot.TR, { selector: 0x38, base: 0x40000, limit: random(0x1000), attributes: 0x8b });
}

/** The low MiB to itself, and from the upper half. */
function plantPageTables({ map, processor }: BareMachine): void {
  for (let at = TABLES; at < TABLES + 0x3000; at += 4) map.write(at, 4, 0);
  for (const entry of [0, 256, 511]) map.write(TABLES + entry * 8, 4, (TABLES + 0x1000) | 7);
  for (const entry of [0, 510, 511]) map.write(TABLES + 0x1000 + entry * 8, 4, (TABLES + 0x2000) | 7);
  map.write(TABLES + 0x2000, 4, 0x87);
  processor.state.write32(slot.CR3, TABLES);
  processor.state.write32(slot.CR4, CR4_PAE);
}

function address(random: Random): bigint {
  const low = BigInt(random(MEMORY_SIZE));
  const bases = [
    0n,
    0n,
    0xffff_8000_0000_0000n,
    0xffff_ffff_8000_0000n,
    0x8000_0000_0000n,
    BigInt(random(2 ** 32)) << 32n,
  ];
  return (bases[random(bases.length)] as bigint) + low;
}

function scramble(machine: BareMachine, random: Random): void {
  const { state } = machine.processor;
  plantTables(machine, random);
  const isPaged = random(4) > 0;
  if (isPaged) plantPageTables(machine);
  for (const register of longGeneralSlots) state.write64(register, address(random));
  for (const register of [slot.LSTAR, slot.STAR, slot.KERNEL_GS_BASE]) state.write64(register, address(random));
  for (const segment of segmentSlots.slice(4)) state.write64(segment + SEGMENT_BASE, address(random));
  state.write32(slot.CR0, (CR0_PE | (isPaged ? CR0_PG : 0)) >>> 0);
  state.write32(slot.EFER, EFER_LME | EFER_LMA | EFER_SCE);
  const level = random(4);
  state.write8(slot.CPL, level);
  state.setSegment(CS, { selector: 8 | level, base: 0, limit: 0xffff_ffff, attributes: 0xa9b | (level << 5) });
  state.eflags = random(0x10000);
  state.eip = isPaged && random(2) === 0 ? random(0x10000) - 0x8000_0000 : random(0x10000);
}

describe('a guest of random bytes in 64-bit mode', () => {
  const seeds = Array.from({ length: Number(process.env['FUZZ_ROUNDS'] ?? 40) }, (_, index) => 0x64ed + index * 7919);

  it.each(seeds)('neither hangs nor throws (seed %i)', (seed) => {
    const random = generator(seed);
    const machine = createBareMachine(MEMORY_SIZE, undefined, random(2) === 0 ? 'max' : 'x86-64-v2');
    fillMemory(machine.map.bytes.subarray(RAM_BASE, RAM_BASE + MEMORY_SIZE), random);
    resetCpu(machine.processor.state, machine.processor.model);
    scramble(machine, random);
    machine.processor.refresh();
    machine.processor.callShadow.isOn = random(2) === 0;
    for (let run = 0; run < RUNS_PER_GUEST; run++) {
      const { reason } = machine.loop.run({ instructionsMax: 2000, resume: true });
      expect(['limit', 'halted', 'triple-fault', 'unsupported']).toContain(reason);
      machine.processor.state.eip = random(0x10000);
    }
  });
});
