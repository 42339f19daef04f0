/** Whatever the guest's code is, the session answers, can be paused, and makes no mistake of its own. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SessionClient } from './support/session-client.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 8);
const SECTOR_CODE_MAX = 400;

/** Pieces of code that stepping has to deal with, between random bytes. */
const piece = fc.oneof(
  fc.constantFrom(
    ...[
      [0xe8, 0x02, 0x00],
      [0xc3],
      [0xcb],
      [0xcf],
      [0xe2, 0xfe],
      [0xf3, 0xa4],
      [0xcd, 0x10],
      [0xcd, 0x13],
      [0xfb, 0xf4],
      [0xfa, 0xf4],
      [0xff, 0xd0],
      [0xff, 0xe4],
      [0xeb, 0xfe],
      [0x0f, 0x0b],
      [0x9d],
      [0xbc, 0x00, 0x7c],
      [0x0f, 0x20, 0xc0, 0x40, 0x0f, 0x22, 0xc0],
      [0xea, 0x00, 0x7c, 0x00, 0x00],
    ],
  ),
  fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => [...bytes]),
);

const action = fc.constantFrom(
  ...['next', 'stepIn', 'stepOut', 'continue'].flatMap((command) => [
    { command, granularity: 'line' },
    { command, granularity: 'instruction' },
  ]),
);

const INSPECTIONS: readonly (readonly [string, object])[] = [
  ['threads', {}],
  ['stackTrace', { threadId: 1 }],
  ['variables', { variablesReference: 1 }],
  ['variables', { variablesReference: 10 }],
  ['evaluate', { expression: 'eax + word[ss:sp] + linear(cs:eip)' }],
  ['readMemory', { memoryReference: '0x0', count: 16 }],
];

it('debugs any boot sector', { timeout: 600_000 }, async () => {
  const code = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.flat().slice(0, SECTOR_CODE_MAX));
  await fc.assert(
    fc.asyncProperty(code, fc.array(action, { maxLength: 12 }), async (bytes, actions) => {
      const client = new SessionClient();
      const image = new Uint8Array(512);
      image.set(bytes);
      image.set([0x55, 0xaa], 510);
      client.host.files.set('/fuzz.img', image);
      await client.launch({ program: '/fuzz.img', listing: undefined, exitDevice: false, memory: '2M' });
      await client.stop();
      // Random code faults all the time, which is slow: a slice shall be a few thousand instructions.
      client.host.workMs = () => (client.machine?.retired ?? 0) / 500;
      for (const { command, granularity } of actions) {
        await client.request(command, { threadId: 1, granularity });
        for (let slice = 0; slice < 3; slice++) client.host.runOne();
        await client.request('pause', { threadId: 1 });
        await client.stop();
        for (const [request, given] of INSPECTIONS) {
          const { success, message } = await client.send(request, given);
          expect(success || /nothing is mapped/.test(message ?? ''), `${request}: ${message}`).toBe(true);
        }
        const { stackFrames } = await client.request('stackTrace', { threadId: 1 });
        const [frame] = stackFrames as DebugProtocol.StackFrame[];
        const memoryReference = frame?.instructionPointerReference;
        const listed = await client.request('disassemble', {
          memoryReference,
          instructionOffset: -20,
          instructionCount: 50,
        });
        const instructions = listed['instructions'] as DebugProtocol.DisassembledInstruction[];
        expect(instructions).toHaveLength(50);
        expect(instructions[20]?.address).toBe(memoryReference);
      }
      expect(client.transcript.filter((line) => line.includes('nternal error'))).toEqual([]);
    }),
    { numRuns: ROUNDS },
  );
});
