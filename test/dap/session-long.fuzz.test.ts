/** Whatever 64-bit code does, and whatever its registers hold, the session answers, and makes no mistake of its own. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { findRegister } from '../../vm-core/index.ts';
import { fixture, SessionClient } from './support/session-client.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 6);
/** Where the fixture's code of the upper half lies, and how much of it there is. */
const CODE = 0x7d00;
const CODE_SIZE = 0x60;

/** Pieces of code that stepping has to deal with, between random bytes. */
const piece = fc.oneof(
  fc.constantFrom(
    ...[
      [0xe8, 0x02, 0x00, 0x00, 0x00],
      [0xc3],
      [0x48, 0xcb],
      [0x48, 0xcf],
      [0xe2, 0xfe],
      [0xf3, 0x48, 0xa5],
      [0xff, 0xd0],
      [0xff, 0xe4],
      [0x0f, 0x05],
      [0x0f, 0x0b],
      [0x50],
      [0x5c],
      [0x48, 0xa1, 0, 0, 0, 0, 0, 0, 0, 0x80],
      [0x64, 0x48, 0x8b, 0x00],
      [0x0f, 0x20, 0xc0, 0x0f, 0x22, 0xc0],
    ],
  ),
  fc.uint8Array({ minLength: 1, maxLength: 4 }).map((bytes) => [...bytes]),
);

/** Canonical and others, near the ends of the halves, of 4 GiB and of what numbers hold. */
const value = fc
  .tuple(
    fc.constantFrom(
      0n,
      1n << 32n,
      1n << 47n,
      1n << 53n,
      1n << 56n,
      1n << 63n,
      -(1n << 47n),
      -(1n << 31n),
      -(1n << 53n),
    ),
    fc.bigInt({ min: -16n, max: 16n }),
  )
  .map(([near, distance]) => BigInt.asUintN(64, near + distance));

const REGISTERS = ['RAX', 'RSP', 'RDI', 'RBP', 'FS.base', 'GDTR.base', 'IDTR.base', 'CR2'];

const INSPECTIONS: readonly (readonly [string, object])[] = [
  ['threads', {}],
  ['stackTrace', { threadId: 1 }],
  ['variables', { variablesReference: 1 }],
  ['variables', { variablesReference: 3_000_000 }],
  ['evaluate', { expression: 'qword[rsp] + linear(fs:rax) * 3 - ~rdi' }],
  ['evaluate', { expression: 'byte[rax] ? rsp << 3 : physical(rip)' }],
  ['evaluate', { expression: 'regs', context: 'repl' }],
  ['evaluate', { expression: 'x rbp 4 q', context: 'repl' }],
  ['evaluate', { expression: 'dis rax 4', context: 'repl' }],
  ['dataBreakpointInfo', { name: 'qword[rdi]' }],
  ['readMemory', { memoryReference: 'rsp', offset: -8, count: 32 }],
  ['readMemory', { memoryReference: '0xffffffffffffffff', offset: 1, count: 8 }],
];

const EXPECTED = /is mapped|beyond 2\^53/;

it('debugs any 64-bit code', { timeout: 600_000 }, async () => {
  const code = fc.array(piece, { maxLength: 30 }).map((pieces) => Uint8Array.from(pieces.flat().slice(0, CODE_SIZE)));
  const writes = fc.array(fc.tuple(fc.constantFrom(...REGISTERS), value), { maxLength: 6 });
  const commands = fc.array(fc.constantFrom('next', 'stepIn', 'stepOut', 'continue'), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(code, writes, commands, async (bytes, values, actions) => {
      const client = new SessionClient();
      for (const name of ['climb.asm', 'climb.lst', 'climb.img'])
        client.host.files.set(`/guest/${name}`, fixture(name));
      const cpu = 'x86-64-v3';
      await client.launch({ program: '/guest/climb.img', listing: '/guest/climb.lst', cpu, memory: '2M' });
      await client.stop();
      await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'upper' }] });
      await client.run('continue');
      await client.request('setFunctionBreakpoints', { breakpoints: [] });
      client.machine?.memory.write(CODE, bytes);
      for (const [name, held] of values) {
        const register = findRegister(name);
        if (register) client.machine?.cpus[0].state.writeRegister(register, held);
      }
      client.host.workMs = () => (client.machine?.retired ?? 0) / 500;
      for (const command of ['stepIn', ...actions]) {
        const started = await client.send(command, { threadId: 1, granularity: 'instruction' });
        if (!started.success) break;
        for (let slice = 0; slice < 3; slice++) client.host.runOne();
        await client.request('pause', { threadId: 1 });
        await client.stop();
        for (const [request, given] of INSPECTIONS) {
          const { success, message } = await client.send(request, given);
          expect(success || EXPECTED.test(message ?? ''), `${request} ${JSON.stringify(given)}: ${message}`).toBe(true);
        }
        const { stackFrames } = await client.request('stackTrace', { threadId: 1 });
        const memoryReference = (stackFrames as DebugProtocol.StackFrame[])[0]?.instructionPointerReference;
        const listed = await client.send('disassemble', {
          memoryReference,
          instructionOffset: -20,
          instructionCount: 50,
        });
        if (!listed.success) expect(listed.message).toMatch(EXPECTED);
        else {
          const instructions = (listed.body as { instructions: DebugProtocol.DisassembledInstruction[] }).instructions;
          expect(instructions).toHaveLength(50);
          expect(instructions[20]?.address).toBe(memoryReference);
        }
      }
      expect(client.transcript.filter((line) => line.includes('nternal error'))).toEqual([]);
    }),
    { numRuns: ROUNDS },
  );
});
