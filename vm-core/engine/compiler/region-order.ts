/**
 * The order in which the blocks of a region are written as structured code, after N. Ramsey, "Beyond Relooper" (ICFP 2022):
 * reverse postorder, dominators, which blocks begin loops and where ways meet. Edges into the middle of a loop are no part
 * of it: they leave the region.
 */
import type { Region, RegionNode } from './region-graph.ts';

export interface OrderedNode {
  readonly node: RegionNode;
  /** Place in reverse postorder. */
  readonly order: number;
  /** By their EIP: the nodes that its edges lead to. */
  readonly successors: ReadonlyMap<bigint, OrderedNode>;
  isLoop: boolean;
  /** More than one forward edge leads to it. */
  isMeeting: boolean;
  /** Instructions of the longest way from here to where a loop begins or the region ends. */
  longest: number;
  /** Nodes that it dominates directly, in which ways meet, by their order, the last first. */
  readonly meetings: OrderedNode[];
}

/** Gives the root. */
export function orderRegion(region: Region): OrderedNode {
  const rest = new Set<string>();
  for (;;) {
    const ordered = order(region, rest);
    const dominators = dominatorsOf(ordered);
    const before = rest.size;
    for (const from of ordered) {
      for (const to of from.successors.values()) {
        if (to.order <= from.order && !dominates(dominators, to.order, from.order)) rest.add(key(from, to));
      }
    }
    if (rest.size === before) return finish(ordered, dominators);
  }
}

type Draft = OrderedNode & { order: number; readonly successors: Map<bigint, OrderedNode> };

function key(from: OrderedNode, to: OrderedNode): string {
  return `${from.node.eip} ${to.node.eip}`;
}

/** The nodes in reverse postorder, without the edges that are left out. */
function order(region: Region, leftOut: ReadonlySet<string>): OrderedNode[] {
  const drafts = new Map<RegionNode, Draft>();
  const postorder: Draft[] = [];
  const visit = (node: RegionNode): Draft => {
    const known = drafts.get(node);
    if (known) return known;
    const draft: Draft = {
      node,
      order: 0,
      successors: new Map(),
      isLoop: false,
      isMeeting: false,
      longest: 0,
      meetings: [],
    };
    drafts.set(node, draft);
    for (const target of edgesOf(node)) {
      const next = region.nodes.get(target);
      if (next && !leftOut.has(`${node.eip} ${next.eip}`)) draft.successors.set(target, visit(next));
    }
    postorder.push(draft);
    return draft;
  };
  visit(region.root);
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
  for (const node of nodes) {
    node.isMeeting = (forward[node.order] as number) > 1;
    if (node.isMeeting) nodes[dominators[node.order] as number]?.meetings.unshift(node);
  }
  for (const node of [...nodes].reverse()) {
    const further = [...node.successors.values()].filter(({ order, isLoop }) => order > node.order && !isLoop);
    node.longest = node.node.count + Math.max(0, ...further.map(({ longest }) => longest));
  }
  return nodes[0] as OrderedNode;
}
