/** Commands about the descriptor tables: `ivt` and `idt`, `gdt`, `ldt`, `tss`. */
import { localized } from '../../protocol/localized.ts';
import { describeGate } from '../gates.ts';
import { compileNumberList } from '../number-list.ts';
import { tableByName } from '../table-view.ts';
import { UserError } from '../user-error.ts';
import { type ConsoleCommand, countOf, hex } from './console-command.ts';

const VECTORS = 256;
/** Rows of a table that are shown unless more are asked for, and that there are at most. */
const ROWS = 64;
const ROWS_MAX = 0x2000;

const gates = (name: string, help: string): ConsoleCommand => ({
  name,
  usage: '[vectors]',
  help,
  words: () => [],
  run: ({ guest }, words) => {
    const wanted = compileNumberList(words.length === 0 ? '0-1Fh' : words.join(''));
    const vectors = Array.from({ length: VECTORS }, (_, vector) => vector).filter((vector) => wanted?.(vector));
    if (vectors.length === 0)
      throw new UserError('bad-argument', localized('{0}: write vectors such as 10h,13h or 0-1Fh', words.join(' ')));
    return vectors.map((vector) => `${hex(vector, 2)}h  ${describeGate(guest, vector)}`).join('\n');
  },
});

const table = (name: 'GDT' | 'LDT' | 'TSS', help: string): ConsoleCommand => ({
  name: name.toLowerCase(),
  usage: '[rows]',
  help,
  words: () => [],
  run: ({ guest }, [count]) => {
    const shown = countOf(count, ROWS, ROWS_MAX);
    const { head, rows } = tableByName(guest, name);
    const width = Math.max(0, ...rows.slice(0, shown).map((row) => row.name.length));
    const lines = rows.slice(0, shown).map((row) => `${row.name.padEnd(width)}  ${row.value}`);
    const left = rows.length > shown ? [`(${rows.length - shown} more)`] : [];
    return [`${name}  ${head.value}`, ...lines, ...left].join('\n');
  },
});

export const tableCommands: readonly ConsoleCommand[] = [
  gates('ivt', 'Shows where interrupts lead: vectors of real mode or gates of the IDT, such as 0-1Fh or 10h,13h.'),
  gates('idt', 'Does what ivt does.'),
  table('GDT', 'Shows the global descriptor table: segments, system descriptors, gates with what is odd about them.'),
  table('LDT', 'Shows the local descriptor table.'),
  table('TSS', 'Shows the task-state segment of TR: stacks, saved registers, ports that are allowed.'),
];
