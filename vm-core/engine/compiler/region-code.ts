/**
 * The WebAssembly function of a region: (cpu, record) → status; the record is 0 where another region goes on here. It runs as long as it stays in the region and its share of
 * the budget lasts, and leaves the state as the interpreter has it between two blocks, or in the middle of a block before
 * an instruction that the interpreter is to do (DESIGN §3).
 */
import type { RegionExit } from '../../machine/compiled-region.ts';
import { internal, slot } from '../../state/layout.ts';
import type { FunctionBuilder, Label, Value, Variable } from '../../wasm/function-builder.ts';
import { PAGE_SIZE } from '../../memory/layout.ts';
import { HANDLER_SIGNATURE } from '../interpreter.ts';
import * as record from '../record.ts';
import { CodeMarks, localNames } from './code-marks.ts';
import { CompiledFlags, IN_STATE } from './compiled-flags.ts';
import type { CompiledInstruction } from './compiled-instruction.ts';
import { CompiledMemory } from './compiled-memory.ts';
import { CompiledRegisters } from './compiled-registers.ts';
import { CompiledUnits, type FunctionPlace } from './compiled-units.ts';
import { CompilerStage } from './compiler-stage.ts';
import { FlagMeeting } from './flag-meeting.ts';
import { writeJumpTable } from './jump-table.ts';
import { noteTarget } from './learned-targets.ts';
import { halvedRegisters } from './halved-registers.ts';
import { askInterrupt } from './interrupt-question.ts';
import { RegionBudget } from './region-budget.ts';
import { RegionCalls } from './region-calls.ts';
import { exitNumber } from './region-counters.ts';
import { RegionEntry } from './region-entry.ts';
import { codeBaseOf, isTransfer, type Region, type RegionNode } from './region-graph.ts';
import { RegionPages } from './region-pages.ts';
import { RegionExits } from './region-exits.ts';
import { type OrderedNode, orderRegion } from './region-order.ts';
import { AssumedFacts } from './segment-facts.ts';
import { stageInstruction } from './stage-instruction.ts';
import { type InlineWays, NO_WAYS } from './stage-surroundings.ts';

/** What a region's function is made for. */
export interface RegionPlace {
  /** Facts that hold there, of which the code may take what it likes for granted. */
  readonly facts: number;
  /** The number of its counters. */
  readonly counters: number;
  readonly functionPlace: FunctionPlace;
  /** Stores to pages with code are done in the region, if they are not to code. */
  readonly storesBesideCode: boolean;
  /** Where the state is, if there is only one processor: then it is a constant. */
  readonly cpu: number | undefined;
}

/** The code of one region, to be written once. */
export class RegionCode {
  readonly #f: FunctionBuilder;
  readonly #cpu: Value;
  readonly #region: Region;
  /** The root or the dispatcher. */
  readonly #first: OrderedNode;
  /** The number of the place that the dispatcher leads to. */
  readonly #way: Variable;
  /** What was taken for granted so far. */
  readonly facts: AssumedFacts;
  readonly #registers: CompiledRegisters;
  readonly #flags: CompiledFlags;
  readonly #memory: CompiledMemory;
  readonly #units: CompiledUnits;
  readonly #calls: RegionCalls;
  readonly #pages: RegionPages;
  readonly #budget: RegionBudget;
  readonly #entry: RegionEntry;
  readonly #exits: RegionExits;
  readonly #labels = new Map<OrderedNode, Label>();
  readonly #marks: CodeMarks;
  #highest = 0;

