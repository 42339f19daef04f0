/** How a memory view is set up: what VS Code keeps for it while its page is gone. */
import type { MemorySpace } from '../../debug-adapter/protocol/memory.ts';
import type { GroupSize } from './cells.ts';
import type { CharacterSet } from './code-page.ts';

export interface ViewSettings {
  readonly space: MemorySpace;
  /** Index of the processor whose linear memory is shown; undefined for the one that the user looks at. */
  readonly cpu: number | undefined;
  /** Under the cursor. */
  readonly address: number;
  /** In the address box. */
  readonly text: string;
  /** Go there again at every stop. */
  readonly follow: boolean;
  readonly groupSize: GroupSize;
  readonly characterSet: CharacterSet;
}

export const initialSettings: ViewSettings = {
  space: 'linear',
  cpu: undefined,
  address: 0,
  text: '',
  follow: false,
  groupSize: 1,
  characterSet: 'ascii',
};

/** Settings that were kept, perhaps by another version; what is not right becomes as it is in a new view. */
export function restoredSettings(kept: unknown): ViewSettings {
  const given = (typeof kept === 'object' && kept !== null ? kept : {}) as Partial<Record<keyof ViewSettings, unknown>>;
  const { address, text, follow, cpu } = given;
  const isAddress = Number.isSafeInteger(address);
  return {
    space: oneOf(given.space, ['linear', 'physical'], initialSettings.space),
    cpu: typeof cpu === 'number' ? cpu : initialSettings.cpu,
    address: isAddress ? (address as number) : initialSettings.address,
    text: typeof text === 'string' ? text : initialSettings.text,
    follow: follow === true,
    groupSize: oneOf(given.groupSize, [1, 2, 4, 8], initialSettings.groupSize),
    characterSet: oneOf(given.characterSet, ['ascii', 'cp437'], initialSettings.characterSet),
  };
}

function oneOf<Value>(value: unknown, values: readonly Value[], otherwise: Value): Value {
  return values.find((one) => one === value) ?? otherwise;
}
