/** Task switches as the engine runs them: instruction by instruction, with faults that belong to the new task. */
import { describe, expect, it } from 'vitest';
import { CS, slot } from '../state/layout.ts';
import { type BareMachine, createBareMachine } from './bare-machine.ts';

const [GDT, IDT, OLD_TSS, NEW_TSS, CODE, NEW_CODE, HANDLER] = [
  ...[0x1000, 0x1800, 0x2000, 0x2100, 0x3000, 0x4000, 0x5000],
] as [number, number, number, number, number, number, number];
const [CODE_SELECTOR, DATA_SELECTOR, OLD_TASK, NEW_TASK] = [0x08, 0x10, 0x18, 0x20] as const;
const HLT = 0xf4;
const IRET = 0xcf;
const DB = 1;
const TS = 10;

function write(machine: BareMachine, at: number, ...words: readonly number[]): void {
  words.forEach((word, n) => {
    machine.map.write(at + n * 4, 4, word >>> 0);
  });
}

/** Flat code and data at level 0, two tasks, and handlers of #DB and #TS that halt. */
function machineWith(code: readonly number[], newCode: readonly number[], dataSelector: number = DATA_SELECTOR) {
  const machine = createBareMachine(0x100000, undefined, '486');
  const { state } = machine.processor;
  const task = (base: number, type: number): [number, number] => [(base << 16) | 0x67, 0x8000 | (type << 8)];
  write(machine, GDT, 0, 0, 0xffff, 0xcf9b00, 0xffff, 0xcf9300, ...task(OLD_TSS, 0xb), ...task(NEW_TSS, 9));
  for (const vector of [DB, TS]) write(machine, IDT + vector * 8, (CODE_SELECTOR << 16) | (HANDLER + vector), 0x8e00);
  write(machine, NEW_TSS + 0x20, NEW_CODE, 2);
  write(machine, NEW_TSS + 0x38, 0x8000);
  const { map } = machine;
  [dataSelector, CODE_SELECTOR, DATA_SELECTOR, DATA_SELECTOR, 0, 0].forEach((selector, n) => {
    map.write(NEW_TSS + 0x48 + n * 4, 2, selector);
  });
  map.copyIn(CODE, Uint8Array.from([...code, HLT]));
  map.copyIn(NEW_CODE, Uint8Array.from([...newCode, HLT]));
  map.copyIn(HANDLER, new Uint8Array(32).fill(HLT));
  state.write32(slot.CR0, 1);
  for (let index = 0; index < 6; index++) {
    const [selector, attributes] = index === CS ? [CODE_SELECTOR, 0xc9b] : [DATA_SELECTOR, 0xc93];
    state.setSegment(index, { selector, base: 0, limit: 0xffff_ffff, attributes });
  }
  state.setSegmentAt(slot.TR, { selector: OLD_TASK, base: OLD_TSS, limit: 0x67, attributes: 0x8b });
  state.write32(slot.GDTR_BASE, GDT);
  state.write32(slot.IDTR_BASE, IDT);
  state.write32(slot.ESP, 0x9000);
  state.eip = CODE;
  machine.processor.refresh();
  return machine;
}

const run = ({ loop }: BareMachine) => loop.run({ instructionsMax: 100 }).reason;
const JUMP = [0xea, 0, 0, 0, 0, NEW_TASK, 0];
const CALL = [0x9a, 0, 0, 0, 0, NEW_TASK, 0];

describe('task switches', () => {
  it('go to the new task in the middle of a block', () => {
    const machine = machineWith([0x40, 0x40, ...JUMP], [0x43]);
    machine.processor.state.write32(slot.EAX, 5);
    expect(run(machine)).toBe('halted');
    const { state } = machine.processor;
    expect([state.eip, state.read32(slot.EBX)]).toEqual([NEW_CODE + 2, 1]);
    expect([machine.map.read(OLD_TSS + 0x20, 4), machine.map.read(OLD_TSS + 0x28, 4)]).toEqual([CODE + 9, 7]);
  });

  it('come back with IRET and go on', () => {
    const machine = machineWith([...CALL, 0x40], [0x43, IRET]);
    expect(run(machine)).toBe('halted');
    const { state } = machine.processor;
    expect([state.eip, state.read32(slot.EAX), state.read32(slot.EBX)]).toEqual([CODE + 9, 1, 0]);
    expect(machine.map.read(NEW_TSS + 0x20, 4)).toBe(NEW_CODE + 2);
  });

  it('fault in the new task at its first instruction where its data segment is none', () => {
    const machine = machineWith([0x90, ...JUMP], [0x43], 0x1f8);
    expect(run(machine)).toBe('halted');
    const { state } = machine.processor;
    expect(state.eip).toBe(HANDLER + TS + 1);
    const esp = state.read32(slot.ESP);
    const frame = [0, 4, 8].map((offset) => machine.map.read(esp + offset, 4));
    expect([esp, ...frame]).toEqual([0x8000 - 16, 0x1f8, NEW_CODE, CODE_SELECTOR]);
    expect(state.segmentAt(slot.TR).selector).toBe(NEW_TASK);
  });

  it('trap before the first instruction where the new task wants it', () => {
    const machine = machineWith(JUMP, [0x43]);
    machine.map.write(NEW_TSS + 0x64, 2, 1);
    expect(run(machine)).toBe('halted');
    const { state } = machine.processor;
    expect([state.eip, machine.map.read(state.read32(slot.ESP), 4)]).toEqual([HANDLER + DB + 1, NEW_CODE]);
    expect(state.read32(slot.DR6) & 0x8000).toBe(0x8000);
  });
});
