/** Where the registers that programs address memory with point right now: what memory views mark. */
import type { MemoryPointer } from '../protocol/memory.ts';
import { compileAddress } from '../expressions/compile.ts';
import { findRegister } from '../../vm-core/index.ts';
import type { Guest } from './guest.ts';

/** Segment and offset registers by the width of the offset; the width of the stack's is its own. */
const CODE_POINTERS = { 16: ['CS:IP'], 32: ['CS:EIP'] } as const;
const STACK_POINTERS = { 16: ['SS:SP', 'SS:BP'], 32: ['SS:ESP', 'SS:EBP'] } as const;
const DATA_POINTERS = { 16: ['DS:SI', 'ES:DI', 'DS:BX'], 32: ['DS:ESI', 'ES:EDI'] } as const;
const LONG_POINTERS = ['RIP', 'RSP', 'RBP', 'RSI', 'RDI', 'GDTR.base', 'IDTR.base'] as const;
/** In real mode the interrupt vectors are at 0 and there is no GDT. */
const TABLE_POINTERS = ['GDTR.base', 'IDTR.base'] as const;

export function memoryPointers(guest: Guest): readonly MemoryPointer[] {
  const { codeSize, mode } = guest.vcpu;
  if (codeSize === 64) return LONG_POINTERS.map((name) => pointer(guest, name, addressIn(guest, name)));
  const names = [
    ...CODE_POINTERS[codeSize],
    ...STACK_POINTERS[guest.stackSize === 16 ? 16 : 32],
    ...DATA_POINTERS[codeSize],
    ...(mode === 'real' ? [] : TABLE_POINTERS),
  ];
  return names.map((name) => pointer(guest, name, Number(compileAddress(name, guest.expressions)())));
}

/** The signed address that a register of 64-bit mode holds. */
function addressIn({ vcpu }: Guest, name: string): number {
  return vcpu.state.readAddress(findRegister(name)?.offset ?? 0);
}

function pointer({ vcpu }: Guest, name: string, linear: number): MemoryPointer {
  const physical = vcpu.translate(linear);
  return physical === undefined ? { name, linear } : { name, linear, physical };
}
