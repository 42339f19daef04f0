import { describe, expect, it } from 'vitest';
import { fixture, SessionClient } from './support/session-client.ts';

async function firstStop(clientID: string, program: string): Promise<Record<string, unknown>> {
  const client = new SessionClient();
  client.host.files.set('/bare.img', fixture('guest.img'));
  await client.request('initialize', { adapterID: 'x86vm', clientID });
  await client.request('launch', { program });
  await client.request('configurationDone');
  return client.event('stopped');
}

describe('a stop where no frame has source', () => {
  it('is told to VS Code as one at which it selects the frame; its description stays', async () => {
    expect(await firstStop('vscode', '/bare.img')).toMatchObject({
      reason: 'instruction breakpoint',
      description: 'Boot sector',
    });
  });

  it('is told to others as it is', async () => {
    expect(await firstStop('other', '/bare.img')).toMatchObject({ reason: 'entry' });
  });

  it('is nothing special where there is source', async () => {
    expect(await firstStop('vscode', '/guest/guest.img')).toMatchObject({ reason: 'entry' });
  });
});
