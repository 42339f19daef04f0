/**
 * The variables of the one scope, "Registers". Variable references are made from the table's numbers and hold for the
 * whole session, so that nothing needs to be remembered between two stops but the values of the last one.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Register, type RegisterSet, registerSets, registers } from '../../vm-core/index.ts';
import { formatHex, formatValue, type Notation } from '../expressions/format.ts';
import {
  fieldParts,
  namedParts,
  type RegisterPart,
  readExact,
  readPart,
  wholePart,
} from '../expressions/register-parts.ts';
import { parseFloatText } from '../expressions/float-text.ts';
import { localized, translated } from '../protocol/localized.ts';
import { CPUID_REFERENCE, hasCpuid } from './cpuid-view.ts';
import { describeRights, isLongMode } from './descriptors.ts';
import type { Guest } from './guest.ts';
import { linearReference } from './places.ts';
import {
  formatLane,
  type LaneView,
  laneCount,
  lanePart,
  laneViews,
  parseLane,
  stackRegisters,
  viewName,
} from './register-lanes.ts';
import {
  familiesOfModel,
  familyByNumber,
  type GroupedSet,
  groupedSets,
  plainFamilies,
  type RegisterFamily,
  setTitles,
} from './register-families.ts';

/** Reference of the scope; sets, families and single registers follow at these bases. */
export const SCOPE_REFERENCE = 1;
const SET_REFERENCE = 10;
const FAMILY_REFERENCE = 1_000;
const REGISTER_REFERENCE = 100_000;
/** Views of vectors, so many for each register of the table. */
const LANES_REFERENCE = 200_000;
const LANES_STEP = 8;

/** Stands between a value and what explains it. A value that is typed in may still carry the explanation. */
const EXPLANATION = ' · ';

/** One variable; `part` is what writing it changes. */
export interface RegisterVariable {
  readonly variable: DebugProtocol.Variable;
  readonly part: RegisterPart | undefined;
  /** What a value that was typed means here, if it is no expression. */
  readonly parse?: (text: string) => bigint | undefined;
}

/** Values of all registers of the table at a moment, by number. */
export type RegisterSnapshot = readonly bigint[];

export function takeSnapshot(guest: Guest): RegisterSnapshot {
  return registers.map((register) => guest.vcpu.state.readRegister(register));
}

/** What the user typed, without the explanation that the value was shown with. */
export function withoutExplanation(text: string): string {
  return text.split(EXPLANATION)[0] as string;
}

/** A synthetic set: what it has are answers, not state. */
const CPUID: RegisterVariable = {
  variable: {
    ...{ name: 'CPUID', value: '', variablesReference: CPUID_REFERENCE },
    presentationHint: { attributes: ['readOnly'] },
  },
  part: undefined,
};

export class RegisterView {
  readonly #guest: Guest;
  /** The values at the stop before this one; undefined at the first. */
  readonly #before: RegisterSnapshot | undefined;
  readonly #notation: Notation;

  /** `notation` is how registers and their parts are written. */
  constructor(guest: Guest, before: RegisterSnapshot | undefined, notation: Notation = 'x') {
    this.#guest = guest;
    this.#notation = notation;
    this.#before = before;
  }

