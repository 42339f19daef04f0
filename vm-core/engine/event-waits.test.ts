/** Events that wait for data of the host: the machine stands still, and nothing can tell afterwards. */
import { describe, expect, it } from 'vitest';
import { slot } from '../state/layout.ts';
import { PROGRAM_START, programMachine } from './guest-program.ts';

const HLT = 0xf4;
const DATA = 0x500;

/** A program whose memory gets a byte at the tick `due` once `arrive` was called. */
function machineWithDisk(program: readonly number[], due: number) {
  const machine = programMachine(program);
  let arrived = false;
  const disk = machine.events.timer('disk/data', () => {
    if (!arrived) return Promise.resolve();
    machine.map.write(DATA, 1, 0x5a);
    return undefined;
  });
  disk.arm(due);
  return {
    ...machine,
    arrive(): void {
      arrived = true;
    },
  };
}

describe('an event that waits', () => {
  // inc ax ×4; mov cl,[0500h]; hlt
  const program = [0x40, 0x40, 0x40, 0x40, 0x8a, 0x0e, DATA & 0xff, DATA >> 8, HLT];

  it('lets no instruction pass until its data is there', () => {
    const { loop, processor, arrive } = machineWithDisk(program, 3);
    for (let asked = 0; asked < 2; asked += 1) {
      expect(loop.run({ instructionsMax: 100 }).reason).toBe('waiting');
      expect([loop.retired, loop.time, processor.state.read16(slot.EAX)]).toEqual([3, 3, 3]);
    }
    arrive();
    expect(loop.run({ instructionsMax: 100 }).reason).toBe('halted');
    expect([loop.retired, processor.state.read8(slot.ECX)]).toEqual([6, 0x5a]);
  });

  it('leaves a run that has done its work alone', () => {
    const { loop, arrive } = machineWithDisk(program, 3);
    expect(loop.run({ instructionsMax: 3 })).toEqual({ reason: 'limit' });
    expect(loop.run({ instructionsMax: 0 }).reason).toBe('waiting');
    arrive();
    expect(loop.run({ instructionsMax: 0 })).toEqual({ reason: 'limit' });
    expect(loop.run({ instructionsMax: 1 })).toEqual({ reason: 'limit' });
    expect(loop.retired).toBe(4);
  });

  it('wakes HLT at its time', () => {
    const { loop } = machineWithDisk([HLT], 1000);
    expect(loop.run({ instructionsMax: 100 }).reason).toBe('waiting');
    expect(loop.time).toBe(1000);
  });

  it.each([
    { name: 'reports a breakpoint that is reached behind the wait', address: 3, resume: false, met: 1 },
    { name: 'does not report one again from which the run was resumed', address: 0, resume: true, met: 0 },
  ])('$name', ({ address, resume, met }) => {
    const { loop, arrive } = machineWithDisk(program, address);
    let reached = 0;
    loop.addBreakpoint({
      address: PROGRAM_START + address,
      space: 'linear',
      reached: () => {
        reached += 1;
        return false;
      },
    });
    expect(loop.run({ instructionsMax: 100, resume }).reason).toBe('waiting');
    arrive();
    // An embedder that comes back after a wait resumes.
    expect(loop.run({ instructionsMax: 100, resume: true }).reason).toBe('halted');
    expect(reached).toBe(met);
  });

  it('gives up with a reset', () => {
    const { loop, events } = machineWithDisk(program, 0);
    expect(loop.run({ instructionsMax: 100, resume: true }).reason).toBe('waiting');
    events.restore({ sequence: 0, armed: {} });
    loop.reset();
    let reached = 0;
    loop.addBreakpoint({
      address: PROGRAM_START,
      space: 'linear',
      reached: () => {
        reached += 1;
        return false;
      },
    });
    loop.run({ instructionsMax: 1 });
    expect(reached).toBe(1);
  });
});
