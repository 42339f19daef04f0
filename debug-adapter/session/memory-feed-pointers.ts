/** Where the registers that programs address memory with point right now: what memory views mark. */
import type { MemoryPointer } from '../protocol/memory.ts';
import { compileAddress } from '../expressions/compile.ts';
import type { Guest } from './guest.ts';

/** Segment and offset registers by the width of the offset; the width of the stack's is its own. */
const CODE_POINTERS = { 16: ['CS:IP'], 32: ['CS:EIP'], 64: ['RIP'] } as const;
const STACK_POINTERS = { 16: ['SS:SP', 'SS:BP'], 32: ['SS:ESP', 'SS:EBP'], 64: ['RSP', 'RBP'] } as const;
const DATA_POINTERS = { 16: ['DS:SI', 'ES:DI', 'DS:BX'], 32: ['DS:ESI', 'ES:EDI'], 64: ['RSI', 'RDI'] } as const;
/** In real mode the interrupt vectors are at 0 and there is no GDT. */
const TABLE_POINTERS = ['GDTR.base', 'IDTR.base'] as const;

export function memoryPointers(guest: Guest): readonly MemoryPointer[] {
  const { codeSize, mode } = guest.vcpu;
  const names = [
    ...CODE_POINTERS[codeSize],
    ...STACK_POINTERS[codeSize === 64 ? 64 : guest.stackSize],
    ...DATA_POINTERS[codeSize],
    ...(mode === 'real' ? [] : TABLE_POINTERS),
  ];
  return names.map((name) => {
    const linear = compileAddress(name, guest.expressions)();
    const physical = guest.vcpu.translate(linear);
    return physical === undefined ? { name, linear } : { name, linear, physical };
  });
}
