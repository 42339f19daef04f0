/**
 * Branch recording is never the host's trouble, and never more than recording: programs run with any value in the registers and
 * in the area that say where records go, and do what they do without it.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { branchLayout, CONTROL_BTF } from '../cpu/branches/branch-layout.ts';
import { type CpuModel, modelFacts } from '../isa/cpu-model.ts';
import { apicSlot, slot } from '../state/layout.ts';
import { LongGuest, P, U, W } from './long-guest.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 60);

const AREA = 0x40000;
const BUFFER = 0x41000;
const STEPS = 2000;

/** Near the buffer, at the ends of pages and of what addresses can be, and anywhere. */
const address = fc.oneof(
  fc.integer({ min: -40, max: 40 }).map((n) => BigInt(BUFFER + n)),
  fc.integer({ min: -40, max: 40 }).map((n) => BigInt.asUintN(64, BigInt(n))),
  fc.integer({ min: -40, max: 40 }).map((n) => BigInt.asUintN(64, (1n << 47n) + BigInt(n))),
  fc.integer({ min: -40, max: 40 }).map((n) => BigInt.asUintN(64, -(1n << 47n) + BigInt(n))),
  fc.integer({ min: -40, max: 40 }).map((n) => BigInt(AREA + n)),
  fc.integer({ min: -40, max: 40 }).map((n) => 0xfee0_0000n + BigInt(n)),
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
);

const setting = fc.record({
  model: fc.constantFrom<CpuModel>('prescott', 'core2', 'x86-64-v2', 'x86-64-v3', 'skylake', 'max', 'amd-zen'),
  control: fc.integer({ min: 0, max: 0xffff }),
  select: fc.integer({ min: 0, max: 0x3ff }),
  top: fc.integer({ min: 0, max: 31 }),
  area: fc.oneof(fc.constant(BigInt(AREA)), address),
  fields: fc.array(address, { minLength: 4, maxLength: 4 }),
  isUser: fc.boolean(),
  isCompatible: fc.boolean(),
});

/** MOV ECX,40; CALL f; JECXZ on; LOOP back; JMP to the beginning; on: MOV AL,[60000h]; JMP to the beginning; f: DEC EDX; RET */
const CODE = [
  ...[0xb9, 40, 0, 0, 0, 0xe8, 19, 0, 0, 0, 0x67, 0xe3, 4, 0xe2, 0xf6, 0xeb, 0xef],
  ...[0x8a, 0x04, 0x25, 0, 0, 6, 0, 0xeb, 0xe6, 0x90, 0x90, 0x90, 0x90, 0xff, 0xca, 0xc3],
];

function guestOf({
  model,
  isUser,
  isCompatible,
}: {
  model: CpuModel;
  isUser: boolean;
  isCompatible: boolean;
}): LongGuest {
  const guest = new LongGuest(Uint8Array.from(CODE), model);
  guest.map(0xffff_8000_0000_0000n, AREA, P | W | U);
  if (isUser) guest.enterUser(isCompatible ? 32 : 64);
  else if (isCompatible) guest.enterCompatibility();
  return guest;
}

it('runs a program as without it, whatever is in its registers and its area', { timeout: 300_000 }, () => {
  fc.assert(
    fc.property(setting, ({ control, select, top, area, fields, ...run }) => {
      const layout = branchLayout(modelFacts(run.model));
      if (!layout) throw new Error(`${run.model} records no branches`);
      const guest = guestOf(run);
      guest.set('IA32_DS_AREA', area);
      guest.set('MSR_LBR_SELECT', BigInt(select));
      guest.set('MSR_LASTBRANCH_TOS', BigInt(top & (layout.depth - 1)));
      fields.forEach((value, n) => {
        guest.write64(AREA + n * 8, value);
      });
      guest.state.write32(apicSlot.SVR, 0x1ff);
      guest.state.write32(apicSlot.LVT_PERF, 0x20);
      guest.state.onDerivedChange(apicSlot.LVT_PERF);
      guest.state.write32(layout.control, Number(BigInt(control) & layout.writable));
      const { loop } = guest.machine;
      expect(loop.run({ instructionsMax: STEPS }).reason).toBe('limit');
      expect(loop.retired).toBe(STEPS);
      const other = guestOf(run);
      other.machine.loop.run({ instructionsMax: STEPS });
      // A record over the area itself makes where records go a matter of the program's addresses: they may lie over the program.
      if (fields.some((value) => value > BigInt(AREA - 64) && value < BigInt(AREA + 64))) return;
      const state = (each: LongGuest) => [each.get('RIP'), each.get('RCX'), each.get('RDX'), each.get('RSP')];
      expect(state(guest)).toEqual(state(other));
      expect(guest.state.read32(slot.EFLAGS)).toBe(other.state.read32(slot.EFLAGS));
      expect(guest.state.read32(layout.control) & CONTROL_BTF).toBe(control & CONTROL_BTF);
    }),
    { numRuns: ROUNDS },
  );
});
