/** `setExceptionBreakpoints`: exceptions of the processor and events of the machine to stop at, with conditions. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ChosenFilter } from '../event-stops.ts';
import { exceptionBreakpointFilters } from '../exception-filters.ts';
import { exceptions } from '../exceptions.ts';
import type { HandlerOf } from './request-handler.ts';

export const setExceptionBreakpoints: HandlerOf<'setExceptionBreakpoints'> = {
  capabilities: {
    exceptionBreakpointFilters,
    supportsExceptionFilterOptions: true,
    supportsExceptionOptions: true,
  },
  handle(debuggee, { filters, filterOptions = [], exceptionOptions = [] }) {
    const chosen: ChosenFilter[] = [
      ...filters.map((filter) => ({ filter, condition: undefined })),
      ...filterOptions.map(({ filterId, condition }) => ({ filter: filterId, condition: condition || undefined })),
      ...exceptionOptions.filter(({ breakMode }) => breakMode !== 'never').map(chosenByName),
    ];
    return { breakpoints: [...debuggee.setExceptionFilters(chosen)] };
  },
};

/** No exception has this vector. */
const NO_VECTOR = '256';

/** Exceptions chosen by their mnemonics; without a path all of them. */
function chosenByName({ path }: DebugProtocol.ExceptionOptions): ChosenFilter {
  const names = (path ?? []).flatMap((segment) => segment.names);
  const vectors = exceptions.filter(({ mnemonic }) => path === undefined || names.includes(mnemonic));
  return { filter: 'exceptions', condition: vectors.map(({ vector }) => vector).join(',') || NO_VECTOR };
}
