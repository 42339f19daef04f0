/**
 * Operands of the x87 and of vectors in a device: each part is asked for once, whether the device answers at once or later
 * (docs/decisions/0011), and not at all where a later page of the operand forbids the access (SDM vol. 3A §6.15, #PF).
 */
import { describe, expect, it } from 'vitest';
import { CR4_OSFXSR, CR4_OSXSAVE } from '../state/control-bits.ts';
import { slot, vectorSlots } from '../state/layout.ts';
import { dword, MAPPED, MMIO_SIZE, type Outcome, runBothWays, runWithDevice, type Setup } from './later-guest.ts';
import type { PagedGuest } from './paged-guest.ts';

/** Vectors with numbers; lanes of YMM2 are indices, those of YMM3 a mask of which the odd doublewords are set. */
function prepare(guest: PagedGuest): void {
  const { state } = guest;
  guest.set('CR4', CR4_OSFXSR | CR4_OSXSAVE);
  guest.set('XCR0', 7);
  state.write16(slot.FCW, 0x37f);
  state.write8(slot.FTW, 0);
  state.write32(slot.EAX, 7);
  state.write32(slot.EDX, 0);
  vectorSlots.slice(0, 8).forEach((at, register) => {
    for (let n = 0; n < 8; n++) state.write32(at + 4 * n, 0x3f80_0000 + register * 0x1_0000 + n * 0x101);
  });
  for (let n = 0; n < 8; n++) {
    state.write32((vectorSlots[2] as number) + 4 * n, n % 2 === 0 ? n + 1 : 0);
    state.write32((vectorSlots[3] as number) + 4 * n, n % 2 === 0 ? 0 : 0x8000_8080);
  }
}

/** Code with its operand at M, and how many doublewords of a device it asks for there. */
const forms: readonly (readonly [name: string, code: string, accesses: number])[] = [
  ['movq mm0,[m]', '0f 6f 05 M', 2],
  ['movq [m],mm0', '0f 7f 05 M', 2],
  ['movups xmm1,[m]', '0f 10 0d M', 4],
  ['movups [m],xmm1', '0f 11 0d M', 4],
  ['addps xmm1,[m]', '0f 58 0d M', 4],
  ['movss [m],xmm1', 'f3 0f 11 0d M', 1],
  ['cvtsi2sd xmm1,[m]', 'f2 0f 2a 0d M', 1],
  ['pinsrb xmm1,[m],3', '66 0f 3a 20 0d M 03', 1],
  ['pextrw [m],xmm1,1', '66 0f 3a 15 0d M 01', 1],
  ['pcmpestri xmm1,[m],0', '66 0f 3a 61 0d M 00', 4],
  ['vmovups ymm1,[m]', 'c5 fc 10 0d M', 8],
  ['vmovups [m],ymm1', 'c5 fc 11 0d M', 8],
  ['vaddpd ymm1,ymm2,[m]', 'c5 ed 58 0d M', 8],
  ['vfmadd231ps ymm1,ymm2,[m]', 'c4 e2 6d b8 0d M', 8],
  ['vbroadcastss ymm1,[m]', 'c4 e2 7d 18 0d M', 1],
  ['vpmaskmovd ymm1,ymm3,[m]', 'c4 e2 65 8c 0d M', 4],
  ['vpmaskmovd [m],ymm3,ymm1', 'c4 e2 65 8e 0d M', 4],
  ['vmaskmovpd xmm1,xmm3,[m]', 'c4 e2 61 2d 0d M', 4],
  ['vmaskmovpd [m],xmm3,xmm1', 'c4 e2 61 2f 0d M', 4],
  ['vcvtps2ph [m],ymm1,0', 'c4 e3 7d 1d 0d M 00', 4],
  ['vcvtph2ps ymm1,[m]', 'c4 e2 7d 13 0d M', 4],
  ['stmxcsr [m]', '0f ae 1d M', 1],
  ['fld tword [m]', 'db 2d M', 3],
  ['fld1; fstp tword [m]', 'd9 e8 db 3d M', 3],
  ['fld qword [m]', 'dd 05 M', 2],
  ['fld1; fst dword [m]', 'd9 e8 d9 15 M', 1],
  ['fldpi; fiadd dword [m]', 'd9 eb da 05 M', 1],
  ['fldpi; fbstp [m]', 'd9 eb df 35 M', 3],
  ['fbld [m]', 'df 25 M', 3],
];
/** Those that go through many fields: nobody says in which order. */
const images: readonly (readonly [name: string, code: string, alignment: number])[] = [
  ['fnsave [m]; frstor [m]', 'd9 eb dd 35 M dd 25 M', 4],
  ['fnstenv [m]; fldenv [m]', 'd9 35 M d9 25 M', 4],
  ['fxsave [m]', 'd9 eb 0f ae 05 M', 16],
  ['xsave [m]', 'd9 eb 0f ae 25 M', 64],
  ['xsaveopt [m]', 'd9 eb 0f ae 35 M', 64],
  ['xsavec [m]', 'd9 eb 0f c7 25 M', 64],
];
/** Addressed by registers: ESI and EDI name the device. */
const addressed: readonly (readonly [name: string, code: string, accesses: number])[] = [
  ['vgatherdps xmm1,[esi+xmm2*4],xmm3', 'c4 e2 61 92 0c 96', 2],
  ['vpgatherqq ymm1,[esi+ymm2*8],ymm3', 'c4 e2 e5 91 0c d6', 8],
  ['maskmovdqu xmm1,xmm3', '66 0f f7 cb', 6],
  ['maskmovq mm1,mm3', '0f f7 cb', 0],
];

