/**
 * Opcodes in the manual's notation (SDM vol. 2A §3.1.1.1, §3.1.1.2) and the choice of a row by them. Most opcodes are one
 * row's. Others are shared: the prefixes 66, F2 and F3, ModR/M, and the features of the processor decide.
 *
 *   `00`, `0F A3`, `0F 38 F0`   opcode        `80 /0`    by ModR/M's reg field        `40+r`  a register in the opcode
 *   `F3 0F B8`, `66 0F AE /7`   with a mandatory prefix  `NP 0F AE /7`  with none of 66, F2, F3   `NFx 0F 38 F0`  without F2, F3
 *   `0F 01 C8`                  ModR/M as a whole        `VEX.F2.0F38 F7`  with a VEX prefix, L being 0
 *   `D8 C0+i`                   ModR/M from there to 7 more
 *   `VEX.256.66.0F38.W1 98`     L, and W if it decides; `VEX.LIG.…` has any L
 */
import type { CpuFeature } from './cpu-feature.ts';
import type { InstructionRow } from './instruction-row.ts';
import {
  hasNo16BitForm,
  hasVectorIndex,
  immediateSize,
  isMemoryOnly,
  isRegisterOnly,
  isRegisterOrMemory,
  needsModRm,
  vectorLetter,
} from './operand.ts';

/** The opcode maps, by what stands before the opcode's last byte; each has 256 places. */
const maps = ['', '0F', '0F 38', '0F 3A', 'VEX.0F', 'VEX.0F38', 'VEX.0F3A'] as const;

/** First places of the maps that the decoder goes to. */
export const MAP_0F = 256;
export const MAP_0F38 = 512;
export const MAP_0F3A = 768;
/** VEX.mmmmm names the maps from here: 1 is 0F. */
export const MAPS_VEX = 768;

/** What a row that shares its opcode waits for; undefined: it is all the same. */
interface Conditions {
  /** 0: none of 66, F2, F3; `noRepeat`: 66 or none. */
  readonly prefix: 0 | 0x66 | 0xf2 | 0xf3 | 'noRepeat' | undefined;
  readonly extension: number | undefined;
  readonly modRm: number | undefined;
  /** `modRm` is the first of eight. */
  readonly anyRm: boolean;
  readonly memory: boolean | undefined;
  /** VEX.L and VEX.W; 0 where there is no VEX prefix. */
  readonly vexL: 0 | 1 | undefined;
  readonly vexW: 0 | 1 | undefined;
}

/** A row as the decoder gets it; what would cost time for each instruction is found out once. */
export interface Candidate extends Conditions {
  readonly index: number;
  readonly feature: CpuFeature | undefined;
  /** ModR/M decides, but no operand reads it. */
  readonly skipsModRm: boolean;
  /** No operand has 16 bits, whatever the operand size. */
  readonly hasNo16BitForm: boolean;
  readonly readsModRm: boolean;
  /** ModR/M can name memory. */
  readonly mayBeMemory: boolean;
  /** The operand is an offset in the instruction itself. */
  readonly isOffset: boolean;
  /** An operand is the register in VEX.vvvv. */
  readonly usesVvvv: boolean;
  /** The index of the address is a vector. */
  readonly hasVectorIndex: boolean;
  /** An operand must be memory; a register. */
  readonly needsMemory: boolean;
  readonly needsRegister: boolean;
  /** An operand is a segment, control or debug register, of which some numbers mean none. */
  readonly namesSystemRegister: boolean;
  /** Something stands behind the opcode and the address. */
  readonly hasImmediate: boolean;
  /** Nothing decides but the opcode. */
  readonly isPlain: boolean;
}

interface Notation extends Omit<Conditions, 'memory'> {
  readonly place: number;
  /** 8 where the opcode holds a register. */
  readonly count: number;
}

const PATTERN =
  /^(?:(VEX)\.(?:(128|256|LIG)\.)?(?:(66|F2|F3)\.)?(0F|0F38|0F3A)(?:\.(W0|W1))? |(?:(66|F2|F3|NP|NFx) )?(?:(0F(?: 38| 3A)?) )?)([0-9A-F]{2})(?: ([0-9A-F]{2})(\+i)?)?(?: \/([0-7]))?(\+r)?$/;

/** Takes a row's opcode apart; what is not in the notation is our mistake. */
export function parseOpcode(opcode: string): Notation {
  const match = PATTERN.exec(opcode);
  if (!match) throw new Error(`opcode ${opcode} is not in the manual's notation`);
  const [, vex, vexLength, vexPrefix, vexMap, vexW, prefix, map, byte, modRm, anyRm, extension, register] = match;
  const name = vex ? `VEX.${vexMap}` : (map ?? '');
  return {
    place: maps.indexOf(name as (typeof maps)[number]) * 256 + Number.parseInt(byte as string, 16),
    count: register ? 8 : 1,
    prefix: vex ? prefixOf(vexPrefix ?? 'NP') : prefixOf(prefix),
    extension: extension === undefined ? undefined : Number(extension),
    modRm: modRm === undefined ? undefined : Number.parseInt(modRm, 16),
    anyRm: anyRm !== undefined,
    vexL: vexLength === 'LIG' ? undefined : vexLength === '256' ? 1 : 0,
    vexW: vexW === undefined ? undefined : vexW === 'W1' ? 1 : 0,
  };
}

function prefixOf(text: string | undefined): Conditions['prefix'] {
  if (text === undefined) return undefined;
  if (text === 'NFx') return 'noRepeat';
  return text === 'NP' ? 0 : (Number.parseInt(text, 16) as 0x66 | 0xf2 | 0xf3);
}

/** A row with the places where it stands. */
interface PlacedRow {
  readonly row: InstructionRow;
  readonly place: number;
  readonly count: number;
  readonly candidate: Candidate;
}

