/** What the table of explained differences asks of a case and of its results: where things lie, what code it has. */
import { Decoder, DecoderOptions, InstructionInfoFactory, OpAccess } from 'iced-x86';
import type { SystemCase } from './case.ts';
import type { Comparison } from './compare.ts';
import {
  CODE,
  ENDING,
  GATES_32,
  GATES_64,
  GLOBAL_TABLE,
  GLOBAL_TABLE_SIZE,
  INNER_STACKS,
  LANDING,
  LOCAL_TABLE,
  OUTER_STACKS,
  PAE_POINTERS,
  PAGE_TABLE,
  PAGE_TABLE_32,
  SELECTOR,
  TASK_32,
  TASK_64,
  TASK_CAPTURE,
  TASK_DOUBLE_FAULT,
  ZONE,
} from './layout.ts';
import type { SystemResult } from './results.ts';

/** Where the stacks end that cases begin with. */
export const STACKS_END: number = OUTER_STACKS + 0x1000;

const [PG, PAE] = [0x8000_0000, 1 << 5] as const;
/** A frame of long mode, and the bits of addresses that the page tables of cases look at. */
const [FRAME_SIZE, MAPPED_BITS] = [48, 21] as const;
/** P, W and U of an entry. */
const USER_WRITABLE = 7;
/** In the upper half of a descriptor of a task. */
const BUSY = 1 << 9;
/** ESP and CS in a task-state segment of 32 bits. */
const [TASK_ESP, TASK_CS] = [0x38, 0x4c] as const;

/** Attributes of a descriptor of the GDT or LDT, with L, D and G as bits 13 to 15; 0 beyond their ends. */
export function descriptorAttributes(selector: number, before: (address: number) => number): number {
  const at = ((selector & 4) === 0 ? GLOBAL_TABLE : LOCAL_TABLE) + (selector & 0xfff8);
  const high = at < GATES_32 ? before(at + 4) : 0;
  return ((high >>> 8) & 0xff) | ((high >>> 8) & 0xf000);
}

export const isShutdown = ({ registers }: SystemResult): boolean => registers.ending === BigInt(ENDING.SHUTDOWN);

/** The vector whose gate a case has come to in long mode, if it has come to one. */
export function landingVector({ registers: { ending, rip } }: SystemResult): number | undefined {
  const vector = (Number(BigInt.asUintN(32, rip)) - 2 - LANDING) / 2;
  return ending === BigInt(ENDING.LONG) && vector >= 0 && vector < 0x100 ? vector : undefined;
}

/** Whether a case has ended in the handler of one of these exceptions in long mode. */
export const endsIn = (result: SystemResult, ...vectors: readonly number[]): boolean =>
  vectors.includes(landingVector(result) ?? -1);

/** The lower half of the entry that maps the page of the outer stacks; undefined without paging. */
function outerStackEntry({ test: { cr0, cr4 }, before }: Comparison): number | undefined {
  const page = OUTER_STACKS >>> 12;
  if (cr0 < PG) return undefined;
  return before((cr4 & PAE) === 0 ? PAGE_TABLE_32 + page * 4 : PAGE_TABLE + page * 8);
}

/** Whether an address lies where frames and task states are, where RSP ends, or where the page of the outer stack leads. */
export function isFrame(address: number | undefined, comparison: Comparison): boolean {
  if (address === undefined) return false;
  if (address >= TASK_64 && address < STACKS_END) return true;
  const top = Number(BigInt.asUintN(MAPPED_BITS, comparison.ours.registers.rsp));
  if (address >= top - 4 && address < top + FRAME_SIZE) return true;
  const entry = outerStackEntry(comparison);
  return entry !== undefined && entry >>> 12 === address >>> 12;
}

/** Whether level 3 may not write to its stack. */
export function isOuterStackGuarded(comparison: Comparison): boolean {
  const entry = outerStackEntry(comparison);
  return entry !== undefined && (entry & USER_WRITABLE) !== USER_WRITABLE;
}

/** Whether a page fault was in one of the stacks, which returns also reach with offsets of 16 bits. */
export const isOnStacks = (address: bigint): boolean =>
  (address >= BigInt(INNER_STACKS) && address < BigInt(STACKS_END)) ||
  (address >= BigInt(OUTER_STACKS - ZONE) && address < BigInt(STACKS_END - ZONE));

/** Whether an address is that of an entry of the last page tables. */
export const isPageEntry = (address: number | undefined): boolean =>
  address !== undefined &&
  ((address >= PAGE_TABLE && address < PAE_POINTERS) || (address >= PAGE_TABLE_32 && address < PAGE_TABLE_32 + 0x1000));

/** The code segment in which a case has handed over, as the way of the hand-over saves it. */
export const lastCode = ({ registers: { ending, cs }, memory }: SystemResult): number =>
  ending === BigInt(ENDING.LONG) ? Number(cs) : (memory.get(TASK_32 + TASK_CS) ?? 0) & 0xffff;

/** Whether the stack of a case of protected mode has ended between two double words, after frames of words. */
export const isOnWords = ({ registers: { ending }, memory }: SystemResult): boolean =>
  ending !== BigInt(ENDING.LONG) && ((memory.get(TASK_32 + TASK_ESP) ?? 0) & 3) === 2;

/** The task that a case has handed over from: the link of the task that took over names it. */
export const lastTask = ({ registers: { ending }, memory }: SystemResult): number =>
  (memory.get(ending === BigInt(ENDING.DOUBLE_FAULT) ? TASK_DOUBLE_FAULT : TASK_CAPTURE) ?? 0) & 0xffff;

