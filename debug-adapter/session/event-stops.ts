/** The filters a client has chosen, compiled for a guest: what of exceptions and events stops the machine. */
import { localized } from '../protocol/localized.ts';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { EventRecord, Machine, MachineEvent } from '../../vm-core/index.ts';
import { narrowOperand, wideOperand } from '../expressions/operands.ts';
import { ExpressionError } from '../expressions/tokens.ts';
import { compileCondition } from './breakpoint-decision.ts';
import { EXCEPTION_NAMES, type EventValues, type FilterRow, filterRows } from './exception-filters.ts';
import type { Guest } from './guest.ts';
import { compileNumberList } from './number-list.ts';
import { UserError } from './user-error.ts';

/** One entry of the client's choice. */
export interface ChosenFilter {
  readonly filter: string;
  readonly condition: string | undefined;
}

/** What the run loop asks. */
export interface RunnerStops {
  /** Vectors whose exceptions are looked at. */
  readonly vectors: ReadonlySet<number>;
  /** Asked for the processor with an index. */
  stopsAtException(event: EventRecord, cpu: number): boolean;
  /** Asked with the exceptions that led to it, the first one first. */
  stopsAtTripleFault(chain: readonly EventRecord[], cpu: number): boolean;
  readonly onEvent: Machine['onEvent'];
}

/** Nothing stops. */
export const NO_STOPS: RunnerStops = {
  vectors: new Set(),
  stopsAtException: () => false,
  stopsAtTripleFault: () => false,
  onEvent: undefined,
};

/** A filter ready to be asked. */
interface Compiled {
  readonly row: FilterRow;
  readonly vectors: ReadonlySet<number>;
  /** Asked for the processor with an index. */
  readonly holds: (values: EventValues, cpu: number) => boolean;
}

const ALL_VECTORS: ReadonlySet<number> = new Set(Array.from({ length: 32 }, (_, vector) => vector));

/** The filters that are on before a client has chosen. */
export const defaultFilters: readonly ChosenFilter[] = filterRows
  .filter((row) => row.default)
  .map(({ filter }) => ({ filter, condition: undefined }));

/**
 * Compiles a choice. The descriptions, in its order, say what is wrong with entries that do not take part. Conditions that
 * fail while the guest runs are told to `complain`, and stop it.
 */
export function compileStops(
  chosen: readonly ChosenFilter[],
  guest: Guest,
  complain: (text: string) => void,
): { readonly stops: RunnerStops; readonly descriptions: readonly DebugProtocol.Breakpoint[] } {
  const compiled: Compiled[] = [];
  const descriptions = chosen.map((filter): DebugProtocol.Breakpoint => {
    try {
      compiled.push(compileFilter(filter, guest, complain));
      return { verified: true };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { verified: false, message: error.message };
    }
  });
  return { stops: stopsOf(compiled), descriptions };
}

function stopsOf(compiled: readonly Compiled[]): RunnerStops {
  const forEvents = compiled.filter(({ row, vectors }) => row.event || SOFTWARE_EXCEPTIONS.some((n) => vectors.has(n)));
  return {
    vectors: new Set(compiled.flatMap(({ vectors }) => [...vectors])),
    stopsAtException: ({ vector, errorCode }, cpu) =>
      compiled.some(({ vectors, holds }) => vectors.has(vector) && holds({ vector, errorcode: errorCode ?? 0 }, cpu)),
    stopsAtTripleFault: ([began], cpu) => {
      const values = { vector: began?.vector ?? 0, errorcode: began?.errorCode ?? 0 };
      return compiled.some(({ row, holds }) => row.filter === 'triple-fault' && holds(values, cpu));
    },
    onEvent: forEvents.length === 0 ? undefined : (event) => forEvents.some((filter) => stopsAt(filter, event)),
  };
}

/** #BP and #OF: INT3 and INTO raise them as interrupts (SDM vol. 3A §6.4.4), which the machine reports as events. */
const SOFTWARE_EXCEPTIONS = [3, 4];

function stopsAt({ row, vectors, holds }: Compiled, event: MachineEvent): boolean {
  if (row.event) {
    const values = row.event.values(event);
    return values !== undefined && holds(values, event.cpu);
  }
  if (event.kind !== 'interrupt' || event.source !== 'software') return false;
  const { vector } = event;
  return SOFTWARE_EXCEPTIONS.includes(vector) && vectors.has(vector) && holds({ vector, errorcode: 0 }, event.cpu);
}

function compileFilter({ filter, condition }: ChosenFilter, guest: Guest, complain: (text: string) => void): Compiled {
  const row = filterRows.find((candidate) => candidate.filter === filter);
  if (!row) throw new UserError('bad-argument', localized('there is no exception filter {0}', filter));
  const all = condition !== undefined && row.allVectors === true;
  return {
    row,
    vectors: all ? ALL_VECTORS : new Set(row.vectors ?? []),
    holds: condition === undefined ? () => true : compileHolds(row, condition, guest, complain),
  };
}

function compileHolds(
  row: FilterRow,
  text: string,
  { cpus }: Guest,
  complain: (text: string) => void,
): Compiled['holds'] {
  const listed = row.event ? row.event.listed : 'vector';
  const isListed = listed === undefined ? undefined : compileNumberList(text);
  if (listed !== undefined && isListed) return (values) => isListed(Number(values[listed] ?? 0));
  let current: EventValues = {};
  const names = row.event?.names ?? EXCEPTION_NAMES;
  const variables = Object.fromEntries(
    names.map((name) => [
      name,
      row.event?.wideNames?.includes(name)
        ? wideOperand(() => BigInt(current[name] ?? 0))
        : narrowOperand(() => Number(current[name] ?? 0)),
    ]),
  );
  const compile = (index: number): (() => number | bigint) =>
    compileCondition(text, { ...(cpus[index] as Guest).expressions, variables });
  // Those of other processors are compiled when one comes; what is wrong with the condition is said now.
  const conditions = [compile(0)];
  return (values, cpu) => {
    current = values;
    try {
      conditions[cpu] ??= compile(cpu);
      const evaluate = conditions[cpu];
      return BigInt(evaluate()) !== 0n;
    } catch (error) {
      if (!(error instanceof ExpressionError || error instanceof UserError)) throw error;
      complain(`The condition "${text}" of ${row.label} failed: ${error.message}`);
      return true;
    }
  };
}
