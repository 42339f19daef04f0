/** A processor with a few kilobytes of memory, for tests of expressions. */
import { type Address, CpuState, findRegister } from '../../vm-core/index.ts';
import type { ExpressionContext } from './compile.ts';
import { writePart } from './register-parts.ts';

/** A processor in a mode; with `isLong` it has 64-bit mode, and label `high` lies in the upper half of addresses. */
export function makeContext(isLong = false, is64Bit = false): ExpressionContext & { readonly memory: Uint8Array } {
  const state = new CpuState(new WebAssembly.Memory({ initial: 1 }), 0);
  const set = (name: string, value: number | bigint): void => {
    const register = findRegister(name);
    if (!register) throw new Error(name);
    state.writeRegister(register, BigInt(value));
  };
  set('EAX', 0x12345678);
  set('ESI', 4);
  set('EFLAGS', 0x246);
  set('DS', 0x40);
  set('DS.base', 0x400);
  set('CR0', 0x80000011);
  set('R9', 0xffff_8000_0000_1234n);
  set('RBX', 0xffff_ffff_8000_0400n);
  set('FS.base', 0xffff_ffff_8000_0000n);
  const memory = new Uint8Array(0x1000);
  memory.set([0x10, 0x20, 0x30, 0x40, 0x50, 0x60, 0x70, 0x80], 0x400);
  const bytes = new DataView(memory.buffer);
  return {
    state,
    cpu: 0,
    isLong,
    is64Bit: () => is64Bit,
    memory,
    writeRegister: (part, value) => {
      if (part.register.attributes === 'read-only') return false;
      writePart(state, part, value);
      return true;
    },
    readMemory: (linear, size) => {
      const address = inMemory(linear);
      if (address + size > memory.length) return undefined;
      if (size === 1) return bytes.getUint8(address);
      return size === 2 ? bytes.getUint16(address, true) : bytes.getUint32(address, true);
    },
    readQword: (linear) => {
      const address = inMemory(linear);
      return address + 8 > memory.length ? undefined : bytes.getBigUint64(address, true);
    },
    writeMemory: (linear, size, value) => {
      const address = inMemory(linear);
      if (address + size > memory.length) return false;
      for (let index = 0; index < size; index++) {
        bytes.setUint8(address + index, Number(BigInt.asUintN(8, BigInt(value) >> BigInt(index * 8))));
      }
      return true;
    },
    hasWideLabels: isLong,
    label: (name) =>
      isLong && name === 'high'
        ? -0x8000_0000 + 0x400
        : name === 'start' || name === 'print.next' || name === 'eax'
          ? 0x7c00
          : name === 'add'
            ? 0x40
            : undefined,
    segmentBase: (selector) => (selector === 0xffff ? undefined : selector << 4),
    translate: (address) => (inMemory(address) < 0x1000 ? inMemory(address) + 0x100000 : undefined),
  };
}

/** The memory lies at 0, at the lower end of the last 2 GiB, and 3 bytes behind 2^54. */
function inMemory(linear: Address): number {
  const address = BigInt(linear);
  if (address >= 0x40_0000_0000_0003n) return Number(address - 0x40_0000_0000_0003n);
  return Number(address < -0x8000_0000n ? 0x10000n : address < 0 ? address + 0x8000_0000n : address);
}
