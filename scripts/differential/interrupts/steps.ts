/**
 * Random sequences of steps that program the interrupt controllers: registers of the local APIC, interrupts to itself, its
 * timer, entries of the I/O APIC, lines of two UARTs that go to it and to the 8259s, EOIs (SDM vol. 3A chapter 10; 82093AA
 * and 8259A data sheets). Values are such as both machines have (what is left out stands in explained.ts).
 */
import type { Random } from '../random.ts';
import { STEP, UARTS } from './layout.ts';

/** A step as the guest reads it, and as reports show it. */
export interface Step {
  readonly words: readonly [kind: number, first: number, second: number, third: number];
  readonly text: string;
}

const [TPR, EOI, LDR, DFR, SVR, ICR, ICR_HIGH] = [0x80, 0xb0, 0xd0, 0xe0, 0xf0, 0x300, 0x310];
const LVT = { TIMER: 0x320, LINT0: 0x350, LINT1: 0x360 } as const;
const [MASKED, LEVEL, PERIODIC] = [0x10000, 0x8000, 0x20000];
const SPURIOUS = [0xff, 0xef, 0xdf];
const [FIXED, LOWEST, NMI, EXTINT] = [0, 0x100, 0x400, 0x700];
const LOGICAL = 0x800;
const STEPS_MAX = 40;

const hex = (value: number): string => `${(value >>> 0).toString(16).toUpperCase()}h`;

const step = (text: string, kind: number, first = 0, second = 0, third = 0): Step => ({
  words: [kind, first, second, third],
  text,
});

const local = (name: string, offset: number, value: number): Step =>
  step(`${name} = ${hex(value)}`, STEP.LOCAL, offset, value);

const out = (text: string, port: number, value: number): Step => step(text, STEP.OUT, port, value);

/** No exception's, none of the 8259s, none that is spurious. */
function anyVector(random: Random): number {
  const vector = (random.between(2, 15) << 4) | random.below(15);
  return vector >> 4 === 6 || vector >> 4 === 7 ? vector + 0x20 : vector;
}

type MakeStep = (random: Random) => Step | readonly Step[];

const taskPriority: MakeStep = (random) => local('TPR', TPR, random.chance(40) ? 0 : random.below(256));

/** An interrupt to itself, by its shorthand or a destination; or to nobody. */
const message: MakeStep = (random) => {
  const shorthand = random.pick([0x40000, 0x40000, 0x80000, 0, 0, 0xc0000]);
  const mode = shorthand !== 0 ? FIXED : random.pick([FIXED, FIXED, LOWEST, NMI]);
  const logical = shorthand === 0 && random.chance(50) ? LOGICAL : 0;
  return local('ICR', ICR, shorthand | mode | logical | (mode === NMI ? 0 : anyVector(random)));
};

const destination: MakeStep = (random) =>
  local('ICR_HIGH', ICR_HIGH, random.pick([0, 0, 1, 2, 3, 0x10, 0xff]) * 2 ** 24);

const logicalDestination: MakeStep = (random) =>
  random.chance(60)
    ? local('LDR', LDR, random.pick([1, 2, 3, 0x10, 0x11, 0x21, 0xff, 0]) * 2 ** 24)
    : local('DFR', DFR, random.chance(50) ? 0xffffffff : 0x0fffffff);

const timer: MakeStep = (random) => {
  const lvt = anyVector(random) | (random.chance(30) ? PERIODIC : random.chance(25) ? MASKED : 0);
  const divide = random.pick([0, 1, 2, 3, 8, 9, 10, 11]);
  const count = random.between(1000, 20_000);
  return step(`timer ${hex(lvt)}, ${count}, divided by ${hex(divide)}`, STEP.TIMER, lvt, count, divide);
};

/** A timer that does not come to its end. */
const timerRegisters: MakeStep = (random) => {
  if (random.chance(50)) return local('INITIAL_COUNT', 0x380, random.pick([0, 0xffff_fff0]));
  return local('LVT_TIMER', LVT.TIMER, anyVector(random) | MASKED | (random.chance(30) ? PERIODIC : 0));
};

const localInput: MakeStep = (random) => {
  if (random.chance(75)) return local('LVT_LINT0', LVT.LINT0, random.pick([EXTINT, EXTINT, MASKED]));
  return local('LVT_LINT1', LVT.LINT1, random.pick([NMI, MASKED, MASKED | NMI]));
};

/** The line of a UART goes up with its transmitter's interrupt, and down without. */
const setLine = (number: 3 | 4, up: boolean): Step =>
  out(`line ${number} ${up ? 'up' : 'down'}`, UARTS[number] + 1, up ? 2 : 0);

/**
 * An entry of the redirection table with its destination, written while its line is low: QEMU does not see that it is high.
 * Levels go to this processor, as those that nobody takes are told otherwise in QEMU.
 */
const entry: MakeStep = (random) => {
  const pin = random.pick([3, 4, 4, 4] as const);
  const mode = random.pick([FIXED, FIXED, FIXED, LOWEST, NMI]);
  const isLevel = mode !== NMI && random.chance(50);
  const logical = !isLevel && random.chance(30) ? LOGICAL : 0;
  const high = isLevel ? 0 : random.pick([0, 0, 1, 2, 0xff]) * 2 ** 24;
  const low = anyVector(random) | mode | (isLevel ? LEVEL : 0) | (random.chance(20) ? MASKED : 0) | logical;
  return [
    setLine(pin, false),
    step(`pin ${pin} destination = ${hex(high)}`, STEP.IO, 0x11 + pin * 2, high),
    step(`pin ${pin} = ${hex(low)}`, STEP.IO, 0x10 + pin * 2, low),
  ];
};

const line: MakeStep = (random) => setLine(random.pick([3, 4, 4, 4] as const), random.chance(60));

const inputMask: MakeStep = (random) => {
  const value = random.pick([0xff, 0xe7, 0xef, 0xf7]);
  return out(`mask of the 8259 ${hex(value)}`, 0x21, value);
};

/** How often each is chosen. */
const choices: readonly (readonly [weight: number, make: MakeStep])[] = [
  [10, taskPriority],
  [16, message],
  [4, destination],
  [4, logicalDestination],
  [3, timer],
  [2, timerRegisters],
  [6, localInput],
  [10, entry],
  [14, line],
  [4, inputMask],
  [12, () => step('window', STEP.WINDOW)],
  [8, () => local('EOI', EOI, 0)],
  [2, (random) => local('SVR', SVR, 0x100 | random.pick(SPURIOUS))],
  [3, (random) => (random.chance(50) ? step('handlers end', STEP.ENDS, 1) : step('handlers do not end', STEP.ENDS, 0))],
];

const weights = choices.reduce((sum, [weight]) => sum + weight, 0);

/** One sequence; a reset comes behind it. */
export function randomSteps(random: Random): Step[] {
  return Array.from({ length: random.between(5, STEPS_MAX) }, () => {
    let at = random.below(weights);
    for (const [weight, make] of choices) {
      at -= weight;
      if (at < 0) return make(random);
    }
    throw new Error('the weights do not add up');
  }).flat();
}
