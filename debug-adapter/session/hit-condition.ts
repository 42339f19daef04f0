/** Hit conditions of breakpoints: on which of its hits a breakpoint takes effect. */

/** Tells by the number of hits so far, this one included. */
export type HitCondition = (hits: number) => boolean;

const COMPARISONS: Readonly<Record<string, (hits: number, count: number) => boolean>> = {
  '>': (hits, count) => hits > count,
  '>=': (hits, count) => hits >= count,
  '<': (hits, count) => hits < count,
  '<=': (hits, count) => hits <= count,
  '=': (hits, count) => hits === count,
  '==': (hits, count) => hits === count,
  '%': (hits, count) => hits % count === 0,
  '': (hits, count) => hits === count,
};

/** Parses `N`, `== N`, `> N`, `>= N`, `< N`, `<= N` or `% N` (every Nth); undefined for anything else. */
export function parseHitCondition(text: string): HitCondition | undefined {
  const match = /^\s*(>=|<=|==|=|>|<|%|)\s*(\d+)\s*$/.exec(text);
  const compare = match && COMPARISONS[match[1] as string];
  const count = Number(match?.[2]);
  if (!compare || (match[1] === '%' && count === 0)) return undefined;
  return (hits) => compare(hits, count);
}
