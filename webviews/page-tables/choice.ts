/** Lists of the page-table view from which one value is chosen. */
import { html, type TemplateResult } from 'lit';
import { localized } from '../../debug-adapter/protocol/localized.ts';
import type { TableMode, WalkAccess } from '../../debug-adapter/protocol/page-tables.ts';

/** A list of which one value is chosen; `values` gives the text of each. */
export function choice<Value extends string>(
  label: string,
  values: Readonly<Record<Value, () => string>>,
  chosen: Value,
  choose: (value: Value) => void,
): TemplateResult {
  return html`<vscode-single-select
    .label=${label}
    .value=${chosen}
    @change=${(event: Event) => choose(textOf(event) as Value)}
  >
    ${(Object.keys(values) as Value[]).map(
      (value) => html`<vscode-option value=${value} ?selected=${value === chosen}>${values[value]()}</vscode-option>`,
    )}
  </vscode-single-select>`;
}

/** What the form element that an event comes from holds. */
export function textOf(event: Event): string {
  return (event.target as HTMLElement & { value: string }).value;
}

/** Accesses whose walk can be shown. */
export const ACCESSES: Readonly<Record<WalkAccess['kind'], () => string>> = {
  read: () => localized('Read'),
  write: () => localized('Write'),
  fetch: () => localized('Fetch'),
};

/** Who makes an access. */
export const PRIVILEGES: Readonly<Record<WalkAccess['privilege'], () => string>> = {
  supervisor: () => localized('Supervisor'),
  user: () => localized('User'),
};

/** How the tables of a given root are read. */
export const MODES: Readonly<Record<TableMode, () => string>> = {
  current: () => localized('As it is now'),
  '32-bit': () => '32-bit',
  PAE: () => 'PAE',
  '4-level': () => '4-level',
  '5-level': () => '5-level',
};

/** The choice that shows the processor which the user looks at. */
const FOLLOWED = 'followed';

/** A list of a machine's processors, of which one or the one that the user looks at (undefined) is shown. */
export function cpuChoice(
  count: number,
  chosen: number | undefined,
  choose: (cpu: number | undefined) => void,
): TemplateResult {
  const cpus = Array.from({ length: count }, (_, cpu) => [`cpu${cpu}`, () => `CPU ${cpu}`] as const);
  const values = Object.fromEntries([[FOLLOWED, () => localized('Selected CPU')], ...cpus]);
  const value = chosen === undefined || chosen >= count ? FOLLOWED : `cpu${chosen}`;
  return choice('CPU', values, value, (next) => choose(next === FOLLOWED ? undefined : Number(next.slice(3))));
}