  constructor(f: FunctionBuilder, region: Region, place: RegionPlace) {
    const { facts, counters, functionPlace, storesBesideCode, cpu } = place;
    this.#f = f;
    this.#cpu = cpu === undefined ? (f.parameters[0] as Value) : f.i32(cpu);
    this.#region = region;
    this.#first = orderRegion(region);
    this.#way = f.local('i32');
    this.facts = new AssumedFacts(facts);
    this.#marks = new CodeMarks(f);
    const { addressBits } = region;
    this.#registers = new CompiledRegisters(f, this.#cpu, addressBits, halvedRegisters(region));
    this.#flags = new CompiledFlags(f, this.#cpu, addressBits, functionPlace);
    this.#memory = new CompiledMemory(f, this.#cpu, addressBits, { facts: this.facts, storesBesideCode });
    this.#units = new CompiledUnits(f, this.#cpu, region, functionPlace);
    this.#calls = new RegionCalls(f, this.#cpu, region, this.facts);
    this.#pages = new RegionPages(f, this.#cpu, region);
    this.#budget = new RegionBudget(f, this.#cpu, counters);
    this.#entry = new RegionEntry(f, this.#cpu, region, { counters, facts: this.facts, units: this.#units });
    this.#exits = new RegionExits(f, this.#cpu, region);
  }

