/** ELF files whose addresses need 64 bits, large .bss, and segments above 4 GiB, in a Multiboot header's file. */
import { describe, expect, it } from 'vitest';
import { HIGH_RAM } from '../../memory/guest-ram.ts';
import type { MachineConfig } from '../../machine/machine.ts';
import { slot } from '../../state/layout.ts';
import { type Guest, start } from '../guest-runner.ts';
import { ByteWriter } from './byte-writer.ts';
import { planKernel } from './kernel-boot.ts';

const MIB = 1 << 20;
const MAGIC = 0x1badb002;

interface Segment {
  readonly virtual: bigint;
  readonly physical: number;
  readonly bytes: Uint8Array;
  readonly size: number;
}

/** Signed values as their 64 bits. */
function put64(writer: ByteWriter, ...values: readonly (number | bigint)[]): ByteWriter {
  for (const value of values) {
    const bits = BigInt.asUintN(64, BigInt(value));
    writer.u32(Number(bits & 0xffff_ffffn), Number(bits >> 32n));
  }
  return writer;
}

function elf64(entry: bigint, segments: readonly Segment[]): Uint8Array {
  const file = new ByteWriter().u8(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0).u64(0).u16(2, 62).u32(1);
  put64(file, entry, 0x40, 0);
  file.u32(0).u16(0x40, 0x38, segments.length, 0, 0, 0);
  let at = 0x200;
  for (const { virtual, physical, bytes, size } of segments) {
    put64(file.u32(1, 7), at, virtual, physical, bytes.length, size, 16);
    at += bytes.length;
  }
  file.align(0x200);
  for (const { bytes } of segments) file.raw(bytes);
  return file.finish();
}

/** A Multiboot header, then `hlt` where `entryOffset` is; the rest is nops. */
function code(entryOffset: number): Uint8Array {
  const bytes = new Uint8Array(entryOffset + 1).fill(0x90);
  bytes.set(new ByteWriter().u32(MAGIC, 0, -MAGIC).finish());
  bytes[entryOffset] = 0xf4;
  return bytes;
}

async function run(image: Uint8Array, config: Partial<MachineConfig> = {}, before?: (guest: Guest) => void) {
  const guest = start({ ...config, kernel: { name: 'k', image, commandLine: '', modules: [] } });
  before?.(guest);
  await guest.run();
  expect(guest.machine.cpus[0].state.read8(slot.HALTED)).toBe(1);
  return guest;
}

describe('an ELF64 file', () => {
  it.each([0xffff_ffff_8000_0000n, 0xffff_8000_0010_0000n, 0xff00_0000_0000_0000n, 0x0000_7fff_0000_0000n])(
    'linked at %s is entered at the very byte',
    async (virtual) => {
      const entryOffset = 0x123;
      const bytes = code(entryOffset);
      const segment = { virtual, physical: 0x200000, bytes, size: bytes.length };
      const guest = await run(elf64(virtual + BigInt(entryOffset), [segment]));
      // EBX was set at the start, and nothing but HLT was executed.
      expect(guest.machine.cpus[0].state.eip).toBe(0x200000 + entryOffset + 1);
    },
  );

  it('may have segments above 4 GiB, if there is RAM', async () => {
    const bytes = code(0x40);
    const high = Uint8Array.of(1, 2, 3, 4);
    const image = elf64(0x200040n, [
      { virtual: 0x200000n, physical: 0x200000, bytes, size: bytes.length },
      { virtual: 0x5000_0000_0000n, physical: HIGH_RAM + 0x1000, bytes: high, size: 0x3000 },
    ]);
    const config = { memorySize: 24 * MIB, memoryLowSize: 16 * MIB };
    const guest = await run(image, config, ({ machine }) => {
      machine.memory.write(HIGH_RAM + 0x1000, new Uint8Array(0x4000).fill(0xee));
    });
    const there = guest.machine.memory.read(HIGH_RAM + 0x1000, 0x3001);
    expect([...there.subarray(0, 6), there[0x2fff], there[0x3000]]).toEqual([1, 2, 3, 4, 0, 0, 0, 0xee]);
    const plan = () => planKernel({ name: 'k', image, commandLine: '', modules: [] }, { low: 16 * MIB, high: 0 });
    expect(plan).toThrow('wants to be loaded at 100001000h to 100004000h, and the guest has RAM below 1000000h');
  });

  it('is not started above 4 GiB, nor where nothing is loaded', () => {
    const bytes = code(0x40);
    const ram = { low: 16 * MIB, high: 8 * MIB };
    const plan = (image: Uint8Array) => () => planKernel({ name: 'k', image, commandLine: '', modules: [] }, ram);
    const high = { virtual: 0n, physical: HIGH_RAM, bytes, size: bytes.length };
    expect(plan(elf64(0x40n, [high]))).toThrow('k cannot be started: its entry lies in no segment');
    const low = { virtual: -0x8000_0000n, physical: MIB, bytes, size: bytes.length };
    expect(plan(elf64(-0x7000_0000n, [low]))).toThrow('k cannot be started: its entry lies in no segment');
  });
});

describe('a large .bss', () => {
  it('is cleared, and what is behind it is not', async () => {
    const bytes = code(0x40);
    const size = 192 * MIB + 5;
    const image = elf64(0x200040n, [{ virtual: 0x200000n, physical: 0x200000, bytes, size }]);
    const end = 0x200000 + size;
    const marks = [0x200000 + bytes.length, 64 * MIB + 1, end - 1, end];
    const guest = await run(image, { memorySize: 256 * MIB }, ({ machine }) => {
      for (const at of marks) machine.memory.write(at, Uint8Array.of(0xee));
    });
    expect(marks.map((at) => guest.machine.memory.read(at, 1)[0])).toEqual([0, 0, 0, 0xee]);
  });
});
