/**
 * The region of hot code around a block (DESIGN §3): the decoded blocks of its page and a few others that are reached from it by jumps, calls
 * and returns, as a control-flow graph in an order from which structured code can be written.
 */
import { type Address, pageStart, plus } from '../../state/address.ts';
import type { Block } from '../code-cache.ts';
import type { Form } from '../interpreter-plan.ts';
import type { Interpreter } from '../interpreter.ts';
import * as record from '../record.ts';
import { type CompiledInstruction, readInstruction } from './compiled-instruction.ts';

/** Each page but the root's has to be looked up where the region is entered. */
const PAGES_MAX = 4;
const BLOCKS_MAX = 48;
const INSTRUCTIONS_MAX = 400;
/** A return looks for so many places behind calls. */
const RETURNS_MAX = 6;
/** A computed jump for so many targets that it was seen to lead to. */
const TARGETS_MAX = 32;

/** What goes elsewhere, calls and returns. */
const TRANSFERS = /^((CALL|JMP|RET)_FAR|INT|IRET)/;
/** Which returns go back to which calls. */
const PAIRS = [
  { calls: /^CALL$/, returns: /^RET$/ },
  { calls: /^CALL_FAR/, returns: /^RET_FAR/ },
  { calls: /^INT$/, returns: /^IRET$/ },
] as const;

type Pair = (typeof PAIRS)[number];

/** A block of the region. Places are EIP or RIP: of 64 bits as they are, of 32 unsigned. */
export interface RegionNode {
  readonly block: Block;
  readonly eip: bigint;
  readonly instructions: readonly CompiledInstruction[];
  /** Instructions of the block; those behind `instructions` are left to the interpreter. */
  readonly count: number;
  readonly bytes: number;
  /** Where the last instruction is not one that always goes elsewhere: the place behind the block. */
  readonly next: bigint | undefined;
  /** Targets of jumps, and behind them for a return the places that it may go to. */
  targets: readonly bigint[];
  /** Of a call: the place behind it. */
  readonly callsFrom: bigint | undefined;
  readonly calls: Pair | undefined;
  readonly returns: Pair | undefined;
  /** Whether what it goes to has to be compared with its targets. */
  readonly isComputed: boolean;
  /** Whether it is worth to be known where else it goes to. */
  readonly isLearned: boolean;
  /** The first instruction that has to do with flags asks for the carry, or keeps it. */
  readonly wantsCarry: boolean;
}

/** Where blocks are found, and what their handlers stand for. */
export interface CodeSource {
  readonly view: DataView;
  readonly handlers: Pick<Interpreter, 'formAt' | 'isSystem' | 'pseudoHandlers'>;
  readonly isRealMode: boolean;
  /** In real mode: where the table leads for a vector now, as far as is known. */
  handlerOf(vector: number): { readonly offset: number; readonly selector: number } | undefined;
  /** The block at a linear address, if it is known where that is, it is decoded, and nothing has to be asked there. */
  blockAt(linear: Address): Block | undefined;
  /** Where the computed jump or call at the end of a block was seen to lead, the most frequent first. */
  targetsOf(block: Block): readonly bigint[];
  /** True for an instruction of a block that is left to its handler, though it could be compiled. */
  isCalled(block: Block, number: number): boolean;
}

export interface Region {
  readonly root: RegionNode;
  readonly nodes: ReadonlyMap<bigint, RegionNode>;
  readonly addressBits: 32 | 64;
}

/** The base of the code segment that a block of 16- or 32-bit code was found in. */
export function codeBaseOf({ linear }: Block, eip: bigint): number {
  return (Number(linear) - Number(eip)) >>> 0;
}

/** Where a paragraph begins. */
function paragraphBase(selector: number): number {
  return (selector << 4) >>> 0;
}

