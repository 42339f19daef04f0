/** Runs sequences of steps on our machine and in QEMU's PC, whose controllers both are in the same places. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMachine, type Machine } from '../../../vm-core/index.ts';
import { assembleGuest, type Part, runGuestInQemu } from '../guest-in-qemu.ts';
import {
  assemblerDefinitions,
  CPU_MODEL,
  HARNESS,
  RAM_SIZE,
  RESULTS,
  RESULTS_SIZE,
  resultFields,
  SCRIPTS,
  STEP,
} from './layout.ts';
import type { Step } from './steps.ts';

/** The longest step waits for a timer. */
const INSTRUCTIONS_MAX = 2_000_000_000;

/** What was written down after each step, by the fields of the layout. */
export type StepResult = readonly number[];

/** What a machine made of a list of steps, and how it ended. */
export interface Outcome {
  readonly results: readonly StepResult[];
  readonly end: string;
}

export class InterruptMachines {
  readonly #directory = mkdtempSync(join(tmpdir(), 'differential-interrupts-'));
  readonly #rom: Uint8Array;
  readonly #harness: Uint8Array;
  #machine: Machine | undefined;

  constructor() {
    const definitions = assemblerDefinitions();
    const assemble = (folder: string, name: string) =>
      assembleGuest(
        join(import.meta.dirname, folder, `${name}.asm`),
        join(this.#directory, `${name}.bin`),
        definitions,
      );
    this.#rom = assemble('../system', 'rom');
    this.#harness = assemble('.', 'guest');
  }

  runOurs(sequences: readonly (readonly Step[])[]): Outcome {
    this.#machine ??= createMachine({
      ...{ machineType: 'isa-1', cpuModel: CPU_MODEL, memorySize: RAM_SIZE, firmware: this.#rom },
      ...{ exitDevice: true, startTimeMs: 0 },
    });
    const machine = this.#machine;
    machine.reset();
    for (const { at, bytes } of this.#parts(sequences)) machine.memory.write(at, bytes);
    machine.memory.write(RESULTS, new Uint8Array(RESULTS_SIZE));
    const read = (end: string) => outcomeOf(machine.memory.read(RESULTS, RESULTS_SIZE), end);
    for (;;) {
      const result = machine.run({ instructionsMax: INSTRUCTIONS_MAX });
      if (result.reason === 'triple-fault') machine.reset();
      else if (result.reason === 'request' && result.request.kind === 'exit') return read('exit');
      else return read(result.reason === 'unsupported' ? result.what : result.reason);
    }
  }

  runQemu(sequences: readonly (readonly Step[])[]): Outcome {
    const { memory, end } = runGuestInQemu({
      ...{ machine: 'pc', cpu: `${CPU_MODEL},vendor=GenuineIntel`, ramSize: RAM_SIZE },
      rom: join(this.#directory, 'rom.bin'),
      ram: join(this.#directory, 'ram'),
      parts: this.#parts(sequences),
      results: { at: RESULTS, size: RESULTS_SIZE },
      devices: ['-serial', 'null', '-serial', 'null'],
    });
    return outcomeOf(memory, end);
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #parts(sequences: readonly (readonly Step[])[]): Part[] {
    const reset = [STEP.RESET, 0, 0, 0];
    const words = sequences.flatMap((steps) => [...steps.flatMap(({ words }) => words), ...reset]);
    const bytes = new Uint8Array(Uint32Array.from([...words, STEP.END, 0, 0, 0]).buffer);
    return [
      { at: HARNESS, bytes: this.#harness },
      { at: SCRIPTS, bytes },
    ];
  }
}

function outcomeOf(memory: Uint8Array, end: string): Outcome {
  const words = new Uint32Array(memory.buffer, memory.byteOffset, memory.length / 4);
  const size = resultFields.length;
  const results: StepResult[] = [];
  for (let at = 0; at + size <= words.length && words[at] !== 0; at += size)
    results.push([...words.subarray(at, at + size)]);
  return { results, end };
}
