/**
 * What decides how linear addresses are translated: the paging mode and the rules of access, as control registers and the
 * processor's model set them (SDM vol. 3A §4.1, §4.6).
 */
import {
  CR0_PG,
  CR0_WP,
  CR4_LA57,
  CR4_PAE,
  CR4_PCIDE,
  CR4_PGE,
  CR4_PKE,
  CR4_PKS,
  CR4_PSE,
  CR4_SMAP,
  CR4_SMEP,
  EFER_LMA,
  EFER_NXE,
} from '../state/control-bits.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { slot } from '../state/layout.ts';
import { SLOT_SIZE } from '../state/register-table.ts';

/** What of paging depends on the processor's model and not on a control bit. */
export interface PagingFeatures {
  /** Bits of a physical address (MAXPHYADDR). */
  readonly physicalBits: number;
  /** 4 MiB pages reach beyond 4 GiB. */
  readonly pse36: boolean;
  /** Pages of 1 GiB. */
  readonly gigabytePages: boolean;
}

/** Levels of tables by paging mode; PAE has three, of which the first is in registers. */
export const LEVELS_NONE = 0;
export const LEVELS_32_BIT = 2;
export const LEVELS_PAE = 3;
export const LEVELS_LONG = 4;
export const LEVELS_LA57 = 5;
export type PagingLevels = 0 | 2 | 3 | 4 | 5;

/** The rules of a moment. Physical addresses are numbers; the first table of PAE paging is `pointers`. */
export interface PagingRules extends PagingFeatures {
  readonly levels: PagingLevels;
  /** Physical address of the first table in memory. */
  readonly root: number;
  /** PDPTE0–PDPTE3 of PAE paging: low and high half of each. */
  readonly pointers: Uint32Array;
  readonly largePages: boolean;
  readonly writeProtect: boolean;
  readonly noExecute: boolean;
  readonly globalPages: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  /** PKRU and IA32_PKRS; 0 allows everything, also where protection keys are off. */
  readonly userKeys: number;
  readonly supervisorKeys: number;
  /** The current process-context identifier; 0 where there are none. */
  readonly pcid: number;
}

/** The rules as generated code asks them, in one number: the levels in the low bits, and these. */
export const RULE_LEVELS = 7;
export const RULE_PROTECT = 1 << 3;
export const RULE_GLOBAL = 1 << 4;
export const RULE_SMEP = 1 << 5;
export const RULE_SMAP = 1 << 6;
export const RULE_LARGE = 1 << 7;
export const RULE_CONTEXTS = 1 << 8;
/** There is no paging. */
export const RULE_UNPAGED = 1 << 9;

const NO_EXECUTE_HIGH = 0x8000_0000;
const KEY_HIGH = 0x7800_0000;
const FRAME_BITS_HIGH = 0xf_ffff;

const TABLE_LOW = 0xffff_f000;
const POINTERS_LOW = 0xffff_ffe0;
const PCID = 0xfff;
/** The bits of CR4 that are read here; together with the others they fit into a small integer. */
const CR4_MASK = CR4_PSE | CR4_PAE | CR4_PGE | CR4_LA57 | CR4_PCIDE | CR4_SMEP | CR4_SMAP | CR4_PKE | CR4_PKS;

/** Where the registers are. */
type PagingState = Pick<CpuState, 'read32'>;

/** The rules as the registers of a processor set them. */
export class PagingRegisters implements PagingRules {
  readonly physicalBits: number;
  readonly pse36: boolean;
  readonly gigabytePages: boolean;
  readonly pointers: Uint32Array = new Uint32Array(8);
  levels: PagingLevels = LEVELS_NONE;
  largePages = false;
  writeProtect = false;
  noExecute = false;
  globalPages = false;
  smep = false;
  smap = false;
  userKeys = 0;
  supervisorKeys = 0;
  #hasContexts = false;
  readonly #rootHighMask: number;
  readonly #state: PagingState;
  /** Control bits as of the last reading. */
  #control = -1;

  /** Without a state there is no paging. */
  constructor({ physicalBits, pse36, gigabytePages }: PagingFeatures, state: PagingState = { read32: () => 0 }) {
    this.#state = state;
    this.physicalBits = physicalBits;
    this.pse36 = pse36;
    this.gigabytePages = gigabytePages;
    this.#rootHighMask = 2 ** Math.max(physicalBits - 32, 0) - 1;
  }

