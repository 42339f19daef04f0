/**
 * INT 11h, 12h and 17h: equipment, memory size, and the printers that the machine does not have (IBM PS/2 BIOS Interface
 * Technical Reference).
 */
import { bda } from './bios-data.ts';
import type { Caller } from './caller.ts';
import type { Service } from './service.ts';

/** Printer status: time-out and I/O error. */
const NO_PRINTER = 0x09;

function reportNoPrinter(caller: Caller): undefined {
  caller.context.logOnce('BIOS: INT 17h: the machine has no printer port');
  caller.ah = NO_PRINTER;
}

export const configurationServices: readonly Service[] = [
  {
    interrupt: 0x11,
    function: 'any',
    name: 'get equipment list',
    run: (caller) => {
      caller.ax = caller.memory.read(bda.EQUIPMENT, 2);
    },
  },
  {
    interrupt: 0x12,
    function: 'any',
    name: 'get conventional memory size',
    run: (caller) => {
      caller.ax = caller.memory.read(bda.MEMORY_SIZE, 2);
    },
  },
  { interrupt: 0x17, function: 'any', name: 'printer', run: reportNoPrinter },
];