/** Whether a selector's descriptor is a task-state segment of 16 bits. */
export const isNarrowTask = (selector: number, before: (address: number) => number): boolean =>
  (descriptorAttributes(selector, before) & 0x1d) === 1;

/** Whether a selector's descriptor is a task-state segment. */
const isTask = (selector: number, before: (address: number) => number): boolean =>
  (descriptorAttributes(selector, before) & 0x15) === 1;

/** Selectors of the GDT. */
export const globalSelectors: readonly number[] = Array.from({ length: GLOBAL_TABLE_SIZE / 8 }, (_, n) => n * 8);

/** Whether one machine has made a task-state segment of 16 bits of the GDT busy, as LTR does. */
export const hasBusyNarrowTask = ({ memory }: SystemResult, before: (address: number) => number): boolean =>
  globalSelectors.some((selector) => {
    const changed = memory.get(GLOBAL_TABLE + selector + 4);
    return changed !== undefined && (changed & BUSY) !== 0 && isNarrowTask(selector, before);
  });

/** The base in a descriptor of the GDT. */
function descriptorBase(selector: number, before: (address: number) => number): number {
  const at = GLOBAL_TABLE + (selector & 0xfff8);
  return at < LOCAL_TABLE ? (before(at) >>> 16) | ((before(at + 4) & 0xff) << 16) : 0;
}

/**
 * Whether a case has handed over from a task whose state lies in the segment that the task before it was saved in, though
 * another descriptor names it: that of the task that the case began with or loaded, or that of the link. A link that names
 * its own task was written when this one was left for its own segment.
 */
export function isOwnSegmentAgain({ test, ours, before }: Comparison): boolean {
  const last = lastTask(ours);
  const base = descriptorBase(last, before);
  const link = (ours.memory.get(base) ?? 0) & 0xffff;
  const loaded = test.text.includes('LTR') ? globalSelectors.filter((selector) => isTask(selector, before)) : [];
  const isOther = (selector: number) => selector !== 0 && selector !== (last & 0xfff8) && selector !== last;
  if (last === 0) return false;
  return (
    link === last ||
    [test.tr, link, ...loaded].some((other) => isOther(other) && descriptorBase(other, before) === base)
  );
}

/** Whether code of a case may run at level 3, from the beginning or after a return. */
export const isOuter = ({ text }: SystemCase): boolean => /level 3|virtual-8086|IRET|RETF|SYSEXIT|SYSRET/.test(text);

/** Whether a gate of a case in protected mode leads to code of level 1 or 2 that is not conforming. */
export function hasHandlerOfMiddleLevel({ patches }: SystemCase, before: (address: number) => number): boolean {
  const gates = patches.filter(({ at, bytes }) => at >= GATES_32 && at < GATES_64 && bytes.length === 8);
  return gates.some(({ bytes }) => {
    const attributes = descriptorAttributes(((bytes[3] as number) << 8) | (bytes[2] as number), before);
    const level = (attributes >>> 5) & 3;
    return (attributes & 0x1c) === 0x18 && (level === 1 || level === 2);
  });
}

/** BTC EAX, and the bits that MOV may then refuse: CR4.PAE, CR0.NW and CR0.PG. */
const FLIP = [0x0f, 0xba, 0xf8] as const;
const refusedBits: ReadonlySet<number> = new Set([5, 29, 31]);

/** Whether a case flips a bit of a control register that may be one too many. */
export function flipsRefusedBit({ text, patches }: SystemCase): boolean {
  const code = patches.find(({ at }) => at === CODE)?.bytes ?? [];
  return (
    text.includes('MOV CR') &&
    code.some((bit, n) => n >= 3 && refusedBits.has(bit) && FLIP.every((byte, k) => code[n - 3 + k] === byte))
  );
}

/** Bits of the code that a case begins with. */
export const codeSizeOf = (test: SystemCase): 16 | 32 | 64 =>
  test.codeSize ?? (test.cs === SELECTOR.CODE_64 || test.cs === (SELECTOR.USER_CODE_64 | 3) ? 64 : 32);

/** Whether what faulted, with an error code in long mode, is not code of the case: a return has led elsewhere. */
export function isElsewhere({ ours: { registers, memory }, before }: Comparison): boolean {
  const at = Number(BigInt.asUintN(MAPPED_BITS, registers.rsp)) + 8;
  const place = (memory.get(at) ?? before(at)) & ((1 << MAPPED_BITS) - 1);
  return registers.ending === BigInt(ENDING.LONG) && (place < CODE || place >= CODE + 0x1000);
}

const infoFactory = new InstructionInfoFactory();
const writing: ReadonlySet<number> = new Set([OpAccess.ReadWrite, OpAccess.ReadCondWrite]);

/** Whether an instruction of a case reads an operand in memory and writes it. */
export function readsAndWrites(test: SystemCase): boolean {
  const bytes = test.patches.find(({ at }) => at === CODE)?.bytes ?? [];
  const decoder = new Decoder(codeSizeOf(test), Uint8Array.from(bytes), DecoderOptions.None);
  try {
    while (decoder.canDecode) {
      const instruction = decoder.decode();
      const info = infoFactory.info(instruction);
      const does = info.usedMemory().some(({ access }) => writing.has(access));
      info.free();
      instruction.free();
      if (does) return true;
    }
    return false;
  } finally {
    decoder.free();
  }
}
