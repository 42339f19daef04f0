/** The fields of task-state segments (SDM vol. 3A §7.2.1, §7.6, §7.7). (A table: exempt from the length limit.) */

/** What a field is about: where in code or on a stack it leads, or page tables. */
export type TaskFieldKind = 'plain' | 'code' | 'stack' | 'page-tables';

export interface TaskField {
  readonly name: string;
  readonly offset: number;
  readonly size: 2 | 4 | 8;
  readonly kind: TaskFieldKind;
  /** The field with the selector of the segment that the offset is in; none in long mode. */
  readonly selector?: string;
}

/** A layout of task-state segments. */
export interface TaskLayout {
  readonly fields: readonly TaskField[];
  /** Where the distance of the I/O permission bitmap stands; a 16-bit segment has none. */
  readonly mapBase: number | undefined;
  /** Whether the redirection bitmap of software interrupts lies in front of the I/O permission bitmap. */
  readonly hasRedirection: boolean;
}

const fields = (size: 2 | 4 | 8, step: number, first: number, names: readonly string[]): readonly TaskField[] =>
  names.map((name, n) => ({ name, offset: first + n * step, size, kind: 'plain' }));

const pointer = (name: string, offset: number, size: 2 | 4, selector: string): TaskField => ({
  ...{ name, offset, size, selector },
  kind: name.endsWith('IP') ? 'code' : 'stack',
});

const LAYOUT_32: TaskLayout = {
  mapBase: 102,
  hasRedirection: true,
  fields: [
    ...fields(2, 4, 0, ['previous task link']),
    ...[0, 1, 2].flatMap((level): readonly TaskField[] => [
      pointer(`ESP${level}`, 4 + level * 8, 4, `SS${level}`),
      ...fields(2, 4, 8 + level * 8, [`SS${level}`]),
    ]),
    { name: 'CR3', offset: 28, size: 4, kind: 'page-tables' },
    pointer('EIP', 32, 4, 'CS'),
    ...fields(4, 4, 36, ['EFLAGS', 'EAX', 'ECX', 'EDX', 'EBX']),
    pointer('ESP', 56, 4, 'SS'),
    ...fields(4, 4, 60, ['EBP', 'ESI', 'EDI']),
    ...fields(2, 4, 72, ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDT selector', 'T']),
    ...fields(2, 2, 102, ['I/O map base']),
  ],
};

const LAYOUT_16: TaskLayout = {
  mapBase: undefined,
  hasRedirection: false,
  fields: [
    ...fields(2, 2, 0, ['previous task link']),
    ...[0, 1, 2].flatMap((level): readonly TaskField[] => [
      pointer(`SP${level}`, 2 + level * 4, 2, `SS${level}`),
      ...fields(2, 2, 4 + level * 4, [`SS${level}`]),
    ]),
    pointer('IP', 14, 2, 'CS'),
    ...fields(2, 2, 16, ['FLAGS', 'AX', 'CX', 'DX', 'BX']),
    pointer('SP', 26, 2, 'SS'),
    ...fields(2, 2, 28, ['BP', 'SI', 'DI', 'ES', 'CS', 'SS', 'DS', 'LDT selector']),
  ],
};

const stacks = (first: number, names: readonly string[]): readonly TaskField[] =>
  names.map((name, n) => ({ name, offset: first + n * 8, size: 8, kind: 'stack' }));

const LAYOUT_64: TaskLayout = {
  mapBase: 102,
  hasRedirection: false,
  fields: [
    ...stacks(4, ['RSP0', 'RSP1', 'RSP2']),
    ...stacks(36, ['IST1', 'IST2', 'IST3', 'IST4', 'IST5', 'IST6', 'IST7']),
    ...fields(2, 2, 102, ['I/O map base']),
  ],
};

const TYPE_BIT_32 = 8;

/** By the attributes of TR, and by the mode. */
export function taskLayout(attributes: number, isLong: boolean): TaskLayout {
  if (isLong) return LAYOUT_64;
  return (attributes & TYPE_BIT_32) !== 0 ? LAYOUT_32 : LAYOUT_16;
}
