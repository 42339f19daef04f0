/** The fields of task-state segments (SDM vol. 3A §7.2.1 and §7.6). (A table: exempt from the length limit.) */

export interface TaskField {
  readonly name: string;
  readonly offset: number;
  readonly size: 2 | 4;
}

const fields = (size: 2 | 4, step: number, first: number, names: readonly string[]): readonly TaskField[] =>
  names.map((name, n) => ({ name, offset: first + n * step, size }));

const FIELDS_32: readonly TaskField[] = [
  { name: 'previous task link', offset: 0, size: 2 },
  ...[0, 1, 2].flatMap((level): readonly TaskField[] => [
    { name: `ESP${level}`, offset: 4 + level * 8, size: 4 },
    { name: `SS${level}`, offset: 8 + level * 8, size: 2 },
  ]),
  ...fields(4, 4, 28, ['CR3', 'EIP', 'EFLAGS', 'EAX', 'ECX', 'EDX', 'EBX', 'ESP', 'EBP', 'ESI', 'EDI']),
  ...fields(2, 4, 72, ['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDT selector', 'T']),
  { name: 'I/O map base', offset: 102, size: 2 },
];

const FIELDS_16: readonly TaskField[] = fields(2, 2, 0, [
  ...['previous task link', 'SP0', 'SS0', 'SP1', 'SS1', 'SP2', 'SS2', 'IP', 'FLAGS'],
  ...['AX', 'CX', 'DX', 'BX', 'SP', 'BP', 'SI', 'DI', 'ES', 'CS', 'SS', 'DS', 'LDT selector'],
]);

const TYPE_BIT_32 = 8;

/** By the attributes of TR. */
export function taskFields(attributes: number): readonly TaskField[] {
  return (attributes & TYPE_BIT_32) !== 0 ? FIELDS_32 : FIELDS_16;
}
