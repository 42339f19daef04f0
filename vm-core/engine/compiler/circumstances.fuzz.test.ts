/**
 * Random programs in circumstances that change all the time, compiled and as interpreted: traps, debug registers, time stamps, shadows
 * of interrupts, pages that come and go, A20, accesses over the borders of pages and limits, user mode; interrupts, NMI and bus masters
 * at any instruction; and from outside breakpoints, watchpoints, records, and runs that end anywhere.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Device, DeviceContext, DeviceDescription } from '../../devices/device.ts';
import { createMachine } from '../../machine/create-machine.ts';
import type { DeviceRow } from '../../machine/device-bus.ts';
import type { Machine, MachineEvent, Watchpoint } from '../../machine/machine.ts';
import { CR0_PE, CR0_PG, CR4_PAE, EFER_LMA, EFER_LME, EFER_SCE } from '../../state/control-bits.ts';
import { CS, slot } from '../../state/layout.ts';
import { findRegister, type Register, segmentNames } from '../../state/register-table.ts';
import { DEVICE_PORT, type WideMode } from './circumstances-pieces.ts';
import * as place from './circumstances-places.ts';
import { circumstancesProgram } from './circumstances-program.ts';
import { memoryOutcome, processorOutcome } from './machine-outcome.ts';
import { RandomBreakpoints } from './random-breakpoints.ts';
import { DATA_AT, type Draw, drawFrom, PROGRAM_AT, STACK_AT } from './random-program.ts';
import type { Engine } from './tiers.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 3);
const TIMEOUT = 120_000 + ROUNDS * 5000;
const RUNS = 20;
const INSTRUCTIONS_MAX = 2500;
const CR4_SSE = 0x600;
const PERIOD_MAX = 600;

const description: DeviceDescription<{ random: number; level: boolean }> = {
  name: 'nuisance',
  title: 'Interrupts, NMI and writes to memory at any time',
  specification: 'this test',
  version: 1,
  registers: [],
};

/** Does something now and then, all of which follows from the seed, and the more often the more it is asked. */
function createNuisance(context: DeviceContext, seed: number): Device<{ random: number; level: boolean }> {
  const state = { random: seed, level: false };
  const draw: Draw = (bound) => {
    state.random = (Math.imul(state.random, 1_664_525) + 1_013_904_223) | 0;
    return Math.floor(((state.random >>> 8) / 0x1000000) * bound);
  };
  const pulse = (line: string) => {
    context.setLine(line, false);
    context.setLine(line, true);
  };
  const timer = context.timer('next', () => {
    const what = draw(8);
    if (what < 4) pulse('irq');
    else if (what === 4) pulse('nmi');
    else if (what === 5) context.dma.write(DATA_AT + draw(0x2000), Uint8Array.of(draw(256), draw(256)));
    else if (what === 6) context.dma.write(place.STRADDLING_AT + 1, Uint8Array.of(draw(256), draw(256), draw(256)));
    later(PERIOD_MAX);
  });
  const later = (bound: number) => timer.arm(context.now() + 1 + draw(1 + draw(bound)));
  later(PERIOD_MAX);
  const data = {
    ...{ size: 1, width: 8 as const },
    read: () => context.now() & 0xff,
    write: () => later(8),
  };
  return { description, state, ports: { data }, reset: () => later(PERIOD_MAX) };
}

function machineOf(engine: Engine, mode: WideMode, seed: number): Machine {
  const nuisance: DeviceRow = {
    name: 'nuisance',
    ports: { data: DEVICE_PORT },
    lines: { irq: 'pic-master.ir5', nmi: 'machine.nmi' },
    create: (context) => createNuisance(context, seed),
  };
  const machine = createMachine({
    ...{ machineType: 'isa-1', cpuModel: 'x86-64-v3', localApic: 'hidden', memorySize: 4 << 20, firmware: 'builtin' },
    ...{ exitDevice: false, startTimeMs: 0, devices: [nuisance], engine },
  });
  const draw = drawFrom(seed);
  for (const [at, bytes] of circumstancesProgram(draw, mode)) put(machine, at, Uint8Array.from(bytes));
  begin(machine, mode);
  return machine;
}

/** Writes bytes to pages as they are mapped at first. */
function put(machine: Machine, linear: number, bytes: Uint8Array): void {
  const inPage = linear & 0xfff;
  const count = Math.min(bytes.length, 0x1000 - inPage);
  machine.memory.write(place.physicalPage(linear >>> 12) + inPage, bytes.subarray(0, count));
  if (count < bytes.length) put(machine, linear + count, bytes.subarray(count));
}