  /** Reads the registers again. True if accesses that the old rules allowed may now be forbidden. */
  read(): boolean {
    const state = this.#state;
    const { userKeys, supervisorKeys } = this;
    const control = this.#readControl(state);
    this.#readPointers(state);
    const changed = control !== this.#control || userKeys !== this.userKeys || supervisorKeys !== this.supervisorKeys;
    this.#control = control;
    return changed;
  }

  /** Gives what was read in one number. */
  #readControl(state: PagingState): number {
    const cr0 = state.read32(slot.CR0);
    const cr4 = state.read32(slot.CR4);
    const efer = state.read32(slot.EFER);
    this.levels = levelsOf(cr0, cr4, efer);
    const long = this.levels >= LEVELS_LONG;
    this.largePages = this.levels !== LEVELS_32_BIT || (cr4 & CR4_PSE) !== 0;
    this.writeProtect = (cr0 & CR0_WP) !== 0;
    this.noExecute = this.levels >= LEVELS_PAE && (efer & EFER_NXE) !== 0;
    this.globalPages = (cr4 & CR4_PGE) !== 0;
    this.smep = (cr4 & CR4_SMEP) !== 0;
    this.smap = (cr4 & CR4_SMAP) !== 0;
    this.userKeys = long && (cr4 & CR4_PKE) !== 0 ? state.read32(slot.PKRU) : 0;
    this.supervisorKeys = long && (cr4 & CR4_PKS) !== 0 ? state.read32(slot.PKRS) : 0;
    this.#hasContexts = long && (cr4 & CR4_PCIDE) !== 0;
    return (cr4 & CR4_MASK) * 16 + this.levels + (this.writeProtect ? 8 : 0) + (this.noExecute ? 2 ** 40 : 0);
  }

  /** Generated code that writes CR3 tells nobody. */
  get root(): number {
    const cr3 = this.#state.read32(slot.CR3);
    const long = this.levels >= LEVELS_LONG;
    const high = long ? (this.#state.read32(slot.CR3 + 4) & this.#rootHighMask) >>> 0 : 0;
    return high * 2 ** 32 + ((cr3 & (this.levels === LEVELS_PAE ? POINTERS_LOW : TABLE_LOW)) >>> 0);
  }

  get pcid(): number {
    return this.#hasContexts ? this.#state.read32(slot.CR3) & PCID : 0;
  }

  /** As generated code asks the rules; 0 where it does not know them. */
  get quick(): number {
    if (this.levels === LEVELS_NONE) return RULE_UNPAGED;
    const keys = this.userKeys | this.supervisorKeys;
    const isKnown = this.levels === LEVELS_32_BIT || this.levels === LEVELS_LONG;
    if (!isKnown || keys !== 0) return 0;
    return (
      this.levels |
      (this.writeProtect ? RULE_PROTECT : 0) |
      (this.globalPages ? RULE_GLOBAL : 0) |
      (this.smep ? RULE_SMEP : 0) |
      (this.smap ? RULE_SMAP : 0) |
      (this.largePages ? RULE_LARGE : 0) |
      (this.#hasContexts ? RULE_CONTEXTS : 0)
    );
  }

  /** Bits of the upper half of a table entry that generated code does not know what to do with. */
  get unusualHigh(): number {
    const unusual = KEY_HIGH | (FRAME_BITS_HIGH & ~this.#rootHighMask);
    return this.noExecute ? unusual : unusual | NO_EXECUTE_HIGH;
  }

  #readPointers(state: PagingState): void {
    if (this.levels !== LEVELS_PAE) return;
    for (let n = 0; n < 8; n++) this.pointers[n] = state.read32(slot.PDPTE0 + (n >> 1) * SLOT_SIZE + (n & 1) * 4);
  }
}

function levelsOf(cr0: number, cr4: number, efer: number): PagingLevels {
  if ((cr0 & CR0_PG) === 0) return LEVELS_NONE;
  if ((cr4 & CR4_PAE) === 0) return LEVELS_32_BIT;
  if ((efer & EFER_LMA) === 0) return LEVELS_PAE;
  return (cr4 & CR4_LA57) === 0 ? LEVELS_LONG : LEVELS_LA57;
}
