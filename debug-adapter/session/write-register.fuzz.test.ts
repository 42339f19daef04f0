/** Whatever the user writes into registers: it is taken or refused in words, and the machine goes on in some way. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMachine, registers } from '../../vm-core/index.ts';
import { findRegisterPart } from '../expressions/register-parts.ts';
import { Guest } from './guest.ts';
import { UserError } from './user-error.ts';
import { writeRegister } from './write-register.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 40);
const INSTRUCTIONS = 50;

const symbols = { label: () => undefined, nearestLabel: () => undefined, lineAt: () => undefined };
const written = registers.filter(({ set }) => !['x87', 'mmx', 'vector'].includes(set)).map(({ name }) => name);

it('takes or refuses any values of any registers, and runs', () => {
  const machine = createMachine({
    ...{ machineType: 'isa-1', cpuModel: 'max', memorySize: 1 << 20, firmware: 'builtin' },
    ...{ exitDevice: false, startTimeMs: 0 },
  });
  const write = fc.tuple(
    fc.oneof(
      fc.constantFrom(...written),
      fc.constantFrom('CR0', 'CR3', 'CR4', 'EFER', 'EFLAGS', 'CS', 'SS', 'DS', 'TR', 'LDTR', 'EIP', 'RIP'),
      fc.constantFrom('CR0.PE', 'CR0.PG', 'CR4.PAE', 'CR4.LA57', 'EFER.LME', 'EFLAGS.VM', 'EFLAGS.TF'),
    ),
    fc.oneof(fc.bigInt(0n, 1n), fc.bigInt(0n, 0xffffn), fc.bigInt(0n, 2n ** 64n - 1n)),
  );
  const property = fc.property(
    fc.array(write, { minLength: 1, maxLength: 12 }),
    fc.uint8Array({ minLength: 0x100, maxLength: 0x100 }),
    (writes, bytes) => {
      machine.reset();
      for (let at = 0; at < 0x10000; at += bytes.length) machine.memory.write(at, bytes);
      const guest = new Guest(machine, symbols as never);
      for (const [name, value] of writes) {
        const part = findRegisterPart(name);
        if (!part) throw new Error(name);
        try {
          writeRegister(guest, part, value);
        } catch (error) {
          if (!(error instanceof UserError)) throw error;
          expect(error.message).not.toBe('');
        }
      }
      expect(machine.run({ instructionsMax: INSTRUCTIONS }).reason).not.toBe('');
      expect(guest.decode(guest.vcpu.linearEip)?.text ?? 'nothing').not.toBe('');
    },
  );
  fc.assert(property, { numRuns: ROUNDS });
});