  /** Gives the marks of the code. */
  write(): Int32Array {
    const f = this.#f;
    f.late.add(() => this.#begin());
    this.#exits.around(() => {
      this.#flags.known = IN_STATE;
      if (this.#first.isLoop && this.#region.root.wantsCarry) this.#flags.provideCarry();
      this.#tree(this.#first);
    });
    f.scope(() => this.#end());
    return this.#marks.finish(f.late.fill());
  }

  /** The names of those locals that have one, by their numbers. */
  names(): readonly string[] {
    const own = { cpu: this.#cpu, ...this.#budget.locals };
    return localNames({ ...own, ...this.#exits.locals }, [this.#registers, this.#flags, this.#memory]);
  }

  #begin(): void {
    this.#entry.write(this.#budget, this.#first.longest, this.#highest);
    this.#registers.load();
    this.#units.load();
    this.#memory.begin();
    this.#calls.begin();
    this.#pages.begin();
  }

  #end(): void {
    this.#registers.store();
    this.#units.store();
    this.#calls.end();
    this.#flags.known = undefined;
    this.#flags.flush();
    this.#exits.store();
    this.#memory.end();
    this.#budget.leave(this.#exits.number);
    this.#exits.goOn();
  }

  /** A node and what it dominates. */
  #tree(node: OrderedNode): void {
    this.#marks.around(() => {
      if (!node.isLoop) return this.#within(node, node.meetings);
      this.#f.loop((label) => {
        this.#labels.set(node, label);
        this.#within(node, node.meetings);
      });
    });
  }

  /** The node's code in as many blocks as there are meetings behind it. */
  #within(node: OrderedNode, [last, ...others]: readonly OrderedNode[]): void {
    if (!last) {
      if (node.dispatches) this.#dispatch(node, node.dispatches);
      else this.#node(node);
      return;
    }
    this.#f.block((label) => {
      this.#labels.set(last, label);
      this.#within(node, others);
    });
    this.#flags.meet(last.node.wantsCarry);
    this.#tree(last);
  }

  #node(from: OrderedNode): void {
    const instructions = () => this.#instructions(from);
    this.#exits.aroundNode(from.node, instructions, () => this.#marks.begin(undefined));
  }

  #instructions(from: OrderedNode): void {
    const f = this.#f;
    const { node } = from;
    if (from.isLoop) this.#flags.meet(node.wantsCarry);
    this.#marks.begin(undefined);
    this.#highest = Math.max(this.#highest, this.#region.addressBits === 32 ? Number(node.eip) + node.bytes - 1 : 0);
    for (const [n, instruction] of node.instructions.entries()) {
      let isLeft = false;
      const start = node.eip + BigInt(instruction.nextOffset - instruction.length);
      this.#marks.begin(Number(start - this.#region.root.eip));
      f.scope(() => {
        isLeft = this.#instruction(from, instruction, n);
      });
      if (isLeft) return;
    }
    if (node.instructions.length < node.count) this.#exits.bail(from.node, node.instructions.length, 'handler');
    else this.#edge(from, node.eip + BigInt(node.bytes), node.count);
  }

  /** Goes on at one of the places; what it needs there was provided on the way here. */
  #dispatch({ successors }: OrderedNode, places: readonly bigint[]): void {
    const labels = places.map((place) => this.#labels.get(successors.get(place) as OrderedNode) as Label);
    this.#f.branchTable(this.#way, labels);
  }

  /** True if nothing of the block follows. */
  #instruction(from: OrderedNode, instruction: CompiledInstruction, number: number): boolean {
    const { row, form } = instruction;
    if (!form) {
      this.#call(from, instruction, number);
      return false;
    }
    const surroundings = {
      f: this.#f,
      cpu: this.#cpu,
      addressBits: this.#region.addressBits,
      facts: this.facts,
      registers: this.#registers,
      flags: this.#flags,
      memory: this.#memory,
      units: this.#units,
      calls: this.#calls,
      entry: from.node.eip,
      bail: (why: RegionExit) => this.#exits.bail(from.node, number, why),
      jump: (target: Value, paragraph?: Value) => this.#jump(from, target, number + 1, paragraph),
      end: NO_WAYS.end,
      otherwiseIf: NO_WAYS.otherwiseIf,
      interruptPending: () => askInterrupt(this.#f, this.#cpu, this.#budget.now(), from.node.block, instruction.at),
      budgetBehind: () => this.#f.binary('sub', this.#budget.now(), this.#f.i32(number + 1)),
      repeat: (again: () => void) => {
        this.#budget.spend(1);
        this.#f.if(this.#budget.hasFor(from.longest), again);
        this.#budget.spend(number);
        this.#exits.leave(from.node.eip + BigInt(instruction.nextOffset - instruction.length), 'repeat');
      },
      unlessKnown: (target: Value, check: () => void) => {
        const [place] = from.node.isComputed ? from.successors.keys() : [];
        if (place === undefined) check();
        else this.#f.if(this.#f.binary('ne', target, this.#exits.place(place)), check);
      },
      noteTarget: (target: number) => {
        if (this.#region.addressBits === 32) this.#highest = Math.max(this.#highest, target >>> 0);
      },
    };
    const stage = new CompilerStage(surroundings, instruction);
    if (row.inline)
      return this.#inline(from, instruction, number, (ways) => {
        Object.assign(surroundings, ways);
        stageInstruction(stage, instruction);
      });
    stageInstruction(stage, instruction);
    return stage.isLeft;
  }

  /** The inline part of a system operation. Where it comes to its end, or leaves it, the whole operation follows. */
  #inline(
    from: OrderedNode,
    instruction: CompiledInstruction,
    number: number,
    write: (ways: InlineWays) => void,
  ): boolean {
    const ends = new FlagMeeting(this.#flags);
    this.#f.block((behind) => {
      const end = () => {
        ends.arrive();
        this.#f.branch(behind);
      };
      this.#f.block((whole) => write({ end, otherwiseIf: (condition) => this.#f.branchIf(condition, whole) }));
      this.#flags.known = undefined;
      if (isTransfer(instruction)) this.#exits.bail(from.node, number, 'handler');
      else {
        this.#call(from, instruction, number);
        ends.arrive();
      }
    });
    return !ends.meet();
  }

  /** Has the interpreter's handler do an instruction, with the state as the interpreter has it there. */
  #call(from: OrderedNode, { at, handler, row }: CompiledInstruction, number: number): void {
    const f = this.#f;
    const cpu = this.#cpu;
    const { addressBits } = this.#region;
    this.#units.storeFor(row);
    this.#flags.flush();
    f.store(addressBits, cpu, slot.EIP, this.#exits.place(from.node.eip));
    // Of those that a way back leads here with, which are known when all is written.
    f.late.add(() => this.#registers.store());
    f.store(32, cpu, internal.BUDGET, this.#budget.now());
    f.store(32, cpu, internal.BLOCK, f.i32(from.node.block.address));
    this.#calls.give();
    const status = f.callIndirect(HANDLER_SIGNATURE, f.i32(handler), cpu, f.i32(at));
    f.if(status, () => {
      this.#budget.leave(f.i32(exitNumber('called')));
      this.#units.storeBehind(row);
      f.store(32, cpu, internal.REGION_RECORD, f.i32(at + record.RECORD_SIZE));
      f.return(f.binary('or', status, f.i32(record.STATUS_CALLED)));
    });
    f.late.add(() => this.#registers.load());
    this.#units.load(row);
    this.#memory.begin();
    this.#calls.take();
    if (row.unit) return;
    // A system operation may have changed what this code takes for granted.
    f.if(this.#entry.isForeign(), () => {
      if (number + 1 < from.node.count) this.#exits.bail(from.node, number + 1, 'changed');
      else {
        this.#budget.spend(number + 1);
        this.#exits.leave(from.node.eip + BigInt(from.node.bytes), 'changed');
      }
    });
  }

  /** With a paragraph, CS has been loaded with that. */
  #jump(from: OrderedNode, target: Value, done: number, paragraph?: Value): void {
    const f = this.#f;
    const staysIn = paragraph && this.#isCodeBase(paragraph);
    if (target.constant !== undefined && (!staysIn || staysIn.constant === 1)) {
      this.#edge(from, BigInt(target.constant), done);
      return;
    }
    this.#budget.spend(done);
    const known = this.#flags.known;
    const go = (to: OrderedNode, place: bigint) => () => {
      this.#branch(from, to, place);
      this.#flags.known = known;
    };
    const ways = [...(from.node.isComputed ? from.successors : [])].map(([place, to]) => ({
      place,
      go: go(to, place),
    }));
    writeJumpTable(f, target, ways, (place) => {
      const isPlace = f.binary('eq', target, this.#exits.place(place));
      return staysIn ? f.binary('and', isPlace, staysIn) : isPlace;
    });
    if (from.node.isLearned) noteTarget(f, this.#cpu, this.#budget.now(), from.node.block.address, target);
    this.#flags.flushKnown();
    this.#exits.leave(target, 'indirect');
  }

  /** Whether a paragraph begins where the code segment does in which the region was found. */
  #isCodeBase(paragraph: Value): Value {
    const { block, eip } = this.#region.root;
    return this.#f.binary('eq', this.#f.binary('shl', paragraph, this.#f.i32(4)), this.#f.i32(codeBaseOf(block, eip)));
  }

  /** Goes on at a place after so many instructions of the block. */
  #edge(from: OrderedNode, place: bigint, done: number): void {
    const known = this.#flags.known;
    const target = BigInt.asUintN(this.#region.addressBits, place);
    const to = from.successors.get(target);
    this.#budget.spend(done);
    if (to) this.#branch(from, to, target);
    else {
      this.#flags.flushKnown();
      this.#exits.leave(target, this.#isOnPage(target) ? 'outside' : 'page');
    }
    this.#flags.known = known;
  }

  #branch(from: OrderedNode, to: OrderedNode, place: bigint): void {
    const { block, wantsCarry } = this.#region.nodes.get(place) as RegionNode;
    this.#pages.require(from.node.block, block, () => this.#exits.leave(place, 'page'));
    // There is enough left for all ways to the next edge that goes back. In front of the loop more is known than at its start.
    if (to.order <= from.order)
      this.#f.if(this.#budget.isTooSmallFor(to.longest), () => this.#exits.leave(place, 'budget'));
    if (wantsCarry && (to.isLoop || to.isMeeting)) this.#flags.provideCarry();
    if (to.dispatches) this.#f.set(this.#way, this.#f.i32(to.dispatches.indexOf(place)));
    if (to.order > from.order && !to.isMeeting) this.#f.locals.aside(() => this.#tree(to));
    else this.#f.branch(this.#labels.get(to) as Label);
  }

  #isOnPage(place: bigint): boolean {
    const { root, addressBits } = this.#region;
    const inPage = (root.block.physical & (PAGE_SIZE - 1)) + Number(BigInt.asIntN(addressBits, place - root.eip));
    return inPage >= 0 && inPage < PAGE_SIZE;
  }
}
