/**
 * The order in which the blocks of a region are written as structured code, after N. Ramsey, "Beyond Relooper" (ICFP 2022):
 * reverse postorder, dominators, which blocks begin loops and where ways meet. Where a loop has several entries, the edges
 * back to them go by a dispatcher in front of everything, which is a loop and knows where each of them leads.
 */
import type { Region, RegionNode } from './region-graph.ts';

export interface OrderedNode {
  /** A dispatcher has that of the root, without its instructions. */
  readonly node: RegionNode;
  /** Of a dispatcher: the EIPs that it leads to, the root's first. */
  readonly dispatches: readonly bigint[] | undefined;
  /** Place in reverse postorder. */
  readonly order: number;
  /** By their EIP: the nodes that its edges lead to. */
  readonly successors: ReadonlyMap<bigint, OrderedNode>;
  isLoop: boolean;
  /** More than one forward edge leads to it. */
  isMeeting: boolean;
  /** Instructions of the longest way from here to an edge that goes back, where the budget is looked at, or out of the region. */
  longest: number;
  /** Nodes that it dominates directly, in which ways meet, by their order, the last first. */
  readonly meetings: OrderedNode[];
}

/** Gives the node with which the region's code begins: its root, or a dispatcher. */
export function orderRegion(region: Region): OrderedNode {
  const entries = new Set<bigint>();
  const around = new Set<string>();
  for (;;) {
    const ordered = order(region, around, entries);
    const dominators = dominatorsOf(ordered);
    const before = around.size;
    for (const from of ordered) {
      for (const [target, to] of from.successors) {
        if (to.order > from.order || dominates(dominators, to.order, from.order)) continue;
        around.add(key(from.node, target));
        entries.add(target);
      }
    }
    if (around.size === before) return finish(ordered, dominators);
  }
}

type Draft = OrderedNode & { order: number; readonly successors: Map<bigint, OrderedNode> };

function key(from: RegionNode, target: bigint): string {
  return `${from.eip} ${target}`;
}

/** The nodes in reverse postorder, with the edges that go by the dispatcher to entries; without any there is none. */
function order(region: Region, around: ReadonlySet<string>, entries: ReadonlySet<bigint>): OrderedNode[] {
  const drafts = new Map<RegionNode, Draft>();
  const postorder: Draft[] = [];
  const draftOf = (node: RegionNode, dispatches?: readonly bigint[]): Draft => ({
    ...{ node, dispatches, order: 0, successors: new Map() },
    ...{ isLoop: false, isMeeting: false, longest: 0, meetings: [] },
  });
  const ways = [region.root.eip, ...entries];
  const nowhere = { ...region.root, instructions: [], count: 0, targets: ways, next: undefined, wantsCarry: false };
  const dispatcher = draftOf(nowhere, ways);
  const visit = (node: RegionNode): Draft => {
    const known = drafts.get(node);
    if (known) return known;
    const draft = draftOf(node);
    drafts.set(node, draft);
    follow(draft);
    return draft;
  };
  const follow = (draft: Draft): void => {
    for (const target of edgesOf(draft.node)) {
      const next = region.nodes.get(target);
      const goesAround = draft !== dispatcher && around.has(key(draft.node, target));
      if (next) draft.successors.set(target, goesAround ? dispatcher : visit(next));
    }
    postorder.push(draft);
  };
  if (entries.size === 0) visit(region.root);
  else follow(dispatcher);
  postorder.reverse();
  postorder.forEach((draft, n) => {
    draft.order = n;
  });
  return postorder;
}

/** As many times as there are edges. */
function edgesOf({ targets, next }: RegionNode): readonly bigint[] {
  return next === undefined ? targets : [...targets, next];
}

/** Immediate dominators by order (Cooper, Harvey and Kennedy 2001). */
function dominatorsOf(nodes: readonly OrderedNode[]): readonly number[] {
  const predecessors = nodes.map((): number[] => []);
  for (const from of nodes) for (const to of from.successors.values()) predecessors[to.order]?.push(from.order);
  const found: (number | undefined)[] = [0];
  const meet = (a: number, b: number): number => {
    let [x, y] = [a, b];
    while (x !== y) {
      if (x > y) x = found[x] as number;
      else y = found[y] as number;
    }
    return x;
  };
  for (let isChanged = true; isChanged; ) {
    isChanged = false;
    for (let n = 1; n < nodes.length; n++) {
      const ready = (predecessors[n] as number[]).filter((from) => found[from] !== undefined);
      const dominator = ready.reduce(meet);
      if (found[n] === dominator) continue;
      found[n] = dominator;
      isChanged = true;
    }
  }
  return found as number[];
}

function dominates(dominators: readonly number[], above: number, below: number): boolean {
  let at = below;
  while (at > above) at = dominators[at] as number;
  return at === above;
}

function finish(nodes: readonly OrderedNode[], dominators: readonly number[]): OrderedNode {
  const forward = nodes.map(() => 0);
  for (const from of nodes) {
    for (const target of edgesOf(from.node)) {
      const to = from.successors.get(target);
      if (!to) continue;
      if (to.order <= from.order) to.isLoop = true;
      else forward[to.order] = (forward[to.order] as number) + 1;
    }
  }
  const isDispatched = ({ node }: OrderedNode) => nodes[0]?.dispatches?.includes(node.eip) ?? false;
  for (const node of nodes) {
    node.isMeeting = (forward[node.order] as number) > 1 || (node !== nodes[0] && isDispatched(node));
    if (node.isMeeting) nodes[dominators[node.order] as number]?.meetings.unshift(node);
  }
  for (const node of [...nodes].reverse()) {
    const further = [...node.successors.values()].filter(({ order }) => order > node.order);
    node.longest = node.node.count + Math.max(0, ...further.map(({ longest }) => longest));
  }
  return nodes[0] as OrderedNode;
}
