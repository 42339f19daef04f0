import { describe, expect, it } from 'vitest';
import { createTestBench } from '../test-bench.ts';
import { createFirmwareConfig } from './firmware-config.ts';

function bench(files: Record<string, Uint8Array> = {}) {
  const { context, memory } = createTestBench();
  const device = createFirmwareConfig(context, { ramSize: 0x8000_0000, cpuCount: 4 }, files);
  const registers = device.ports['registers'];
  const view = new DataView(memory.buffer);
  return {
    device,
    memory,
    /** Writes a control structure at 1000h, starts it, and gives the control word that is there afterwards. */
    dma(control: number, length: number, target: number, high = 0): number {
      view.setUint32(0x1000, control);
      view.setUint32(0x1004, length);
      view.setUint32(0x1008, high);
      view.setUint32(0x100c, target);
      device.ports['dma']?.write(4, 4, 0x0010_0000);
      return view.getUint32(0x1000);
    },
    item(selector: number, length: number): number[] {
      registers?.write(0, 2, selector);
      return Array.from({ length }, () => registers?.read(1, 1) ?? -1);
    },
  };
}

const text = (bytes: readonly number[]): string => String.fromCharCode(...bytes.filter((byte) => byte !== 0));

describe('the firmware configuration', () => {
  it('says what it is, and zeros behind the end and for what it does not have', () => {
    const { item } = bench();
    expect([text(item(0, 4)), item(1, 5), item(0x8003, 4)]).toEqual(['QEMU', [3, 0, 0, 0, 0], [0, 0, 0, 0]]);
  });

  it('tells the size of memory and the number of processors', () => {
    const { item } = bench();
    expect([item(3, 8), item(5, 2), item(15, 2)]).toEqual([
      [0, 0, 0, 0x80, 0, 0, 0, 0],
      [4, 0],
      [4, 0],
    ]);
  });

  it('has a directory of files, in the order of their names', () => {
    const { item } = bench({ 'vgaroms/vgabios.bin': Uint8Array.of(0x55, 0xaa), bootorder: Uint8Array.of(0x41) });
    const directory = item(0x19, 4 + 2 * 64);
    expect(directory.slice(0, 12)).toEqual([0, 0, 0, 2, 0, 0, 0, 1, 0, 0x20, 0, 0]);
    expect([text(directory.slice(12, 68)), text(directory.slice(76))]).toEqual(['bootorder', 'vgaroms/vgabios.bin']);
    expect([item(0x20, 1), item(0x21, 2)]).toEqual([[0x41], [0x55, 0xaa]]);
  });

  it('starts an item over when it is selected, and forgets it at reset', () => {
    const { device, item } = bench();
    item(0, 2);
    expect(text(item(0, 2))).toBe('QE');
    device.reset();
    expect(device.state).toEqual({ selector: 0, offset: 0, dmaHigh: 0 });
  });

  it('takes the selector as a word only and gives data as bytes only', () => {
    const { device } = bench();
    const registers = device.ports['registers'];
    registers?.write(0, 1, 1);
    registers?.write(1, 1, 1);
    expect([device.state.selector, registers?.read(0, 1), registers?.read(0, 2)]).toEqual([0, 0, 0]);
  });

  it('refuses names that the directory cannot hold', () => {
    expect(() => bench({ ['x'.repeat(56)]: new Uint8Array() })).toThrow('too long');
  });

  it('shows a signature where the DMA address is written', () => {
    const { device } = bench();
    const dma = device.ports['dma'];
    expect([dma?.read(0, 4), dma?.read(4, 4), dma?.read(7, 1)]).toEqual([0x554d4551, 0x47464320, 0x47]);
  });

  it('reads by DMA: selects, skips, goes on, and gives zeros behind the end', () => {
    const { dma, memory } = bench({ file: Uint8Array.of(1, 2, 3, 4, 5) });
    memory.fill(0xee, 0x2000, 0x2010);
    expect(dma((0x20 << 16) | 8 | 4, 1, 0)).toBe(0);
    expect(dma(2, 2, 0x2000)).toBe(0);
    expect([...memory.subarray(0x2000, 0x2003)]).toEqual([2, 3, 0xee]);
    expect(dma(2, 6, 0x2008)).toBe(0);
    expect([...memory.subarray(0x2008, 0x200f)]).toEqual([4, 5, 0, 0, 0, 0, 0xee]);
  });

  it('answers writes and endless reads with an error, and leaves memory alone', () => {
    const { dma, memory } = bench({ file: Uint8Array.of(1) });
    expect(dma((0x20 << 16) | 8 | 16, 1, 0x2000)).toBe(1);
    expect(dma((0x20 << 16) | 8 | 2, 0xffff_ffff, 0x2000)).toBe(1);
    expect(memory[0x2000]).toBe(0);
  });

  it('reaches nothing through addresses beyond memory', () => {
    const { device, dma, memory } = bench({ file: Uint8Array.of(1) });
    device.ports['dma']?.write(0, 4, 0x0100_0000);
    expect(dma((0x20 << 16) | 8 | 2, 1, 0x2000)).toBe(((0x20 << 16) | 8 | 2) >>> 0);
    expect(dma((0x20 << 16) | 8 | 2, 1, 0x2000, 1)).toBe(0);
    expect(memory[0x2000]).toBe(0);
  });
});
