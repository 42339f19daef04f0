/** Runs small guests on the real machine with the built-in BIOS. Used by tests only. */
import type { BlockSource, BlockStore } from '../machine/block-store.ts';
import { createMachine } from '../machine/create-machine.ts';
import type { Machine, MachineConfig, RunResult } from '../machine/machine.ts';
import { createOverlayStore, memorySource } from '../machine/overlay-block-store.ts';
import { slot } from '../state/layout.ts';

/** A source that answers later. */
export const promising = (name: string, bytes: Uint8Array): BlockSource => ({
  name,
  size: bytes.length,
  read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
});

/** A machine and what it said. */
export interface Guest {
  readonly machine: Machine;
  readonly logs: string[];
  /** 16 bits of guest memory. */
  word(address: number): number;
  /** Runs until the guest halts with interrupts off or needs more than `ticks` of time. */
  run(ticks?: number): Promise<RunResult>;
}

/** A machine at power-on; 16 MiB and no disk unless `config` says otherwise. */
export function start(config: Partial<MachineConfig>): Guest {
  const machine = createMachine({
    machineType: 'isa-1',
    cpuModel: '386',
    memorySize: 16 << 20,
    firmware: 'builtin',
    exitDevice: false,
    startTimeMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    ...config,
  });
  const logs: string[] = [];
  machine.onLog = (message) => logs.push(message);
  const word = (address: number): number => {
    const bytes = machine.memory.read(address, 2);
    return (bytes[0] as number) | ((bytes[1] as number) << 8);
  };
  const run = async (ticks = 2_000_000_000): Promise<RunResult> => {
    const { state } = machine.cpus[0];
    const end = machine.time + ticks;
    for (;;) {
      const result = machine.run({ instructionsMax: 500_000, timeMax: Math.min(end, machine.time + 500_000) });
      if (result.reason === 'waiting') await result.ready;
      else if (result.reason !== 'limit' && result.reason !== 'halted') return result;
      else if (state.read8(slot.HALTED) === 1 && (state.eflags & 0x200) === 0) return result;
      else if (machine.time >= end) return result;
      else if (result.reason === 'halted') machine.run({ instructionsMax: 1, timeMax: result.nextEvent ?? end });
    }
  };
  return { machine, logs, word, run };
}

/** A disk or floppy that is in memory. */
export const diskOf = (bytes: Uint8Array): BlockStore => createOverlayStore(memorySource('boot.img', bytes));
