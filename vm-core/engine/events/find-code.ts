/**
 * The generated function by which the loop finds code again that the jump cache has not where it looks first: in the place
 * beside, or found in another mode or address space, if that is where it still is (SDM vol. 3A §4.10.4.1).
 */
import { CODE_PAGES, CODE_PAGES_ENTRIES, JUMP_CACHE, PAGE_SIZE } from '../../memory/layout.ts';
import { internal } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import type { FunctionReference } from '../../wasm/module-builder.ts';
import { JUMP_BESIDE, JUMP_BLOCK, JUMP_LINEAR, JUMP_MODE, PAGE_MODE, PAGE_PHYSICAL } from '../jump-cache.ts';
import * as record from '../record.ts';
import type { EventCode } from './event-code.ts';
import { FETCH } from './translation-code.ts';
import { numberBits } from './translation-places.ts';

const CODE_SIZE_MASK = 3;
const PAGE_SHIFT = 12;

/**
 * Writes (cpu, linear address, entry's place) → 1 if the entry has the block at the address for the mode that is current: it
 * has been fetched from the place beside, or what was found in another mode with the same code size still is there.
 */
export function writeFindAgain(s: EventCode, translate: FunctionReference): void {
  const [, linear, place] = s.f.parameters as readonly [Value, Value, Value];
  const mode = s.f.copy(s.field(internal.MODE_KEY));
  const modeAt = () => s.f.load('i32', 32, place, JUMP_CACHE + JUMP_MODE);
  s.if(s.ne(addressAt(s, place), linear), () => {
    fetchFromBeside(s, linear, place);
    s.if(s.eq(modeAt(), mode), () => s.f.return(s.constant(1)));
  });
  const before = s.f.copy(modeAt());
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

/** The linear address of an entry, as the code asks for it. */
function addressAt(s: EventCode, place: Value): Value {
  return s.f.load(s.isWide ? 'i64' : 'i32', s.isWide ? 64 : 32, place, JUMP_CACHE + JUMP_LINEAR);
}

/** Exchanges an entry and the one beside it if that is of the linear address; refuses otherwise. */
function fetchFromBeside(s: EventCode, linear: Value, place: Value): void {
  const beside = s.f.copy(s.xor(place, JUMP_BESIDE));
  s.refuseIf(s.ne(addressAt(s, beside), linear));
  for (const part of [JUMP_CACHE, JUMP_CACHE + 8]) {
    const held = s.f.copy(s.f.load('i64', 64, place, part));
    s.f.store(64, place, part, s.f.load('i64', 64, beside, part));
    s.f.store(64, beside, part, held);
  }
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
