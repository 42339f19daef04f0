/** Instructions of 64-bit code that a device stops in the middle (docs/decisions/0011). */
import { expect, it } from 'vitest';
import { slot } from '../state/layout.ts';
import { REGISTERS_SIZE } from '../state/register-table.ts';
import { deviceOf, dword, MMIO, MMIO_SIZE } from './later-guest.ts';
import { LongGuest, P, W } from './long-guest.ts';

/** Linear address of the device; what lies before it is RAM. */
const MAPPED = 0x181000;
const STACK_IN_DEVICE = 0x400;

const bytesOf = (text: string): Uint8Array =>
  Uint8Array.from(text.match(/[0-9a-f]{2}/gi) ?? [], (digits) => Number.parseInt(digits, 16));

async function run(code: string, timing: 'at once' | 'later') {
  const guest = new LongGuest(bytesOf(`${code} f4`));
  const content = Array.from({ length: 64 }, (_, n) => [STACK_IN_DEVICE - 0x100 + n * 4, 0] as const);
  const { region, asked } = deviceOf(timing, 32, new Map(content));
  const { map, loop } = guest.machine;
  map.addWindow({ device: 'later', start: MMIO, size: MMIO_SIZE, region });
  for (let page = 0; page < 4; page++) guest.map(BigInt(MAPPED + page * 0x1000), MMIO + page * 0x1000, P | W);
  const { state } = guest;
  state.write64(slot.EAX, 0x1122_3344_5566_7788n);
  state.write64(slot.EBX, 0x0102_0304_0506_0708n);
  guest.machine.processor.refresh();
  let waits = 0;
  let result = loop.run({ instructionsMax: 200 });
  for (; result.reason === 'waiting' && waits < 500; waits++) {
    await result.ready;
    result = loop.run({ instructionsMax: 200 });
  }
  const registers = [state.eflags, ...new Uint8Array(state.view.buffer, state.base, REGISTERS_SIZE)].join(' ');
  const memory = Buffer.from(guest.view.buffer, guest.view.byteOffset, 0x100000).toString('base64');
  const rest = Buffer.from(guest.view.buffer, guest.view.byteOffset + MAPPED - 0x1000, 0x1000).toString('hex');
  return { waits, seen: { reason: result.reason, retired: loop.retired, registers, memory, rest, asked } };
}

const at = (linear: number): string => `04 25 ${dword(linear)}`;
const onDevice = `48 bc ${dword(MAPPED + STACK_IN_DEVICE)} 00 00 00 00`;

it.each<readonly [string, string, number]>([
  ['mov rax,[mmio]', `48 8b ${at(MAPPED)}`, 2],
  ['push qword [mmio]', `ff 34 25 ${dword(MAPPED)}`, 2],
  ['pop qword [mmio]', `8f ${at(MAPPED)}`, 2],
  ['stc; adc [mmio],rax', `f9 48 11 ${at(MAPPED)}`, 4],
  ['xchg [crossing],rax', `48 87 ${at(MAPPED - 3)}`, 4],
  ['lock xadd [mmio],rbx', `f0 48 0f c1 1c 25 ${dword(MAPPED)}`, 4],
  ['lock cmpxchg16b [mmio]', `f0 48 0f c7 0c 25 ${dword(MAPPED)}`, 8],
  ['rep movsq', `48 c7 c6 ${dword(MAPPED)} 48 c7 c7 ${dword(MAPPED + 0x1000)} b9 03 00 00 00 f3 48 a5`, 12],
  ['call and ret on a stack in the device', `${onDevice} e8 01 00 00 00 f4 c3`, 4],
  ['int 3 and its handler on a stack in the device', `${onDevice} cc`, 10],
  ['a page fault on a stack in the device', `${onDevice} a0 00 00 00 00 40 00 00 00`, 12],
])('64-bit: %s', async (_, code, accesses) => {
  const atOnce = await run(code, 'at once');
  const later = await run(code, 'later');
  expect(later.seen).toEqual(atOnce.seen);
  expect(later.seen.asked).toHaveLength(accesses);
  expect([atOnce.waits, later.waits]).toEqual([0, accesses]);
});
