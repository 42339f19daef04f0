/** What a user of the debugger waits for: the first stop, a step, a condition that does not hold, a stop elsewhere. */
import { join } from 'node:path';
import { mustRun, repositoryRoot } from '../run-command.ts';
import { DapConnection, hasSent, isStop } from './dap-connection.ts';
import {
  ASIDE,
  ASIDE_WORD,
  assembleGuest,
  BEHIND_GUEST,
  DATA_WORD,
  EMPTY_KERNEL,
  ENTRY,
  LOOP,
} from './guest-images.ts';
import type { GdbConnection } from './gdb-connection.ts';
import type { Contender, Measurement } from './measurement.ts';
import type { Engine, StopKind } from './our-machine.ts';
import { type Peers, startOurMachine } from './peers.ts';
import { startQemuStub } from './qemu-machine.ts';
import { type GuestProcess, timeMarks } from './timed-run.ts';

const EXAMPLE = join(repositoryRoot, 'examples', 'bootloader');
const GROUP = 'The debugger';
const GROUP_STOPS = 'What a stop elsewhere costs';
/** With what the summary of the page is told. */
export const BREAKPOINT_ROW = 'A breakpoint on the running page that is never met';
const SUBJECT = 'x86 VM';
const STUB = 'QEMU and its gdb stub';
const STEPS = 1500;
const STEPS_FIRST = 200;
const MANY_BREAKPOINTS = 5000;
const FALSE_CONDITIONS = 60_000_000;
const STUB_STOPS = 1500;
const STOP_ITERATIONS = 20_000_000;
/** Never true: the guests leave this register alone. */
const FALSE_CONDITION = 'esp == 0x12345678';
const THREAD = { threadId: 1 };

/** The measurements of this file, with those peers that are installed. */
export async function debuggerMeasurements(peers: Peers): Promise<readonly Measurement[]> {
  const { directory, qemu } = peers;
  const arithmetic = await assembleGuest(directory, { name: 'arithmetic', iterations: 1_000_000_000 });
  const empty = await assembleGuest(directory, { name: EMPTY_KERNEL, iterations: FALSE_CONDITIONS });
  const endless = await assembleGuest(directory, { name: EMPTY_KERNEL, iterations: 0 });
  const stub = (take: () => Promise<number>): readonly Contender[] => (qemu ? [{ name: STUB, take }] : []);
  return [
    {
      group: GROUP,
      name: 'From launch to the first stop, assembling `examples/bootloader/boot.asm` included',
      unit: 's',
      better: 'lower',
      subject: { name: SUBJECT, target: 1, take: firstStop },
      peers: stub(() => firstStopOfStub(directory)),
      rounds: 5,
    },
    {
      group: GROUP,
      name: 'Steps of one instruction, as round trips',
      unit: 'a second',
      better: 'higher',
      subject: { name: SUBJECT, target: 2000, take: () => steps(arithmetic, 'bare') },
      peers: stub(() => stubStops(arithmetic, directory, undefined)),
      rounds: 3,
    },
    {
      group: GROUP,
      name: `The same with ${MANY_BREAKPOINTS.toLocaleString('en-US')} breakpoints set elsewhere`,
      unit: 'a second',
      better: 'higher',
      subject: { name: SUBJECT, target: 2000, take: () => steps(arithmetic, 'among-breakpoints') },
      peers: [],
      rounds: 3,
    },
    {
      group: GROUP,
      name: 'Steps with the call stack, scopes and registers that an editor then asks for',
      unit: 'a second',
      better: 'higher',
      subject: { name: SUBJECT, take: () => steps(arithmetic, 'with-views') },
      peers: [],
      rounds: 3,
    },
    {
      group: GROUP,
      name: 'Conditions that do not hold, at a breakpoint in a hot loop of two instructions',
      unit: 'a second',
      better: 'higher',
      subject: { name: SUBJECT, target: 5_000_000, take: () => falseConditions(empty) },
      peers: stub(() => stubStops(endless, directory, LOOP)),
      rounds: 3,
    },
    ...(await stopCosts(peers)),
  ];
}

/** A stop that a loop never meets, here and as a packet of the protocol that the stub speaks. */
interface StopRow {
  readonly name: string;
  readonly kernel: string;
  readonly kind: StopKind;
  readonly packet: string;
  readonly target?: number;
}

const stopRows: readonly StopRow[] = [
  {
    name: BREAKPOINT_ROW,
    kernel: 'load-store',
    kind: 'breakpoint',
    packet: `Z0,${ASIDE.toString(16)},1`,
    target: 1.2,
  },
  {
    name: `${BREAKPOINT_ROW}, calls and returns`,
    kernel: 'call-return',
    kind: 'breakpoint',
    packet: `Z0,${ASIDE.toString(16)},1`,
    target: 1.2,
  },
  {
    name: 'A watchpoint on the running page that is never met',
    kernel: 'load-store',
    kind: 'watch-code-page',
    packet: `Z4,${ASIDE_WORD.toString(16)},2`,
    target: 1.2,
  },
  {
    name: 'A watchpoint on the page that the loop writes to, never met',
    kernel: 'load-store',
    kind: 'watch-data-page',
    packet: `Z4,${DATA_WORD.toString(16)},2`,
  },
];

function stopCosts(peers: Peers): Promise<readonly Measurement[]> {
  const { directory, qemu } = peers;
  return Promise.all(
    stopRows.map(async ({ name, kernel, kind, packet, target }) => {
      const image = await assembleGuest(directory, { name: kernel, iterations: STOP_ITERATIONS });
      const short = await assembleGuest(directory, { name: kernel, iterations: STOP_ITERATIONS / 4 });
      return {
        group: GROUP_STOPS,
        name,
        unit: 'times as long as without',
        better: 'lower',
        subject: { name: SUBJECT, target, take: () => costOfStop(peers, image, kind, 'compiler') },
        peers: [
          { name: `${SUBJECT}, interpreter`, take: () => costOfStop(peers, short, kind, 'interpreter') },
          ...(qemu ? [{ name: STUB, take: () => costOfStubStop(short, directory, packet) }] : []),
        ],
        rounds: 3,
      };
    }),
  );
}

