/**
 * INT 11h and 12h: equipment and memory size (IBM PS/2 BIOS Interface Technical Reference).
 */
import { bda } from './bios-data.ts';
import type { Service } from './service.ts';

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
];
