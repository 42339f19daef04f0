/** The tables of what the protocol has and the adapter does, compared with the protocol and with a session. */
import { expect, it } from 'vitest';
import { missingCapabilities, sentEvents, unsentEvents } from '../../debug-adapter/session/protocol-support.ts';
import { handlers, unsupportedRequests } from '../../debug-adapter/session/requests/index.ts';
import { LOOK_AT_REQUEST, STEP_TO_BRANCH_REQUEST } from '../../debug-adapter/protocol/requests.ts';
import { createMachine, type Machine } from '../../vm-core/index.ts';
import { readProtocolSchema } from '../../scripts/protocol-schema.ts';
import { FIXTURE, fixture, SessionClient } from './support/session-client.ts';

const schema = readProtocolSchema();

it('every request stands in one of two tables', () => {
  const own = [LOOK_AT_REQUEST, STEP_TO_BRANCH_REQUEST];
  const all = [...Object.keys(handlers), ...Object.keys(unsupportedRequests)];
  expect(all.sort()).toEqual([...schema.requests, ...own].sort());
});

it('every event stands in one of two tables', () => {
  expect([...Object.keys(sentEvents), ...Object.keys(unsentEvents)].sort()).toEqual(schema.events.toSorted());
});

it('every capability is announced, or missing with a reason', async () => {
  const announced = Object.keys(await new SessionClient().request('initialize', { adapterID: 'x86vm' }));
  expect([...announced, ...Object.keys(missingCapabilities)].sort()).toEqual(schema.capabilities.toSorted());
});

/** A machine that shows its processor twice. */
function withSecondCpu(machine: Machine): Machine {
  const [first] = machine.cpus;
  return Object.defineProperty(machine, 'cpus', { value: [first, Object.create(first, { index: { value: 1 } })] });
}

it('sends every event that the table says', async () => {
  let made = 0;
  const client = new SessionClient((config) =>
    made++ === 0 ? withSecondCpu(createMachine(config)) : createMachine(config),
  );
  const supports = { supportsProgressReporting: true, supportsMemoryEvent: true, supportsInvalidatedEvent: true };
  await client.request('initialize', { adapterID: 'x86vm', ...supports });
  await client.request('launch', { ...FIXTURE, flopy: 'x' });
  await client.request('configurationDone');
  await client.stop();
  await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'count', condition: 'cx == 9' }] });
  await client.request('writeMemory', { memoryReference: '0x500', data: 'AA==' });
  // The same program without its listing and the second processor: a source, a module and a thread less.
  client.host.files.set('/guest/bare.img', fixture('guest.img'));
  await client.request('restart', {
    arguments: { program: '/guest/bare.img', exitDevice: true, stopOnEntry: false },
  });
  await client.event('exited');
  await client.event('terminated');
  const events = client.transcript.flatMap((line) => /^← event (\w+)/.exec(line)?.[1] ?? []);
  expect([...new Set(events)].sort()).toEqual(Object.keys(sentEvents).toSorted());
  expect(client.transcript).toContain(
    '← event loadedSource {"reason":"removed","source":{"name":"guest.asm","path":"/guest/guest.asm"}}',
  );
  expect(client.transcript.filter((line) => line.startsWith('← event module'))).toHaveLength(1);
});
