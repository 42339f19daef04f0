/** A local APIC with its registers and the page in which its processor finds them (SDM vol. 3A §11.4). */
import type { MemoryWindow } from '../../memory/physical-map.ts';
import { PAGE_SIZE } from '../../memory/layout.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { apicSlot, slot } from '../../state/layout.ts';
import { REGISTERS_SIZE } from '../../state/register-table.ts';
import { ApicRegisters, createApicPage } from './apic-page.ts';
import { LocalApic, type LocalApicSurroundings } from './local-apic.ts';

const ADDRESS = 0x000f_ffff_ffff_f000n;

/** Registers outside of the local APIC's own that it depends on. */
const others: ReadonlySet<number> = new Set([slot.CR8, slot.APIC_BASE, slot.TSC_DEADLINE, slot.TIME_STAMP_OFFSET]);

export class LocalApicUnit {
  readonly apic: LocalApic;
  readonly registers: ApicRegisters;
  /** The page, while it can be reached; called when it has moved. */
  onPage: (page: MemoryWindow | undefined) => void = () => {};
  readonly #state: CpuState;
  readonly #region: MemoryWindow['region'];
  #start = -1;

  constructor(state: CpuState, surroundings: LocalApicSurroundings) {
    this.#state = state;
    this.apic = new LocalApic(state, surroundings);
    this.registers = new ApicRegisters(state, this.apic);
    this.#region = createApicPage(this.apic, this.registers, (message) => surroundings.log(message));
  }

  /** A register of the table has changed; nothing is done about those that are none of its business. */
  changed(offset: number): void {
    if ((offset < apicSlot.ID || offset >= REGISTERS_SIZE) && !others.has(offset)) return;
    if (offset === slot.CR8) this.apic.setTaskPriority(this.#state.read32(slot.CR8) << 4);
    else if (offset === apicSlot.TPR) this.apic.setTaskPriority(this.#state.read32(apicSlot.TPR));
    else this.apic.derive();
    this.apic.timer.arm();
    this.#movePage();
  }

  #movePage(): void {
    const { isOn, isX2Mode } = this.apic;
    const start = isOn && !isX2Mode ? Number(this.#state.read64(slot.APIC_BASE) & ADDRESS) : -1;
    if (start === this.#start) return;
    this.#start = start;
    this.onPage(start < 0 ? undefined : { device: 'local-apic', start, size: PAGE_SIZE, region: this.#region });
  }
}
