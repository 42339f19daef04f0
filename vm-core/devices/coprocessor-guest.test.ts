/** Floating-point errors as a PC tells of them: IRQ 13, and what a handler does about it. */
import { expect, it } from 'vitest';
import { endOfSlaveInterrupt, guest, HANDLER, handlerOf, countUp, out, programPics, setVector } from './rom-guest.ts';

const HLT_FOR_EVER = [0xf4, 0xeb, 0xfd];
const STI = 0xfb;
/** FNINIT; FLDCW with division by zero unmasked, from the stack. */
const unmask = [0xdb, 0xe3, 0x68, 0x7b, 0x03, 0x89, 0xe5, 0xd9, 0x6e, 0x00];
/** FLD1; FLDZ; FDIVP */
const divide = [0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9];
/** FNCLEX, then the latch. */
const handler = handlerOf(...countUp, 0xdb, 0xe2, ...out(0xf0, 0), ...endOfSlaveInterrupt);
const SECOND = 200_000_000;

const config = { cpuModel: '486' } as const;

it('an error comes as IRQ 13 before the next instruction that waits', () => {
  // FWAIT; INC WORD [502h]
  const main = [
    ...programPics,
    ...setVector(0x75, HANDLER),
    ...unmask,
    STI,
    ...divide,
    0x90,
    0x9b,
    0xff,
    0x06,
    0x02,
    0x05,
  ];
  const { runUntil, words } = guest([...main, ...HLT_FOR_EVER], handler, config);
  runUntil(SECOND / 1000);
  expect(words(2)).toEqual([1, 1]);
});

it('an instruction that waits stands still while nothing takes the interrupt, and the machine does not', () => {
  const main = [...programPics, ...setVector(0x75, HANDLER), ...unmask, ...divide, 0x9b, 0xff, 0x06, 0x02, 0x05];
  const { machine, runUntil, words } = guest([...main, ...HLT_FOR_EVER], handler, config);
  expect(runUntil(SECOND / 1000).reason).toBe('limit');
  expect(words(2)).toEqual([0, 0]);
  expect(machine.time).toBeGreaterThanOrEqual(SECOND / 1000);
});

it('with IGNNE#, which a write to port F0h brings, instructions go on in spite of the error', () => {
  // The handler leaves the error as it is.
  const ignoring = handlerOf(...countUp, ...out(0xf0, 0), ...endOfSlaveInterrupt);
  const main = [
    ...programPics,
    ...setVector(0x75, HANDLER),
    ...unmask,
    STI,
    ...divide,
    0x9b,
    0x9b,
    0xff,
    0x06,
    0x02,
    0x05,
  ];
  const { runUntil, words } = guest([...main, ...HLT_FOR_EVER], ignoring, config);
  runUntil(SECOND / 1000);
  expect(words(2)).toEqual([1, 1]);
});

it('with CR0.NE an error is #MF, without the interrupt controllers', () => {
  // MOV EAX,CR0; OR AL,20h; MOV CR0,EAX
  const native = [0x0f, 0x20, 0xc0, 0x0c, 0x20, 0x0f, 0x22, 0xc0];
  const main = [...native, ...setVector(0x10, HANDLER), ...unmask, ...divide, 0x9b, 0xff, 0x06, 0x02, 0x05];
  const { runUntil, words } = guest([...main, ...HLT_FOR_EVER], handlerOf(...countUp, 0xdb, 0xe2), config);
  runUntil(SECOND / 1000);
  expect(words(2)).toEqual([1, 1]);
});
