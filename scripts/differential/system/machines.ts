/** Runs cases on our machine and in QEMU: one image of RAM for both, read again when the guest has come to its end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createMachine, type Machine } from '../../../vm-core/index.ts';
import { assembleGuest, type Part, runGuestInQemu } from '../guest-in-qemu.ts';
import { encodeCase, type SystemCase } from './case.ts';
import {
  assemblerDefinitions,
  CPU_MODEL,
  CURRENT_RECORD,
  HAND_OVER,
  HARNESS,
  HOME_DIRECTORY_32,
  HIGH_LANDING,
  LOW_LANDING,
  PRISTINE,
  RAM_SIZE,
  RECORDS,
  RECORDS_SIZE,
  RESULTS,
  RESULTS_SIZE,
} from './layout.ts';
import { harnessPlaces, homeTables, landingOf, pristineZone } from './zone.ts';

/** What a case and the harness around it need at most, with room; then whether they have come any further is looked at. */
const INSTRUCTIONS_PER_CASE = 1_000_000;

/** Both machines with the guest, for any number of runs. */
export class SystemMachines {
  readonly #directory = mkdtempSync(join(tmpdir(), 'differential-system-'));
  readonly #rom: Uint8Array;
  readonly #parts: readonly Part[];
  readonly zone: Uint8Array;
  #machine: Machine | undefined;

  constructor() {
    this.#rom = this.#assemble('rom');
    const harness = this.#assemble('guest');
    const places = harnessPlaces(harness);
    this.zone = pristineZone(places);
    this.#parts = [
      { at: 0, bytes: realVectors(places.capturedReal) },
      { at: HARNESS, bytes: harness },
      ...[LOW_LANDING, HIGH_LANDING].map((at) => ({ at, bytes: new Uint8Array(0x1000).fill(HAND_OVER) })),
      { at: HOME_DIRECTORY_32, bytes: homeTables() },
      { at: PRISTINE, bytes: this.zone },
    ];
  }

  /** How many of the cases fit into one run. */
  fit(cases: readonly SystemCase[]): number {
    let size = 0;
    for (const [n, one] of cases.entries()) {
      size += encodeCase(one).length;
      if (size > RECORDS_SIZE - 4) return n;
    }
    return cases.length;
  }

  /** What our machine wrote of the cases, and how it ended. */
  runOurs(cases: readonly SystemCase[]): { memory: Uint8Array; end: string } {
    this.#machine ??= createMachine({
      ...{ machineType: 'isa-1', cpuModel: CPU_MODEL, memorySize: RAM_SIZE, firmware: this.#rom },
      ...{ exitDevice: true, startTimeMs: 0 },
    });
    const machine = this.#machine;
    machine.reset();
    for (const { at, bytes } of [...this.#parts, records(cases)]) machine.memory.write(at, bytes);
    machine.memory.write(RESULTS, new Uint8Array(RESULTS_SIZE));
    const current = () => machine.memory.readInteger(CURRENT_RECORD, 4) as number;
    const read = (end: string) => ({ memory: machine.memory.read(RESULTS, RESULTS_SIZE), end });
    for (let last = 0; ; ) {
      const result = machine.run({ instructionsMax: INSTRUCTIONS_PER_CASE });
      if (result.reason === 'request' && result.request.kind === 'exit') return read('exit');
      if (result.reason === 'triple-fault') machine.reset();
      else if (result.reason !== 'limit') return read(result.reason === 'unsupported' ? result.what : result.reason);
      else if (last === current()) return read(`no end, at ${machine.cpus[0].linearEip.toString(16)}h`);
      else last = current();
    }
  }

  /** What QEMU wrote of the cases. */
  runQemu(cases: readonly SystemCase[]): { memory: Uint8Array; end: string } {
    return runGuestInQemu({
      ...{ machine: 'isapc', cpu: `${CPU_MODEL},vendor=GenuineIntel`, ramSize: RAM_SIZE },
      rom: join(this.#directory, 'rom.bin'),
      ram: join(this.#directory, 'ram'),
      parts: [...this.#parts, records(cases)],
      results: { at: RESULTS, size: RESULTS_SIZE },
    });
  }

  close(): void {
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #assemble(name: string): Uint8Array {
    const source = join(import.meta.dirname, `${name}.asm`);
    return assembleGuest(source, join(this.#directory, `${name}.bin`), assemblerDefinitions());
  }
}

function records(cases: readonly SystemCase[]): Part {
  return { at: RECORDS, bytes: Uint8Array.from([...cases.flatMap(encodeCase), 0, 0, 0, 0]) };
}

/** In real mode every vector leads to where it leads in the other modes. */
function realVectors(capturedReal: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(0x400));
  for (let vector = 0; vector < 256; vector++) {
    const target = vector === HAND_OVER ? capturedReal : landingOf(Math.min(vector, HAND_OVER));
    view.setUint16(vector * 4, target & 0xffff, true);
    view.setUint16(vector * 4 + 2, (target >>> 4) & 0xf000, true);
  }
  return new Uint8Array(view.buffer);
}