  /** The children of a reference, or undefined if it is none of ours. */
  children(reference: number): readonly RegisterVariable[] | undefined {
    if (reference === SCOPE_REFERENCE) {
      return [...plainFamilies(this.#guest.is64Bit).map((family) => this.#family(family)), ...this.#sets()];
    }
    if (reference >= LANES_REFERENCE) return this.#lanes(reference - LANES_REFERENCE);
    if (reference >= REGISTER_REFERENCE) {
      const register = registers[reference - REGISTER_REFERENCE];
      return register && fieldParts(register).map((part) => this.#part(part, `${register.name}.${part.name}`));
    }
    if (reference >= FAMILY_REFERENCE) {
      const family = familyByNumber(reference - FAMILY_REFERENCE);
      return family && this.#members(family);
    }
    const set = registerSets[reference - SET_REFERENCE];
    const families = set && this.#families(set).map((family) => this.#family(family));
    return set === 'x87' ? [...this.#stack(), ...(families ?? [])] : families;
  }

  /** The groups; those of which the processor has nothing are left out. */
  #sets(): readonly RegisterVariable[] {
    const sets = groupedSets.filter((set) => this.#families(set).length > 0).map((set) => this.#set(set));
    return hasCpuid(this.#guest) ? [...sets, CPUID] : sets;
  }

  #families(set: RegisterSet): readonly RegisterFamily[] {
    return familiesOfModel(set, this.#guest.model, this.#guest.is64Bit);
  }

  #set(set: GroupedSet): RegisterVariable {
    const changed = this.#families(set).filter((family) => this.#hasChanged(family));
    const names = changed.map((family) => family.name).join(' ');
    return {
      variable: {
        name: translated(setTitles[set]),
        value: names === '' ? '' : localized('changed: {0}', names),
        variablesReference: SET_REFERENCE + registerSets.indexOf(set),
        presentationHint: { attributes: ['readOnly'] },
      },
      part: undefined,
    };
  }

  #family(family: RegisterFamily): RegisterVariable {
    const { head, members, name, number } = family;
    const reference = this.#members(family).length > 0 ? FAMILY_REFERENCE + number : 0;
    if (head) return this.#register(head, name, reference, this.#explainFamily(family));
    const summary = members.map((member) => `${suffixOf(member)} ${this.#value(member)}`).join(', ');
    const variable = { name, value: summary, variablesReference: reference };
    return { variable: { ...variable, ...this.#base(family) }, part: undefined };
  }

  #members({ head, members }: RegisterFamily): readonly RegisterVariable[] {
    return [
      ...(head ? namedParts(head).map((part) => this.#part(part, part.name)) : []),
      ...(head ? laneViews(head).map((view, n) => this.#laneView(head, view, n)) : []),
      ...(head ? fieldParts(head).map((part) => this.#part(part, `${head.name}.${part.name}`)) : []),
      ...members.map((member) => {
        const reference = member.fields ? REGISTER_REFERENCE + member.number : 0;
        return this.#register(member, suffixOf(member), reference, this.#explain(member));
      }),
    ];
  }

  /** ST0 to ST7 as numbers; a number can be written, too, while an expression is the bits. */
  #stack(): readonly RegisterVariable[] {
    return stackRegisters(this.#guest).map(({ name, register, text }) => {
      const { variable, part } = this.#part(wholePart(register), register.name);
      return {
        variable: { ...variable, name, value: text },
        part,
        parse: (typed: string) => parseFloatText(typed, 'extended'),
      };
    });
  }

  /** A vector in lanes of one size, all on one line. */
  #laneView(register: Register, view: LaneView, n: number): RegisterVariable {
    const lanes = Array.from({ length: laneCount(register, view.bits) }, (_, lane) => lanePart(register, view, lane));
    const values = lanes.map((part) => formatLane(readExact(this.#guest.vcpu.state, part), view, this.#notation));
    return {
      variable: {
        name: viewName(register, view),
        value: `{${values.join(', ')}}`,
        variablesReference: LANES_REFERENCE + register.number * LANES_STEP + n,
        presentationHint: { attributes: ['readOnly'] },
      },
      part: undefined,
    };
  }

  #lanes(number: number): readonly RegisterVariable[] | undefined {
    const register = registers[Math.floor(number / LANES_STEP)];
    const view = register && laneViews(register)[number % LANES_STEP];
    if (!view) return undefined;
    return Array.from({ length: laneCount(register, view.bits) }, (_, n) => {
      const part = lanePart(register, view, n);
      const { evaluateName: _none, ...variable } = this.#part(part, part.name).variable;
      const value = formatLane(readExact(this.#guest.vcpu.state, part), view, this.#notation);
      return { variable: { ...variable, value }, part, parse: (text: string) => parseLane(text, view) };
    });
  }

  #register(register: Register, name: string, reference: number, explanation: string): RegisterVariable {
    const { variable, part } = this.#part(this.#whole(register), register.name);
    const value = explanation === '' ? variable.value : variable.value + EXPLANATION + explanation;
    return {
      variable: { ...variable, name, value, variablesReference: reference, ...this.#memory(register) },
      part,
    };
  }

  #part(part: RegisterPart, evaluateName: string): RegisterVariable {
    const value = readExact(this.#guest.vcpu.state, part);
    const readOnly = part.register.attributes === 'read-only';
    return {
      variable: {
        name: part.name,
        value: formatValue(value, part.width, this.#notation),
        type: part.description + this.#was(part, value),
        evaluateName,
        variablesReference: 0,
        ...(readOnly ? { presentationHint: { attributes: ['readOnly'] } } : {}),
      },
      part,
    };
  }

  /** What a changed value was at the stop before. */
  #was(part: RegisterPart, value: bigint): string {
    const before = this.#before?.[part.register.number];
    if (before === undefined) return '';
    const old = BigInt.asUintN(part.width, before >> BigInt(part.low));
    return old === value ? '' : ` (changed, was ${formatHex(old, part.width)})`;
  }

  #hasChanged({ head, members }: RegisterFamily): boolean {
    return [...(head ? [head] : []), ...members].some((register) => {
      const before = this.#before?.[register.number];
      return before !== undefined && before !== this.#guest.vcpu.state.readRegister(register);
    });
  }

  #explainFamily({ head, members }: RegisterFamily): string {
    if (!head) return '';
    if (members.length === 0) return this.#explain(head);
    const part = (suffix: string): string => {
      const member = members.find((candidate) => suffixOf(candidate) === suffix);
      return member ? this.#value(member) : '';
    };
    const rights = describeRights(this.#guest.register(`${head.name}.attributes`), isLongMode(this.#guest));
    return `base ${part('base')}, limit ${part('limit')}, ${rights}`;
  }

  /** The set bits by name; what code attributes mean; nothing for plain numbers. */
  #explain(register: Register): string {
    if (suffixOf(register) === 'attributes')
      return describeRights(this.#guest.register(register.name), isLongMode(this.#guest));
    const { state } = this.#guest.vcpu;
    const fields = fieldParts(register).filter((part) => readPart(state, part) !== 0);
    return fields.map((part) => (part.width === 1 ? part.name : `${part.name}=${readPart(state, part)}`)).join(' ');
  }

  /** All of a register that the mode has. */
  #whole(register: Register): RegisterPart {
    const part = wholePart(register);
    return this.#guest.is64Bit && register.longSize ? { ...part, width: register.longSize * 8 } : part;
  }

  #value(register: Register): string {
    return formatHex(this.#guest.vcpu.state.readRegister(register), this.#whole(register).width);
  }

  /** Registers that point into memory open there. */
  #memory(register: Register): { readonly memoryReference?: string } {
    const guest = this.#guest;
    if (register.name === 'EIP' || register.name === 'RIP') {
      return { memoryReference: linearReference(guest, guest.is64Bit ? guest.vcpu.state.rip : guest.vcpu.linearEip) };
    }
    if (register.set === 'general' && register.size === 8) {
      return { memoryReference: linearReference(guest, guest.vcpu.state.readExact(register.offset)) };
    }
    if (register.name === 'ESP' || register.name === 'EBP') {
      return { memoryReference: linearReference(guest, guest.stackAddress(guest.register(register.name))) };
    }
    if (register.set === 'segment') {
      return { memoryReference: linearReference(guest, guest.segmentBase(register.name.split('.')[0] as string)) };
    }
    return register.set === 'general' ? { memoryReference: linearReference(guest, guest.register(register.name)) } : {};
  }

  #base({ members }: RegisterFamily): { readonly memoryReference?: string } {
    const base = members.find((member) => suffixOf(member) === 'base');
    return base ? { memoryReference: linearReference(this.#guest, this.#guest.vcpu.state.readExact(base.offset)) } : {};
  }
}

function suffixOf(register: Register): string {
  return register.name.split('.')[1] ?? register.name;
}
