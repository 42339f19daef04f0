/**
 * `%if … %endif` as a listing shows it (NASM manual §4.4): every branch is listed, only the one taken makes bytes. A
 * condition that can be worked out decides at once; otherwise a branch counts as taken when bytes appear in it.
 */

type BranchState = 'taken' | 'dead' | 'unknown';
type ConditionKind = 'if' | 'elif' | 'else' | 'endif';

interface Branch {
  state: BranchState;
  /** What the branches before this one say about the next: whether one of them was taken. */
  earlier: BranchState;
  /** Labels seen while the state is unknown. */
  held: string[];
}

/** Which part of a conditional the line is, if any. */
export function conditionKind(text: string): ConditionKind | undefined {
  const word = /^%(elif|if|else|endif)/i.exec(text)?.[1]?.toLowerCase();
  return word as ConditionKind | undefined;
}

export class NasmConditions {
  private readonly branches: Branch[] = [];
  private readonly evaluate: (expression: string) => number | undefined;

  constructor(evaluate: (expression: string) => number | undefined) {
    this.evaluate = evaluate;
  }

  /** True inside a branch that is certainly not taken. */
  get dead(): boolean {
    return this.branches.some((branch) => branch.state === 'dead');
  }

  /**
   * Bytes were listed, so every open branch is taken, whatever its condition seemed to be. Returns the labels that were
   * kept back; nothing was made since, so they all stand for the bytes just listed.
   */
  sawCode(): string[] {
    const released: string[] = [];
    for (const branch of this.branches) {
      branch.state = 'taken';
      released.push(...branch.held.splice(0));
    }
    return released;
  }

  /** Keeps a label back until it is known whether its branch is taken; false: there is nothing to wait for. */
  holdLabel(name: string): boolean {
    const branch = this.branches.find(({ state }) => state === 'unknown');
    branch?.held.push(name);
    return branch !== undefined;
  }

  /** Reads a conditional directive. Labels kept back in a branch without bytes are dropped. */
  read(text: string, definitions: ReadonlyMap<string, string>): void {
    const kind = conditionKind(text);
    if (kind === 'if') {
      this.branches.push({ state: this.decide(text, definitions), earlier: 'dead', held: [] });
      return;
    }
    const branch = this.branches.pop();
    if (branch === undefined || kind === 'endif') return;
    const earlier = either(branch.earlier, branch.state);
    const own = kind === 'else' ? 'taken' : this.decide(text, definitions);
    this.branches.push({ state: after(earlier, own), earlier, held: [] });
  }

  private decide(text: string, definitions: ReadonlyMap<string, string>): BranchState {
    const [, word = '', rest = ''] = /^%(?:el)?(if\w*)\s*(.*)$/i.exec(text) ?? [];
    switch (word.toLowerCase()) {
      case 'ifdef':
        // What `-D` defines does not show in the listing, so an unknown name proves nothing.
        return definitions.has(rest) ? 'taken' : 'unknown';
      case 'ifndef':
        return definitions.has(rest) ? 'dead' : 'unknown';
      case 'if': {
        const value = this.evaluate(rest);
        if (value === undefined) return 'unknown';
        return value === 0 ? 'dead' : 'taken';
      }
      default:
        return 'unknown';
    }
  }
}

function either(first: BranchState, second: BranchState): BranchState {
  if (first === 'taken' || second === 'taken') return 'taken';
  return first === 'dead' && second === 'dead' ? 'dead' : 'unknown';
}

/** State of a branch whose own condition is `own` when `earlier` tells about those before it. */
function after(earlier: BranchState, own: BranchState): BranchState {
  if (earlier === 'taken' || own === 'dead') return 'dead';
  return earlier === 'dead' ? own : 'unknown';
}
