import { beforeAll, describe, expect, it } from 'vitest';
import { takeSnapshot } from '../../debug-adapter/session/register-view.ts';
import { Guest } from '../../debug-adapter/session/guest.ts';
import { registers } from '../../vm-core/index.ts';
import { SessionClient } from './support/session-client.ts';

/** What a guest can tell of a run, when it has reached the end of the fixture's work. */
async function stateAtEnd(debug: (client: SessionClient) => Promise<void>): Promise<object> {
  const client = new SessionClient();
  await client.launch({ realTime: false, exitDevice: false });
  await client.stop();
  await debug(client);
  await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'hang' }] });
  await client.run('continue');
  const { machine } = client;
  if (!machine) throw new Error('no machine');
  const values = takeSnapshot(new Guest(machine, { label: () => undefined } as never));
  return {
    time: machine.time,
    retired: machine.retired,
    registers: Object.fromEntries(registers.map(({ name }, index) => [name, values[index]])),
    memory: machine.memory.read(0, 0x1000),
    screen: machine.display.text(),
  };
}

/** A run is the same, to the instruction, whatever the debugger does to it (DESIGN §5). */
describe('a run under the debugger', { timeout: 120_000 }, () => {
  let undisturbed: object;

  beforeAll(async () => {
    undisturbed = await stateAtEnd(async () => {});
  });

  it.each([
    ['stepIn', 'instruction', 40],
    ['next', 'line', 15],
    ['stepIn', 'line', 25],
  ])('is the same after %s by %s', async (command, granularity, count) => {
    const stepped = await stateAtEnd(async (client) => {
      for (let step = 0; step < count; step++) await client.run(command, { threadId: 1, granularity });
    });
    expect(stepped).toEqual(undisturbed);
  });

  it('is the same with breakpoints, conditions and pauses', async () => {
    const disturbed = await stateAtEnd(async (client) => {
      await client.request('setFunctionBreakpoints', {
        breakpoints: [
          { name: 'count', condition: 'cx == 2' },
          { name: 'again+3', logMessage: '{eax}' },
          { name: 'inner' },
        ],
      });
      await client.run('continue');
      await client.run('stepOut');
      await client.run('continue');
      await client.request('evaluate', { expression: 'dword[0] + eax' });
      await client.run('stepOut');
      await client.request('next', { threadId: 1 });
      await client.request('pause', { threadId: 1 });
      await client.stop();
    });
    expect(disturbed).toEqual(undisturbed);
  });
});
