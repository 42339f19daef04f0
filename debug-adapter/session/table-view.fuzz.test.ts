/** Whatever a guest makes of its descriptor tables, and wherever it says that they are: they can be looked at in every mode. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMachine, findRegister } from '../../vm-core/index.ts';
import { instructionsText } from './code-locations.ts';
import { describeGate } from './gates.ts';
import { Guest } from './guest.ts';
import { stackFrames } from './stack-frames.ts';
import { TABLES_REFERENCE, tableVariables } from './table-view.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 60);
const MEMORY_SIZE = 1 << 20;
const TABLES = ['GDTR', 'IDTR', 'LDTR', 'TR'] as const;

/** CR0, CR4, EFER and EFLAGS of real, protected, virtual-8086, PAE and long mode, paged and not. */
const modes: readonly (readonly [cr0: bigint, cr4: bigint, efer: bigint, eflags: bigint])[] = [
  [0n, 0n, 0n, 2n],
  [1n, 0n, 0n, 2n],
  [1n, 0n, 0n, 0x2_0002n],
  [0x8000_0001n, 0n, 0n, 2n],
  [0x8000_0001n, 0x20n, 0n, 2n],
  [1n, 0x20n, 0x500n, 2n],
  [0x8000_0001n, 0x20n, 0x500n, 2n],
  [0x8000_0001n, 0x1020n, 0x500n, 2n],
];

const symbols = { label: () => undefined, nearestLabel: () => undefined, lineAt: () => undefined };

it('shows descriptor tables of any content at any place', () => {
  const machine = createMachine({
    ...{ machineType: 'isa-1', cpuModel: 'max', memorySize: MEMORY_SIZE, firmware: 'builtin' },
    ...{ exitDevice: false, startTimeMs: 0 },
  });
  const { state } = machine.cpus[0];
  const write = (name: string, value: bigint): void => {
    const register = findRegister(name);
    if (!register) throw new Error(name);
    state.writeRegister(register, BigInt.asUintN((register.longSize ?? register.size) * 8, value));
  };
  const table = fc.record({
    base: fc.oneof(fc.bigInt(0n, 0x20000n), fc.bigInt(0n, 2n ** 64n - 1n)),
    limit: fc.oneof(fc.nat(0xff), fc.nat(0xffff), fc.nat(0xffff_ffff)),
    selector: fc.nat(0xffff),
    attributes: fc.nat(0xffff),
  });
  const properties = fc.property(
    fc.constantFrom(...modes),
    fc.boolean(),
    fc.array(table, { minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 0x400, maxLength: 0x400 }),
    ([cr0, cr4, efer, eflags], is64Bit, places, bytes) => {
      for (let at = 0; at < 0x20000; at += bytes.length) machine.memory.write(at, bytes);
      write('EFER', efer);
      write('CR4', cr4);
      write('CR0', cr0);
      write('EFLAGS', eflags);
      state.setSegment(1, { selector: 8, base: 0, limit: 0xffff_ffff, attributes: is64Bit ? 0xa9b : 0xc9b });
      places.forEach(({ base, limit, selector, attributes }, n) => {
        const name = TABLES[n] as string;
        write(`${name}.base`, base);
        write(`${name}.limit`, BigInt(limit));
        if (n < 2) return;
        write(name, BigInt(selector));
        write(`${name}.attributes`, BigInt(attributes));
      });
      const guest = new Guest(machine, symbols as never);
      const rows = tableVariables(guest, TABLES_REFERENCE) ?? [];
      expect(rows).toHaveLength(4);
      for (const { variablesReference } of rows.filter((row) => row.variablesReference > 0)) {
        const entries = tableVariables(guest, variablesReference) ?? [];
        expect(entries.length).toBeGreaterThan(0);
        expect(entries.length).toBeLessThanOrEqual(0x2000);
        for (const { value, valueLocationReference } of entries) {
          expect(value).not.toBe('');
          const place = guest.codeLocations.placeOf(valueLocationReference ?? 0);
          if (place) expect(instructionsText(guest, place)).not.toBe('');
        }
      }
      expect(describeGate(guest, 0x0e)).toMatch(/^I[VD]T\[14\]/);
      expect(stackFrames(guest).frames.length).toBeGreaterThan(0);
    },
  );
  fc.assert(properties, { numRuns: ROUNDS });
});