/** Takes all opcodes apart, for the maps of all modes. */
export function placeRows(rows: readonly InstructionRow[]): readonly PlacedRow[] {
  return rows.map((row, index) => {
    const { place, count, ...conditions } = parseOpcode(row.opcode);
    const skipsModRm = conditions.extension !== undefined || conditions.modRm !== undefined;
    const memory = formOf(row);
    const readsModRm = row.operands.some(needsModRm);
    const candidate: Candidate = {
      ...conditions,
      memory,
      index,
      feature: row.feature,
      hasNo16BitForm: hasNo16BitForm(row.operands),
      readsModRm,
      mayBeMemory: row.operands.some((code) => isRegisterOrMemory(code) || isMemoryOnly(code)),
      isOffset: row.operands.some((code) => code === 'Ob' || code === 'Ov'),
      needsMemory: row.operands.some(isMemoryOnly),
      needsRegister: row.operands.some(isRegisterOnly),
      namesSystemRegister: row.operands.some((code) => code === 'Sw' || code === 'Cd' || code === 'Dd'),
      hasImmediate: row.operands.some((code) => immediateSize(code, 32, 32) > 0),
      isPlain:
        !skipsModRm &&
        conditions.prefix === undefined &&
        row.feature === undefined &&
        memory === undefined &&
        place < MAPS_VEX + 256,
      skipsModRm: skipsModRm && !readsModRm,
      hasVectorIndex: row.operands.some(hasVectorIndex),
      usesVvvv: row.operands.some((code) => code === 'By' || vectorLetter(code) === 'H'),
    };
    return { row, place, count, candidate };
  });
}

/** The rows of each place, those with more conditions first. */
export class OpcodeMap {
  readonly #places: (readonly Candidate[] | undefined)[] = [];
  readonly #byModRm: boolean[] = new Array<boolean>(maps.length * 256).fill(false);

  /**
   * The map of one mode, `without` the rows of the other. Two rows with the same conditions at one place are our mistake;
   * NOP alone takes its place from XCHG.
   */
  constructor(rows: readonly PlacedRow[], without: InstructionRow['mode']) {
    for (const { row, place, count, candidate } of rows)
      if (row.mode !== without) for (let n = 0; n < count; n++) this.#add(place + n, candidate, row);
  }

  /** The row at a place: by the mandatory prefix, by ModR/M where `needsModRm` says so, and by the features. */
  choose(
    place: number,
    prefix: number,
    modRm: number,
    features: ReadonlySet<CpuFeature>,
    vex: number,
  ): Candidate | undefined {
    const candidates = this.#places[place];
    if (candidates === undefined) return undefined;
    for (let n = 0; n < candidates.length; n++) {
      const candidate = candidates[n] as Candidate;
      if (candidate.isPlain) return candidate;
      const { feature } = candidate;
      if ((feature === undefined || features.has(feature)) && matches(candidate, prefix, modRm, vex)) return candidate;
    }
    return undefined;
  }

  /** True if ModR/M has a part in the choice at a place. */
  needsModRm(place: number): boolean {
    return this.#byModRm[place] as boolean;
  }

  /** True if ModR/M stands behind an opcode, of which some rows may be without one. */
  hasModRm(place: number): boolean {
    return this.needsModRm(place) || (this.#places[place]?.some(({ readsModRm }) => readsModRm) ?? false);
  }

  #add(place: number, candidate: Candidate, row: InstructionRow): void {
    if ((candidate.extension ?? candidate.modRm ?? candidate.memory) !== undefined) this.#byModRm[place] = true;
    const there = this.#places[place];
    if (there === undefined) {
      this.#places[place] = [candidate];
      return;
    }
    const same = there.find((other) => sameConditions(other, candidate));
    if (same && row.name !== 'NOP') throw new Error(`opcode ${row.opcode} is in two rows`);
    const kept = there.filter((other) => other !== same);
    this.#places[place] = [...kept, candidate].sort((a, b) => weight(b) - weight(a));
  }
}

/** Rows that need memory or a register share their opcode with others; the rest of the rows check by themselves. */
function formOf({ operands, opcode }: InstructionRow): boolean | undefined {
  if (operands.some(isRegisterOnly)) return false;
  return opcode.includes('/') && operands.some(isMemoryOnly) ? true : undefined;
}

function sameConditions(a: Candidate, b: Candidate): boolean {
  const sameVex = a.vexL === b.vexL && a.vexW === b.vexW;
  return (
    sameVex && a.prefix === b.prefix && a.extension === b.extension && a.modRm === b.modRm && a.memory === b.memory
  );
}

function weight({ prefix, extension, modRm, memory }: Conditions): number {
  const prefixWeight = prefix === undefined ? 0 : prefix === 'noRepeat' ? 1 : 2;
  return (
    prefixWeight + (extension === undefined ? 0 : 4) + (memory === undefined ? 0 : 4) + (modRm === undefined ? 0 : 16)
  );
}

/** `vex` has VEX.L in bit 0 and VEX.W in bit 1. */
function matches(candidate: Candidate, given: number, byte: number, vex: number): boolean {
  const { prefix, extension, modRm, anyRm, memory, vexL, vexW } = candidate;
  if (vexL !== undefined && vexL !== (vex & 1)) return false;
  if (vexW !== undefined && vexW !== vex >> 1) return false;
  if (prefix === 'noRepeat' ? given > 0x66 : prefix !== undefined && prefix !== given) return false;
  if (modRm !== undefined && modRm !== (anyRm ? byte & ~7 : byte)) return false;
  if (extension !== undefined && extension !== ((byte >> 3) & 7)) return false;
  return memory === undefined || memory === byte < 0xc0;
}
