/** Bits of control registers by the manual's names (SDM vol. 3A §2.2.1, §2.5). */

export const CR0_PE = 1 << 0;
export const CR0_MP = 1 << 1;
export const CR0_EM = 1 << 2;
export const CR0_TS = 1 << 3;
export const CR0_ET = 1 << 4;
export const CR0_PG = 0x8000_0000;
