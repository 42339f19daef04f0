/**
 * The generated function of writes of CR3: what is cached of the address space is forgotten by new numbers, or of the process
 * context that is written, unless it stays (SDM vol. 3A §4.10.4.1).
 */
import { BRANCH } from '../../cpu/cpu.ts';
import { READ_NUMBERS, translations, WRITE_NUMBERS } from '../../memory/layout.ts';
import { testTranslations } from '../../cpu/test-arrays.ts';
import { RULE_CONTEXTS, RULE_LEVELS } from '../../memory/paging-rules.ts';
import { CLASSES, SPACES_MAX } from '../../memory/tlb.ts';
import { internal, slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import * as record from '../record.ts';
import { bitOf, type EventCode } from './event-code.ts';
import { generationBits, nextNumber } from './translation-places.ts';

const CODE_SIZE_MASK = 3;
const PCID = 0xfff;

/** Writes (cpu, record) → status, or 0: MOV to CR3 with paging of a usual kind, at level 0. */
export function writeLoadRoot(s: EventCode): void {
  const at = s.f.parameters[1] as Value;
  s.refuseUnless(s.matches(s.field(internal.PAGING), RULE_LEVELS, s.isWide ? 4 : 2));
  s.refuseIf(s.field(internal.INTERRUPTS_HEARD));
  s.refuseIf(s.field(slot.CPL, 8));
  const register = s.add(s.cpu, s.f.load('i32', 16, at, record.RECORD_RM_SLOT));
  const root = s.f.copy(s.f.load('i32', 32, register));
  const { pcid, keeps } = s.isWide ? contextOf(s, root, s.f.load('i32', 32, register, 4)) : withoutContexts(s);
  const read = newContext(s, pcid, keeps, reads);
  const write = newContext(s, pcid, keeps, writes);
  s.refuseIf(s.or(s.gtU(read.number, SPACES_MAX), s.gtU(write.number, SPACES_MAX)));
  s.setAddress(slot.CR3, s.and(root, s.field(internal.ROOT_MASK)));
  forget(s, pcid, keeps);
  s.setField(internal.TLB_SPACE, pcid);
  const privilege = s.field(internal.PRIVILEGE);
  const generation = enterContext(s, read, reads, privilege);
  enterContext(s, write, writes, privilege);
  const codeSize = s.and(s.field(internal.MODE_KEY), CODE_SIZE_MASK);
  s.setField(internal.MODE_KEY, s.or(s.shl(generation, 2), codeSize));
  const next = s.asAddress(s.f.load('i32', 16, at, record.RECORD_NEXT_OFFSET));
  s.setAddress(slot.EIP, s.add(s.address(slot.EIP), next));
  s.f.return(s.or(s.field(internal.EXIT_REQUEST), BRANCH));
}

/** The process context that is written, and whether what is cached of it stays. */
interface WrittenContext {
  readonly pcid: Value;
  readonly keeps: Value;
}

const withoutContexts = (s: EventCode): WrittenContext => ({ pcid: s.constant(0), keeps: s.constant(0) });

/** Of a write of 64 bits. Refuses tables beyond 4 GiB and reserved bits. */
function contextOf(s: EventCode, low: Value, high: Value): WrittenContext {
  const upper = s.f.copy(high);
  const hasContexts = s.f.copy(s.and(s.field(internal.PAGING), RULE_CONTEXTS));
  s.refuseIf(s.select(hasContexts, s.and(upper, 0x7fff_ffff), upper));
  const pcid = s.f.copy(s.select(hasContexts, s.and(low, PCID), s.constant(0)));
  return { pcid, keeps: s.f.copy(s.shrU(upper, 31)) };
}

/** Where what belongs to the contexts of one table is. */
interface ContextFields {
  readonly numbers: number;
  readonly last: number;
  readonly floor: number;
  readonly system: number;
  readonly current: number;
}

const reads: ContextFields = {
  ...{ numbers: READ_NUMBERS, last: internal.TLB_READ_NUMBER, floor: internal.TLB_READ_FLOOR },
  ...{ system: internal.TLB_SYSTEM_GENERATION, current: internal.TLB_GENERATION },
};
const writes: ContextFields = {
  ...{ numbers: WRITE_NUMBERS, last: internal.TLB_WRITE_NUMBER, floor: internal.TLB_WRITE_FLOOR },
  ...{ system: internal.TLB_SYSTEM_WRITE_GENERATION, current: internal.TLB_WRITE_GENERATION },
};

/** The number of an address space, and where it is kept. */
interface SpaceNumber {
  readonly place: Value;
  readonly number: Value;
}

/** A new number, or where translations stay that which the space has, if it is good. */
function newContext(s: EventCode, pcid: Value, keeps: Value, { numbers, last, floor }: ContextFields): SpaceNumber {
  const place = s.f.copy(s.add(s.cpu, s.shl(pcid, 1)));
  const known = s.f.copy(s.f.load('i32', 16, place, numbers));
  const isGood = s.and(keeps, s.gtU(known, s.field(floor)));
  return { place, number: s.f.copy(s.select(isGood, known, s.add(s.field(last), s.constant(1)))) };
}

/** Makes the space current; gives the context of who runs. */
function enterContext(s: EventCode, { place, number }: SpaceNumber, fields: ContextFields, privilege: Value): Value {
  s.f.store(16, place, fields.numbers, number);
  s.if(s.gtU(number, s.field(fields.last)), () => s.setField(fields.last, number));
  const context = s.f.copy(s.shl(number, bitOf(CLASSES)));
  s.setField(fields.system, context);
  const current = s.f.copy(s.add(context, privilege));
  s.setField(fields.current, current);
  return current;
}

/** Forgets what is cached of a process context, unless it stays, and makes it the current one. */
function forget(s: EventCode, pcid: Value, keeps: Value): void {
  s.if(s.isZero(keeps), () => {
    const generation = nextNumber(s, translations.GENERATION);
    s.f.store(64, s.add(s.cpu, s.shl(pcid, 3)), translations.GENERATIONS, generation);
    nextNumber(s, translations.FLUSHES);
  });
  s.setField(translations.CONTEXT, pcid);
  s.f.store(64, s.cpu, translations.OWNER, generationBits(s, pcid));
  s.if(s.field(internal.HAS_TEST_BUFFER), () => {
    for (const place of testTranslations) s.f.store(32, s.f.i32(0), place, s.constant(0));
  });
}