/** At the program's beginning, with paging on; also where a guest has shut down. */
function begin({ cpus }: Machine, mode: WideMode): void {
  const [{ state }] = cpus;
  const set = (name: string, value: number) => state.writeRegister(findRegister(name) as Register, BigInt(value));
  const isLong = mode === 64;
  state.write8(slot.HALTED, 0);
  for (const [name, value] of [
    ...([
      ['GDTR.base', place.GDT],
      ['GDTR.limit', place.GDT_SIZE - 1],
      ['IDTR.base', place.IDT],
    ] as const),
    ...([
      ['IDTR.limit', place.VECTORS * (mode / 4) - 1],
      ['CR3', isLong ? place.ROOT_64 : place.DIRECTORY_32],
    ] as const),
    ...([
      ['CR4', CR4_SSE | (isLong ? CR4_PAE : 0)],
      ['EFER', isLong ? EFER_LME | EFER_LMA | EFER_SCE : 0],
    ] as const),
    ...([
      ['CR0', (CR0_PE | CR0_PG) >>> 0],
      ['DR7', 0x400],
      ['EFLAGS', 0x202],
    ] as const),
  ] as const)
    set(name, value);
  state.setSegmentAt(slot.TR, { selector: place.TASK_SELECTOR, base: place.TASK, limit: 0x67, attributes: 0x8b });
  state.write8(slot.CPL, 0);
  state.onDerivedChange(slot.CPL);
  segmentNames.forEach((_, segment) => {
    const isCode = segment === CS;
    const attributes = isCode ? (isLong ? 0xa9b : 0xc9b) : 0xc93;
    state.setSegment(segment, { selector: isCode ? place.CODE : place.DATA, base: 0, limit: 0xffff_ffff, attributes });
  });
  for (const name of ['EBX', 'ESI', 'EDI'] as const) state.write32(slot[name], DATA_AT);
  state.write32(slot.ESP, STACK_AT + 0x800);
  state.eip = place.SETUP_AT;
}

/** What a user of the machine changes while it stands: the same in both. */
class Outside {
  readonly #machines: readonly [Machine, Machine];
  readonly #draw: Draw;
  readonly #breakpoints: RandomBreakpoints;
  readonly #watchpoints: Watchpoint[] = [];
  readonly events: readonly [MachineEvent[], MachineEvent[]] = [[], []];

  constructor(machines: readonly [Machine, Machine], draw: Draw) {
    this.#machines = machines;
    this.#draw = draw;
    this.#breakpoints = new RandomBreakpoints(machines, draw, () => place.someBlock(draw));
  }

  change(): void {
    const draw = this.#draw;
    this.#breakpoints.change();
    const changes = [
      () => this.#watch(),
      () => this.#watch(),
      () => this.#toAll('recordsCalls', draw(2) === 0),
      () => this.#toAll('recordsTrace', draw(4) === 0),
      () => this.#toAll('recordsBranches', draw(4) === 0),
      () => this.#toAll('stopOnExceptions', new Set(draw(2) === 0 ? [draw(20)] : [])),
      () => this.#listen(draw(3) === 0),
      () => this.#write(),
    ];
    if (draw(2) === 0) (changes[draw(changes.length)] as () => void)();
  }

  #toAll<Name extends 'recordsCalls' | 'recordsTrace' | 'recordsBranches' | 'stopOnExceptions'>(
    name: Name,
    value: Machine[Name],
  ): void {
    for (const machine of this.#machines) machine[name] = value;
  }

  #watch(): void {
    const draw = this.#draw;
    const last = this.#watchpoints.pop();
    if (last) for (const machine of this.#machines) machine.removeWatchpoint(last);
    if (last || draw(2) === 0) return;
    const [stops, access] = [draw(2) === 0, (['read', 'write', 'read-write'] as const)[draw(3)] ?? 'read'];
    const address = draw(3) === 0 ? place.BORDER - 8 + draw(16) : DATA_AT + draw(0x900);
    const space = draw(2) === 0 ? 'linear' : 'physical';
    const watchpoint: Watchpoint = { address, length: 1 + draw(6), space, access, reached: () => stops };
    this.#watchpoints.push(watchpoint);
    for (const machine of this.#machines) machine.addWatchpoint(watchpoint);
  }

  #listen(on: boolean): void {
    this.#machines.forEach((machine, n) => {
      machine.onEvent = on ? (event) => (this.events[n] as MachineEvent[]).push(event) < 0 : undefined;
    });
  }

  #write(): void {
    const [at, byte] = [PROGRAM_AT + 60 + 64 * this.#draw(14), this.#draw(256)];
    for (const machine of this.#machines) put(machine, at, Uint8Array.of(byte));
  }
}