const at = (code: string, place: number): Setup => ({
  program: `${code.replaceAll('M', dword(place))} f4`,
  prepare,
});

/** Runs both ways and compares; gives the one that had to wait. */
async function sameBothWays(setup: Setup, width: 8 | 32 = 32): Promise<Outcome> {
  const { later, differences } = await runBothWays(setup, width);
  expect(differences).toEqual([]);
  return later;
}

describe('an operand in a device', () => {
  it.each(forms)('%s', async (_, code, accesses) => {
    const later = await sameBothWays(at(code, MAPPED));
    expect(later.asked).toHaveLength(accesses);
    // Not aligned, by bytes, and from the page of RAM before into the device.
    await sameBothWays(at(code, MAPPED + 3));
    await sameBothWays(at(code, MAPPED + 8), 8);
    await sameBothWays(at(code, MAPPED - 1));
  });

  it.each(images)('%s', async (_, code, alignment) => {
    const later = await sameBothWays(at(code, MAPPED + 64));
    expect(later.asked.length).toBeGreaterThan(6);
    await sameBothWays(at(code, MAPPED + 64), 8);
    await sameBothWays(at(code, MAPPED - alignment));
  });

  it.each(addressed)('%s', async (_, code, accesses) => {
    const later = await sameBothWays(at(code, MAPPED));
    expect(later.asked).toHaveLength(accesses);
    await sameBothWays(at(code, MAPPED), 8);
  });

  it('fxrstor and xrstor of what was saved there', async () => {
    // The area must keep what is written: all words of it are memory.
    const content = Array.from({ length: 300 }, (_, n) => [4 * n, 0] as const);
    const program = (save: string, restore: string) => at(`d9 eb ${save} M ${restore} M`, MAPPED);
    await sameBothWays({ ...program('0f ae 05', '0f ae 0d'), content });
    await sameBothWays({ ...program('0f ae 25', '0f ae 2d'), content });
    await sameBothWays({ ...program('0f c7 25', '0f ae 2d'), content });
  });
});

describe('an operand that begins in a device and ends on a page that is not there', () => {
  const END = MAPPED + MMIO_SIZE;
  const missing = (setup: Setup): Setup => ({
    ...setup,
    prepare(guest) {
      prepare(guest);
      guest.map(END, 0);
    },
  });

  /** ADDPS wants its operand aligned, so that it crosses no page. */
  const crossing = forms.filter(([name, , accesses]) => accesses > 1 && !name.startsWith('addps'));

  it.each(crossing)('%s asks the device for nothing', async (_, code) => {
    const faulting = await runWithDevice(missing(at(code, END - 4)), 'at once', 32);
    expect(faulting.asked).toEqual([]);
    expect(faulting.faultAddress).toBe(END);
  });

  it.each(images)('%s writes nothing there', async (_, code, alignment) => {
    const faulting = await runWithDevice(missing(at(code, END - alignment)), 'at once', 32);
    expect(faulting.asked.filter((text) => text.startsWith('write'))).toEqual([]);
    expect(faulting.faultAddress).toBe(END);
  });

  it('a gather keeps the elements before', async () => {
    const setup = missing(at('c4 e2 61 92 0c 96', 0));
    const gather: Setup = {
      ...setup,
      prepare(guest) {
        setup.prepare?.(guest);
        const { state } = guest;
        state.write32(slot.ESI, END - 16);
        [0, 4, 1, 2].forEach((index, n) => {
          state.write32((vectorSlots[2] as number) + 4 * n, index);
          state.write32((vectorSlots[3] as number) + 4 * n, 0x8000_0000);
        });
      },
    };
    const faulting = await runWithDevice(gather, 'at once', 32);
    expect(faulting.asked).toEqual([`read ${(MMIO_SIZE - 16).toString(16)} 4`]);
    expect(faulting.faultAddress).toBe(END);
  });
});