/** Starts the program that an editor starts, and waits for what the editor shows first. Seconds. */
async function firstStop(): Promise<number> {
  const began = performance.now();
  const session = new DapConnection();
  await session.launch({ program: join(EXAMPLE, 'boot.asm') });
  const seconds = (performance.now() - began) / 1000;
  session.close();
  return seconds;
}

async function firstStopOfStub(directory: string): Promise<number> {
  const began = performance.now();
  const image = join(directory, 'example.img');
  await mustRun('nasm', ['-f', 'bin', '-i', `${EXAMPLE}/`, '-o', image, join(EXAMPLE, 'boot.asm')]);
  const { guest, stub } = await startQemuStub(image, directory);
  await runToEntry(stub);
  const seconds = (performance.now() - began) / 1000;
  stub.close();
  guest.kill();
  return seconds;
}

/** Runs a guest to its first instruction; the BIOS has written it to its place by then. */
async function runToEntry(stub: GdbConnection): Promise<void> {
  await stub.request(`Z1,${ENTRY.toString(16)},1`);
  await stub.request('c');
  await stub.request(`z1,${ENTRY.toString(16)},1`);
}

async function steps(image: string, kind: 'bare' | 'among-breakpoints' | 'with-views'): Promise<number> {
  const session = new DapConnection();
  await session.launch({ program: image });
  if (kind === 'among-breakpoints') await setManyBreakpoints(session);
  const step = async (): Promise<void> => {
    const stopped = session.event(isStop);
    await session.request('next', { ...THREAD, granularity: 'instruction' });
    await stopped;
    if (kind === 'with-views') await askForViews(session);
  };
  for (let count = 0; count < STEPS_FIRST; count++) await step();
  const began = performance.now();
  for (let count = 0; count < STEPS; count++) await step();
  const seconds = (performance.now() - began) / 1000;
  session.close();
  return STEPS / seconds;
}

/** Behind the boot sector, where the guest never comes to. */
async function setManyBreakpoints(session: DapConnection): Promise<void> {
  const breakpoints = Array.from({ length: MANY_BREAKPOINTS }, (_, index) => ({
    instructionReference: `0x${(BEHIND_GUEST + index).toString(16)}`,
  }));
  await session.request('setInstructionBreakpoints', { breakpoints });
}

async function askForViews(session: DapConnection): Promise<void> {
  const { stackFrames } = (await session.request('stackTrace', { ...THREAD, levels: 20 })) as {
    stackFrames: readonly { id: number }[];
  };
  const { scopes } = (await session.request('scopes', { frameId: stackFrames[0]?.id })) as {
    scopes: readonly { variablesReference: number }[];
  };
  await session.request('variables', { variablesReference: scopes[0]?.variablesReference });
}

async function falseConditions(image: string): Promise<number> {
  const session = new DapConnection();
  await session.launch({ program: image, exitDevice: true, realTime: false });
  const instructionReference = `0x${LOOP.toString(16)}`;
  await session.request('setInstructionBreakpoints', {
    breakpoints: [{ instructionReference, condition: FALSE_CONDITION }],
  });
  const begun = session.event(hasSent('S')).then(() => performance.now());
  const ended = session.event(hasSent('E')).then(() => performance.now());
  await session.request('continue', THREAD);
  const seconds = ((await ended) - (await begun)) / 1000;
  session.close();
  return FALSE_CONDITIONS / seconds;
}

/** Stops a second: steps, or runs to a breakpoint and one register read as a condition in gdb takes them. */
async function stubStops(image: string, directory: string, breakpoint: number | undefined): Promise<number> {
  const { guest, stub } = await startQemuStub(image, directory);
  timeMarks(guest).catch(() => {});
  await runToEntry(stub);
  if (breakpoint !== undefined) await stub.request(`Z0,${breakpoint.toString(16)},1`);
  const began = performance.now();
  for (let count = 0; count < STUB_STOPS; count++) {
    await stub.request(breakpoint === undefined ? 's' : 'c');
    if (breakpoint === undefined) continue;
    await stub.request('g');
    // From a breakpoint that stays, the stub has to be stepped off.
    await stub.request(`z0,${breakpoint.toString(16)},1`);
    await stub.request('s');
    await stub.request(`Z0,${breakpoint.toString(16)},1`);
  }
  const seconds = (performance.now() - began) / 1000;
  stub.close();
  guest.kill();
  return STUB_STOPS / seconds;
}

async function costOfStop(peers: Peers, image: string, kind: StopKind, engine: Engine): Promise<number> {
  const start = (stops: StopKind): GuestProcess => startOurMachine(peers, image, stops, '386', 1, engine);
  const free = await timeMarks(start('free'));
  const stopped = await timeMarks(start(kind));
  return stopped.milliseconds / free.milliseconds;
}

async function costOfStubStop(image: string, directory: string, packet: string): Promise<number> {
  const free = await timeStub(image, directory);
  return (await timeStub(image, directory, packet)) / free;
}

async function timeStub(image: string, directory: string, packet?: string): Promise<number> {
  const { guest, stub } = await startQemuStub(image, directory);
  const timed = timeMarks(guest);
  await runToEntry(stub);
  if (packet) await stub.request(packet);
  stub.post('c');
  const { milliseconds } = await timed;
  stub.close();
  return milliseconds;
}
