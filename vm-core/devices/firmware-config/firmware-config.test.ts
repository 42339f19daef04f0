import { describe, expect, it } from 'vitest';
import { createTestBench } from '../test-bench.ts';
import { createFirmwareConfig } from './firmware-config.ts';

function bench(files: Record<string, Uint8Array> = {}) {
  const device = createFirmwareConfig(createTestBench().context, files);
  const registers = device.ports['registers'];
  return {
    device,
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
    expect([text(item(0, 4)), item(1, 5), item(0x8003, 4)]).toEqual(['QEMU', [1, 0, 0, 0, 0], [0, 0, 0, 0]]);
  });

  it('has a directory of files', () => {
    const { item } = bench({ 'vgaroms/vgabios.bin': Uint8Array.of(0x55, 0xaa), bootorder: Uint8Array.of(0x41) });
    const directory = item(0x19, 4 + 2 * 64);
    expect(directory.slice(0, 12)).toEqual([0, 0, 0, 2, 0, 0, 0, 2, 0, 0x20, 0, 0]);
    expect([text(directory.slice(12, 68)), text(directory.slice(76))]).toEqual(['vgaroms/vgabios.bin', 'bootorder']);
    expect([item(0x20, 2), item(0x21, 1)]).toEqual([[0x55, 0xaa], [0x41]]);
  });

  it('starts an item over when it is selected, and forgets it at reset', () => {
    const { device, item } = bench();
    item(0, 2);
    expect(text(item(0, 2))).toBe('QE');
    device.reset();
    expect(device.state).toEqual({ selector: 0, offset: 0 });
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
});
