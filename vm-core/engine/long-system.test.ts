/** System instructions whose operands have 64 bits in 64-bit mode only (SDM vol. 2): addresses above 4 GiB, upper halves that count. */
import { describe, expect, it } from 'vitest';
import { LongGuest, P, PROGRAM, W } from './long-guest.ts';

const UPPER = 0xffff_8000_0000_0000n;
const DESCRIPTOR = 0x20000;

const bytesOf = (text: string) => Uint8Array.from(text.split(' '), (digits) => Number.parseInt(digits, 16));

/** Runs one instruction with registers and says where it ends. */
function run(code: string, registers: Readonly<Record<string, bigint>>, change?: (guest: LongGuest) => void) {
  const guest = new LongGuest(bytesOf(`${code} f4`), 'max');
  guest.map(UPPER, 0x30000, P | W);
  for (const [name, value] of Object.entries(registers)) guest.set(name, value);
  change?.(guest);
  return { end: guest.runToHalt(), guest };
}

describe('MONITOR', () => {
  const MONITOR = '0f 01 c8';

  it('looks at the address in RAX, all of it', () => {
    expect(run(MONITOR, { RAX: UPPER }).end).toBe('program');
    const absent = run(MONITOR, { RAX: UPPER + 0x5000n });
    expect([absent.end, absent.guest.get('CR2')]).toEqual(['vector 14', UPPER + 0x5000n]);
    expect(run(MONITOR, { RAX: 1n << 47n }).end).toBe('vector 13');
  });

  it('looks at EAX where 67h says so', () => {
    expect(run(`67 ${MONITOR}`, { RAX: 0xffff_0000_0000_1000n }).end).toBe('program');
  });

  it('and MWAIT want the upper half of RCX to be zero', () => {
    for (const code of [MONITOR, '0f 01 c9']) {
      expect(run(code, { RAX: 0n, RCX: 0n }).end).toBe('program');
      expect(run(code, { RAX: 0n, RCX: 1n << 32n }).end).toBe('vector 13');
    }
  });
});

describe('INVPCID', () => {
  const invalidate = (type: bigint, address: bigint) =>
    run('66 0f 38 82 1f', { RBX: type, RDI: BigInt(DESCRIPTOR) }, (guest) => guest.write64(DESCRIPTOR + 8, address))
      .end;

  it('takes its type from all of the register', () => {
    expect(invalidate(2n, 0n)).toBe('program');
    expect(invalidate((1n << 32n) | 2n, 0n)).toBe('vector 13');
  });

  it('wants the address of one page to be canonical, and asks no other type for one', () => {
    expect(invalidate(0n, UPPER)).toBe('program');
    expect(invalidate(0n, 1n << 47n)).toBe('vector 13');
    expect(invalidate(1n, 1n << 47n)).toBe('program');
  });
});

describe('MOV to DR0–DR3', () => {
  it('takes any address, and what nothing can have is never met', () => {
    const { end, guest } = run('0f 23 c0 0f 21 c2', { RAX: 1n << 63n, DR7: 0x401n });
    expect([end, BigInt.asUintN(64, guest.get('RDX'))]).toEqual(['program', 1n << 63n]);
    expect(guest.get('RIP')).toBe(BigInt(PROGRAM + 7));
  });
});