/** The region that begins at a block; undefined if its first instruction cannot be compiled. */
export function discoverRegion(source: CodeSource, root: Block, eip: bigint): Region | undefined {
  const addressBits = root.codeSize === 64 ? 64 : 32;
  const first = readNode(source, root, eip, addressBits);
  if (first.instructions.length === 0) return undefined;
  const nodes = new Map<bigint, RegionNode>([[eip, first]]);
  const waiting = [first];
  const backs = new Map<bigint, Pair | undefined>();
  const pages = new Set(pagesOf(root));
  let instructions = first.instructions.length;
  const meet = (place: bigint): void => {
    if (nodes.has(place) || nodes.size >= BLOCKS_MAX || instructions >= INSTRUCTIONS_MAX) return;
    const block = source.blockAt(linearOf(root, eip, place, addressBits));
    if (!block) return;
    const further = pagesOf(block).filter((page) => !pages.has(page));
    if (pages.size + further.length > PAGES_MAX) return;
    for (const page of further) pages.add(page);
    const node = readNode(source, block, place, addressBits);
    if (node.instructions.length === 0) return;
    instructions += node.instructions.length;
    nodes.set(place, node);
    waiting.push(node);
  };
  for (let node = waiting.shift(); node; node = waiting.shift()) {
    if (node.callsFrom !== undefined) backs.set(node.callsFrom, node.calls);
    for (const target of node.targets) meet(target);
    if (node.next !== undefined) meet(node.next);
    if (waiting.length > 0) continue;
    const returning = new Set([...nodes.values()].map(({ returns }) => returns));
    for (const [back, pair] of backs) if (returning.has(pair)) meet(back);
  }
  const starts = new Set<number>();
  for (const place of nodes.keys()) starts.add(distance(place, eip, addressBits));
  for (const node of nodes.values()) {
    const end = firstShared(node.instructions, distance(node.eip, eip, addressBits), starts);
    if (end) nodes.set(node.eip, readNode(source, node.block, node.eip, addressBits, end));
  }
  for (const node of nodes.values()) {
    if (!node.returns) continue;
    const known = [...backs].filter(([back, pair]) => pair === node.returns && nodes.has(back));
    node.targets = [...node.targets, ...known.map(([back]) => back).slice(0, RETURNS_MAX)];
  }
  return { root: nodes.get(eip) as RegionNode, nodes, addressBits };
}

/** How many edges lead from one node of a region to another. */
export function edgeCount({ nodes }: Region): number {
  let count = 0;
  for (const { targets, next } of nodes.values()) {
    for (const target of targets) if (nodes.has(target)) count++;
    if (next !== undefined && nodes.has(next)) count++;
  }
  return count;
}

/** The linear addresses of the places outside of a region to which jumps and calls of known targets lead, or its ends. */
export function waysOut({ root, nodes, addressBits }: Region): readonly Address[] {
  const places = new Set<bigint>();
  for (const { targets, next } of nodes.values())
    for (const place of next === undefined ? targets : [...targets, next]) if (!nodes.has(place)) places.add(place);
  return [...places].map((place) => linearOf(root.block, root.eip, place, addressBits));
}

function linearOf(root: Block, eip: bigint, place: bigint, addressBits: 32 | 64): Address {
  const linear = plus(root.linear, distance(place, eip, addressBits));
  return addressBits === 64 ? linear : Number(linear) >>> 0;
}

/** Where the linear pages begin that a block lies on: most blocks lie on one. */
export function pagesOf({ linear, bytes }: Block): readonly number[] {
  const [first, last] = [pageStart(linear), pageStart(plus(linear, bytes - 1))];
  return first === last ? [first] : [first, last];
}

/**
 * Where instructions go on in code that is another node's: ways meet there, and loops that begin there have one entry. By
 * distances from the root: that of the first one, and those of nodes.
 */
function firstShared(
  instructions: readonly CompiledInstruction[],
  first: number,
  starts: ReadonlySet<number>,
): NodeEnd | undefined {
  for (let n = 0; n + 1 < instructions.length; n++) {
    const { nextOffset } = instructions[n] as CompiledInstruction;
    if (starts.has(first + nextOffset)) return { count: n + 1, bytes: nextOffset };
  }
  return undefined;
}

/** From the root's place, in code of one kind. */
function distance(place: bigint, root: bigint, addressBits: 32 | 64): number {
  return Number(BigInt.asIntN(addressBits, place - root));
}

/** How far a node goes in its block. */
interface NodeEnd {
  readonly count: number;
  readonly bytes: number;
}

