/**
 * The generated functions of writes of CR3: what is cached of the address space is forgotten by new numbers (SDM vol. 3A
 * §4.10.4.1), and code is found again where it was before, if that is where it still is.
 */
import { BRANCH } from '../../cpu/cpu.ts';
import { CODE_PAGES, CODE_PAGES_ENTRIES, JUMP_CACHE, PAGE_SIZE, translations } from '../../memory/layout.ts';
import { testTranslations } from '../../cpu/test-arrays.ts';
import { RULE_LEVELS } from '../../memory/paging-rules.ts';
import { CLASSES, SPACES_MAX } from '../../memory/tlb.ts';
import { internal, slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import type { FunctionReference } from '../../wasm/module-builder.ts';
import { JUMP_BLOCK, JUMP_MODE, PAGE_MODE, PAGE_PHYSICAL } from '../jump-cache.ts';
import * as record from '../record.ts';
import { bitOf, type EventCode } from './event-code.ts';
import { FETCH } from './translation-code.ts';
import { nextNumber, numberBits } from './translation-places.ts';

const CODE_SIZE_MASK = 3;
const PAGE_SHIFT = 12;

/** Writes (cpu, record) → status, or 0: MOV to CR3 with paging of a usual kind, at level 0. */
export function writeLoadRoot(s: EventCode): void {
  const at = s.f.parameters[1] as Value;
  s.refuseUnless(s.matches(s.field(internal.PAGING), RULE_LEVELS, s.isWide ? 4 : 2));
  s.refuseIf(s.field(internal.INTERRUPTS_HEARD));
  s.refuseIf(s.field(slot.CPL, 8));
  const register = s.add(s.cpu, s.f.load('i32', 16, at, record.RECORD_RM_SLOT));
  if (s.isWide) s.refuseIf(s.f.load('i32', 32, register, 4));
  const read = s.f.copy(s.add(s.field(internal.TLB_READ_NUMBER), s.constant(1)));
  const write = s.f.copy(s.add(s.field(internal.TLB_WRITE_NUMBER), s.constant(1)));
  s.refuseIf(s.or(s.gtU(read, SPACES_MAX), s.gtU(write, SPACES_MAX)));
  s.setAddress(slot.CR3, s.and(s.f.load('i32', 32, register), s.field(internal.ROOT_MASK)));
  s.f.store(64, s.cpu, translations.OWNER, nextNumber(s, translations.GENERATION));
  nextNumber(s, translations.FLUSHES);
  s.setField(internal.TLB_READ_NUMBER, read);
  s.setField(internal.TLB_WRITE_NUMBER, write);
  s.if(s.field(internal.HAS_TEST_BUFFER), () => {
    for (const place of testTranslations) s.f.store(32, s.f.i32(0), place, s.constant(0));
  });
  const shift = bitOf(CLASSES);
  const context = s.f.copy(s.shl(read, shift));
  const writeContext = s.f.copy(s.shl(write, shift));
  const privilege = s.field(internal.PRIVILEGE);
  s.setField(internal.TLB_SYSTEM_GENERATION, context);
  s.setField(internal.TLB_SYSTEM_WRITE_GENERATION, writeContext);
  const generation = s.f.copy(s.add(context, privilege));
  s.setField(internal.TLB_GENERATION, generation);
  s.setField(internal.TLB_WRITE_GENERATION, s.add(writeContext, privilege));
  const codeSize = s.and(s.field(internal.MODE_KEY), CODE_SIZE_MASK);
  s.setField(internal.MODE_KEY, s.or(s.shl(generation, 2), codeSize));
  const next = s.asAddress(s.f.load('i32', 16, at, record.RECORD_NEXT_OFFSET));
  s.setAddress(slot.EIP, s.add(s.address(slot.EIP), next));
  s.f.return(s.or(s.field(internal.EXIT_REQUEST), BRANCH));
}

/**
 * Writes (cpu, linear address, entry's place) → 1 if code at the address still is the block that an entry of the jump cache
 * has from another mode with the same code size; the entry is of the current mode then.
 */
export function writeFindAgain(s: EventCode, translate: FunctionReference): void {
  const [, linear, place] = s.f.parameters as readonly [Value, Value, Value];
  const before = s.f.load('i32', 32, place, JUMP_CACHE + JUMP_MODE);
  const mode = s.f.copy(s.field(internal.MODE_KEY));
  s.refuseUnless(before);
  s.refuseIf(s.and(s.xor(before, mode), CODE_SIZE_MASK));
  const block = s.f.copy(s.f.load('i32', 32, place, JUMP_CACHE + JUMP_BLOCK));
  const bytes = s.f.load('i32', 32, block, record.BLOCK_BYTES);
  s.refuseIf(s.gtU(s.add(s.and(s.low(linear), PAGE_SIZE - 1), bytes), PAGE_SIZE));
  const physical = s.f.copy(s.f.call(translate, s.cpu, linear, s.constant(FETCH)));
  s.refuseIf(s.ltS(physical, 0));
  s.refuseIf(s.ne(numberBits(s, physical), s.f.load('i64', 64, block, record.BLOCK_PHYSICAL)));
  s.f.store(32, place, JUMP_CACHE + JUMP_MODE, mode);
  enterCodePage(s, linear, physical, mode);
  s.f.return(s.constant(1));
}

/** Notes where the page of code is (jump-cache.ts). */
function enterCodePage(s: EventCode, linear: Value, physical: Value, mode: Value): void {
  const page = s.f.copy(s.shrU(s.low(linear), PAGE_SHIFT));
  const index = s.and(s.xor(page, s.shrU(page, 10)), CODE_PAGES_ENTRIES - 1);
  const place = s.f.copy(s.add(s.cpu, s.shl(index, 4)));
  s.f.store(64, place, CODE_PAGES, s.and(s.wideUnsigned(linear), -PAGE_SIZE));
  s.f.store(32, place, CODE_PAGES + PAGE_MODE, mode);
  s.f.store(32, place, CODE_PAGES + PAGE_PHYSICAL, s.low(s.shrU(physical, PAGE_SHIFT)));
}
