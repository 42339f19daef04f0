import { describe, expect, it } from 'vitest';
import { CPUS_MAX, cpuModels } from '../../vm-core/index.ts';
import { defaultEngine } from '../../vm-core/engine/compiler/tiers.ts';
import { launchArgumentRows } from './launch-arguments.ts';
import { parseAddressText, parseLaunchArguments, unknownLaunchArguments } from './launch-configuration.ts';
import { launchSchemaProperties } from './launch-schema.ts';

describe('launch arguments', () => {
  it('have unique names, sentences, and defaults that are valid', () => {
    const names = launchArgumentRows.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, description } of launchArgumentRows) {
      expect(name).toMatch(/^[a-z][A-Za-z]*$/);
      expect(description).toMatch(/[.)]$/);
    }
    const defaults = Object.fromEntries(
      launchArgumentRows.flatMap((row) => (row.default === undefined ? [] : [[row.name, row.default]])),
    );
    expect(parseLaunchArguments({ program: 'a.img', ...defaults })).toEqual(parseLaunchArguments({ program: 'a.img' }));
  });

  it('know the processor models of the table', () => {
    expect(launchArgumentRows.find(({ name }) => name === 'cpu')?.choices).toEqual([...cpuModels]);
  });

  it.skipIf(process.env['X86_VM_ENGINE'])('have the engine as default that machines have', () => {
    expect(launchArgumentRows.find(({ name }) => name === 'engine')?.default).toBe(defaultEngine.name);
  });

  it('all have a schema, with their choices', () => {
    const schema = launchSchemaProperties();
    expect(Object.keys(schema)).toEqual(launchArgumentRows.map(({ name }) => name));
    expect(schema['cpus']).toMatchObject({ maximum: CPUS_MAX });
    expect(schema['stopOnEntry']).toMatchObject({ enum: [true, false, 'reset'], default: true });
  });

  it('say how many processors there are, and in what', () => {
    const topologyOf = (cpus?: unknown) => {
      const { topology } = parseLaunchArguments({ program: 'a.img', ...(cpus === undefined ? {} : { cpus }) });
      return [topology.packages, topology.coresPerPackage, topology.threadsPerCore];
    };
    expect([topologyOf(), topologyOf(4), topologyOf('2'), topologyOf('2x4x2')]).toEqual([
      ...[
        [1, 1, 1],
        [4, 1, 1],
      ],
      ...[
        [2, 1, 1],
        [2, 4, 2],
      ],
    ]);
    for (const wrong of [0, 17, 1.5, '1x2', '0x1x1', '3x3x2', true]) {
      expect(() => topologyOf(wrong)).toThrow(`cpus: ${wrong} cannot be; give 1 to 16 processors, or packages, cores`);
    }
  });

  it('of a kernel go together', () => {
    const given = { kernel: 'k', initrd: 'i', modules: ['a', { path: 'b', commandLine: 'c' }], append: 'd' };
    expect(parseLaunchArguments(given).kernel).toEqual({
      path: 'k',
      initrd: 'i',
      modules: [
        { path: 'a', commandLine: '' },
        { path: 'b', commandLine: 'c' },
      ],
      commandLine: 'd',
      entry: '16-bit',
    });
  });

  it.each(['initrd', 'modules', 'append'])('refuse %s without a kernel', (name) => {
    const value = name === 'modules' ? [] : 'x';
    expect(() => parseLaunchArguments({ program: 'a.img', [name]: value })).toThrow(
      `${name}: there is no kernel to give it to; set kernel`,
    );
  });

  it('that nobody knows are told apart from those of the client', () => {
    expect(unknownLaunchArguments({ program: '', type: '', __restart: 1, programm: '' })).toEqual(['programm']);
  });
});

describe('the memory size', () => {
  const sizeOf = (memory: unknown): number => parseLaunchArguments({ program: 'a.img', memory }).memorySize;

  it.each([
    ['128M', 128 * 2 ** 20],
    ['64', 64 * 2 ** 20],
    [7, 7 * 2 ** 20],
    ['2048k', 2 ** 21],
    ['2G', 2 ** 31],
  ])('%j', (text, size) => {
    expect(sizeOf(text)).toBe(size);
  });

  it.each(['', 'M', '-1M', '1.5G', '3G', '1T', '0', '100K', true])('refuses %j with its limits', (value) => {
    expect(() => sizeOf(value)).toThrow(
      `memory: ${value} cannot be; give 1M to 2G in steps of 64K, such as 128M or 1G; a number alone counts MiB`,
    );
  });
});

describe('parseAddressText', () => {
  it.each([
    ['0x7c00', 0x7c00],
    ['7C00h', 0x7c00],
    ['31744', 31744],
    [0x7c00, 0x7c00],
    ['7c00', undefined],
    ['0x100000000', 0x1_0000_0000],
    ['0xffffffff80000000', -0x8000_0000],
    ['0xff11000000000001', undefined],
    ['0x10000000000000000', undefined],
    [-1, undefined],
    [1.5, undefined],
    [null, undefined],
  ])('%j', (value, address) => {
    expect(parseAddressText(value)).toBe(address);
  });
});