function readNode(
  source: CodeSource,
  block: Block,
  eip: bigint,
  addressBits: 32 | 64,
  end: NodeEnd = { count: source.view.getInt32(block.address + record.BLOCK_COUNT, true), bytes: block.bytes },
): RegionNode {
  const { view } = source;
  const { count, bytes } = end;
  const start = view.getInt32(block.address + record.BLOCK_FIRST, true);
  const instructions: CompiledInstruction[] = [];
  const targets: bigint[] = [];
  const place = (offset: number) => BigInt.asUintN(addressBits, eip + BigInt(offset));
  for (let n = 0; n < count; n++) {
    const read = readInstruction(
      view,
      block.address,
      start + n * record.RECORD_SIZE,
      source.handlers,
      source.isRealMode,
    );
    const instruction = read && source.isCalled(block, n) ? { ...read, form: undefined } : read;
    // What is not compiled and changes what follows is left to the interpreter's loop.
    if (!instruction || (!instruction.form && instruction.row.endsBlock)) break;
    instructions.push(instruction);
    if (isRelative(instruction)) targets.push(targetOf(instruction, eip, addressBits));
    else if (isInParagraph(instruction, block, eip)) targets.push(BigInt(farOffset(instruction)));
    else if (instruction.row.name === 'INT' && instruction.form)
      targets.push(...handlerOf(source, instruction, block, eip));
  }
  const last = instructions.at(-1);
  const isWhole = instructions.length === count;
  const { name, endsBlock } = last?.row ?? { name: '', endsBlock: false };
  const calls = isWhole ? PAIRS.find((pair) => pair.calls.test(name)) : undefined;
  const returns = isWhole ? PAIRS.find((pair) => pair.returns.test(name)) : undefined;
  const isLearned = isWhole && isComputedJump(last);
  if (isLearned) targets.push(...source.targetsOf(block).slice(0, TARGETS_MAX));
  return {
    block,
    eip,
    instructions,
    count,
    bytes,
    next: isWhole && (!endsBlock || isLoad(last)) ? place(bytes) : undefined,
    targets,
    callsFrom: calls && place(bytes),
    calls,
    returns,
    isComputed: isLearned || returns !== undefined || calls === PAIRS[2],
    isLearned,
    wantsCarry: wantsCarry(instructions),
  };
}

/** Instructions that leave the flags alone, and those that begin with the carry. */
const FLAGLESS = /^(MOV|MOVZX|MOVSX|MOVSXD|LEA|PUSH|POP|XCHG|NOP|NOT|BSWAP|CBW|CWD|LODS|LODSB|STOS|STOSB|MOVS|MOVSB)$/;
const CARRIED = /^(INC|DEC|ADC|SBB|RCL|RCR|CMC|JB|JNB|JC|JNC|JAE)$/;

function wantsCarry(instructions: readonly CompiledInstruction[]): boolean {
  const first = instructions.find(({ form, row }) => !form || !FLAGLESS.test(row.name));
  return first?.form !== undefined && CARRIED.test(first.row.name);
}

/** Whether the part of it that is compiled goes elsewhere. */
export function isTransfer({ row }: CompiledInstruction): boolean {
  return TRANSFERS.test(row.name);
}

/** An instruction that ends blocks, and of which the part that is compiled goes on behind it. */
function isLoad(last: CompiledInstruction | undefined): boolean {
  return last?.form !== undefined && last.row.inline !== undefined && !isTransfer(last);
}

/** A far jump or call in real mode to the paragraph in which the code is. */
function isInParagraph({ form, row, immediate2 }: CompiledInstruction, block: Block, eip: bigint): boolean {
  if (!form || !row.operands.includes('Ap')) return false;
  return paragraphBase(immediate2) === codeBaseOf(block, eip);
}

/** Where a far jump or call with an immediate operand leads in its paragraph. */
function farOffset({ form, immediate }: CompiledInstruction): number {
  return form?.operandSize === 16 ? immediate & 0xffff : immediate >>> 0;
}

/** Where an interrupt leads in the paragraph of its code. */
function handlerOf(
  source: CodeSource,
  { immediate }: CompiledInstruction,
  block: Block,
  eip: bigint,
): readonly bigint[] {
  const handler = source.handlerOf(immediate & 0xff);
  if (!handler || paragraphBase(handler.selector) !== codeBaseOf(block, eip)) return [];
  return [BigInt(handler.offset)];
}

function isRelative({ form, row }: CompiledInstruction): boolean {
  return form !== undefined && (row.operands.includes('Jb') || row.operands.includes('Jz'));
}

/** A near jump or call by a register or memory. */
function isComputedJump(last: CompiledInstruction | undefined): boolean {
  return last?.form !== undefined && /^(JMP|CALL)$/.test(last.row.name) && !isRelative(last);
}

/** As the semantics of near jumps has it: cut to the operand size. */
function targetOf(instruction: CompiledInstruction, eip: bigint, addressBits: 32 | 64): bigint {
  const { operandSize } = instruction.form as Form;
  const next = BigInt.asUintN(addressBits === 64 ? 64 : operandSize, eip + BigInt(instruction.nextOffset));
  return BigInt.asUintN(operandSize, next + BigInt(instruction.immediate));
}
