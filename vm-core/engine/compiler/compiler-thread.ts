/**
 * Compiling in a thread of its own: a plan goes there as a message, and what was made of it comes back as one. Whoever embeds
 * the machine starts the thread and gives both ends of the channel.
 */
import type { InstructionRow } from '../../isa/instruction-row.ts';
import { instructionRows } from '../../isa/instruction-table.ts';
import type { BlockPlace, RegionNode } from './region-graph.ts';
import { type MadeModule, type ModulePlan, makeModule } from './region-module.ts';

/** One end of a channel between two threads: what is posted is cloned, the buffers that are named are handed over. */
export interface ThreadChannel {
  post(message: unknown, transfer: readonly ArrayBufferLike[]): void;
  listen(receive: (message: unknown) => void): void;
}

/** A thread that compiles, for any number of machines. */
export interface CompilerThread {
  /** False until it has started, and behind its end. */
  readonly isReady: boolean;
  /** Calls back between two runs of the machine: with what was made, or if the module cannot be made or the thread ends before it is. */
  make(plan: ModulePlan, whenMade: (made: MadeModule) => void, whenFailed: () => void): void;
  /** The thread has ended: it answers nothing any more. */
  ended(): void;
}

interface Order {
  readonly id: number;
  /** As `withNumbers` makes it. */
  readonly plan: unknown;
}

type Answer =
  | { readonly kind: 'ready' }
  | { readonly kind: 'made'; readonly id: number; readonly made: MadeModule }
  | { readonly kind: 'failed'; readonly id: number };

/** The machine's end: the thread at the other one serves by `serveCompiler`. */
export function compilerThread(channel: ThreadChannel): CompilerThread {
  return new ThreadAtChannel(channel);
}

class ThreadAtChannel implements CompilerThread {
  isReady = false;
  readonly #channel: ThreadChannel;
  readonly #open = new Map<number, { whenMade(made: MadeModule): void; whenFailed(): void }>();
  #nextId = 1;

  constructor(channel: ThreadChannel) {
    this.#channel = channel;
    channel.listen((message) => this.#receive(message as Answer));
  }

  make(plan: ModulePlan, whenMade: (made: MadeModule) => void, whenFailed: () => void): void {
    const order: Order = { id: this.#nextId++, plan: withNumbers(plan) };
    this.#open.set(order.id, { whenMade, whenFailed });
    this.#channel.post(order, []);
  }

  ended(): void {
    this.isReady = false;
    const open = [...this.#open.values()];
    this.#open.clear();
    for (const { whenFailed } of open) whenFailed();
  }

  #receive(answer: Answer): void {
    if (answer.kind === 'ready') {
      this.isReady = true;
      return;
    }
    const open = this.#open.get(answer.id);
    this.#open.delete(answer.id);
    if (answer.kind === 'made') open?.whenMade(answer.made);
    else open?.whenFailed();
  }
}

/** The other end: makes what is asked for, in the order in which it is. */
export function serveCompiler({ post, listen }: ThreadChannel): void {
  const answer = (message: Answer, transfer: readonly ArrayBufferLike[] = []) => post(message, transfer);
  listen((message) => {
    const { id, plan } = message as Order;
    try {
      const made = makeModule(withRows(plan as ModulePlan));
      answer({ kind: 'made', id, made }, [made.bytes.buffer, ...made.regions.map(({ marks }) => marks.buffer)]);
    } catch {
      // Whoever asked finds out why when it makes the same.
      answer({ kind: 'failed', id });
    }
  });
  answer({ kind: 'ready' });
}

let numbers: ReadonlyMap<InstructionRow, number> | undefined;

/** A plan as it can be posted: rows have functions, so they go by their numbers; of blocks it is known where they are. */
function withNumbers(plan: ModulePlan): unknown {
  numbers ??= new Map(instructionRows.map((row, n) => [row, n]));
  const regions = plan.regions.map(({ region, ...others }) => {
    const nodes = new Map<bigint, unknown>();
    for (const [place, node] of region.nodes) nodes.set(place, numbered(node));
    return { ...others, region: { ...region, nodes, root: nodes.get(region.root.eip) } };
  });
  return { ...plan, regions };
}

function numbered(node: RegionNode): unknown {
  const { address, linear, physical, bytes, codeSize } = node.block;
  const block: BlockPlace = { address, linear, physical, bytes, codeSize };
  const instructions = node.instructions.map((instruction) => ({ ...instruction, row: numbers?.get(instruction.row) }));
  return { ...node, block, instructions, calls: undefined, returns: undefined };
}

/** A plan that was posted, with its rows. */
function withRows(plan: ModulePlan): ModulePlan {
  for (const { region } of plan.regions) {
    for (const { instructions } of region.nodes.values()) {
      for (const instruction of instructions as readonly { row: InstructionRow | number }[])
        instruction.row = instructionRows[instruction.row as number] as InstructionRow;
    }
  }
  return plan;
}
