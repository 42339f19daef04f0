/**
 * How a region is left (DESIGN §3): between two blocks, or in the middle of one, where the interpreter goes on with an instruction.
 * Each exit sets what differs; what those of a block have in common is written once behind the block's code.
 */
import type { RegionExit } from '../../machine/compiled-region.ts';
import { internal, slot } from '../../state/layout.ts';
import type { FunctionBuilder, Label, Value, Variable } from '../../wasm/function-builder.ts';
import * as record from '../record.ts';
import { exitNumber } from './region-counters.ts';
import type { Region, RegionNode } from './region-graph.ts';
import { goOnInLoop, goOnInRegion } from './region-links.ts';

/** The number of an exit lies below the address of the record with which the interpreter goes on. */
const EXIT_BITS = 5;

/** Where a node is left in the middle of its block. */
interface Bails {
  readonly label: Label;
  isUsed: boolean;
}

export class RegionExits {
  readonly #f: FunctionBuilder;
  readonly #cpu: Value;
  readonly #addressBits: 32 | 64;
  /** Where the interpreter goes on; the block only in the middle of one. */
  readonly #eip: Variable;
  readonly #block: Variable;
  /** The number of the exit, and above it the address of a record, or 0 between two blocks. */
  readonly #why: Variable;
  readonly #bails = new Map<RegionNode, Bails>();
  #exit: Label = { depth: 0 };

  constructor(f: FunctionBuilder, cpu: Value, { addressBits }: Region) {
    this.#f = f;
    this.#cpu = cpu;
    this.#addressBits = addressBits;
    this.#eip = f.local(addressBits === 64 ? 'i64' : 'i32');
    this.#block = f.local('i32');
    this.#why = f.local('i32');
  }

  /** For readers of generated code. */
  get locals(): Readonly<Record<string, Value>> {
    return { eip: this.#eip, block: this.#block, exit: this.#why };
  }

  /** The number of the exit that was taken, behind `around`. */
  get number(): Value {
    return this.#f.binary('and', this.#why, this.#f.i32((1 << EXIT_BITS) - 1));
  }

  /** Everything that leaves the region; what follows is reached by exits only. */
  around(body: () => void): void {
    this.#f.block((exit) => {
      this.#exit = exit;
      body();
    });
  }

  /** The code of a node; what is between that and what follows is about no single instruction. */
  aroundNode(node: RegionNode, body: () => void, between: () => void): void {
    const f = this.#f;
    f.block((label) => {
      this.#bails.set(node, { label, isUsed: false });
      body();
    });
    if (!this.#bails.get(node)?.isUsed) return;
    between();
    f.set(this.#block, f.i32(node.block.address));
    f.set(this.#eip, this.place(node.eip));
    f.branch(this.#exit);
  }

  /** To the loop, between two blocks. */
  leave(place: bigint | Value, why: RegionExit): void {
    const f = this.#f;
    f.set(this.#eip, typeof place === 'bigint' ? this.place(place) : place);
    f.set(this.#why, f.i32(exitNumber(why)));
    f.branch(this.#exit);
  }

  /** To the interpreter, before an instruction of a node by its number. */
  bail(node: RegionNode, number: number, why: RegionExit): void {
    const f = this.#f;
    const at = (node.instructions[0]?.at as number) + number * record.RECORD_SIZE;
    const bails = this.#bails.get(node) as Bails;
    bails.isUsed = true;
    f.set(this.#why, f.i32((at << EXIT_BITS) | exitNumber(why)));
    f.branch(bails.label);
  }

  /** Behind all exits: EIP, before the region is counted. */
  store(): void {
    this.#f.store(this.#addressBits, this.#cpu, slot.EIP, this.#eip);
  }

  /** Goes on elsewhere, with the state written back. */
  goOn(): void {
    const f = this.#f;
    const at = f.binary('shrU', this.#why, f.i32(EXIT_BITS));
    const inMiddle = () => f.store(32, this.#cpu, internal.BLOCK, this.#block);
    f.if(at, inMiddle, () => goOnInRegion(f, this.#cpu, this.#eip));
    goOnInLoop(f, this.#cpu, at);
  }

  /** EIP or RIP as a constant. */
  place(place: bigint): Value {
    return this.#f.like(this.#eip, BigInt.asIntN(this.#addressBits, place));
  }
}
