/** The only door to the machine. */
export * from './machine/machine.ts';
export * from './machine/block-store.ts';
