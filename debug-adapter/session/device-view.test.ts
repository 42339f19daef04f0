import { expect, it } from 'vitest';
import type { DeviceRow, DevicesUpdate } from '../protocol/devices.ts';
import { SessionClient } from '../../test/dap/support/session-client.ts';

async function start() {
  const client = new SessionClient();
  await client.launch({ memory: '1M' });
  await client.stop();
  client.session.receiveDevices({ type: 'visible', visible: true });
  return client;
}

function rows(updates: readonly DevicesUpdate[]): readonly DeviceRow[] {
  const update = updates.find(({ type }) => type === 'devices');
  return update?.type === 'devices' ? update.devices : [];
}

/** `device.register=value` of the last update, with `!` where it changed; those of one device. */
function values(client: SessionClient, device: string): string[] {
  const at = rows(client.devices).findIndex(({ name }) => name === device);
  const update = client.devices.findLast(({ type }) => type === 'values');
  if (update?.type !== 'values') return [];
  return (update.values[at] ?? []).map(
    ({ value, changed }, index) => `${rows(client.devices)[at]?.registers[index]?.name}=${value}${changed ? '!' : ''}`,
  );
}

it('shows every device of the machine with what it declares', async () => {
  const client = await start();
  const devices = rows(client.devices);
  expect(devices.map(({ name }) => name)).toEqual([...(client.machine?.devices.keys() ?? [])]);
  expect(devices.every(({ title, specification }) => title !== '' && specification !== '')).toBe(true);
  const update = client.devices.findLast(({ type }) => type === 'values');
  expect(update?.type === 'values' && update.values.map((registers) => registers.length)).toEqual(
    devices.map(({ registers }) => registers.length),
  );
});

it('marks what changed between two stops', async () => {
  const client = await start();
  const write = (bytes: readonly number[]) =>
    client.session.receiveMemory(1, {
      type: 'write',
      space: 'linear',
      address: 0x7c00,
      bytes: Uint8Array.from(bytes).buffer,
    });
  // mov al, 5Ah; out 21h, al; nop: the mask register of the first PIC.
  write([0xb0, 0x5a, 0xe6, 0x21, 0x90]);
  await client.run('next', { threadId: 1, granularity: 'instruction' });
  await client.run('next', { threadId: 1, granularity: 'instruction' });
  const changed = rows(client.devices).flatMap(({ name }) => values(client, name).filter((text) => text.endsWith('!')));
  expect(changed).toContainEqual(expect.stringMatching(/=90!$/));
  await client.run('next', { threadId: 1, granularity: 'instruction' });
  expect(
    rows(client.devices)
      .flatMap(({ name }) => values(client, name))
      .some((text) => text.endsWith('=90!')),
  ).toBe(false);
});

it('is silent while nobody looks', async () => {
  const client = await start();
  client.session.receiveDevices({ type: 'visible', visible: false });
  const before = client.devices.length;
  await client.run('next');
  await client.request('restart');
  await client.stop();
  expect(client.devices).toHaveLength(before);
});

it('shows the devices of the machine that a restart makes', async () => {
  const client = await start();
  await client.request('restart');
  await client.stop();
  expect(client.devices.filter(({ type }) => type === 'devices')).toHaveLength(2);
});