/** Memory, and what the debugger shows of what was executed. */
function expectSameRest(interpreted: Machine, compiled: Machine): void {
  const recordsOf = ({ cpus: [cpu] }: Machine) => [cpu.callStack(), cpu.trace(), cpu.branches()];
  expect(recordsOf(compiled)).toEqual(recordsOf(interpreted));
  expect(memoryOutcome(compiled)).toBe(memoryOutcome(interpreted));
}

/** What is seen in all the rounds: the shares of what was compiled, and what the handlers have written down. */
interface Seen {
  compiled: number;
  readonly logs: Set<number | undefined>;
}

function runBoth(engine: Engine, mode: WideMode, seed: number, seen: Seen): void {
  const machines = [machineOf('interpreter', mode, seed), machineOf(engine, mode, seed)] as const;
  const [interpreted, compiled] = machines;
  const draw: Draw = drawFrom(~seed);
  const outside = new Outside(machines, draw);
  let resume = false;
  for (let run = 0; run < RUNS; run++) {
    const instructionsMax = 1 + draw(draw(3) === 0 ? 20 : INSTRUCTIONS_MAX);
    const limit = { instructionsMax, resume, untilBranch: draw(20) === 0 };
    if (run > 1) outside.change();
    const result = interpreted.run(limit);
    expect(compiled.run(limit)).toEqual(result);
    expect(processorOutcome(compiled)).toEqual(processorOutcome(interpreted));
    expect(outside.events[1].splice(0)).toEqual(outside.events[0].splice(0));
    if (draw(4) === 0) expectSameRest(interpreted, compiled);
    resume = result.reason === 'breakpoint';
    if (result.reason === 'triple-fault' || result.reason === 'halted')
      for (const machine of machines) begin(machine, mode);
    else if (result.reason === 'request') break;
  }
  expectSameRest(interpreted, compiled);
  seen.logs.add(compiled.memory.readInteger(place.LOG, 4));
  const { compiledCode } = compiled;
  seen.compiled += compiledCode ? compiledCode.retired / compiled.retired : 0;
}

/** Runs the one at a stretch and the other in pieces of a few instructions. */
function runInPieces(mode: WideMode, seed: number): void {
  const [stepped, whole] = [machineOf('interpreter', mode, seed), machineOf('compiler-at-once', mode, seed)] as const;
  const draw: Draw = drawFrom(~seed);
  for (let run = 0; run < RUNS / 2; run++) {
    const [instructionsMax, start] = [1 + draw(INSTRUCTIONS_MAX), whole.retired];
    const { reason } = whole.run({ instructionsMax });
    // Handlers that fault at once.
    if (reason === 'limit' && whole.retired < start + instructionsMax) return;
    let found = 'limit';
    while (found === 'limit' && stepped.retired < whole.retired)
      found = stepped.run({ instructionsMax: Math.min(1 + draw(3), whole.retired - stepped.retired) }).reason;
    if (reason !== 'limit' && found === 'limit') found = stepped.run({ instructionsMax: 1 }).reason;
    expect(found).toBe(reason);
    expect(processorOutcome(whole)).toEqual(processorOutcome(stepped));
    if (reason === 'triple-fault' || reason === 'halted') for (const machine of [stepped, whole]) begin(machine, mode);
    else if (reason === 'request') break;
  }
  expectSameRest(stepped, whole);
}

it.each([
  ['compiler-at-once', 32],
  ['compiler-at-once', 64],
  ['compiler-random:6', 32],
  ['compiler-random:7', 64],
] as const)('runs with %s in %d-bit code as the interpreter does', { timeout: TIMEOUT }, (engine, mode) => {
  const seen: Seen = { compiled: 0, logs: new Set() };
  const both = fc.property(fc.integer(), (seed) => {
    runBoth(engine, mode, seed, seen);
  });
  fc.assert(both, { numRuns: ROUNDS });
  expect(seen.compiled).toBeGreaterThan(0.02 * ROUNDS);
  expect(seen.logs.size).toBeGreaterThan(ROUNDS / 2);
});

it.each([32, 64] as const)('runs at a stretch as in pieces, in %d-bit code', { timeout: TIMEOUT }, (mode) => {
  const both = fc.property(fc.integer(), (seed) => {
    runInPieces(mode, seed);
  });
  fc.assert(both, { numRuns: ROUNDS });
});
