/**
 * Where QEMU 7.2 does something else with interrupt controllers than the manuals say: a table, and what sequences leave out
 * for that reason. A sequence is compared up to its first difference.
 */
import { PIC_VECTORS } from './layout.ts';

/** Fields of a step that differ: by name, with what each machine has. */
export type Differences = ReadonlyMap<string, { readonly qemu: number; readonly ours: number }>;

export interface ExplainedInterrupts {
  readonly reason: string;
  readonly section: string;
  readonly explains: (differences: Differences, names: readonly string[]) => boolean;
}

const VECTOR_GP = 13;
/** As the guest sets it in SVR. */
const SPURIOUS = 0xff;
/** What a machine has that did not come so far. */
export const NOTHING = -1;
const MASKS_8259 = /^(LVT_LINT0 = 10000h|mask of the 8259)/;

/** What differs first in the list of interrupts that were taken. */
function firstTaken(differences: Differences): { qemu: number; ours: number } | undefined {
  for (const [name, { qemu, ours }] of differences) {
    if (/^interrupt \d/.test(name)) return { qemu: qemu & 0xff, ours: ours & 0xff };
  }
  return undefined;
}

const isOf8259 = (vector: number): boolean => vector >= PIC_VECTORS && vector < PIC_VECTORS + 16;

export const explainedInInterrupts: readonly ExplainedInterrupts[] = [
  {
    reason:
      'QEMU takes what the 8259s have (ExtINT) before what waits in the local APIC, ours what waits in the local APIC first',
    section: 'SDM vol. 3A §10.8.1 (the order is not said)',
    explains: (differences) => {
      const taken = firstTaken(differences);
      return taken !== undefined && isOf8259(taken.qemu) && !isOf8259(taken.ours) && taken.ours !== 0;
    },
  },
  {
    reason: 'QEMU takes an interrupt −1, which is #GP, where LINT0 or the 8259 is masked while its interrupt waits',
    section: 'SDM vol. 3A §10.5.1 (a masked input delivers nothing)',
    explains: (differences, names) =>
      firstTaken(differences)?.qemu === VECTOR_GP ||
      // The handler of #GP does not know of its error code, and may lead anywhere.
      (differences.get('step')?.qemu === NOTHING &&
        names.at(-1) === 'window' &&
        names.some((name) => MASKS_8259.test(name))),
  },
  {
    reason: 'QEMU takes the spurious interrupt where TPR has risen above what it had been told of before',
    section: 'SDM vol. 3A §10.9 (it comes where TPR rises while the interrupt is acknowledged)',
    explains: (differences, names) => {
      const taken = firstTaken(differences);
      return taken?.qemu === SPURIOUS && taken.ours === 0 && names.some((name) => name.startsWith('TPR'));
    },
  },
  {
    reason: 'QEMU does not know the destination FFh in cluster mode',
    section: 'SDM vol. 3A §10.6.2.2 (it is a broadcast)',
    explains: (_, names) =>
      names.findLast((name) => name.startsWith('DFR')) === 'DFR = FFFFFFFh' &&
      names.some((name) => /^(ICR_HIGH|pin \d destination) = FF000000h$/.test(name)),
  },
];

/** What sequences leave out. */
export const leftOutOfInterrupts: readonly { readonly reason: string; readonly section: string }[] = [
  {
    reason: 'x2APIC mode and TSC deadlines: QEMU 7.2 has neither without KVM',
    section: 'SDM vol. 3A §10.12, §10.5.4.1',
  },
  {
    reason:
      'the arbitration priority, the version, and errors in ESR: QEMU tells 0, its own version, and of reads only',
    section: 'SDM vol. 3A §10.5.3, §10.8.3.1',
  },
  {
    reason:
      'reserved bits, vectors below 16, and the local APIC disabled by SVR: QEMU keeps and takes them, and masks nothing',
    section: 'SDM vol. 3A §10.4.7.2, §10.5.2',
  },
  {
    reason: 'LINT0 as an input other than ExtINT: QEMU asks the 8259s for a vector all the same, and sees no edges',
    section: 'SDM vol. 3A §10.5.1',
  },
  {
    reason: 'levels that no local APIC accepts: QEMU sets remote IRR',
    section: '82093AA data sheet, I/O redirection table (set when local APICs accept the interrupt)',
  },
  {
    reason:
      'entries of the I/O APIC that are written while their line is high: QEMU knows of edges only what it has kept',
    section: '82093AA data sheet, I/O redirection table, trigger mode',
  },
  {
    reason: 'edges on the 8259s that go away before they are taken: QEMU keeps them',
    section: '8259A data sheet, edge triggered mode (the input has to stay high)',
  },
  { reason: 'counts of the timer while it runs, which are real time in QEMU', section: 'SDM vol. 3A §10.5.4' },
];
